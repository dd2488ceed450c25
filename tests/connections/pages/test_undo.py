"""The button that undoes a person's last act."""

from typing import Any

import pytest
from django.test import Client

from connections import services
from connections.models import ApiToken, Connection, UndoStep
from tests.connections.api.calls import Api, token_of
from tests.fakes import OTHER_SECRET, SECRET, connect, profile_of, reload
from tests.pages import HTMX, entries, html, told, value_of, words
from tests.people import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(administrator: Any) -> Client:
    """The administrator's browser."""
    return browser(administrator)


def press(client: Client, page: Any, back: str = "/connections/") -> Any:
    """The button on a page, pressed there."""
    came = {"Referer": f"http://testserver{back}"}
    return client.post("/undo/", {"step": value_of(page, "step")}, headers=came)


ACTS: dict[str, tuple[str, dict[str, Any]]] = {
    "switch": ("/connections/{0}/toggle/", {"is_active": "false"}),
    "bulk": ("/connections/bulk/", {"action": "deactivate", "ids": "{0}"}),
    "edit": ("/connections/{0}/edit/", entries({"api_key": OTHER_SECRET}, name="Renamed")),
    "delete": ("/connections/{0}/delete/", {}),
}


@pytest.mark.parametrize("act", ACTS)
def test_each_act_on_a_connection_offers_its_way_back(
    connection: Connection, client: Client, act: str
):
    url, given = ACTS[act]
    given = {name: value.format(connection.pk) for name, value in given.items()}
    page = client.post(url.format(connection.pk), given, follow=True)
    done = press(client, page)
    assert done["Location"].endswith("/connections/")
    row = reload(connection)
    assert (row.is_active, row.name, row.credentials) == (
        True,
        "Production",
        {"api_key": SECRET},
    )
    assert OTHER_SECRET not in html(page) and SECRET not in html(client.get("/connections/"))


def test_acts_on_profiles_and_tokens_offer_theirs(
    connection: Connection, client: Client, administrator: Any
):
    row = profile_of(connection)
    for act, given in (("toggle", {}), ("delete", {})):
        press(client, client.post(f"/profiles/{row.pk}/{act}/", given, follow=True))
        assert reload(row).is_active
    token, _ = services.create_token("CI", user=administrator, actor=None, scopes=["admin"])
    press(client, client.post(f"/tokens/{token.pk}/revoke/", follow=True))
    assert ApiToken.objects.get().state == "active"


def test_the_fragment_of_a_row_offers_it_too(connection: Connection, client: Client):
    switch = {"is_active": "false", "part": "row"}
    row = client.post(f"/connections/{connection.pk}/toggle/", switch, headers=HTMX)
    assert "Production is inactive." in words(row) and 'hx-swap-oob="innerHTML"' in html(row)
    assert told(press(client, row)) == ["Production is active again."]


def test_a_button_of_an_act_before_the_last_undoes_nothing(fake: Any, client: Client):
    one, two = connect(name="One"), connect(name="Two")
    old = client.post(f"/connections/{one.pk}/toggle/", follow=True)
    client.post(f"/connections/{two.pk}/toggle/", follow=True)
    assert "something else since" in told(press(client, old))[0]
    assert not reload(one).is_active and not reload(two).is_active


def test_a_button_without_an_act_undoes_nothing(connection: Connection, client: Client):
    client.post(f"/connections/{connection.pk}/toggle/", follow=True)
    assert told(client.post("/undo/", {"step": "x"})) == ["There is nothing to undo."]
    assert not reload(connection).is_active


def test_a_message_that_nothing_was_changed_offers_nothing(connection: Connection, client: Client):
    client.post(f"/connections/{connection.pk}/toggle/", {"is_active": "false"})
    given = entries({}, is_active="")
    page = client.post(f"/connections/{connection.pk}/edit/", given, follow=True)
    assert "Nothing was changed" in words(page)
    assert 'action="/undo/"' not in html(page).split("Nothing was changed")[1]


def test_the_api_tells_what_can_be_undone_and_undoes_it(connection: Connection, administrator: Any):
    api = Api(token_of(administrator))
    api("PATCH", "/connections/production", {"name": "Renamed"})
    step = api.get("/undo").json()["last"]
    assert (step["act"], step["type"], step["names"]) == ("changed", "connection", ["Renamed"])
    undone = api.post("/undo", {"id": step["id"]}).json()
    assert undone == {
        "message": "Production is as it was before.",
        "ids": [str(connection.pk)],
        "notices": [],
    }
    again = api.post("/undo", {})
    assert (again.status_code, again.json()["code"]) == (409, "not_undone")
    assert api.get("/undo").json() == {"last": None}


def test_a_token_undoes_what_its_scopes_let_it_do(connection: Connection, administrator: Any):
    services.delete_connection(connection, actor=administrator)
    writing, deleting = (
        Api(token_of(administrator, f"connections:{what}")) for what in ("write", "delete")
    )
    assert "lacks the scope connections:delete" in writing.post("/undo", {}).json()["detail"]
    assert deleting.post("/undo", {}).status_code == 200 and UndoStep.objects.count() == 0


def test_an_endpoint_that_others_use_is_changed_on_a_second_yes(
    connection: Connection, client: Client
):
    profile_of(connection, alias="support")
    url = f"/connections/{connection.pk}/edit/"
    given = entries({"api_key": OTHER_SECRET, "base_url": "https://other.example/v1"})
    asks = client.post(url, given)
    assert "Endpoint would change. Nothing is saved yet." in words(asks)
    assert "support" in words(asks) and OTHER_SECRET not in html(asks)
    assert reload(connection).version == 1
    client.post(url, given | {"moved": value_of(asks, "moved")})
    assert reload(connection).settings["base_url"] == "https://other.example/v1"


def test_an_endpoint_that_nobody_uses_is_changed_at_once(connection: Connection, client: Client):
    given = entries({"api_key": OTHER_SECRET, "base_url": "https://other.example/v1"})
    client.post(f"/connections/{connection.pk}/edit/", given)
    assert reload(connection).version == 2


def test_another_change_of_what_others_use_asks_nothing(connection: Connection, client: Client):
    profile_of(connection)
    given = entries({"base_url": "https://fake.example.com/v1"}, name="Renamed")
    client.post(f"/connections/{connection.pk}/edit/", given)
    assert reload(connection).name == "Renamed"


def test_deleting_a_profile_tells_the_tokens_that_are_limited_to_it(
    connection: Connection, client: Client, administrator: Any
):
    row = profile_of(connection)
    services.create_token(
        "CI", user=administrator, actor=None, scopes=["gateway:use"], profiles=[row.alias]
    )
    page = client.get(f"/profiles/{row.pk}/delete/")
    assert "1 token is limited to it." in words(page)
