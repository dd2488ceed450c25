"""Adding a connection from a page that needs one, and the way back.

In the browser: tests/browser/test_in_place.py.
"""

import re
import time
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver

from connections.models import Connection, Profile
from connections.views import inline_add
from tests.fakes import SECRET, connect, fake_provider, profile_of
from tests.pages import HTMX, entries, html, told, value_of, words
from tests.people import browser, person

pytestmark = pytest.mark.django_db
ADD = "/profiles/add/chat/"
TYPED = {
    "name": "Helpdesk",
    "alias": "",
    "tags": "support, eu",
    "connection": "",
    "model": "made-up",
    "settings-temperature": "warm",
    "settings-stop": "END\nSTOP",
    "settings-allowed_overrides": "some",
    "settings-allowed_overrides-some": ["temperature", "max_tokens"],
    "fallbacks": ["second", "first", ""],
    "version": "",
}


@pytest.fixture
def client(operator: Any) -> Client:
    return browser(operator)


@pytest.fixture
def pages(connection: Connection) -> dict[str, str]:
    """The pages that have a picker, and the name of its input."""
    profile = profile_of(connection)
    return {
        ADD: "connection",
        f"/profiles/{profile.pk}/edit/": "connection",
        f"/connections/{connection.pk}/delete/": "target",
    } | {"/tokens/flows/": "connections"}


def plus(client: Client, page: str, typed: dict[str, Any]) -> HttpResponse:
    """Presses the "+" of the page without JavaScript, with this typed into its form."""
    button = re.search(
        r'<button[^>]*name="add-here" value="(\w+)"[^>]*formaction="([^"]*)"',
        html(client.get(page)),
    )
    assert button, page
    return client.post(unescape(button[2]), {**typed, "add-here": button[1]})


def back(client: Client, answer: HttpResponse) -> str:
    """The address of Cancel on the page of cards that the answer leads to."""
    found = re.search(r'href="([^"]*)">Back without adding', html(client.get(answer["Location"])))
    assert found
    return unescape(found[1])


def add(
    client: Client, answer: HttpResponse, provider: str = "fake", **columns: Any
) -> HttpResponse:
    """Adds a connection on the way that the answer leads to."""
    query = answer["Location"].partition("?")[2]
    return client.post(f"/connections/add/{provider}/?{query}", entries(**columns))


def test_what_was_typed_comes_back_with_the_new_connection_chosen(fake: Any, client: Client):
    others = connect(name="Reserve")
    for name in ("First", "Second"):
        profile_of(others, name=name)
    answer = add(client, plus(client, ADD, TYPED), name="New one")
    assert answer["Location"].startswith(f"{ADD}?draft=") and told(answer)[0] == "New one is saved."
    form = client.get(answer["Location"]).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    assert (
        shown["connection"] == "new-one"
        and not form.is_bound
        and not Profile.objects.filter(name="Helpdesk").exists()
    )
    assert (shown["name"], shown["tags"], shown["settings-temperature"]) == (
        "Helpdesk",
        "support, eu",
        "warm",
    )
    assert (shown["fallbacks"], shown["settings-allowed_overrides"]) == (
        ["second", "first"],
        ["temperature", "max_tokens"],
    )
    assert (shown["is_active"], shown["settings-stop"]) == (False, "END\nSTOP")


def test_the_page_that_came_back_saves(fake: Any, client: Client):
    answer = add(client, plus(client, ADD, TYPED), name="New one")
    good = {"name": "Helpdesk", "connection": "new-one", "model": "m", "is_active": "on"}
    assert (
        client.post(answer["Location"], {**good, "settings-temperature": "7"})
        .context["form"]
        .errors
    )
    assert (
        client.post(answer["Location"], good).status_code == 302
        and Profile.objects.get().connection.alias == "new-one"
    )


def test_cancelling_brings_back_what_was_typed(fake: Any, client: Client):
    form = client.get(back(client, plus(client, ADD, TYPED | {"connection": "old"}))).context[
        "form"
    ]
    assert (form["name"].value(), form["connection"].value()) == ("Helpdesk", "old")


def test_a_refused_connection_keeps_the_way(fake: Any, client: Client):
    answer = plus(client, ADD, TYPED)
    refused = add(client, answer, name="")
    assert (
        refused.status_code == 200
        and "draft=" in re.search(r'class="button quiet" href="([^"]*)"', html(refused))[1]
    )
    assert add(client, answer, name="New one")["Location"].startswith(ADD)


@pytest.mark.server
def test_every_page_with_a_picker_has_a_plus_and_brings_back(
    fake: Any, pages: dict[str, str], administrator: Any
):
    client = browser(administrator)
    for page, picker in pages.items():
        typed = {
            "name": "Kept",
            "networks": "10.0.0.0/8",
            "expires_in_days": "7",
            "model": "kept",
            picker: "production",
        }
        answer = add(client, plus(client, page, typed), name=f"For {picker}")
        alias = Connection.objects.get(name=f"For {picker}").alias
        assert answer["Location"].startswith(f"{page}?draft=")
        shown = client.get(answer["Location"])
        assert re.search(rf'value="{alias}"[^>]*(selected|checked)', html(shown)), page
        Connection.objects.filter(alias=alias).delete()


def test_ticks_and_texts_of_a_token_for_flows_come_back(connection: Connection, administrator: Any):
    client = browser(administrator)
    answer = add(
        client,
        plus(
            client,
            "/tokens/flows/",
            {"name": "Nightly", "networks": "10.0.0.0/8", "connections": ["production"]},
        ),
        name="Fresh",
    )
    shown = client.get(answer["Location"])
    ticked = re.findall(
        r'<input type="checkbox" name="connections" value="([^"]*)"[^>]* checked', html(shown)
    )
    assert (sorted(ticked), value_of(shown, "name")) == (
        ["fresh", "production"],
        "Nightly",
    ) and "10.0.0.0/8" in html(shown)


def test_many_connections_are_typed_and_come_back_as_one_text(
    fake: Any, administrator: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connections.promptflow.views.MOST_TICKED", 1)
    connect()
    client = browser(administrator)
    answer = add(
        client,
        plus(client, "/tokens/flows/", {"name": "Nightly", "connections": "production, other"}),
        name="Fresh",
    )
    assert value_of(client.get(answer["Location"]), "connections") == "production, other, fresh"


def test_only_providers_that_fit_are_offered(client: Client):
    with (
        fake_provider(name="Fitting one", capabilities=("Chat",)),
        fake_provider(id="other", name="Another one", capabilities=("Embedding",)),
    ):
        shown = words(client.get(plus(client, ADD, TYPED)["Location"]))
        assert "Fitting one" in shown and "Another one" not in shown and "Qdrant" not in shown
        in_dialog = words(
            client.get("/connections/add/?in=dialog&accepts=Chat,Embedding", headers=HTMX)
        )
        assert (
            "OpenAI" in in_dialog
            and "Fitting one" not in in_dialog
            and "Another one" not in in_dialog
        )


def test_a_picker_of_targets_wants_every_capability_that_is_needed(fake: Any, administrator: Any):
    row = connect()
    profile_of(row), profile_of(row, name="Vectors", capability="Embedding")
    page = html(browser(administrator).get(f"/connections/{row.pk}/delete/"))
    assert "accepts=Chat%2CEmbedding" in page and "There is no other active one" in page


def test_who_may_not_add_sees_no_plus_and_no_dialog(connection: Connection):
    user = person("anna")
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["add_profile", "view_profile", "view_connection"])
    )
    shown = html(browser(user).get(ADD))
    assert "add-here" not in shown and "in_place.js" not in shown
    assert browser(user).post(f"/connections/add-here/?from={ADD}", TYPED).status_code == 403


# Where it leads


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.com/",
        "//evil.example.com/profiles/add/chat/",
        "/\\evil.example.com/",
        "",
        "javascript:alert(1)",
        "profiles/add/chat/",
        "/connections/",
        "/",
        "/tokens/",
        "/api/v1/connections",
        "/nothing/",
        "https:profiles/add/chat/",
        "/profiles/add/chat/\n//evil.example.com",
    ],
)
def test_nothing_but_a_page_with_a_picker_is_led_back_to(client: Client, address: str):
    answer = client.post("/connections/add-here/", TYPED, query_params={"from": address})
    assert answer.status_code in (400, 404) and inline_add.SESSION_KEY not in client.session


def test_what_the_address_of_the_page_says_is_kept(fake: Any, client: Client):
    answer = add(client, plus(client, f"{ADD}?connection=a%26b", TYPED), name="New")
    assert answer["Location"].startswith(f"{ADD}?connection=a%26b&draft=")


# What is kept


def drafts(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.session.get(inline_add.SESSION_KEY, {})
    return found


def test_no_secret_is_kept(client: Client):
    typed = {
        "passphrase": SECRET,
        "password1": SECRET,
        "secret-a": SECRET,
        "secret-b": "$Custom:Token",
        "api_key": SECRET,
        "from-a": "other",
    }
    plus(client, ADD, typed)
    (kept,) = drafts(client).values()
    assert kept["entries"] == {
        "secret-b": ["$Custom:Token"],
        "from-a": ["other"],
    } and SECRET not in str(kept)


def test_a_second_plus_replaces_the_draft_of_the_first(fake: Any, client: Client):
    first = add(client, plus(client, ADD, TYPED), name="New one")
    second = add(
        client, plus(client, first["Location"], TYPED | {"name": "Changed"}), name="New two"
    )
    assert len(drafts(client)) == 1
    form = client.get(second["Location"]).context["form"]
    assert (form["name"].value(), form["connection"].value()) == ("Changed", "new-two")


def test_only_the_newest_drafts_are_kept(client: Client):
    for number in range(inline_add.MOST_DRAFTS + 3):
        plus(client, ADD, {"name": f"Number {number}"})
    assert [one["entries"]["name"] for one in drafts(client).values()] == [
        [f"Number {number}"] for number in (3, 4, 5, 6)
    ]


def test_too_much_is_not_kept(client: Client):
    answer = plus(client, ADD, {"settings-system_prompt_template": "x" * inline_add.LARGEST})
    assert (
        answer.status_code == 413 and "too long to be kept" in words(answer) and not drafts(client)
    )


def test_an_old_draft_is_forgotten(fake: Any, client: Client, monkeypatch: pytest.MonkeyPatch):
    answer = plus(client, ADD, TYPED)
    later = time.time() + inline_add.LIFE + 1
    monkeypatch.setattr(inline_add.time, "time", lambda: later)
    added = add(client, answer, name="New one")
    assert added["Location"] == Connection.objects.get(name="New one").get_absolute_url()


def test_a_draft_is_one_persons_and_one_pages(
    fake: Any, client: Client, administrator: Any, connection: Connection
):
    key = plus(client, ADD, TYPED)["Location"].partition("draft=")[2]
    assert (
        client.get(f"/profiles/add/embedding/?draft={key}").context["form"]["name"].value() is None
    )
    session = client.session
    session[inline_add.SESSION_KEY][key]["user"] = administrator.pk
    session.save()
    assert client.get(f"{ADD}?draft={key}").context["form"]["name"].value() is None


@pytest.mark.parametrize("key", ["", "x", "..", "a" * 5000])
def test_an_unknown_draft_is_none(fake: Any, client: Client, key: str):
    assert client.get(ADD, {"draft": key}).status_code == 200
    assert add(client, {"Location": f"/?draft={key}"}, name="New")["Location"].startswith(
        "/connections/"
    )


# The dialog


IN = {"in": "dialog", "accepts": "Chat"}


def test_the_dialog_gets_fragments_with_ids_of_their_own(fake: Any, client: Client):
    shown = html(client.get("/connections/add/fake/", IN, headers=HTMX))
    assert (
        "<html" not in shown
        and 'action="/connections/add/fake/?in=dialog&amp;accepts=Chat"' in shown
    )
    ids = re.findall(r'\bid="([^"]*)"', shown)
    assert (
        len(ids) == len(set(ids))
        and set(ids) & set(re.findall(r'\bid="([^"]*)"', html(client.get(ADD)))) == set()
    )
    labels = re.findall(r'<label for="([^"]*)"', shown)
    assert set(labels) <= set(ids)


def test_a_connection_that_was_added_in_the_dialog_is_described_for_the_picker(
    fake: Any, client: Client
):
    answer = client.post(
        "/connections/add/fake/", entries(name='A "quoted" <one>'), query_params=IN, headers=HTMX
    )
    row = Connection.objects.get()
    assert (
        f'data-value="{row.alias}"' in html(answer)
        and "<one>" not in html(answer)
        and "is chosen." in words(answer)
    )
    assert "HX-Redirect" not in answer.headers
    assert SECRET not in html(answer)


def test_messages_of_the_save_are_shown_in_place_and_nowhere_else(fake: Any, client: Client):
    given = entries(name="New", action="test-and-save")
    shown = words(client.post("/connections/add/fake/", given, query_params=IN, headers=HTMX))
    assert "New is saved." in shown and "Test of New" in shown
    assert "New is saved." not in words(client.get("/connections/"))


def test_what_fails_the_test_is_the_form_again_and_not_chosen(fake: Any, client: Client):
    given = entries({"api_key": "$Fake:Missing"}, name="New", action="test-and-save")
    shown = client.post("/connections/add/fake/", given, query_params=IN, headers=HTMX)
    assert "Save anyway" in words(shown) and "data-value" not in html(shown)
    assert 'id="here-outcome"' in html(shown) and not Connection.objects.exists()


def test_a_refusal_in_the_dialog_is_the_form_again(fake: Any, client: Client):
    shown = client.post(
        "/connections/add/fake/",
        entries({"api_key": "", "organization": "kept"}, name="New"),
        query_params=IN,
        headers=HTMX,
    )
    assert set(shown.context["form"].errors) == {"settings-api_key"} and "here-form-errors" in html(
        shown
    )
    assert value_of(shown, "settings-organization") == "kept" and not Connection.objects.exists()


def test_without_htmx_the_address_of_the_dialog_is_a_page(fake: Any, client: Client):
    assert "<html" in html(client.get("/connections/add/fake/", IN))
    assert client.post("/connections/add/fake/", entries(name="New"), query_params=IN)[
        "Location"
    ].startswith("/connections/")


def test_pages_with_a_picker_say_so_in_their_class(pages: dict[str, str], administrator: Any):
    client = browser(administrator)
    for page in pages:
        assert issubclass(get_resolver().resolve(page).func.view_class, inline_add.PicksConnections)
        assert 'name="add-here"' in html(client.get(page))


def test_enter_presses_the_forms_own_button(pages: dict[str, str], administrator: Any):
    for page in pages:
        forms = re.findall(r"<form\b.*?</form>", html(browser(administrator).get(page)), re.DOTALL)
        form = next(one for one in forms if 'name="add-here"' in one)
        assert "add-here" not in re.findall(r"<button[^>]*>", form)[0]
