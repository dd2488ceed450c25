"""A refusal says which right is missing, who has it, who can give it, and what to do instead."""

import pytest
from django.test import Client

from connections import services
from connections.errors import MissingRight
from connections.models import Role, Team
from tests.fakes import profile_of
from tests.pages import words
from tests.people import browser, person

pytestmark = pytest.mark.django_db


def test_the_page_of_a_refusal_names_right_roles_people_and_what_to_do_instead(
    administrator, operator, connection
):
    response = browser(operator).get(f"/connections/{connection.pk}/delete/")
    said = words(response)
    assert response.status_code == 403
    assert "This needs the right Delete connection" in said
    assert "Your role is Operators. Administrators may." in said
    assert "Ask ada" in said
    assert "You may switch it off: nothing uses it then." in said
    assert "Switch connection on and off" in said  # among all that they may do


def test_what_a_service_refuses_names_its_right_too(administrator, viewer, connection):
    said = words(browser(viewer).post(f"/connections/{connection.pk}/test/"))
    assert "This needs the right Test connection" in said
    assert "Administrators or Operators may." in said


def test_a_right_that_no_role_holds_is_said_to_be_held_by_none(administrator, viewer):
    said = words(browser(viewer).get("/why-not/auth.delete_permission/"))
    assert "This needs the right Delete permission" in said
    assert "No role holds this." in said


def test_what_no_role_of_a_team_holds_groups_give(administrator, db):
    member = person("mina")
    services.set_member(
        Team.objects.create(name="Search"), member, Role.VIEWER, actor=administrator
    )
    shown = words(browser(member).get("/people/"))
    assert "Administrators may. Ask ada : they give roles under Administration" in shown


@pytest.mark.parametrize(
    ("who", "page", "right"),
    [
        ("viewer", "/connections/", "connections.add_connection"),
        ("viewer", "/profiles/", "connections.add_profile"),
        ("viewer", "connection", "connections.change_connection"),
        ("operator", "connection", "connections.delete_connection"),
        ("viewer", "profile", "connections.change_profile"),
        ("operator", "profile", "connections.delete_profile"),
    ],
)
def test_where_a_control_is_not_offered_a_link_says_why(
    people, connection, who: str, page: str, right: str
):
    rows = {"connection": connection, "profile": profile_of(connection)}
    address = rows[page].get_absolute_url() if page in rows else page
    link = f'href="/why-not/{right}/"'
    client = browser(people[who])
    assert link in client.get(address).content.decode()
    assert link not in browser(people["administrator"]).get(address).content.decode()
    assert "Ask ada" in words(client.get(f"/why-not/{right}/"))


def test_who_has_a_right_is_told_so_and_an_unknown_one_is_not_there(administrator):
    client = browser(administrator)
    assert "You have the right View connection" in words(
        client.get("/why-not/connections.view_connection/")
    )
    assert client.get("/why-not/connections.fly/").status_code == 404
    assert client.get("/why-not/nonsense/").status_code == 404


def test_the_api_names_the_right_and_the_roles_that_hold_it(viewer, connection):
    client = browser(viewer)
    said = client.delete(f"/api/v1/connections/{connection.alias}").json()
    assert (said["status"], said["code"]) == (403, "permission_denied")
    assert (said["permission"], said["roles"]) == (
        "connections.delete_connection",
        ["Administrators"],
    )


def test_a_service_says_which_right_is_missing(db):
    with pytest.raises(MissingRight) as refused:
        services.require(person("nina"), "connections.view_connection")
    assert refused.value.permissions == ("connections.view_connection",)


def test_nobody_is_told_about_rights_before_they_sign_in(db):
    assert Client().get("/why-not/connections.view_connection/").status_code == 302
