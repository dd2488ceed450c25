"""Faults and teams: what hits others only is not there, and what hits both is told by halves."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections import services
from connections.models import Connection, HostApproval, Profile, Snooze
from connections.standing import viewer_of
from connections.viewing import viewing
from gateway.attention import services as faults
from gateway.attention.lines import Line, lines
from tests.fakes import connect, profile_of
from tests.gateway.attention.test_attention import ask, fail
from tests.gateway.attention.test_radar import learn, listed
from tests.people import browser

from .conftest import Teams

pytestmark = pytest.mark.django_db


def fresh(user: Any) -> Any:
    """The person as a request finds them."""
    return User.objects.get(pk=user.pk)


def shown(user: Any) -> dict[str, Line]:
    """The lines that somebody sees, by their titles."""
    actor = fresh(user)
    with viewing(viewer_of(actor)):
        return {one.told.title: one for one in lines(faults.attention(actor=actor).rows)}


def text_of(user: Any) -> str:
    """Everything that pages and API tell somebody of faults."""
    client = browser(user)
    paths = ("/attention/", "/", "/api/v1/attention", "/api/v1/health-report")
    return "\n".join(client.get(path).content.decode() for path in paths)


def test_a_fault_of_another_team_is_not_there(teams: Teams):
    for connection, _ in teams.rows.values():
        fail(connection)
    everything = {f"Connection {one}" for one in teams.rows}
    assert shown(teams.people["global administrator"]).keys() == everything
    assert shown(teams.people["operator"]).keys() == everything - {"Connection foreign"}
    assert shown(teams.people["global operator"]).keys() == {"Connection of all"}
    text = text_of(teams.people["operator"])
    assert "Connection own" in text and "Connection foreign" not in text


def test_a_fault_that_hits_several_teams_is_told_as_far_as_it_hits_one_s_own(teams: Teams):
    for name in ("own", "foreign"):
        row = teams.rows[name][0]
        services.update_connection(row, actor=None, settings={"api_key": "$Fake:Gone"}, merge=True)
    both = shown(teams.people["global administrator"])["$Fake:Gone"]
    half = shown(teams.people["operator"])["$Fake:Gone"]
    assert len(both.ranked.fault.connection_ids) == 2
    assert [one.name for one in half.connections] == ["Connection own"]
    assert (half.more, half.ranked.hit.profiles, both.ranked.hit.profiles) == (0, 1, 2)


def test_whoever_is_hit_is_counted_by_what_one_sees(teams: Teams):
    connection, own = teams.rows["own"]
    services.share(connection, teams.b, "use", actor=None)
    others = profile_of(connection, name="Profile of theirs", team=teams.b)
    ask(own, 2)
    ask(others, 5)
    fail(connection)
    mine = shown(teams.people["operator"])["Connection own"].ranked.hit
    every = shown(teams.people["global administrator"])["Connection own"].ranked.hit
    assert (mine.requests, mine.profiles, every.requests, every.profiles) == (2, 1, 7, 2)


def test_a_model_that_ends_names_the_profiles_that_one_sees(teams: Teams):
    connection, own = teams.rows["own"]
    services.share(connection, teams.b, "use", actor=None)
    profile_of(connection, name="Profile of theirs", team=teams.b)
    for models in (listed(own.model, "other"), listed("other"), listed("other")):
        learn(connection, models=models)
    mine = shown(teams.people["operator"])[own.model]
    assert "Profile own" in mine.told.cause and "theirs" not in mine.told.cause


def test_what_is_remembered_is_nobody_s_in_particular(teams: Teams):
    """The first who asks fills the memory, and the next one is told the truth."""
    fail(teams.rows["foreign"][0])
    assert shown(teams.people["operator"]) == {}
    assert "Connection foreign" in shown(teams.people["global administrator"])
    assert shown(teams.people["operator"]) == {}


def test_cures_are_those_that_one_may_carry_out(teams: Teams):
    for name in ("own", "seen", "used"):
        fail(teams.rows[name][0])
    client = browser(teams.people["operator"])
    found = {
        one["title"]: [cure["action"] for cure in one["cures"]]
        for one in client.get("/api/v1/attention").json()["items"]
    }
    assert found == {
        "Connection own": ["test", "enter_key"],
        "Connection used": ["test"],
        "Connection seen": [],
    }


def test_a_fault_is_snoozed_by_whoever_may_change_all_that_it_hits(teams: Teams):
    for name in ("own", "foreign"):
        row = teams.rows[name][0]
        services.update_connection(row, actor=None, settings={"api_key": "$Fake:Gone"}, merge=True)
    fail(teams.rows["foreign"][0], code="timeout")
    reason, client = {"reason": "known", "hours": "1"}, browser(teams.people["operator"])
    shared, foreign = "reference:$fake:gone", f"connection:{teams.rows['foreign'][0].pk}"
    answers = [
        client.post("/attention/snooze/", {"fault": key, **reason}).status_code
        for key in (shared, foreign)
    ]
    assert answers == [403, 404] and not Snooze.objects.exists()
    boss = browser(teams.people["global administrator"])
    boss.post("/attention/snooze/", {"fault": shared, **reason})
    woken = client.delete(f"/api/v1/attention/snoozes/{Snooze.objects.get().pk}")
    assert woken.status_code in (403, 404) and Snooze.objects.exists()


def test_a_host_that_another_team_asks_for_is_not_told(teams: Teams):
    for name in ("own", "foreign"):
        HostApproval.objects.create(
            section=f"{name}-section", host="https://h.example", connection=teams.rows[name][0]
        )
    text = text_of(teams.people["operator"])
    assert "own-section" in text and "foreign-section" not in text


def test_tokens_of_all_teams_together_are_told_to_whoever_sees_all(teams: Teams, settings: Any):
    settings.CONNECTIONS_TOKEN_UNUSED_DAYS = 1
    row, _ = services.create_token(
        "old", user=teams.people["operator"], actor=None, scopes=["gateway:use"]
    )
    long_ago = timezone.now() - timedelta(days=9)
    type(row).objects.filter(pk=row.pk).update(idle_from=long_ago, date_created=long_ago)
    assert "1 unused token" in shown(teams.people["global administrator"])
    assert "1 unused token" not in shown(teams.people["administrator"])


def test_whoever_sees_everything_is_asked_no_query_more(teams: Teams, administrator: Any):
    fail(teams.rows["own"][0])

    def queries() -> int:
        with CaptureQueriesContext(database) as found:
            faults.attention(actor=boss)
        return len(found)

    boss = fresh(administrator)
    boss.has_perm("connections.view_connection")
    plain = queries()
    with viewing(viewer_of(boss)):
        assert queries() == plain


def test_teams_and_their_number_cost_the_same(teams: Teams):
    actor = fresh(teams.people["operator"])

    def queries() -> int:
        with viewing(viewer_of(actor)), CaptureQueriesContext(database) as found:
            lines(faults.attention(actor=actor).rows)
        return len(found)

    fail(teams.rows["own"][0])
    queries()
    one = queries()
    for number in range(5):
        team = services.create_team(f"Team {number}", actor=None)
        services.set_member(team, actor, "operator", actor=None)
        fail(connect(name=f"Line {number}", team=team))
    actor = fresh(actor)
    assert queries() == one + 1  # who it is, read anew
    assert Connection.every.count() == 10 and Profile.every.count() == 5
