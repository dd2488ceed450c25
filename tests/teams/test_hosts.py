"""Answers about hosts that count for one team: what they are for, who gives them, what becomes of
them.
"""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from connections import services
from connections.approval_list import approvals_seen
from connections.destinations import hosts_of
from connections.models import Connection, HostApproval, Team
from connections.runtime import find_connection, resolved_settings
from connections.standing import viewer_of
from connections.viewing import viewing
from tests.connections.api.calls import Api, errors
from tests.connections.api.calls import token_of as api_token
from tests.fakes import reload
from tests.pages import words
from tests.people import browser

from .conftest import Teams
from .test_packages import fresh

pytestmark = pytest.mark.django_db
HOST = "https://elsewhere.example"
SETTINGS = {"api_key": "$OpenAI:ApiKey", "base_url": f"{HOST}/v1"}


@pytest.fixture
def rows(teams: Teams, settings: Any) -> dict[str, Connection]:
    """Connections of Red, of Blue and of all, that ask for the same host."""
    settings.CONNECTIONS_CONFIG = {"OpenAI": {"ApiKey": "fake-key-behind-a-reference"}}
    asker = teams.people["global operator"]
    found = {
        name: services.create_connection(
            "openai-compatible", actor=None, name=name, settings=SETTINGS, team=team
        ).row
        for name, team in (("red", teams.a), ("blue", teams.b), ("all", None))
    }
    HostApproval.objects.all().delete()  # the machine's operator approves what it saves
    HostApproval.objects.create(
        section="openai", host=HOST, connection=found["all"], requested_by=asker
    )
    return found


def usable(rows: dict[str, Connection]) -> set[str]:
    """The names of those whose secrets may go there."""
    found = set()
    for name, row in rows.items():
        try:
            resolved_settings(find_connection(str(row.pk)))
        except services.Unusable as refused:
            assert refused.code == "host_not_approved"
        else:
            found.add(name)
    return found


def answers() -> set[tuple[str, str]]:
    rows = HostApproval.objects.select_related("team")
    return {(row.team.name if row.team else "all", row.state) for row in rows}


def decide(state: str, team: Team | None, of: Team | None = None) -> HostApproval:
    row = HostApproval.objects.get(team=of)
    return services.decide_host(row, state, actor=None, team=team)


def test_an_approval_for_a_team_counts_for_its_connections_alone(
    rows: dict[str, Connection], teams: Teams
):
    decide("approved", teams.a)
    assert (usable(rows), answers()) == ({"red"}, {("Red", "approved")})
    assert [one.state for one in hosts_of(rows["red"])] == ["approved"]
    assert [one.pk for name in ("blue", "all") for one in hosts_of(rows[name])] == [None, None]
    decide("approved", None, of=teams.a)
    assert (usable(rows), answers()) == ({"red", "blue", "all"}, {("all", "approved")})
    decide("approved", teams.b)
    assert (usable(rows), answers()) == ({"blue"}, {("Blue", "approved")})


@pytest.mark.server
def test_another_answer_for_a_team_stands_beside_that_for_all(
    rows: dict[str, Connection], teams: Teams
):
    decide("approved", None)
    decide("refused", teams.b)
    assert (usable(rows), len(answers())) == ({"red", "all"}, 2)
    decide("refused", None)
    decide("approved", teams.a)
    assert (usable(rows), len(answers())) == ({"red"}, 3)
    with pytest.raises(IntegrityError), transaction.atomic():
        HostApproval.objects.create(section="openai", host=HOST)
    with pytest.raises(IntegrityError), transaction.atomic():
        HostApproval.objects.create(section="openai", host=HOST, team=teams.a)


def test_others_ask_for_what_one_team_has(rows: dict[str, Connection], teams: Teams):
    decide("approved", teams.a)
    who = teams.people["global operator"]
    saved = services.update_connection(rows["all"], actor=who, settings=SETTINGS)
    assert [one.code for one in saved.notices] == ["host_not_approved"]
    assert answers() == {("Red", "approved"), ("all", "requested")}


def test_a_refusal_for_a_team_is_not_asked_for_again(rows: dict[str, Connection], teams: Teams):
    decide("refused", teams.a)
    member = fresh(teams.people["operator"])
    services.update_connection(rows["red"], actor=member, settings=SETTINGS)
    assert answers() == {("Red", "refused")}
    services.update_connection(reload(rows["red"]), actor=None, settings=SETTINGS)
    assert usable(rows) >= {"red"}


def test_unsaved_values_are_judged_by_the_team_they_are_for(
    rows: dict[str, Connection], teams: Teams
):
    decide("approved", teams.a)
    who = fresh(teams.people["global operator"])
    services.set_member(teams.a, who, "operator", actor=None)
    who = fresh(who)
    of_all = services.test_settings("openai-compatible", SETTINGS, actor=who)
    of_red = services.test_settings("openai-compatible", SETTINGS, actor=who, team=teams.a)
    assert of_all.code == "host_not_approved" != of_red.code


def test_a_move_is_judged_by_the_new_team_and_asks(rows: dict[str, Connection], teams: Teams):
    decide("approved", teams.a)
    services.move_to_team([rows["red"]], teams.b, actor=None)
    assert usable(rows) == set()
    assert answers() == {("Red", "approved"), ("all", "requested")}
    services.move_to_team([rows["blue"]], teams.a, actor=None)
    assert usable(rows) == {"blue"}


def test_the_end_of_a_team_hands_its_answers_on(rows: dict[str, Connection], teams: Teams):
    decide("approved", teams.a)
    services.delete_team(teams.a, actor=None, heir=teams.b)
    assert (usable(rows), answers()) == ({"red", "blue"}, {("Blue", "approved")})
    services.delete_team(teams.b, actor=None, is_for_all=True)
    assert (usable(rows), answers()) == (set(), {("all", "requested")})


def test_an_heir_keeps_its_own_answer(rows: dict[str, Connection], teams: Teams):
    decide("refused", teams.b)
    HostApproval.objects.create(section="openai", host=HOST, team=teams.a, state="approved")
    services.delete_team(teams.a, actor=None, heir=teams.b)
    assert answers() == {("Blue", "refused")}


def test_an_answer_for_another_team_is_in_no_list(rows: dict[str, Connection], teams: Teams):
    decide("approved", teams.b)
    for name, number in (("operator", 0), ("global operator", 0), ("global administrator", 1)):
        with viewing(viewer_of(fresh(teams.people[name]))):
            assert approvals_seen().count() == number


def test_the_page_lets_the_approver_choose(rows: dict[str, Connection], teams: Teams):
    boss, row = browser(teams.people["global administrator"]), HostApproval.objects.get()
    address = f"/references/hosts/{row.pk}/"
    boss.post(address, {"decision": "approved", "team": str(teams.a.pk)})
    assert answers() == {("Red", "approved")}
    assert "Red" in words(boss.get("/references/hosts/"))
    boss.post(address, {"decision": "refused"})
    assert answers() == {("Red", "refused")}
    boss.post(address, {"decision": "refused", "team": "all"})
    assert answers() == {("all", "refused")}
    told = boss.post(address, {"decision": "approved", "team": "nobody"}, follow=True)
    assert "There is no such team." in words(told)


def test_the_api_lets_the_approver_choose(rows: dict[str, Connection], teams: Teams):
    boss = Api(api_token(teams.people["global administrator"]))
    address = f"/host-approvals/{HostApproval.objects.get().pk}"
    limited = boss.patch(address, {"state": "approved", "team": "Red"}).json()
    assert (limited["team"], limited["state"]) == ("Red", "approved")
    assert boss.patch(address, {"state": "refused"}).json()["team"] == "Red"
    assert boss.patch(address, {"state": "refused", "team": None}).json()["team"] is None
    assert errors(boss.patch(address, {"state": "approved", "team": "nobody"})) == {
        "/team": "not_found"
    }


def test_the_command_lets_the_approver_choose(rows: dict[str, Connection], teams: Teams):
    def run(*arguments: str) -> str:
        out = StringIO()
        call_command("hosts", *arguments, stdout=out)
        return out.getvalue()

    run("approve", "openai", HOST, "--team", "Red")
    assert usable(rows) == {"red"}
    assert f"openai to {HOST} for the team Red, asked" in run("list")
    run("approve", "openai", HOST)
    assert usable(rows) == set(rows)
    with pytest.raises(CommandError):
        run("forget", "openai", HOST, "--team", "Red")
    run("forget", "openai", HOST)
    assert answers() == set()
