"""Rows of keys and values in the form of a connection, as a browser without JavaScript posts
them.
"""

import re
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from tests.fakes import OTHER_SECRET, SECRET, connect, reload
from tests.pages import HTMX, entries, html, rows, value_of, words
from tests.people import browser

pytestmark = pytest.mark.django_db
ADD = "/connections/add/custom/"
SECRETS = "settings-secrets"


@pytest.fixture
def client(operator) -> Client:
    """The operator's browser."""
    return browser(operator)


@pytest.fixture
def row() -> Connection:
    given = {"configs": {"region": "eu"}, "secrets": {"api-key": SECRET, "token": "$Custom:Token"}}
    return reload(connect("custom", name="Search", settings=given))


def posted(configs: Any = None, secrets: Any = None, **columns: Any) -> dict[str, Any]:
    return entries(
        {**rows("configs", configs or {}), **rows("secrets", secrets or {})},
        name="Search",
        **columns,
    )


def edit(row: Connection) -> str:
    return f"/connections/{row.pk}/edit/"


def secrets_of(row: Connection) -> dict[str, Any]:
    row = reload(row)
    return {**row.settings.get("secrets", {}), **(row.credentials or {}).get("secrets", {})}


def sealed(response: Any) -> dict[str, str]:
    """The sealed values of a page, by the input's name."""
    return dict(re.findall(r'name="([^"]*-sealed)" value="([^"]*)"', html(response)))


def test_a_new_form_has_a_row_for_each_map(client: Client):
    shown = html(client.get(ADD))
    assert all(
        f'name="settings-{name}-0-{part}"' in shown
        for name in ("configs", "secrets")
        for part in ("key", "value")
    )
    assert (
        '<input type="password" name="settings-secrets-0-value"' in shown
        and "settings-secrets-1-key" not in shown
    )


def test_rows_are_saved(client: Client):
    client.post(
        ADD,
        posted({"region": "eu", " zone ": "a\r\nb"}, {"api-key": SECRET, "token": "$Custom:Token"}),
    )
    row = Connection.objects.get()
    assert row.settings == {
        "configs": {"region": "eu", "zone": "a\nb"},
        "secrets": {"token": "$Custom:Token"},
    }
    assert dict(row.credentials) == {"secrets": {"api-key": SECRET}}


def test_a_row_offers_references_that_its_value_may_be(client: Client):
    shown = html(client.get(ADD))
    offered = dict(re.findall(r'name="settings-([^"]*)"[^>]* list="([^"]*)"', shown))
    of_rows = {name: one for name, one in offered.items() if "-0-" in name}
    assert of_rows == {
        "configs-0-value": "plain-references",
        "secrets-0-reference": "secret-references",
    }
    chosen = {"secrets-0-key": "api-key", "secrets-0-reference": "$Custom:Token"}
    client.post(ADD, entries(chosen, name="Search"))
    assert secrets_of(Connection.objects.get()) == {"api-key": "$Custom:Token"}


def test_empty_rows_are_nothing(client: Client):
    client.post(ADD, posted({"region": "eu", "": ""}, {"": ""}))
    assert Connection.objects.get().settings == {"configs": {"region": "eu"}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (rows("configs", {"": "eu"}), "Enter a key for each value."),
        (
            {**rows("configs", {"a": "1"}), "configs-7-key": "a", "configs-7-value": "2"},
            "Two rows have the key a.",
        ),
        (rows("configs", {"a": "$Custom:ApiKey"}), "a: ApiKey counts as a secret"),
        (rows("secrets", {"a": "***"}), "a: This is a mask"),
        (rows("secrets", {"a": ""}), "a: There is nothing stored to keep."),
        (
            {**rows("configs", {"a": "1"}), **rows("secrets", {"a": "2"})},
            "a stands under configs and under secrets.",
        ),
        ({}, "Give at least one config or secret."),
    ],
    ids=range(7),
)
def test_what_is_wrong_is_told_and_nothing_saved(client: Client, given: dict[str, str], said: str):
    response = client.post(ADD, entries(given))
    assert said in words(response) and not Connection.objects.exists()


def test_the_row_that_is_wrong_is_marked(client: Client):
    shown = html(client.post(ADD, posted(secrets={"good": SECRET, "bad": "***"})))
    assert shown.count('class="entry wrong"') == 1 and shown.count('aria-invalid="true"') >= 1


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_one_more_row_keeps_all_that_was_typed_and_saves_nothing(
    client: Client, headers: dict[str, str]
):
    given = posted({"region": "eu"}, {"api-key": SECRET, "token": "$Custom:Token"}, tags="a, b") | {
        "settings-module": "m"
    }
    response = client.post(ADD, given | {"add-row": SECRETS}, headers=headers)
    assert [value_of(response, f"{SECRETS}-{number}-key") for number in range(3)] == [
        "api-key",
        "token",
        "",
    ]
    kept = ("settings-configs-0-value", f"{SECRETS}-1-value", "settings-module", "name", "tags")
    assert [value_of(response, name) for name in kept] == [
        "eu",
        "$Custom:Token",
        "m",
        "Search",
        "a, b",
    ]
    assert (
        SECRET not in html(response)
        and not Connection.objects.exists()
        and "not yet" not in words(response).lower()
    )
    assert ("<main" in html(response)) is (not headers)


def test_the_new_row_is_where_one_goes_on(client: Client):
    shown = html(client.post(ADD, posted(secrets={"a": SECRET}) | {"add-row": SECRETS}))
    assert re.findall(r'name="([^"]*)"[^>]* autofocus', shown) == [f"{SECRETS}-1-key"]


def test_every_press_adds_a_row(client: Client):
    first = client.post(ADD, posted({"": ""}) | {"add-row": "settings-configs"})
    assert "settings-configs-1-key" in html(first) and "settings-configs-2-key" not in html(first)


@pytest.mark.parametrize("name", ["settings-module", "nonsense", "name", "settings-secrets-0", ""])
def test_a_row_for_what_is_no_map_is_none(client: Client, name: str):
    response = client.post(ADD, posted({"a": "1"}) | {"add-row": name})
    assert response.status_code == 200 and not Connection.objects.exists()


def test_a_typed_secret_travels_sealed_and_is_saved_later(client: Client):
    response = client.post(ADD, posted(secrets={"api-key": SECRET}) | {"add-row": SECRETS})
    assert value_of(response, f"{SECRETS}-0-value") == "" and SECRET not in html(response)
    client.post(ADD, posted(secrets={"api-key": "", "other": OTHER_SECRET}) | sealed(response))
    assert secrets_of(Connection.objects.get()) == {"api-key": SECRET, "other": OTHER_SECRET}


def test_a_seal_of_another_form_is_nothing(client: Client, row: Connection):
    response = client.post(ADD, posted(secrets={"api-key": OTHER_SECRET}) | {"add-row": SECRETS})
    client.post(
        edit(row), posted({"region": "eu"}, {"api-key": ""}, version="1") | sealed(response)
    )
    assert secrets_of(row)["api-key"] == SECRET


def test_a_seal_opens_in_no_config(client: Client):
    response = client.post(ADD, posted(secrets={"a": SECRET}) | {"add-row": SECRETS})
    client.post(
        ADD,
        posted({"a": ""}) | {"settings-configs-0-sealed": sealed(response)[f"{SECRETS}-0-sealed"]},
    )
    assert Connection.objects.get().settings == {"configs": {"a": ""}}


def test_a_refused_form_shows_no_secret_and_keeps_it(client: Client):
    response = client.post(ADD, posted({"": "no key"}, {"api-key": SECRET}))
    assert (
        SECRET not in html(response)
        and "kept, encrypted, for the next try" in words(response)
        and sealed(response)
    )


def test_stored_secrets_have_fixed_keys_and_are_left_empty_to_keep(client: Client, row: Connection):
    response = client.get(edit(row))
    assert 'type="hidden" name="settings-secrets-1-key" value="api-key"' in html(
        response
    ) and SECRET not in html(response)
    assert "Stored as sk-*** . Leave empty to keep it." in words(response)
    assert (
        value_of(response, f"{SECRETS}-0-value") == "$Custom:Token"
        and value_of(response, f"{SECRETS}-1-value") == ""
    )
    assert not sealed(response) and words(response).count("Leave empty to keep it.") == 1


def test_a_form_posted_as_it_is_changes_nothing(client: Client, row: Connection):
    client.post(
        edit(row), posted({"region": "eu"}, {"token": "$Custom:Token", "api-key": ""}, version="1")
    )
    assert reload(row).version == 1


def test_ticked_rows_are_removed(client: Client, row: Connection):
    given = posted(
        {"region": "eu", "zone": "a"},
        {"token": "$Custom:Token", "api-key": "", "new": "x"},
        version="1",
    )
    ticked = dict.fromkeys(
        ("settings-configs-1-remove", f"{SECRETS}-0-remove", f"{SECRETS}-2-remove"), "on"
    )
    client.post(edit(row), given | ticked)
    assert secrets_of(row) == {"api-key": SECRET} and reload(row).settings == {
        "configs": {"region": "eu"}
    }


def test_a_removed_key_may_be_entered_anew(client: Client, row: Connection):
    given = posted({"region": "eu"}, {"api-key": ""}, version="1") | {f"{SECRETS}-0-remove": "on"}
    client.post(
        edit(row), given | {f"{SECRETS}-5-key": "api-key", f"{SECRETS}-5-value": OTHER_SECRET}
    )
    assert secrets_of(row)["api-key"] == OTHER_SECRET


def test_a_ticked_box_stays_ticked_while_rows_are_added(client: Client, row: Connection):
    given = posted({"region": "eu"}, {"api-key": ""}, version="1") | {f"{SECRETS}-0-remove": "on"}
    shown = html(client.post(edit(row), given | {"add-row": SECRETS}))
    assert f'name="{SECRETS}-0-remove" checked' in shown and secrets_of(row)["api-key"] == SECRET


def test_a_value_of_several_lines_has_room_and_comes_back(client: Client, row: Connection):
    connect("custom", name="Long", settings={"configs": {"pem": "\nline 1\nline 2"}})
    shown = html(client.get(edit(Connection.objects.get(alias="long"))))
    assert "&#10;\nline 1\nline 2</textarea>" in shown


def test_enter_saves_and_adds_no_row(client: Client):
    buttons = re.findall(
        r"<button[^>]*>", html(client.get(ADD)).partition('id="connection-form"')[2]
    )
    assert 'value="save"' in buttons[0] and "add-row" not in buttons[0]
    assert not re.search(
        r'class="hidden" name="action"', html(client.get("/connections/add/openai/"))
    )


def test_markup_in_keys_and_values_is_text(client: Client, row: Connection):
    odd = "<b>\"'&amp;</b>"
    other = connect(
        "custom", name="Odd", settings={"configs": {odd: odd}, "secrets": {odd + "1": SECRET}}
    )
    for address in (edit(other), other.get_absolute_url(), "/connections/"):
        assert "<b>" not in html(client.get(address))
    assert value_of(client.get(edit(other)), "settings-configs-0-key") == odd


def test_a_viewer_cannot_add_a_row(viewer: Any, row: Connection):
    assert browser(viewer).post(edit(row), {"add-row": SECRETS}).status_code == 403


def test_the_detail_page_lists_entries_and_no_secret(client: Client, row: Connection):
    shown = words(client.get(row.get_absolute_url()))
    assert (
        "Secrets: api-key sk-*** stored encrypted" in shown
        and "Configs: region eu" in shown
        and SECRET not in shown
    )
    assert "Secrets: token $Custom:Token" in shown


def test_the_page_of_references_names_the_entry(client: Client, row: Connection):
    assert "secrets.token" in words(client.get("/references/"))
