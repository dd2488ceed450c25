"""Notices and teams: each is told of what is theirs, on pages, by the API and at their targets."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from connections import services
from connections.models import Membership
from connections.services import Invalid
from connections.standing import viewer_of
from connections.viewing import viewing
from gateway.models import Notice, NoticeDelivery, NoticeTarget
from gateway.notices import services as notices
from gateway.notices.services.looking import look
from gateway.notices.services.words import message_of
from tests.gateway.attention.test_attention import fail
from tests.gateway.notices.targets import target
from tests.people import browser

from .conftest import Teams

pytestmark = pytest.mark.django_db


def fresh(user: Any) -> Any:
    """The person as a request finds them."""
    return User.objects.get(pk=user.pk)


def told(user: Any) -> str:
    """What the page, the API and the bell tell somebody."""
    client = browser(user)
    return "\n".join(client.get(path).content.decode() for path in ("/notices/", "/api/v1/notices"))


def number(user: Any) -> int:
    """The number at the bell."""
    actor = fresh(user)
    with viewing(viewer_of(actor)):
        return notices.unread(actor)


def gone(teams: Teams, *names: str) -> None:
    """Makes a reference of these rows have no value, and looks until it is told."""
    for name in names:
        row = teams.rows[name][0]
        services.update_connection(row, actor=None, settings={"api_key": "$Fake:Gone"}, merge=True)
    look(100.0)
    look(120.0)


def test_a_notice_of_another_team_is_not_there(teams: Teams):
    for name in ("own", "foreign", "of all"):
        fail(teams.rows[name][0])
    look(100.0)
    text = told(teams.people["operator"])
    assert "Connection own" in text and "Connection of all" in text
    assert "Connection foreign" not in text
    boss = told(teams.people["global administrator"])
    assert all(f"Connection {name}" in boss for name in ("own", "foreign", "of all"))
    assert "Connection own" not in told(teams.people["global viewer"])


def test_the_bell_counts_what_one_may_read(teams: Teams):
    fail(teams.rows["foreign"][0])
    look(100.0)
    assert (number(teams.people["operator"]), number(teams.people["global administrator"])) == (
        0,
        1,
    )


def test_a_fault_of_several_teams_is_told_to_each_as_far_as_it_is_theirs(teams: Teams):
    gone(teams, "own", "foreign", "of all")
    items = browser(teams.people["operator"]).get("/api/v1/notices").json()["items"]
    (faults,) = [one["items"] for one in items]
    assert {(one["connections"][0]["name"], one["connectionCount"]) for one in faults} == {
        ("Connection own", 1),
        ("Connection of all", 1),
    }
    (whole,) = browser(teams.people["global administrator"]).get("/api/v1/notices").json()["items"]
    assert [one["connectionCount"] for one in whole["items"]] == [3]


def test_one_of_two_teams_reads_of_both(teams: Teams):
    user = teams.people["operator"]
    Membership.objects.create(team=teams.b, user=user, role="viewer")
    gone(teams, "own", "foreign")
    (notice,) = browser(user).get("/api/v1/notices").json()["items"]
    assert notice["count"] == 2


def test_what_was_told_before_there_were_teams_is_for_whoever_sees_all(teams: Teams):
    Notice.objects.create(event="began", kind="failing", severity="critical", items=[])
    assert number(teams.people["operator"]) == 0


def test_a_target_of_a_team_gets_what_is_theirs_alone(teams: Teams):
    mine, all_of_it = target(team=teams.a), target()
    gone(teams, "own", "foreign", "of all")
    texts = {one.target_id: f"{message_of(one)}" for one in NoticeDelivery.objects.select_related()}
    assert "Connection own" in texts[mine.pk] and "owners" not in texts[mine.pk]
    assert "foreign" not in texts[mine.pk] and "of all" not in texts[mine.pk]
    assert "owners" not in texts[all_of_it.pk] and "foreign" in texts[all_of_it.pk]


def test_a_target_of_a_team_is_not_told_of_others_at_all(teams: Teams):
    target(team=teams.a)
    fail(teams.rows["foreign"][0])
    look(100.0)
    assert Notice.objects.exists() and not NoticeDelivery.objects.exists()


def test_the_rules_of_a_target_are_about_its_own_part(teams: Teams):
    target(team=teams.a, tags=["red"])
    services.update_connection(teams.rows["foreign"][0], actor=None, tags=["red"])
    gone(teams, "own", "foreign")
    assert not NoticeDelivery.objects.exists()


def test_administrators_of_a_team_keep_its_targets(teams: Teams):
    address = "https://hooks.example/1"
    row, _ = notices.create_target(
        "webhook", address, actor=fresh(teams.people["administrator"]), team=teams.a, name="Ours"
    )
    for team, who in ((teams.b, "administrator"), (None, "administrator"), (teams.a, "operator")):
        with pytest.raises(PermissionDenied):
            notices.create_target(
                "webhook", address, actor=fresh(teams.people[who]), team=team, name="No"
            )
    foreign, shared = target(team=teams.b), target()
    client = browser(teams.people["administrator"])
    page = client.get("/notices/targets/").content.decode()
    assert f"/notices/targets/{row.pk}/" in page
    assert str(foreign.pk) not in page and str(shared.pk) not in page
    for one, status in ((row, 200), (foreign, 404), (shared, 404)):
        assert client.get(f"/notices/targets/{one.pk}/").status_code == status
        assert client.get(f"/api/v1/notice-targets/{one.pk}").status_code == status
        done = client.post(f"/notices/targets/{one.pk}/delete/").status_code
        assert done == (302 if status == 200 else 404)
    assert set(NoticeTarget.objects.all()) == {foreign, shared}


def test_the_team_of_a_target_is_chosen_where_it_is_made(teams: Teams):
    client = browser(teams.people["administrator"])
    given = {"name": "Ours", "kind": "webhook", "address": "https://hooks.example/1"}
    made = client.post("/api/v1/notice-targets", given, content_type="application/json")
    assert made.status_code == 201 and made.json()["team"] == "Red"  # the only one
    client.post("/notices/targets/add/", given | {"name": "Second", "minimum_severity": "info"})
    assert NoticeTarget.objects.get(name="Second").team == teams.a
    boss = browser(teams.people["global administrator"])
    of_blue = given | {"team": "Blue", "name": "Theirs"}
    made = boss.post("/api/v1/notice-targets", of_blue, content_type="application/json")
    assert made.json()["team"] == "Blue"
    page = boss.get("/notices/targets/add/").content.decode()
    assert 'name="team"' in page and "Blue" in page
    assert "Blue" not in client.get("/notices/targets/add/").content.decode()
    foreign = client.post("/api/v1/notice-targets", of_blue, content_type="application/json")
    assert foreign.status_code == 400


def test_a_team_with_targets_is_not_deleted_without_an_heir(teams: Teams):
    services.create_team("Green", actor=None)
    green = services.create_team("Yellow", actor=None)
    row = target(team=green)
    with pytest.raises(Invalid):
        services.delete_team(green, actor=None)
    services.delete_team(green, actor=None, heir=teams.a)
    row.refresh_from_db()
    assert row.team == teams.a
