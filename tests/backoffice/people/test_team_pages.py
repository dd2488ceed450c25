"""The pages of teams: who sees which, members in place, and the end of a team."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from backoffice.people.service_accounts.services import add_service_account
from connections import services
from connections.models import Connection, Membership, Role, Team
from tests.fakes import connect, profile_of
from tests.pages import told, words
from tests.people import PASSWORD, browser, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def red(db: None) -> Team:
    return services.create_team("Red", actor=None)


@pytest.fixture
def blue(db: None) -> Team:
    return services.create_team("Blue", actor=None)


@pytest.fixture
def tina(red: Team) -> User:
    """The administrator of Red, in no group."""
    one = person("tina")
    services.set_member(red, one, Role.ADMINISTRATOR, actor=None)
    return one


@pytest.fixture
def client(tina: User) -> Client:
    """Her browser."""
    return browser(tina)


def page_of(team: Team) -> str:
    return f"/teams/{team.pk}/"


def roles(team: Team) -> dict[str, str]:
    return dict(team.memberships.values_list("user__username", "role"))


def test_whoever_manages_all_sees_all_teams_and_a_team_administrator_her_own(
    client: Client, administrator: User, fake, red: Team, blue: Team
):
    connect(team=red)
    every = words(browser(administrator).get("/teams/"))
    assert "Blue" in every and "Red" in every
    hers = words(client.get("/teams/"))
    assert "Red" in hers and "Blue" not in hers
    assert client.get(page_of(red)).status_code == 200
    assert client.get(page_of(blue)).status_code == 404


def test_who_is_in_no_team_is_told_why_and_sees_none(operator: User, red: Team):
    client = browser(operator)
    assert client.get("/teams/").status_code == 403
    assert client.get(page_of(red)).status_code == 404


def test_many_teams_take_as_many_queries_as_one(
    administrator: User, red: Team, django_assert_max_num_queries: Any
):
    client = browser(administrator)
    client.get("/teams/")
    with django_assert_max_num_queries(60) as few:
        client.get("/teams/")
    for number in range(20):
        services.create_team(f"Team {number}", actor=None)
    with django_assert_max_num_queries(len(few)):
        client.get("/teams/")


def test_a_team_administrator_takes_in_who_is_here_without_a_superuser(
    client: Client, viewer: User, administrator: User, red: Team
):
    role = Group.objects.get(name="Viewers")
    add_service_account("robot", role=role, contact="x", actor=administrator)
    for name in ("vera", "robot"):
        answer = client.post(page_of(red), {"action": "add", "name": name, "role": "operator"})
        assert answer.status_code == 302
    assert roles(red)["vera"] == "operator" and len(roles(red)) == 3
    nobody = client.post(page_of(red), {"action": "add", "name": "nemo", "role": "viewer"})
    assert "There is nobody of this name." in words(nobody)
    again = client.post(page_of(red), {"action": "add", "name": "vera", "role": "viewer"})
    assert "vera is in this team already." in words(again) and roles(red)["vera"] == "operator"


def test_roles_are_changed_in_place_and_members_taken_out(client: Client, viewer: User, red: Team):
    services.set_member(red, viewer, Role.VIEWER, actor=None)
    member = {"person": viewer.pk}
    client.post(page_of(red), {"action": "role", "role": "operator", **member})
    assert roles(red)["vera"] == "operator"
    client.post(page_of(red), {"action": "remove", **member})
    assert roles(red) == {"tina": "administrator"}


def test_the_last_administrator_stays(client: Client, tina: User, red: Team):
    answer = client.post(page_of(red), {"action": "remove", "person": tina.pk})
    assert "This is the last administrator of Red." in words(answer)
    assert roles(red) == {"tina": "administrator"}


def test_a_member_reads_the_page_and_may_only_leave(client: Client, viewer: User, red: Team):
    services.set_member(red, viewer, Role.OPERATOR, actor=None)
    theirs = browser(viewer)
    text = words(theirs.get(page_of(red)))
    assert "tina" in text and "Leave" in text and "Add the member" not in text
    for posted in (
        {"action": "add", "name": "ada", "role": "viewer"},
        {"action": "role", "role": "administrator", "person": viewer.pk},
        {"action": "name", "name": "Mine"},
    ):
        assert theirs.post(page_of(red), posted).status_code == 403
    assert "Red: Operator" in words(theirs.get("/you/")).replace(" :", ":")
    assert theirs.post(page_of(red), {"action": "remove", "person": viewer.pk})["Location"] == (
        "/you/"
    )
    assert roles(red) == {"tina": "administrator"}


def test_a_foreign_team_cannot_be_changed(client: Client, viewer: User, blue: Team):
    for posted in (
        {"action": "add", "name": "tina", "role": "administrator"},
        {"action": "name", "name": "Mine"},
    ):
        assert client.post(page_of(blue), posted).status_code == 404
    assert client.post(f"{page_of(blue)}delete/", {"heir": "all"}).status_code == 403
    assert roles(blue) == {} and Team.objects.filter(name="Blue").exists()


def test_only_whoever_manages_all_makes_and_deletes_teams(
    client: Client, administrator: User, red: Team
):
    assert client.get("/teams/add/").status_code == 403
    assert client.post("/teams/add/", {"name": "Green"}).status_code == 403
    assert client.post(f"{page_of(red)}delete/", {"heir": "all"}).status_code == 403
    made = browser(administrator).post("/teams/add/", {"name": "Green"})
    assert made["Location"] == page_of(Team.objects.get(name="Green"))
    taken = browser(administrator).post("/teams/add/", {"name": "Red"})
    assert "There is a team with this name already." in words(taken)


def test_a_team_is_renamed(client: Client, red: Team):
    client.post(page_of(red), {"action": "name", "name": "Crimson"})
    red.refresh_from_db()
    assert red.name == "Crimson"


def test_the_page_counts_what_a_team_has_and_shares(client: Client, fake, red: Team, blue: Team):
    row = connect(name="Own account", team=red)
    profile_of(row, team=red)
    services.share(row, blue, "see", actor=None)
    text = words(client.get(page_of(red)))
    assert "Connections 1 Profiles 1" in text
    assert "Own account own-account : Blue , See" in text


def test_a_team_with_things_ends_only_when_another_takes_them(
    administrator: User, fake, red: Team, blue: Team
):
    row = connect(team=red)
    client = browser(administrator)
    assert "Connections: 1" in words(client.get(f"{page_of(red)}delete/"))
    asked = client.post(f"{page_of(red)}delete/", {"heir": ""})
    assert asked.status_code == 200 and Team.objects.filter(pk=red.pk).exists()
    done = client.post(f"{page_of(red)}delete/", {"heir": str(blue.pk)})
    assert (done["Location"], told(done)) == ("/teams/", ["Red is deleted."])
    assert Connection.objects.get(pk=row.pk).team == blue


def test_a_person_gets_a_team_and_a_role_from_their_page(
    administrator: User, viewer: User, red: Team
):
    client = browser(administrator)
    page = f"/people/{viewer.pk}/"
    assert "In no team." in words(client.get(page))
    client.post(f"{page}team/", {"team": red.pk, "role": "administrator"})
    assert roles(red) == {"vera": "administrator"}
    assert "Red : Administrator" in words(client.get(page))


def test_a_new_person_may_have_a_team_instead_of_a_role(administrator: User, red: Team):
    client = browser(administrator)
    posted = {"name": "nina", "password": PASSWORD, "team": red.pk, "team_role": "viewer"}
    assert client.post("/people/add/", posted).status_code == 302
    assert Membership.objects.get(user__username="nina").role == "viewer"
    neither = {"name": "nemo", "password": PASSWORD, "team": "", "team_role": "viewer"}
    assert "Choose a role or a team." in words(client.post("/people/add/", neither))
    assert browser(User.objects.get(username="nina")).get("/connections/").status_code == 200


def test_where_no_team_is_nothing_of_teams_is_shown(administrator: User, operator: User):
    client = browser(administrator)
    for path in ("/people/add/", f"/people/{operator.pk}/", "/you/", "/"):
        assert "team" not in words(client.get(path)).lower()
    assert "Teams" in words(client.get("/administration/"))


def test_a_refusal_about_a_row_of_a_team_names_its_administrators(
    stranger: User, administrator: User, tina: User, fake, red: Team
):
    row = connect(team=red)
    services.set_member(red, stranger, Role.VIEWER, actor=None)
    said = words(browser(stranger).post(f"/connections/{row.pk}/test/"))
    assert "Your role in the team Red is Viewer." in said
    assert "There Operator or Administrator may." in said
    assert "Ask tina : they give roles in the team." in said and "ada" not in said
