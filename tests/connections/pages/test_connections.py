"""The pages of connections."""

import re
import uuid
from typing import Any

import pytest
from cryptography.fernet import MultiFernet
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from connections import runtime, services
from connections.credentials import Undecryptable
from connections.models import Connection, ConnectionCheck, FormerAlias, HostApproval
from providers.core.registry import all_providers
from providers.core.schema import settings_fields
from tests.fakes import (
    OLDER_KEY,
    OTHER_SECRET,
    REFUSED,
    SECRET,
    connect,
    fake_provider,
    profile_of,
    reload,
)
from tests.pages import HTMX, entries, html, told, typed, value_of, words, world
from tests.people import PASSWORD, browser
from tests.providers.samples import PROVIDERS, SHIPPED, of_each_kind, sample_settings

pytestmark = pytest.mark.django_db
ADD = "/connections/add/fake/"


@pytest.fixture
def client(operator) -> Client:
    """The operator's browser."""
    return browser(operator)


def page_of(row: Connection, act: str = "") -> str:
    return f"/connections/{row.pk}/{act}/" if act else f"/connections/{row.pk}/"


@pytest.fixture
def lost(connection: Connection, settings) -> Connection:
    """A connection whose key is gone."""
    settings.FERNET_KEYS = [OLDER_KEY]
    return reload(connection)


@pytest.fixture
def orphan() -> Connection:
    """A connection whose provider is not installed any more."""
    with fake_provider(id="gone"):
        return connect("gone", name="Orphan", settings={"api_key": SECRET, "organization": "org-1"})


# Who may see and do what: the url's name, what is posted (None: GET), and the status for
# administrator, operator, viewer, stranger. Nobody is always asked to sign in.

EVERYBODY, SEEING, WORKING, RULING = (
    (200,) * 4,
    (200, 200, 200, 403),
    (200, 200, 403, 403),
    (200, 403, 403, 403),
)
DO_WORK, DO_RULE = (302, 302, 403, 403), (302, 403, 403, 403)
NEW_PROFILE = {"name": "New", "connection": "production", "model": "m", "is_active": "on"}
RIGHTS: list[tuple[str, dict[str, Any] | None, tuple[int, ...]]] = [
    ("dashboard", None, SEEING),
    ("connection-list", None, SEEING),
    ("connection-sharing", None, SEEING),
    ("profile-sharing", None, SEEING),
    ("provider-list", None, WORKING),
    ("connection-create", None, WORKING),
    ("connection-create", entries(name="New"), DO_WORK),
    ("connection-create", entries(name="New", action="test"), WORKING),
    ("connection-add-here", {"add-here": "connection"}, DO_WORK),
    ("connection-alias-offer", None, WORKING),
    ("connection-choices", None, SEEING),
    ("connection-duplicate", {}, DO_WORK),
    ("connection-bulk", {"action": "deactivate"}, DO_WORK),
    ("connection-bulk", {"action": "test"}, DO_WORK),
    ("connection-bulk", {"action": "export"}, (302, 302, 302, 403)),
    ("connection-bulk", {"action": "tag"}, WORKING),
    ("connection-bulk", {"action": "delete"}, RULING),
    ("connection-bulk-deactivate", {}, DO_WORK),
    ("connection-bulk-tag", {"add": "new"}, DO_WORK),
    ("connection-bulk-team", {"action": "team"}, WORKING),
    ("connection-bulk-delete", {}, DO_RULE),
    ("profile-bulk", {"action": "deactivate"}, DO_WORK),
    ("profile-bulk", {"action": "test"}, DO_WORK),
    ("profile-bulk-deactivate", {}, DO_WORK),
    ("profile-bulk-tag", {"add": "new"}, DO_WORK),
    ("profile-bulk-team", {"action": "team"}, WORKING),
    ("profile-bulk-delete", {}, DO_RULE),
    ("connection-detail", None, SEEING),
    ("connection-versions", None, SEEING),
    ("profile-versions", None, SEEING),
    ("deleted-list", None, SEEING),
    ("connection-update", None, WORKING),
    ("connection-update", entries({}, name="New"), DO_WORK),
    ("connection-update", entries({}, action="test"), WORKING),
    ("connection-alias", None, RULING),
    ("connection-alias", {"alias": "fresh"}, DO_RULE),
    ("connection-replace-key", None, WORKING),
    ("connection-replace-key", {"settings-api_key": OTHER_SECRET, "action": "enter"}, DO_WORK),
    ("connection-leaked", None, WORKING),
    ("connection-leaked", {}, DO_WORK),
    ("find-key", None, WORKING),
    ("find-key", {"key": OTHER_SECRET, "action": "test"}, WORKING),
    ("connection-delete", None, RULING),
    ("connection-delete", {}, DO_RULE),
    ("connection-move-profiles", {"target": "other"}, DO_WORK),
    ("connection-test", {}, DO_WORK),
    ("connection-purge", {"action": "upload"}, DO_WORK),  # nothing to purge, as nothing changed
    ("connection-toggle", {}, DO_WORK),
    ("connection-switch-off", None, WORKING),
    ("connection-switch-off", {}, DO_WORK),
    ("list-columns", {"columns": ["health"]}, (302, 302, 302, 403)),
    ("list-views", {"name": "Mine", "query": "health=failed"}, (302, 302, 302, 403)),
    ("package-export", None, SEEING),
    ("package-export", {"action": "export"}, SEEING),
    ("package-import", None, WORKING),
    ("package-import", {"action": "upload"}, WORKING),
    ("profile-list", None, SEEING),
    ("profile-alias-offer", None, WORKING),
    ("capability-list", None, WORKING),
    ("profile-create", None, WORKING),
    ("profile-create", NEW_PROFILE, DO_WORK),
    ("profile-create", {**NEW_PROFILE, "action": "fetch-models"}, WORKING),
    ("profile-detail", None, SEEING),
    ("profile-update", None, WORKING),
    ("profile-update", {**NEW_PROFILE, "name": "Changed"}, DO_WORK),
    ("profile-alias", None, RULING),
    ("profile-alias", {"alias": "fresh"}, DO_RULE),
    ("former-alias-remove", None, RULING),
    ("former-alias-remove", {}, DO_RULE),
    ("profile-delete", None, RULING),
    ("profile-delete", {}, DO_RULE),
    ("profile-duplicate", {}, DO_WORK),
    ("profile-toggle", {}, DO_WORK),
    ("reference-list", None, SEEING),
    ("host-list", None, SEEING),
    ("host-decide", {"decision": "approved"}, DO_RULE),
    ("section-list", None, SEEING),
    ("section-list", {"action": "test", "name": "billing"}, RULING),
    ("source-list", None, RULING),
    ("source-list", {"action": "test"}, RULING),
    ("schedule", None, RULING),
    ("defaults", None, SEEING),
    ("defaults", {"Chat": "answers", "Embedding": ""}, DO_RULE),
    ("token-list", None, RULING),
    ("token-list", {"name": "CI", "scopes": ["connections:read"]}, RULING),
    ("token-detail", None, RULING),
    ("token-revoke", None, RULING),
    ("token-revoke", {}, DO_RULE),
    ("token-renew", None, RULING),
    ("token-renew", {"overlap_hours": "1"}, RULING),
    ("reveal-token-list", None, RULING),
    ("reveal-record-list", None, RULING),
    ("password-change", None, EVERYBODY),
    ("password-changed", None, EVERYBODY),
    ("sign-out", {}, (302,) * 4),
]
PEOPLE = ("administrator", "operator", "viewer", "stranger", "nobody")
NO_EFFECT, NEVER_ANY = {"test", "fetch-models", "tag", "team", "delete"}, {"export", "upload"}
OTHER_ADDRESSES = {
    "dashboard": "/",
    "password-change": "/password/",
    "password-changed": "/password/done/",
    "sign-out": "/sign-out/",
}
OTHER_ADDRESSES |= {f"list-{one}": f"/lists/connection/{one}/" for one in ("columns", "views")}
OTHER_ADDRESSES["connection-add-here"] = "/connections/add-here/?from=/profiles/add/chat/"

ROOMS = (
    "connections",
    "connections.types",
    "connections.packages",
    "connections.promptflow",
    "connections.schedule",
    "connections.replacement",
    "connections.history",
)
PATTERNS = [one for room in ROOMS for one in get_resolver(f"{room}.urls").url_patterns]


def address(name: str, connection: Connection, *others: Any) -> str:
    """The address of this name, about one of these rows if it is about a row."""
    if name in OTHER_ADDRESSES:
        return OTHER_ADDRESSES[name]
    if name.endswith("-create"):
        return reverse(name, args=["fake" if name.startswith("connection") else "chat"])
    route = next(str(one.pattern) for one in PATTERNS if one.name == name)
    row = next(
        (one for one in others if name.split("-")[0] in type(one).__name__.lower()),
        connection,
    )
    return reverse(name, args=[row.pk] if "<uuid:pk>" in route else [])


@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_is_for_those_who_may(fake, people, who: str):
    """A person's whole column at once: rows and people for each place of it cost twice as much."""
    used, free, _ = connect(), connect(name="Free"), connect(name="Other")
    host = HostApproval.objects.create(section="openai", host="https://gateway.example")
    former = FormerAlias.objects.create(alias="old", connection=used)
    profile, signed_in = profile_of(used), browser(people[who]).cookies
    owner = people["viewer"] if who == "nobody" else people[who]
    token, _ = services.create_token("CI", user=owner, actor=None, scopes=["connections:read"])
    before = world()
    for name, posted, statuses in RIGHTS:
        expected = (*statuses, 302)[PEOPLE.index(who)]
        unhit = name in ("connection-delete", "connection-toggle")
        about = (free if unhit else used, profile, host, former)
        row = about[1] if name.startswith("profile") else free
        row = used if name == "connection-switch-off" else row
        ticked = {"ids": [str(row.pk)]} if "-bulk" in name or row is used else {}
        action = (posted or {}).get("action")
        asked, client = (name, posted), Client()
        client.cookies.update(signed_in)
        with transaction.atomic():
            url = address(name, *about, token)
            response = (
                client.get(url, ticked)
                if posted is None
                else client.post(url, {**posted, **ticked})
            )

            assert (asked, response.status_code) == (asked, expected)
            if who == "nobody":
                assert response["Location"].startswith("/sign-in/")
            allowed = expected in (200, 302) and who != "nobody"
            is_writing = posted is not None and name not in ("sign-out", "connection-add-here")
            changes = is_writing and (action not in NEVER_ANY or name == "package-export")
            changes = changes and not (expected == 200 and action in NO_EFFECT)
            assert (asked, world() != before) == (asked, allowed and changes)
            transaction.set_rollback(True)  # the next address finds what this one found


def test_the_table_above_has_every_url():
    names = {one.name for one in PATTERNS}
    elsewhere = {
        "reveal-token-revoke",
        "package-plan",
    }  # test_reveal.py: test_only_administrators_end_them; test_package_pages.py
    elsewhere |= {
        "type-list",
        "type-install",
        "type-detail",
        "type-remove",
    }  # test_type_pages.py: test_only_administrators_come_in
    elsewhere |= {"task", "token-bulk-revoke"}  # test_bulk.py: nobody sees another one's
    elsewhere |= {"undo"}  # test_undo.py: the act says who may
    elsewhere |= {"mark"}  # test_marks.py: test_anybody_may_fetch_a_mark_and_keep_it
    # tests/connections/history/test_pages.py, tests/teams/test_actions.py
    elsewhere |= {"connection-version", "profile-version", "versions", "version", "deleted-restore"}
    elsewhere |= {"connection-allow", "connection-allowed"}  # test_allowing.py
    assert names - elsewhere <= {name for name, _, _ in RIGHTS}


def test_nobody_comes_back_to_where_they_wanted_to_go(connection: Connection, nobody):
    assert (
        browser(nobody).get(page_of(connection))["Location"]
        == f"/sign-in/?next=/connections/{connection.pk}/"
    )


def test_signing_in_leads_on(viewer):
    response = Client().post(
        "/sign-in/", {"username": "vera", "password": PASSWORD, "next": "/profiles/"}
    )
    assert (response.status_code, response["Location"]) == (302, "/profiles/")


def test_signing_in_leads_to_no_other_host(viewer):
    response = Client().post(
        "/sign-in/", {"username": "vera", "password": PASSWORD, "next": "https://evil.example.com/"}
    )
    assert response["Location"] == "/"


def test_a_wrong_password_is_told_and_not_repeated(viewer):
    response = Client().post("/sign-in/", {"username": "vera", "password": "wrong-password"})
    assert response.status_code == 200 and "correct username and password" in words(response)
    assert "wrong-password" not in html(response)


@pytest.mark.server
def test_a_password_is_changed(viewer):
    given = {
        "old_password": PASSWORD,
        "new_password1": "battery-horse-9",
        "new_password2": "battery-horse-9",
    }
    assert browser(viewer).post("/password/", given)["Location"] == "/password/done/"
    viewer.refresh_from_db()
    assert viewer.check_password("battery-horse-9")


def test_a_refusal_tells_what_to_do(connection: Connection, stranger):
    response = browser(stranger).get("/connections/")
    assert response.status_code == 403 and "Ask an administrator" in words(response)


@pytest.mark.parametrize("who", ["viewer", "operator", "administrator"])
def test_a_page_offers_what_the_person_may(connection: Connection, request, who: str):
    shown = html(browser(request.getfixturevalue(who)).get(page_of(connection)))
    offered = [
        act
        for act in ("edit", "toggle", "test", "delete")
        if f"{page_of(connection)}{act}/" in shown
    ]
    assert (
        offered
        == {
            "viewer": [],
            "operator": ["edit", "toggle", "test"],
            "administrator": ["edit", "toggle", "test", "delete"],
        }[who]
    )


# What every page has

GET_ONLY = [
    "dashboard",
    "connection-list",
    "provider-list",
    "connection-detail",
    "reference-list",
    "profile-list",
    "profile-detail",
]
POST_ONLY = [
    "connection-bulk",
    "connection-move-profiles",
    "connection-test",
    "connection-toggle",
    "profile-toggle",
    "sign-out",
    "undo",
]


@pytest.mark.parametrize("name", POST_ONLY)
def test_an_effect_cannot_be_had_by_get(connection: Connection, client: Client, name: str):
    url = address(name, connection, profile_of(connection))
    before = world()
    assert client.get(url).status_code == 405
    assert world() == before


@pytest.mark.parametrize("name", GET_ONLY)
def test_a_page_without_effects_cannot_be_posted_to(
    connection: Connection, client: Client, name: str
):
    assert client.post(address(name, connection, profile_of(connection))).status_code == 405


@pytest.mark.parametrize(
    "name",
    sorted({name for name, posted, _ in RIGHTS if posted is not None and name != "token-revoke"}),
)
def test_a_post_without_token_is_refused(connection: Connection, administrator, name: str):
    url = address(name, connection, profile_of(connection))
    before = world()
    response = browser(administrator, enforce_csrf_checks=True).post(url, entries())
    assert response.status_code == 403 and "out of date" in words(response)
    assert world() == before


FRAGMENTS = [
    ("/connections/", 'id="rows"'),
    (ADD, 'id="connection-form"'),
    ("/profiles/", 'id="rows"'),
    ("/profiles/add/chat/", 'id="profile-form"'),
]


@pytest.mark.parametrize(("url", "mark"), FRAGMENTS)
def test_htmx_gets_the_fragment_that_the_page_includes(
    connection: Connection, client: Client, url: str, mark: str
):
    page, fragment = html(client.get(url)), html(client.get(url, headers=HTMX))
    assert mark in page and mark in fragment
    assert "<html" in page and "<html" not in fragment


@pytest.mark.parametrize("url", [one[0] for one in FRAGMENTS])
def test_caches_are_told_that_page_and_fragment_differ(fake, client: Client, url: str):
    response = client.get(url)
    assert "HX-Request" in response["Vary"] and response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "url",
    [
        "/connections/{}/",
        "/connections/{}/edit/",
        "/profiles/{}/",
        "/connections/add/nobody/",
        "/profiles/add/nothing/",
    ],
)
def test_what_is_not_there_is_a_404_page(client: Client, url: str):
    response = client.get(url.format(uuid.UUID(int=1)))
    assert response.status_code == 404 and "There is nothing here" in words(response)


def test_an_unknown_provider_is_named(client: Client):
    assert "There is no provider 'nobody' here" in words(client.get("/connections/add/nobody/"))


# Adding


def test_every_provider_has_a_card(fake, client: Client):
    shown = html(client.get("/connections/add/"))
    assert [
        one.id for one in all_providers() if f'href="/connections/add/{one.id}/"' not in shown
    ] == []


OF_EACH_KIND = of_each_kind(PROVIDERS | SHIPPED)
of_every_kind = pytest.mark.parametrize("provider", OF_EACH_KIND.values(), ids=OF_EACH_KIND)


@of_every_kind
def test_the_form_of_every_provider_has_every_setting(client: Client, provider):
    shown = html(client.get(f"/connections/add/{provider.id}/"))
    names = [
        f"{name}-0-key" if field.is_map else name
        for name, field in settings_fields(provider).items()
    ]
    assert [name for name in names if f'name="settings-{name}"' not in shown] == []


@of_every_kind
def test_the_form_of_every_provider_saves(client: Client, provider):
    settings = sample_settings(provider, key=SECRET)
    response = client.post(f"/connections/add/{provider.id}/", entries(typed(provider, settings)))
    row = Connection.objects.get()
    assert (response.status_code, response["Location"]) == (302, page_of(row))
    assert runtime.resolved_settings(row)


@of_every_kind
def test_the_edit_form_of_every_provider_posted_back_changes_nothing(client: Client, provider):
    row = connect(provider.id, settings=sample_settings(provider, key=SECRET))
    shown = client.get(page_of(row, "edit"))
    names = [name for name, field in settings_fields(provider).items() if not field.is_map]
    names += re.findall(r'name="settings-(\w+-\d+-(?:key|value))"', html(shown))
    found = {name: _entered(shown, f"settings-{name}") for name in names}
    client.post(page_of(row, "edit"), entries(found, version="1"))
    after = reload(row)
    default = {name: field.default for name, field in settings_fields(provider).items()}
    assert {**default, **after.settings} == {**default, **row.settings}
    assert after.credentials == row.credentials


def _entered(response: Any, name: str) -> str:
    checked = re.search(
        rf'<input type="radio" name="{name}" value="([^"]*)"[^>]* checked', html(response)
    )
    return checked[1] if checked else value_of(response, name) or ""


def test_a_save_says_so_and_leads_to_the_row(fake, client: Client):
    response = client.post(ADD, entries(tags="a, b ,a", alias="mine"))
    row = Connection.objects.get()
    assert (row.alias, row.tags, row.is_active) == ("mine", ["a", "b"], True)
    assert told(response) == ["Production is saved."] and response["Location"] == page_of(row)


def test_htmx_is_led_on_too(fake, client: Client):
    response = client.post(ADD, entries(), headers=HTMX)
    assert response["HX-Redirect"] == page_of(Connection.objects.get())


def test_an_unticked_active_box_saves_an_inactive_connection(fake, client: Client):
    client.post(ADD, {key: value for key, value in entries().items() if key != "is_active"})
    assert Connection.objects.get().is_active is False


def test_a_missing_reference_is_saved_and_its_cure_is_told(fake, client: Client):
    response = client.post(ADD, entries({"api_key": "$Fake:ApiKey"}))
    assert len(told(response)) == 2 and "$Fake:ApiKey is not set" in told(response)[1]


def test_a_choice_may_be_a_reference(fake, client: Client):
    client.post(
        ADD, entries({"api_key": SECRET, "region": "$", "region-reference": "$Fake:Region"})
    )
    assert Connection.objects.get().settings["region"] == "$Fake:Region"


def test_everything_that_is_wrong_is_told_at_once(fake, client: Client):
    response = client.post(ADD, entries({"api_key": "", "samples": "many"}, name="", alias="A B"))
    assert response.status_code == 200 and not Connection.objects.exists()
    assert set(response.context["form"].errors) == {
        "name",
        "alias",
        "settings-api_key",
        "settings-samples",
    }


def test_an_invalid_setting_says_what_is_wrong_at_its_field(fake, client: Client):
    response = client.post(ADD, entries({"api_key": "", "samples": "many"}, alias="A B"))
    assert set(response.context["form"].errors) == {"alias", "settings-api_key", "settings-samples"}
    assert html(response).count('class="errors"') == 3


def test_an_invalid_form_keeps_what_was_typed(fake, client: Client):
    given = {
        "api_key": "$Fake:ApiKey",
        "samples": "many",
        "organization": 'org-"<1>',
        "region": "us",
        "base_url": "https://a.example.com",
    }
    response = client.post(ADD, entries(given, name="Näme", alias="fine", tags="a, b"))
    kept = {
        name: value_of(response, name)
        for name in ("name", "alias", "tags", "settings-organization", "settings-api_key")
    }
    assert kept == {
        "name": "Näme",
        "alias": "fine",
        "tags": "a, b",
        "settings-organization": 'org-"<1>',
        "settings-api_key": "$Fake:ApiKey",
    }
    assert (value_of(response, "settings-samples"), _entered(response, "settings-region")) == (
        "many",
        "us",
    )


def test_an_invalid_form_keeps_an_unticked_box(fake, client: Client):
    response = client.post(ADD, {"name": "A", "settings-samples": "many"})
    assert not re.search(r'name="is_active"[^>]*checked', html(response))


BAD = {
    "alias": [
        "Has Blanks",
        "UPPER",
        "a" * 101,
        "12345678-1234-1234-1234-123456789012",
        "capabilities",
    ],
    "settings-base_url": [
        "no url",
        "file:///etc/passwd",
        "http://169.254.169.254/",
        "$",
        "$:",
        "$A:",
        "$" + "x" * 10_000,
    ],
    "settings-api_key": ["$", "$:", "$A:", "$" + "x" * 10_000, "***", "sk-***", "$Database:Url"],
    "settings-organization": ["$Fake:ApiKey", "a\x00b", "two\nlines"],
    "settings-samples": ["1.5", "-1", "nan", "x" * 10_000, "$Env:HOME"],
    "tags": ["x" * 51, 'a"b', ",".join(f"t{n}" for n in range(60))],
    "name": ["", "   ", "x" * 256, "a\x00b"],
    "version": ["many"],
}


@pytest.mark.server
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD.items() for value in values],
    ids=lambda one: one[:20],
)
def test_bad_input_is_told_at_its_field_and_nothing_is_saved(
    fake, client: Client, name: str, value: str
):
    response = client.post(ADD, {**entries(), name: value})
    assert response.status_code == 200 and set(response.context["form"].errors) == {name}
    assert not Connection.objects.exists()


def test_a_taken_alias_is_told_at_its_field(connection: Connection, client: Client):
    response = client.post(ADD, entries(alias=connection.alias))
    assert response.context["form"].errors["alias"] == [
        "The alias production is taken. Choose another."
    ]


# A secret that could not be saved yet


def sealed(response: Any, name: str = "settings-api_key") -> str:
    return value_of(response, f"{name}-sealed") or ""


def test_a_typed_secret_goes_back_sealed_and_never_in_clear(fake, client: Client):
    response = client.post(ADD, entries({"api_key": SECRET, "samples": "many"}))
    assert SECRET not in html(response) and len(sealed(response)) > 100
    assert value_of(response, "settings-api_key") is None


def test_a_sealed_secret_is_saved_by_the_next_try(fake, client: Client):
    token = sealed(client.post(ADD, entries({"api_key": SECRET, "samples": "many"})))
    client.post(ADD, entries({"api_key": "", "api_key-sealed": token, "samples": "3"}))
    assert dict(Connection.objects.get().credentials) == {"api_key": SECRET}


def test_a_sealed_secret_survives_several_tries(fake, client: Client):
    token = ""
    for _ in range(3):
        response = client.post(
            ADD,
            entries(
                {"api_key": "" if token else SECRET, "api_key-sealed": token, "samples": "many"}
            ),
        )
        token = sealed(response)
        assert token and SECRET not in html(response)


def test_what_is_typed_wins_over_what_was_sealed(fake, client: Client):
    token = sealed(client.post(ADD, entries({"api_key": SECRET, "samples": "many"})))
    client.post(ADD, entries({"api_key": OTHER_SECRET, "api_key-sealed": token}))
    assert dict(Connection.objects.get().credentials) == {"api_key": OTHER_SECRET}


def test_what_another_person_sealed_is_ignored(fake, client: Client, administrator):
    token = sealed(
        browser(administrator).post(ADD, entries({"api_key": SECRET, "samples": "many"}))
    )
    response = client.post(ADD, entries({"api_key": "", "api_key-sealed": token}))
    assert response.context["form"].errors.keys() == {"settings-api_key"}


def test_what_was_sealed_for_another_form_is_ignored(connection: Connection, client: Client):
    token = sealed(client.post(ADD, entries({"api_key": OTHER_SECRET, "samples": "many"})))
    client.post(page_of(connection, "edit"), entries({"api_key": "", "api_key-sealed": token}))
    assert dict(reload(connection).credentials) == {"api_key": SECRET}


def test_a_forged_seal_is_ignored(fake, client: Client):
    response = client.post(ADD, entries({"api_key": "", "api_key-sealed": "gAAAAA-forged-ä"}))
    assert response.status_code == 200 and response.context["form"].errors.keys() == {
        "settings-api_key"
    }


# Editing


def test_an_edit_form_shows_the_mask_and_no_secret(connection: Connection, client: Client):
    response = client.get(page_of(connection, "edit"))
    assert "sk-*** is kept" in words(response) and value_of(response, "settings-api_key") is None
    assert SECRET not in html(response) and 'name="alias"' not in html(response)


def test_an_edit_keeps_the_key_that_is_not_retyped(connection: Connection, client: Client):
    response = client.post(
        page_of(connection, "edit"), entries({"api_key": ""}, name="Renamed", version="1")
    )
    row = reload(connection)
    assert (row.name, dict(row.credentials), row.version) == ("Renamed", {"api_key": SECRET}, 2)
    assert response["Location"] == page_of(row)


def test_an_edit_of_nothing_says_so(connection: Connection, client: Client):
    shown = {"region": "eu", "fast": "false"}
    client.post(page_of(connection, "edit"), entries(shown, version="1"))
    response = client.post(page_of(connection, "edit"), entries(shown, version="2"))
    assert (
        told(response)[-1] == "Nothing was changed in Production."
        and reload(connection).version == 2
    )


def test_a_reference_is_shown_as_typed_and_stays(fake, client: Client):
    row = connect(settings={"api_key": "$Fake:ApiKey"})
    assert value_of(client.get(page_of(row, "edit")), "settings-api_key") == "$Fake:ApiKey"
    client.post(page_of(row, "edit"), entries({"api_key": "$Fake:ApiKey"}, version="1"))
    assert reload(row).settings["api_key"] == "$Fake:ApiKey"


def test_the_clear_box_clears(fake, client: Client):
    row = connect(settings={"api_key": SECRET, "spare_key": OTHER_SECRET})
    client.post(
        page_of(row, "edit"), entries({"spare_key": "", "spare_key-clear": "on"}, version="1")
    )
    assert dict(reload(row).credentials) == {"api_key": SECRET}


def test_a_typed_secret_wins_over_the_clear_box(fake, client: Client):
    row = connect(settings={"api_key": SECRET, "spare_key": OTHER_SECRET})
    client.post(
        page_of(row, "edit"),
        entries({"spare_key": "third-key", "spare_key-clear": "on"}, version="1"),
    )
    assert reload(row).credentials["spare_key"] == "third-key"


def test_there_is_no_clear_box_for_what_is_required_or_not_stored(
    connection: Connection, client: Client
):
    shown = html(client.get(page_of(connection, "edit")))
    assert "settings-api_key-clear" not in shown and "settings-spare_key-clear" not in shown


@pytest.mark.parametrize("mask", ["***", "pk-***", "•••"])
def test_a_mask_posted_back_is_refused(connection: Connection, client: Client, mask: str):
    response = client.post(page_of(connection, "edit"), entries({"api_key": mask}, version="1"))
    assert "This is a mask, not a key" in words(response)
    assert dict(reload(connection).credentials) == {"api_key": SECRET}


def test_a_new_address_asks_for_the_key_again(connection: Connection, client: Client):
    given = {"api_key": "", "base_url": "https://elsewhere.example.com/v1"}
    response = client.post(page_of(connection, "edit"), entries(given, version="1"))
    assert "Enter the API key again, because the endpoint changed." in words(response)
    assert reload(connection).version == 1


def test_the_second_of_two_editors_is_told_who_was_first_and_loses_nothing(
    connection: Connection, client: Client, administrator
):
    browser(administrator).post(
        page_of(connection, "edit"), entries({"organization": "org-1"}, name="First", version="1")
    )
    given = {"organization": "org-2", "api_key": OTHER_SECRET}
    response = client.post(
        page_of(connection, "edit"), entries(given, name="Second", tags="mine", version="1")
    )
    assert (
        "ada changed this while you were editing" in words(response)
        and reload(connection).name == "First"
    )
    kept = [
        value_of(response, name) for name in ("name", "tags", "settings-organization", "version")
    ]
    assert kept == ["Second", "mine", "org-2", "2"] and sealed(response)


def test_the_second_of_two_editors_may_save_again(
    connection: Connection, client: Client, administrator
):
    services.update_connection(connection, actor=administrator, name="First")
    token = sealed(
        client.post(
            page_of(connection, "edit"),
            entries({"api_key": OTHER_SECRET}, name="Second", version="1"),
        )
    )
    client.post(
        page_of(connection, "edit"),
        entries({"api_key": "", "api_key-sealed": token}, name="Second", version="2"),
    )
    assert (reload(connection).name, dict(reload(connection).credentials)) == (
        "Second",
        {"api_key": OTHER_SECRET},
    )


# Testing


def test_a_test_of_what_is_typed_shows_what_was_asked_and_saves_nothing(fake, client: Client):
    response = client.post(ADD, entries(action="test"), headers=HTMX)
    shown = words(response)
    assert (
        "It works. 2 models." in shown
        and "GET https://fake.example.com/v1/models" in shown
        and " ms" in shown
    )
    assert not Connection.objects.exists() and "<html" not in html(response)


def test_a_test_keeps_what_was_typed_and_seals_the_secret(fake, client: Client):
    response = client.post(
        ADD, entries({"api_key": SECRET, "organization": "org-1"}, action="test")
    )
    assert value_of(response, "settings-organization") == "org-1"
    assert sealed(response) and SECRET not in html(response)


def test_a_test_uses_the_stored_key(connection: Connection, client: Client, fake):
    response = client.post(
        page_of(connection, "edit"), entries({"api_key": ""}, action="test", version="1")
    )
    assert "It works." in words(response) and fake.asked[0].api_key.get_secret_value() == SECRET


def test_a_failed_test_names_the_cause_and_offers_to_save_anyway(fake, client: Client):
    fake.answer = REFUSED
    shown = words(client.post(ADD, entries(action="test")))
    assert (
        "The test failed." in shown
        and REFUSED.message in shown
        and "unauthorized" in shown
        and "Save anyway" in shown
    )


@pytest.mark.server
def test_test_and_save_does_both(fake, client: Client):
    response = client.post(ADD, entries(action="test-and-save"))
    assert told(response) == ["Production is saved.", "Test of Production: It works. 2 models."]
    assert ConnectionCheck.objects.get().success


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_what_fails_the_test_is_not_saved_and_may_be_saved_anyway(fake, client: Client, headers):
    fake.answer = REFUSED
    given = entries({"api_key": SECRET, "organization": "org-1"}, action="test-and-save")
    response = client.post(ADD, given, headers=headers)
    assert REFUSED.message in words(response) and "Nothing is saved." in words(response)
    assert not Connection.objects.exists() and not told(response)
    given |= {"settings-api_key": "", "settings-api_key-sealed": sealed(response), "action": "save"}
    client.post(ADD, given, headers=headers)
    row = Connection.objects.get()
    assert (row.settings, row.credentials) == ({"organization": "org-1"}, {"api_key": SECRET})
    assert row.last_check is None


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_the_working_key_stays_when_the_new_one_fails_the_test(
    connection: Connection, fake, client: Client, headers
):
    fake.answer = REFUSED
    given = entries({"api_key": OTHER_SECRET}, name="Second", action="test-and-save", version="1")
    response = client.post(page_of(connection, "edit"), given, headers=headers)
    row = reload(connection)
    assert (row.name, row.version, dict(row.credentials), row.last_check) == (
        "Production",
        1,
        {"api_key": SECRET},
        None,
    )
    assert "Production is as it was" in words(response) and "Save anyway" in words(response)
    assert OTHER_SECRET not in html(response)
    given |= {"settings-api_key": "", "settings-api_key-sealed": sealed(response), "action": "save"}
    client.post(page_of(connection, "edit"), given, headers=headers)
    assert dict(reload(connection).credentials) == {"api_key": OTHER_SECRET}


def test_test_and_save_asks_the_service_once(connection: Connection, fake, client: Client):
    given = entries({"api_key": OTHER_SECRET}, action="test-and-save", version="1")
    client.post(page_of(connection, "edit"), given)
    row = reload(connection)
    assert [one.api_key.get_secret_value() for one in fake.asked] == [OTHER_SECRET]
    assert (row.version, row.last_check.connection_version, row.last_check.code) == (2, 2, "ok")


def test_a_test_of_a_saved_connection_tells_and_leads_back(connection: Connection, client: Client):
    response = client.post(page_of(connection, "test"))
    assert (told(response), response["Location"]) == (
        ["Test of Production: It works. 2 models."],
        page_of(connection),
    )


def test_a_test_in_the_list_gives_the_row(connection: Connection, client: Client):
    response = client.post(page_of(connection, "test"), {"part": "row"}, headers=HTMX)
    assert html(response).lstrip().startswith(
        f'<tr id="row-{connection.pk}"'
    ) and "It works. 2 models." in words(response)


@pytest.mark.server
@pytest.mark.parametrize("where", ["form", "detail", "list", "bulk"])
def test_too_many_tests_are_told(connection: Connection, client: Client, settings, where: str):
    settings.CONNECTIONS_TEST_RATE = 0
    posts = {
        "form": lambda: client.post(ADD, entries(action="test"), follow=True),
        "detail": lambda: client.post(page_of(connection, "test"), follow=True),
        "list": lambda: client.post(
            page_of(connection, "test"), {"next": "/connections/"}, follow=True
        ),
        "bulk": lambda: client.post(
            "/connections/bulk/", {"action": "test", "ids": [connection.pk]}, follow=True
        ),
    }
    response = posts[where]()
    assert response.status_code == 200 and "Too many tests within a minute" in words(response)


def test_test_and_save_saves_nothing_when_there_were_too_many_tests(fake, client: Client, settings):
    settings.CONNECTIONS_TEST_RATE = 0
    response = client.post(ADD, entries(action="test-and-save"))
    assert not Connection.objects.exists() and "Too many tests" in words(response)
    assert sealed(response)


# Switching


def test_a_switch_tells_and_leads_back(connection: Connection, client: Client):
    response = client.post(
        page_of(connection, "toggle"), {"is_active": "false", "next": "/connections/?page=2"}
    )
    assert (told(response), response["Location"]) == (
        ["Production is inactive."],
        "/connections/?page=2",
    )
    assert reload(connection).is_active is False


@pytest.mark.server
def test_a_switch_in_the_list_gives_the_row(connection: Connection, client: Client):
    response = client.post(
        page_of(connection, "toggle"), {"is_active": "false", "part": "row"}, headers=HTMX
    )
    assert html(response).lstrip().startswith(
        f'<tr id="row-{connection.pk}"'
    ) and 'aria-checked="false"' in html(response)


def test_a_row_says_why_it_fails_where_it_asks_and_what_uses_it(
    connection: Connection, client: Client, fake
):
    profile_of(connection)
    fake.answer = REFUSED
    services.test_connection(connection, actor=None)
    page = html(client.get("/connections/"))
    row = page[page.index(f'<tr id="row-{connection.pk}"') :].partition("</tr>")[0]
    assert f'<span class="why" title="{REFUSED.message}' in row
    assert 'aria-label="1 profile of Production"' in row and "just now</time>" in row
    assert 'aria-label="Delete' not in row and 'aria-label="Copy id of Production"' in row


def test_the_buttons_of_a_row_post_the_form_of_the_list(connection: Connection, client: Client):
    page = html(client.get("/connections/?sort=-name"))
    row = page[page.index(f'<tr id="row-{connection.pk}"') :].partition("</tr>")[0]
    for act in ("toggle", "test"):
        assert f'form="bulk" formaction="{page_of(connection, act)}"' in row
    form = page[page.index('<form id="bulk"') :].partition("</form>")[0]
    assert "csrfmiddlewaretoken" in form and 'name="next" value="/connections/?sort=-name"' in form
    assert "<form" not in row


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("where", ["row", "detail"])
def test_a_switch_that_hits_a_profile_asks_first(
    connection: Connection, client: Client, where: str, headers: dict[str, str]
):
    profile_of(connection, alias="support")
    back = page_of(connection) if where == "detail" else "/connections/?page=1"
    row = {"next": back, "part": "row", "is_active": "false"}
    posts: dict[str, tuple[str, dict[str, Any]]] = {
        "row": (page_of(connection, "toggle"), row),
        "detail": (page_of(connection, "toggle"), {"is_active": "false"}),
    }
    url, given = posts[where]
    came = {"Referer": f"http://testserver{back}"} if where == "detail" else {}
    answer = client.post(url, given, headers=headers | came)
    asks = answer["HX-Redirect" if headers else "Location"]
    page = client.get(asks)
    assert "1 profile will be refused." in words(page) and "support" in words(page)
    assert reload(connection).is_active and value_of(page, "next").endswith(back)
    done = client.post(asks, {"ids": value_of(page, "ids"), "next": value_of(page, "next")})
    assert told(done) == ["Production is inactive. support is refused."]
    assert done["Location"].endswith(back) and not reload(connection).is_active


def test_what_has_a_fallback_and_no_requests_is_switched_off_at_once(
    connection: Connection, client: Client
):
    spare = profile_of(connect(name="Other"), name="Spare")
    profile_of(connection, alias="support", fallbacks=[spare])
    switch = {"is_active": "false", "part": "row"}
    response = client.post(page_of(connection, "toggle"), switch, headers=HTMX)
    assert "Production is inactive. support is answered by spare." in words(response)


def test_fallbacks_that_go_off_too_are_none(connection: Connection, client: Client):
    other = connect(name="Other")
    profile_of(connection, alias="support", fallbacks=[profile_of(other, name="Spare")])
    both = {"action": "deactivate", "ids": [connection.pk, other.pk]}
    page = client.post("/connections/bulk/", both, follow=True)
    assert "2 profiles will be refused." in words(page) and "These fall back" not in words(page)


@pytest.mark.parametrize("ids", ["", "nonsense", str(uuid.UUID(int=7))])
def test_the_page_that_asks_wants_connections(fake, client: Client, ids: str):
    page = client.get("/connections/switch-off/", {"ids": ids}, follow=True)
    assert "Tick the connections first." in words(page)


def test_the_page_that_asks_leads_to_no_other_host(connection: Connection, client: Client):
    given = {"ids": connection.pk, "next": "https://evil.example.com/"}
    page = client.get("/connections/switch-off/", given)
    assert value_of(page, "next") == "/connections/" and "evil" not in html(page)


def test_a_switch_pressed_twice_stays_where_it_was_put(connection: Connection, client: Client):
    for _ in range(2):
        client.post(page_of(connection, "toggle"), {"is_active": "false"})
    assert (reload(connection).is_active, reload(connection).version) == (False, 2)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example.com/",
        "//evil.example.com/",
        "javascript:alert(1)",
        "http:///evil",
        "\\\\evil",
        "",
    ],
)
def test_a_switch_leads_to_no_other_host(connection: Connection, client: Client, target: str):
    assert client.post(page_of(connection, "toggle"), {"next": target})["Location"] == page_of(
        connection
    )


# Deleting


def test_a_delete_page_asks_and_a_post_deletes(connection: Connection, administrator):
    client = browser(administrator)
    assert "This deletes Production" in words(client.get(page_of(connection, "delete")))
    response = client.post(page_of(connection, "delete"))
    assert (told(response), response["Location"]) == (["Production is deleted."], "/connections/")


def test_a_delete_of_what_somebody_changed_meanwhile_asks_again(
    connection: Connection, operator, administrator
):
    client, page = browser(administrator), page_of(connection, "delete")
    shown = value_of(client.get(page), "version")
    services.update_connection(connection, actor=operator, name="Renamed")
    response = client.post(page, {"version": shown}, follow=True)
    assert "Renamed is not deleted. olaf changed it meanwhile" in words(response)
    assert value_of(response, "version") == "2" and Connection.objects.exists()


def test_a_delete_is_refused_while_a_profile_needs_it(connection: Connection, administrator):
    profile_of(connection, name="Answers")
    response = browser(administrator).post(page_of(connection, "delete"), follow=True)
    shown = words(response)
    assert (
        "Still used by Answers" in shown and "1 profile needs it" in shown and "Switch off" in shown
    )
    assert Connection.objects.exists()


def test_a_delete_page_offers_to_move_the_profiles(connection: Connection, administrator):
    profile, other = profile_of(connection), connect(name="Other")
    client, page = browser(administrator), page_of(connection, "delete")
    assert 'value="other"' in html(client.get(page))
    response = client.post(page_of(connection, "move-profiles"), {"target": "other", "next": page})
    assert (told(response), response["Location"], reload(profile).connection) == (
        ["1 profile moved to Other."],
        page,
        other,
    )


@pytest.mark.parametrize("target", ["", "nobody", "production", "chat-only", "a\x00b"])
def test_profiles_are_not_moved_to_where_they_cannot_go(
    connection: Connection, client: Client, target: str
):
    profile = profile_of(connection, capability="Embedding")
    with fake_provider(id="chat-only", section="ChatOnly", capabilities=()):
        connect("chat-only", name="Chat only")
        response = client.post(page_of(connection, "move-profiles"), {"target": target})
    assert (
        told(response)[0]
        and "moved" not in told(response)[0]
        and reload(profile).connection == connection
    )


# The detail page


def test_a_detail_page_shows_settings_with_their_origin(fake, client: Client, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"Spare": SECRET}}
    row = connect(settings={"api_key": SECRET, "spare_key": "$Fake:Spare", "organization": "org-1"})
    shown = words(client.get(page_of(row)))
    assert (
        "sk-*** stored encrypted" in shown
        and "Organization org-1" in shown
        and "https://fake.example.com/v1 default" in shown
    )
    assert (
        "resolved from CONNECTIONS_CONFIG" in shown and "environment, CONNECTIONS_CONFIG" in shown
    )


def test_a_detail_page_names_the_cure_of_a_missing_reference(fake, client: Client):
    shown = words(client.get(page_of(connect(settings={"api_key": "$Fake:ApiKey"}))))
    assert "missing" in shown and "Set the environment variable Fake__ApiKey" in shown


@pytest.mark.server
def test_a_detail_page_shows_profiles_tests_and_versions(
    connection: Connection, client: Client, operator
):
    profile_of(connection, name="Answers")
    services.test_connection(connection, actor=operator)
    services.update_connection(
        connection, actor=operator, name="Renamed", settings={"api_key": OTHER_SECRET}
    )
    shown = words(client.get(page_of(connection)))
    assert (
        "Answers" in shown
        and "olaf" in shown
        and "name changed, api_key replaced" in shown
        and "Changed since test" in shown
    )
    assert "<svg" in html(client.get(page_of(connection)))


# A lost key, a provider that is gone


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/connections/",
        "/references/",
        "/profiles/",
        "/connections/{}/",
        "/connections/{}/edit/",
    ],
)
def test_every_page_works_without_the_key(lost: Connection, client: Client, url: str):
    profile_of(lost)
    response = client.get(url.format(lost.pk))
    assert response.status_code == 200
    assert (
        "Cannot decrypt" in words(response)
        or url in ("/references/", "/profiles/")
        or "edit" in url
    )


def test_a_detail_page_without_the_key_says_what_to_do(lost: Connection, client: Client):
    assert "The stored credentials cannot be decrypted" in words(client.get(page_of(lost)))


def test_an_edit_without_the_key_keeps_the_ciphertext(lost: Connection, client: Client):
    response = client.post(
        page_of(lost, "edit"), entries({"api_key": ""}, name="Renamed", version="1")
    )
    assert response.status_code == 302 and reload(lost).name == "Renamed"
    assert isinstance(reload(lost).credentials, Undecryptable)


def test_a_new_key_heals_a_lost_one(lost: Connection, client: Client):
    client.post(page_of(lost, "edit"), entries({"api_key": OTHER_SECRET}, version="1"))
    assert dict(reload(lost).credentials) == {"api_key": OTHER_SECRET}


@pytest.mark.parametrize("act", ["toggle", "test"])
def test_a_row_without_the_key_is_switched_and_tested(lost: Connection, client: Client, act: str):
    assert client.post(page_of(lost, act), follow=True).status_code == 200


@pytest.mark.parametrize("keys", [[], [OLDER_KEY]])
def test_an_invalid_form_is_shown_without_the_key(
    connection: Connection, client: Client, settings, keys: list[str]
):
    settings.FERNET_KEYS = keys
    response = client.post(
        page_of(connection, "edit"),
        entries({"api_key": OTHER_SECRET, "samples": "many"}, version="1"),
    )
    assert response.status_code == 200 and OTHER_SECRET not in html(response)


@pytest.mark.parametrize("url", ["/", "/connections/", "/references/", "/connections/{}/"])
def test_every_page_works_without_the_provider(orphan: Connection, client: Client, url: str):
    response = client.get(url.format(orphan.pk))
    assert response.status_code == 200 and SECRET not in html(response)


def test_a_detail_page_without_the_provider_says_so(orphan: Connection, client: Client):
    shown = words(client.get(page_of(orphan)))
    assert "The provider gone is not installed" in shown and "org-1" in shown and "sk-***" in shown


def test_a_row_without_the_provider_cannot_be_edited_and_says_why(
    orphan: Connection, client: Client
):
    response = client.get(page_of(orphan, "edit"))
    assert response.status_code == 404 and "cannot be edited" in words(response)


def test_a_row_without_the_provider_is_switched_tested_and_deleted(
    orphan: Connection, administrator
):
    client = browser(administrator)
    client.post(page_of(orphan, "toggle"))
    assert reload(orphan).is_active is False
    assert "There is no provider 'gone'" in words(client.post(page_of(orphan, "test"), follow=True))
    client.post(page_of(orphan, "delete"))
    assert not Connection.objects.exists()


# The list


def names(response: Any) -> list[str]:
    return [row.name for row in response.context["page"].object_list]


@pytest.fixture
def several(fake) -> dict[str, Connection]:
    """Some connections to filter and sort."""
    rows = {
        name: connect(name=name, tags=[name.lower(), "all"]) for name in ("Alpha", "Beta", "Gamma")
    }
    connect("echo", name="Delta", settings={})
    services.set_active(rows["Beta"], False, actor=None)
    for name in ("Alpha", "Gamma"):
        services.test_connection(rows[name], actor=None)
    services.update_connection(
        rows["Gamma"], actor=None, tags=["gamma", "new"], settings={"api_key": "fk-another"}
    )
    fake.answer = REFUSED
    services.test_connection(rows["Beta"], actor=None)
    return rows


FILTERS = {
    "": ["Alpha", "Beta", "Delta", "Gamma"],
    "q=alp": ["Alpha"],
    "q=ALPHA": ["Alpha"],
    "q=%25": [],
    "q=nothing": [],
    "provider=echo": ["Delta"],
    "provider=nobody": [],
    "status=active": ["Alpha", "Delta", "Gamma"],
    "status=inactive": ["Beta"],
    "status=nonsense": ["Alpha", "Beta", "Delta", "Gamma"],
    "health=ok": ["Alpha"],
    "health=failed": ["Beta"],
    "health=degraded": [],
    "health=stale": ["Gamma"],
    "health=never": ["Delta"],
    "health=nonsense": ["Alpha", "Beta", "Delta", "Gamma"],
    "tag=all": ["Alpha", "Beta"],
    "tag=alph": [],
    "tag=%22": [],
    "q=a&tag=all&status=active": ["Alpha"],
    "sort=-name": ["Gamma", "Delta", "Beta", "Alpha"],
    "sort=provider": ["Delta", "Alpha", "Beta", "Gamma"],
    "sort=status": ["Alpha", "Delta", "Gamma", "Beta"],
    "sort=modified": ["Alpha", "Delta", "Beta", "Gamma"],
    "sort=health": ["Beta", "Gamma", "Delta", "Alpha"],
    "sort=-health": ["Alpha", "Delta", "Gamma", "Beta"],
    "sort=nonsense": ["Alpha", "Beta", "Delta", "Gamma"],
    "sort=-credentials": ["Gamma", "Delta", "Beta", "Alpha"],
    "sort=--name": ["Alpha", "Beta", "Delta", "Gamma"],
    "page=nonsense": ["Alpha", "Beta", "Delta", "Gamma"],
    "page=-1": ["Alpha", "Beta", "Delta", "Gamma"],
    "page=999999999999999999999": ["Alpha", "Beta", "Delta", "Gamma"],
    "unknown=1&q=": ["Alpha", "Beta", "Delta", "Gamma"],
}


@pytest.mark.server
@pytest.mark.parametrize(("query", "expected"), FILTERS.items(), ids=FILTERS)
def test_the_list_is_filtered_and_sorted(several, client: Client, query: str, expected: list[str]):
    response = client.get(f"/connections/?{query}")
    found = names(response)
    assert (sorted(found) if query in ("health=stale", "sort=--name") else found) == expected


@pytest.mark.server
def test_failed_connections_are_found(several, client: Client):
    services.test_connection(reload(several["Beta"]), actor=None)
    assert names(client.get("/connections/?health=failed")) == ["Beta"]


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "tag=%00",
        "provider=%00",
        "q=%F0%9F%98%80",
        "q=" + "x" * 3000,
        "tag=%5C",
        "page=%00",
        "sort=%00",
    ],
)
@pytest.mark.parametrize("where", ["connections", "profiles"])
def test_nonsense_in_the_address_is_no_fault(
    connection: Connection, client: Client, where: str, query: str
):
    assert client.get(f"/{where}/?{query}").status_code in (200, 400)


def test_a_list_without_rows_says_so(client: Client):
    assert "No connections yet" in words(client.get("/connections/"))
    assert "No connection fits these filters" in words(client.get("/connections/?q=x"))


@pytest.mark.server
def test_a_long_list_has_pages(fake, client: Client):
    for number in range(30):
        connect(name=f"Number {number:02}")
    first, second = (
        client.get("/connections/?sort=name"),
        client.get("/connections/?sort=name&page=2"),
    )
    assert (len(names(first)), names(second)) == (
        25,
        [f"Number {number:02}" for number in range(25, 30)],
    )
    assert "?sort=name&amp;page=2" in html(first) and "30 in all" in words(first)


def no_decryption(*arguments: Any, **named: Any) -> None:
    raise AssertionError("a page decrypted a row")


@pytest.mark.parametrize("url", ["/", "/connections/", "/profiles/", "/references/"])
def test_a_list_asks_little_and_decrypts_nothing(
    fake, client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries, url: str
):
    for number in range(30):
        profile_of(connect(name=f"Number {number:02}"))
    monkeypatch.setattr(MultiFernet, "decrypt", no_decryption)
    # faults of many kinds, usage, first steps; profiles, use, the person's choice; fallbacks
    most = {"/": 39, "/connections/": 13, "/profiles/": 14}
    with django_assert_max_num_queries(most.get(url, 9)):
        assert client.get(url).status_code == 200


# Several at once


def bulk(client: Client, action: str, *rows: Any, **more: str) -> Any:
    return client.post(
        "/connections/bulk/",
        {"action": action, "ids": [getattr(row, "pk", row) for row in rows], **more},
    )


def test_several_are_switched_at_once(several, client: Client):
    response = bulk(client, "deactivate", *several.values(), next="/connections/?q=a")
    assert (told(response), response["Location"]) == (
        ["2 connections switched off."],
        "/connections/?q=a",
    )
    assert Connection.objects.filter(is_active=True).count() == 1


def test_several_that_are_switched_off_say_what_becomes_of_their_profiles(several, client: Client):
    for name, row in several.items():
        profile_of(row, alias=f"of-{name.lower()}")
    asks = bulk(client, "deactivate", *several.values(), next="/connections/?q=a")
    assert "2 profiles will be refused." in words(asks) and reload(several["Alpha"]).is_active
    ids = {"ids": [row.pk for row in several.values()]}
    said = told(client.post("/connections/bulk/deactivate/", ids))
    assert said == ["2 connections switched off. of-alpha is refused. of-gamma is refused."]


@pytest.mark.server
def test_several_are_chosen_for_a_package(several, client: Client):
    response = bulk(client, "export", several["Alpha"], several["Gamma"])
    keys = [str(several[name].pk) for name in ("Alpha", "Gamma")]
    assert response["Location"] == f"/packages/export/?ids={keys[0]}&ids={keys[1]}"


@pytest.mark.parametrize("ids", [[], ["nonsense"], [str(uuid.UUID(int=1))]])
def test_nothing_ticked_is_told(connection: Connection, client: Client, ids: list[str]):
    before = world()
    assert told(bulk(client, "deactivate", *ids)) == ["Tick the connections first."]
    assert world() == before


@pytest.mark.server
def test_an_unknown_action_does_nothing(connection: Connection, client: Client):
    before = world()
    assert bulk(client, "nonsense", connection).status_code == 302
    assert world() == before


# References


def test_references_are_listed_with_state_cure_and_users(fake, client: Client, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": SECRET}}
    connect(name="One", settings={"api_key": "$Fake:ApiKey", "spare_key": "$Fake:Spare"})
    response = client.get("/references/")
    shown = words(response)
    assert (
        "1 of 2 need attention" in shown
        and "resolved from CONNECTIONS_CONFIG" in shown
        and "$Fake:Spare is not set" in shown
    )
    assert SECRET not in html(response)


# Nothing secret in an address


def test_a_form_posts_and_htmx_includes_nothing_in_addresses(
    connection: Connection, client: Client
):
    page = html(client.get(page_of(connection, "edit")))
    shown = page.partition("<main")[2].partition("</main>")[0]  # the shell has a search of its own
    forms = re.findall(r"<form[^>]*>", shown)
    assert forms and [form for form in forms if 'method="post"' not in form] == []
    assert "hx-get" not in shown and "hx-include" not in shown


@pytest.mark.server
def test_a_row_that_is_deleted_meanwhile_is_a_page_that_says_so(
    connection: Connection, client: Client, monkeypatch
):
    def gone(row: Connection, *arguments: Any, **others: Any) -> None:
        Connection.objects.filter(pk=row.pk).delete()
        return switch(row, *arguments, **others)

    switch = services.set_active
    monkeypatch.setattr(services, "set_active", gone)
    response = client.post(page_of(connection, "toggle"))
    assert response.status_code == 404 and "Somebody deleted it meanwhile" in words(response)
