"""The rooms and teams: leaked keys, tokens for flows, connection types, what runs by itself."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client

from connections import services
from connections.models import (
    Connection,
    ConnectionType,
    Membership,
    PlannedCheck,
    RevealRecord,
    RevealToken,
    SecretFingerprints,
)
from connections.promptflow import services as flows
from connections.replacement import services as keys
from connections.services import Invalid
from connections.standing import viewer_of
from connections.types import services as types
from connections.viewing import viewing
from tests.connections.types.manifests import SETTINGS, document
from tests.fakes import OTHER_SECRET, SECRET, connect
from tests.people import browser, person

from .conftest import Teams

pytestmark = pytest.mark.django_db


def fresh(user: Any) -> Any:
    """The person as a request finds them."""
    return User.objects.get(pk=user.pk)


def acting(user: Any, act: Callable[[Any], Any]) -> Any:
    """What a service gives somebody who looks."""
    actor = fresh(user)
    with viewing(viewer_of(actor)):
        return act(actor)


# Leaked keys


def places(user: Any, secret: str = SECRET) -> list[tuple[str, str]]:
    found = acting(user, lambda actor: keys.find_key(secret, actor=actor))
    return [(one.what, one.row.name if one.row else "") for one in found]


def test_a_leaked_key_is_told_as_far_as_it_is_one_s_own(teams: Teams):
    mine = {f"Connection {one}" for one in ("of all", "own", "seen", "used")}
    assert {name for _, name in places(teams.people["operator"])} == mine
    assert {name for _, name in places(teams.people["global administrator"])} == mine | {
        "Connection foreign"
    }
    what, name = places(teams.people["administrator"])[-1]
    assert name == "" and what.startswith("in 1 place of another team")


def test_a_leaked_key_in_what_another_team_deleted_is_not_told(teams: Teams):
    services.update_connection(
        teams.rows["foreign"][0], actor=None, settings={"api_key": OTHER_SECRET}, merge=True
    )
    services.delete_profile(teams.rows["foreign"][1], actor=None)
    services.delete_connection(teams.rows["foreign"][0], actor=None)
    assert places(teams.people["operator"], OTHER_SECRET) == []
    assert len(places(teams.people["administrator"], OTHER_SECRET)) == 1
    assert places(teams.people["global administrator"], OTHER_SECRET) == [
        ("in a version of a deleted connection", "")
    ]


def test_a_leaked_key_behind_a_reference_or_in_a_token_is_not_told_of_others(
    teams: Teams, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("Fake__Theirs", OTHER_SECRET)
    services.update_connection(
        teams.rows["foreign"][0], actor=None, settings={"api_key": "$Fake:Theirs"}, merge=True
    )
    row, text = services.create_token(
        "theirs", user=teams.people["global administrator"], actor=None, scopes=["gateway:use"]
    )
    row.team = teams.b
    row.save()
    assert places(teams.people["operator"], OTHER_SECRET) == []
    assert places(teams.people["operator"], text) == []
    assert len(places(teams.people["global administrator"], text)) == 1


def test_fingerprints_of_others_stay_when_somebody_looks(teams: Teams):
    keys.refresh_fingerprints()
    before = SecretFingerprints.objects.count()
    places(teams.people["operator"])
    assert SecretFingerprints.objects.count() == before == len(teams.rows)


def test_the_same_key_elsewhere_is_not_told_of_others(teams: Teams):
    leak = acting(
        teams.people["operator"],
        lambda actor: keys.report_leak(teams.rows["own"][0], actor=actor, revoke=False),
    )
    assert "Connection foreign" not in {one.name for one in leak.others}
    assert len(leak.others) == 3


@pytest.mark.parametrize("name", ["seen", "used"])
def test_a_key_that_is_lent_is_not_replaced(teams: Teams, name: str):
    row, client = teams.rows[name][0], browser(teams.people["operator"])
    given = {"action": "enter", "settings-api_key": "sk-next-0011223344"}
    assert client.post(f"/connections/{row.pk}/replace-key/", given).status_code in (403, 404)
    for path, body in (("replacement", {"settings": {"apiKey": "sk-x-0011"}}), ("leak", {})):
        answer = client.post(f"/api/v1/connections/{row.pk}/{path}", body, "application/json")
        assert answer.status_code == 403, path
    assert Connection.every.get(pk=row.pk).is_active


# Tokens for flows


def flow_token(teams: Teams, who: str, *names: str) -> str:
    """The text of a token for connections, made by somebody."""
    aliases = [teams.rows[name][0].alias for name in names]
    return str(
        acting(
            teams.people[who],
            lambda actor: flows.create_reveal_token(
                f"flow of {who}", user=actor, actor=actor, connections=aliases
            ),
        )[1]
    )


def read(text: str) -> list[str]:
    answer = Client().get(f"/promptflow/{text}/connections")
    return [one["name"] for one in answer.json()] if answer.status_code == 200 else []


def test_an_administrator_of_a_team_lets_flows_read_what_is_the_team_s(teams: Teams):
    assert read(flow_token(teams, "administrator", "own")) == ["Connection own"]
    assert RevealToken.objects.get().team == teams.a
    for name in ("of all", "seen", "used"):
        with pytest.raises(PermissionDenied):
            flow_token(teams, "administrator", name)
    with pytest.raises(Invalid):  # there is none, for them
        flow_token(teams, "administrator", "foreign")
    with pytest.raises(PermissionDenied):
        flow_token(teams, "operator", "own")


def test_a_flow_reads_no_more_once_its_person_left_the_team(teams: Teams):
    text = flow_token(teams, "administrator", "own")
    user = teams.people["administrator"]
    services.set_member(teams.a, person("another"), "administrator", actor=None)
    Membership.objects.filter(user=user).update(role="operator")
    assert read(text) == []
    Membership.objects.filter(user=user).update(role="administrator")
    assert read(text) == ["Connection own"]
    Connection.every.filter(pk=teams.rows["own"][0].pk).update(team=teams.b)
    assert read(text) == []


def test_a_flow_of_whoever_manages_all_reads_all(teams: Teams):
    text = flow_token(teams, "global administrator", "own", "foreign", "of all")
    assert set(read(text)) == {"Connection own", "Connection foreign", "Connection of all"}


def test_tokens_for_flows_are_seen_and_ended_by_their_team(teams: Teams):
    flow_token(teams, "administrator", "own")
    for one in ("foreign", "of all"):
        flow_token(teams, "global administrator", one)
    rows = {row.team: row for row in RevealToken.objects.all()}
    client = browser(teams.people["administrator"])
    page = client.get("/tokens/flows/").content.decode()
    assert "flow of administrator" in page and "flow of global administrator" not in page
    assert "Connection own" in page and "Connection foreign" not in page
    assert "Connection of all" not in page and "Connection used" not in page
    for team, status in ((teams.a, 302), (teams.b, 404), (None, 404)):
        answer = client.post(f"/tokens/flows/{rows[team].pk}/revoke/")
        assert answer.status_code == status
    assert [row.team for row in RevealToken.objects.filter(revoked_at=None)] != [teams.a]


def test_reads_with_tokens_of_other_teams_are_not_told(teams: Teams):
    user = teams.people["global operator"]
    right = Permission.objects.get(codename="view_revealrecord")
    user.user_permissions.add(right)
    read(flow_token(teams, "global administrator", "foreign"))
    assert RevealRecord.objects.filter(outcome="read").count() == 1
    page = browser(user).get("/tokens/flows/reads/")
    assert page.status_code == 200 and b"connection-foreign" not in page.content


# Connection types


def test_a_type_of_a_team_is_offered_there_alone(teams: Teams):
    types.install_types(document(), actor=None, team=teams.a)
    ids = {}
    for who in ("operator", "global operator", "global administrator"):
        client = browser(teams.people[who])
        items = client.get("/api/v1/providers").json()["items"]
        cards = client.get("/connections/add/").content.decode()
        found = client.get("/find/", {"q": "acme"}).content.decode()
        form = client.get("/connections/add/acme.helpdesk/").status_code
        one = client.get("/api/v1/providers/acme.helpdesk").status_code
        ids[who] = {
            "acme.helpdesk" in {item["id"] for item in items},
            "acme.helpdesk" in cards,
            "acme.helpdesk" in found,
            form == 200,
            one == 200,
        }
    assert ids == {"operator": {True}, "global operator": {False}, "global administrator": {True}}


def test_nothing_is_made_of_a_type_of_another_team(teams: Teams):
    types.install_types(document(), actor=None, team=teams.b)

    def make(actor: Any) -> Any:
        values = {"name": "A", "settings": SETTINGS, "team": teams.a}
        return services.create_connection("acme.helpdesk", actor=actor, **values)

    with pytest.raises(Invalid, match="no provider"):
        acting(teams.people["operator"], make)
    types.give_type("acme.helpdesk", None, actor=None)
    assert acting(teams.people["operator"], make).row.team == teams.a


def test_the_key_of_a_type_stays_unique_and_says_no_more(teams: Teams):
    types.install_types(document(), actor=None, team=teams.b)
    user = teams.people["global operator"]
    for name in ("view_connectiontype", "add_connectiontype", "delete_connectiontype"):
        user.user_permissions.add(Permission.objects.get(codename=name))
    with pytest.raises(Invalid) as refused:
        acting(user, lambda actor: types.install_types(document(), actor=actor))
    assert str(refused.value).endswith("The key acme.helpdesk is taken. Give the type another key.")
    client = browser(user)
    assert client.get("/types/acme.helpdesk/").status_code == 404
    assert client.post("/types/acme.helpdesk/remove/").status_code == 404
    assert "acme.helpdesk" not in client.get("/types/").content.decode()
    assert ConnectionType.objects.count() == 1


def test_a_type_that_other_teams_use_is_changed_by_whoever_sees_them(teams: Teams):
    types.install_types(document(), actor=None)
    connect("acme.helpdesk", name="Theirs", settings=SETTINGS, team=teams.b)
    user = teams.people["global operator"]
    for name in ("add_connectiontype", "delete_connectiontype"):
        user.user_permissions.add(Permission.objects.get(codename=name))
    for act in (
        lambda actor: types.install_types(document(version=2), actor=actor),
        lambda actor: types.remove_type("acme.helpdesk", actor=actor),
    ):
        with pytest.raises(Invalid) as refused:
            acting(user, act)
        assert "other teams" in str(refused.value) and "Theirs" not in str(refused.value)


def test_commands_give_types_to_teams(teams: Teams, tmp_path: Any, capsys: Any):
    file = tmp_path / "type.yaml"
    file.write_text(document())
    call_command("connectiontype", "install", str(file), "--team", "red")
    assert ConnectionType.objects.get().team == teams.a
    call_command("connectiontype", "give", "acme.helpdesk", "--to-all")
    assert ConnectionType.objects.get().team is None


# What runs by itself


def test_the_schedule_counts_what_one_sees(teams: Teams):
    for connection, _ in teams.rows.values():
        PlannedCheck.objects.create(connection=connection, due=0.0, failures=1)
    user = teams.people["global operator"]
    user.user_permissions.add(Permission.objects.get(codename="add_connectiontype"))
    found = browser(user).get("/api/v1/schedule").json()["checks"]
    assert (found["planned"], found["failing"]) == (1, 1)
    boss = browser(teams.people["global administrator"]).get("/api/v1/schedule").json()["checks"]
    assert boss["planned"] == len(teams.rows)
