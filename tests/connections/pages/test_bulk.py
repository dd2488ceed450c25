"""What is done with several rows of a list: chosen, asked about, done, undone; and bulk tests."""

import re
from typing import Any

import pytest
from django.test import Client

from connections import services
from connections.models import ApiToken, Connection, Profile, Task, Team
from tests.fakes import REFUSED, connect, profile_of, reload
from tests.pages import HTMX, html, told, value_of, words
from tests.people import browser

pytestmark = pytest.mark.django_db
LIST, BULK = "/connections/", "/connections/bulk/"


@pytest.fixture
def client(administrator: Any) -> Client:
    """The administrator's browser."""
    return browser(administrator)


@pytest.fixture
def many(fake: Any) -> list[Connection]:
    """More connections than one page has, every other one with a tag."""
    return [connect(name=f"Number {one:02}", tags=["odd"] if one % 2 else []) for one in range(60)]


def matching(**more: str) -> dict[str, str]:
    return {"all": "match", "match": "tag=odd&page=2", "seen": "30", "next": f"{LIST}?tag=odd"} | (
        more
    )


def test_all_that_match_are_chosen_whatever_is_ticked(many: list[Connection], client: Client):
    page = client.get(LIST, {"tag": "odd"})
    assert "All 30 that match" in words(page) and value_of(page, "seen") == "30"
    given = matching(action="deactivate", ids=str(many[0].pk))
    assert told(client.post(BULK, given)) == ["30 connections switched off."]
    assert {row.tags[0] for row in Connection.objects.filter(is_active=False)} == {"odd"}


def test_another_number_than_was_seen_is_told(many: list[Connection], client: Client):
    said = told(client.post(BULK, matching(action="activate", seen="28")))
    assert said[1] == "28 were chosen when you looked, 30 are now."


def test_what_asks_first_asks_again_when_the_number_is_another(
    many: list[Connection], client: Client
):
    page = client.post("/connections/bulk/delete/", matching(seen="28"))
    assert "28 were chosen when you looked, 30 are now." in words(page)
    assert Connection.objects.count() == 60
    again = {name: value_of(page, name) for name in ("all", "match", "seen", "next")}
    done = client.post("/connections/bulk/delete/", again)
    assert told(done) == ["30 connections deleted."] and Connection.objects.count() == 30


def test_what_a_profile_needs_is_not_deleted_and_named(fake: Any, client: Client):
    free, used = connect(name="Free"), connect(name="Used")
    profile_of(used, name="Support")
    ids = {"ids": [str(free.pk), str(used.pk)]}
    page = client.post(BULK, {"action": "delete", **ids})
    assert "1 of 2 cannot be deleted" in words(page) and "Used used is needed by Support" in words(
        page
    )
    done = client.post("/connections/bulk/delete/", ids, follow=True)
    assert "1 connection deleted." in words(done) and "still used by Support" in words(done)
    assert list(Connection.objects.values_list("name", flat=True)) == ["Used"]
    client.post("/undo/", {"step": value_of(done, "step")})
    assert Connection.objects.count() == 2


def test_several_deleted_come_back_together(many: list[Connection], client: Client):
    services.test_connection(many[1], actor=None)
    done = client.post("/connections/bulk/delete/", matching(), follow=True)
    assert told(client.post("/undo/", {"step": value_of(done, "step")})) == ["30 are back."]
    assert Connection.objects.count() == 60 and reload(many[1]).last_check.success


def test_tags_are_given_and_taken_away_and_come_back(fake: Any, client: Client):
    one, two = connect(name="One", tags=["old", "both"]), connect(name="Two", tags=["both"])
    ids = {"ids": [str(one.pk), str(two.pk)]}
    page = client.post(BULK, {"action": "tag", **ids})
    assert 'value="old"' in html(page)
    given = {**ids, "add": "new, both", "take": ["old"]}
    done = client.post("/connections/bulk/tag/", given, follow=True)
    assert (reload(one).tags, reload(two).tags) == (["both", "new"], ["both", "new"])
    client.post("/undo/", {"step": value_of(done, "step")})
    assert (reload(one).tags, reload(two).tags) == (["old", "both"], ["both"])


def test_wrong_tags_are_refused_and_stay_typed(connection: Connection, client: Client):
    page = client.post("/connections/bulk/tag/", {"ids": str(connection.pk), "add": 'a"b'})
    assert "without commas" in words(page) and value_of(page, "add") == "a&quot;b".replace(
        "&quot;", '"'
    )


def test_profiles_are_acted_on_alike(connection: Connection, client: Client):
    rows = [profile_of(connection, name=f"Number {one}") for one in range(3)]
    ids = {"ids": [str(row.pk) for row in rows]}
    assert told(client.post("/profiles/bulk/", {"action": "deactivate", **ids})) == [
        "3 profiles switched off."
    ]
    client.post("/profiles/bulk/tag/", {**ids, "add": "new"}, follow=True)
    assert Profile.objects.filter(tags=["new"]).count() == 3
    done = client.post("/profiles/bulk/delete/", ids, follow=True)
    assert not Profile.objects.exists()
    assert told(client.post("/undo/", {"step": value_of(done, "step")})) == ["3 are back."]


def test_several_move_to_a_team_together(fake: Any, client: Client):
    team = Team.objects.create(name="Search")
    rows = [connect(name=f"Number {one}") for one in range(3)]
    profile = profile_of(rows[0], name="Support")
    ids = {"ids": [str(row.pk) for row in rows]}
    assert 'value="team"' in html(client.get(LIST))
    page = client.post(BULK, {"action": "team", **ids})
    assert "Move 3 connections to a team" in words(page)
    alone = client.post("/connections/bulk/team/", {**ids, "team": str(team.pk)})
    assert "is used by Support" in words(alone) and reload(rows[1]).team is None
    assert 'name="profiles" checked' not in html(alone)
    given = {**ids, "team": str(team.pk), "profiles": "on"}
    assert told(client.post("/connections/bulk/team/", given)) == ["4 moved to Search."]
    assert {reload(row).team for row in [*rows, profile]} == {team}
    back = {"ids": str(profile.pk), "team": "none"}
    assert "Number 0, which" in words(client.post("/profiles/bulk/team/", back))


def test_without_teams_no_list_offers_to_move(connection: Connection, client: Client):
    assert 'value="team"' not in html(client.get(LIST))


# Bulk tests


def finished(client: Client, rows: list[Connection], **more: Any) -> tuple[Any, Task]:
    """The answer to a bulk test, and the test, once it has ended."""
    given = {"action": "test", "ids": [str(row.pk) for row in rows], "next": f"{LIST}?q=n"}
    answer = client.post(BULK, given, **more)
    task = Task.objects.get()
    services.run_bulk_test(task)
    return answer, task


def test_a_bulk_test_has_a_page_and_one_summary(fake: Any, client: Client):
    good, *bad = (connect(name=f"Number {one}") for one in range(3))
    fake.answer = []
    answer, task = finished(client, [good])
    assert answer["Location"] == f"/tasks/{task.pk}/"
    assert "It works." in words(client.get(answer["Location"]))
    services.drop_task(task.pk, actor=task.user)
    fake.answer = REFUSED
    _, task = finished(client, bad)
    page = client.get(f"/tasks/{task.pk}/")
    assert "0 work, 2 do not." in words(page) and f"2 {REFUSED.message}" in words(page)
    ticked = client.get(LIST, {"q": "n", "tick": str(task.pk)})
    assert len(re.findall(r'name="ids"[^>]* checked>', html(ticked))) == 2


def test_htmx_gets_how_far_it_is_and_the_list_stays(fake: Any, client: Client):
    answer, task = finished(client, [connect()], headers=HTMX)
    assert f'id="task-{task.pk}"' in html(answer) and "<table" not in html(answer)
    assert f'id="task-{task.pk}"' in html(client.get(LIST))
    client.post(f"/tasks/{task.pk}/", {"action": "drop"}, headers=HTMX)
    assert not Task.objects.exists()


def test_nobody_sees_or_cancels_the_test_of_another(fake: Any, client: Client, operator: Any):
    task = services.begin_bulk_test([connect()], actor=operator)
    url = f"/tasks/{task.pk}/"
    assert client.get(url).status_code == 404
    client.post(url, {"action": "cancel"})
    assert not Task.objects.get().is_cancelled
    browser(operator).post(url, {"action": "cancel"})
    assert Task.objects.get().is_cancelled


def test_several_tokens_are_revoked_and_valid_again(client: Client, administrator: Any):
    for name in ("One", "Two"):
        services.create_token(name, user=administrator, actor=None, scopes=["admin"])
    ids = {"ids": [str(one.pk) for one in ApiToken.objects.all()]}
    page = client.post("/tokens/revoke/", ids)
    assert "Revoke 2 tokens" in words(page) and ApiToken.objects.filter(revoked_at=None).count()
    done = client.post("/tokens/revoke/", {**ids, "agreed": "on"}, follow=True)
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert told(client.post("/undo/", {"step": value_of(done, "step")})) == ["2 are valid again."]
