"""Who is in teams sees events of their teams, and never a name of what they may not see."""

from typing import Any

import pytest
from django.urls import reverse

from connections.audit.services import record
from connections.models import ApiToken, AuditEvent, Connection, Membership, Role, Team
from tests.fakes import connect
from tests.people import browser, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake")]


@pytest.fixture
def red() -> Team:
    return Team.objects.create(name="Red")


@pytest.fixture
def blue() -> Team:
    return Team.objects.create(name="Blue")


def row(name: str, team: Team | None = None) -> Connection:
    return connect(alias=name, name=name, team=team)


def member(team: Team, role: str, name: str) -> Any:
    found = person(name)
    Membership.objects.create(team=team, user=found, role=role)
    return found


def listed(who: Any, page: str = "audit-list") -> str:
    response = browser(who).get(reverse(page))
    assert response.status_code == 200
    return response.text


def test_administrators_of_a_team_see_its_events_alone(red: Team, blue: Team):
    ruth = member(red, Role.ADMINISTRATOR, "ruth")
    ours, theirs = (
        row("zared", red),
        row("zablue", blue),
    )
    shared = row("zashared")
    for one in (ours, theirs, shared):
        record(one, actor=ruth, action="connection.update")
    events = {one.object_name: one for one in AuditEvent.objects.filter(action="connection.update")}
    text = listed(ruth)
    assert "zared" in text and "zablue" not in text and "zashared" not in text
    client = browser(ruth)
    found = [
        client.get(reverse("audit-event", args=[events[name].pk])).status_code
        for name in ("zared", "zablue")
    ]
    assert found == [200, 404]
    assert client.get(reverse("audit-list"), {"team": str(blue.pk)}).text.count("zablue") == 0


def test_only_administrators_of_a_team_see_its_events(red: Team):
    for role in (Role.VIEWER, Role.OPERATOR):
        response = browser(member(red, role, f"in-{role}")).get(reverse("audit-list"))
        assert response.status_code == 403


def test_whoever_manages_all_teams_sees_all(red: Team, administrator: Any):
    record(
        row("zared", red),
        actor=administrator,
        action="connection.update",
    )
    assert "zared" in listed(administrator)


def test_what_an_event_names_besides_is_named_to_whom_may_see_it(red: Team, blue: Team):
    ruth = member(red, Role.ADMINISTRATOR, "ruth")
    ours, theirs = (
        row("zared", red),
        row("zablue", blue),
    )
    token = _token(blue, "zabluetoken")
    actor = person("bill")
    actor.token = token
    event = record(
        ours, actor=actor, action="connection.update", others=[theirs, token, blue],
        changes=[("team", "Blue", "Red")],
    )  # fmt: skip
    text = browser(ruth).get(reverse("audit-event", args=[event.pk])).text  # type: ignore[union-attr]
    assert "zablue" not in text and "Blue" not in text and "Red" in text
    assert "3 more are not shown here" in text


def test_own_acts_of_a_team_that_one_left_are_gone(red: Team):
    olga = member(red, Role.OPERATOR, "olga")
    record(row("zared", red), actor=olga, action="connection.update")
    assert "zared" in listed(olga, "own-acts")
    Membership.objects.filter(user=olga).delete()
    assert "zared" not in listed(person("olga-again"), "own-acts")
    assert "zared" not in listed(type(olga).objects.get(pk=olga.pk), "own-acts")


def _token(team: Team, name: str) -> ApiToken:
    return ApiToken.objects.create(
        name=name, team=team, user=person(f"of-{name}"), prefix="sb_y", digest="y"
    )
