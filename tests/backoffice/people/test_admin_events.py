"""What is done in Django's admin, as events tell it."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from connections.models import AuditEvent, Connection
from tests.connections.api.calls import token_of
from tests.event_doors import last
from tests.events import body_of
from tests.people import browser, person

pytestmark = pytest.mark.django_db
NEW = "a better battery 17"


@pytest.fixture
def root(roles: None) -> User:
    return person("root", is_staff=True, is_superuser=True)


@pytest.fixture
def client(root: User) -> Client:
    return browser(root)


def said() -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.exclude(actor_kind="nobody").order_by("id")
    return [(one.action, one.outcome, one.object_name) for one in rows]


def form_of(user: User, **more: Any) -> dict[str, Any]:
    names = {"username": user.username, "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {**names, "is_active": "on", "groups": [one.pk for one in user.groups.all()], **more}


def test_a_user_is_told_when_added_changed_and_deleted(client: Client, root: User):
    posted = {"username": "eve", "usable_password": "true", "password1": NEW, "password2": NEW}
    client.post("/admin/auth/user/add/", posted)
    eve = User.objects.get(username="eve")
    there = f"/admin/auth/user/{eve.pk}"
    role = Group.objects.get(name="Viewers")
    client.post(f"{there}/change/", form_of(eve, groups=[role.pk], email="eve@example.com"))
    changes = body_of(last())["changes"]
    assert changes == [["email", "", "eve@example.com"], ["groups", "", "Viewers"]]
    client.post(f"{there}/delete/", {"post": "yes"})
    actions = [("person.create", "done"), ("person.update", "done"), ("person.delete", "done")]
    assert said() == [(*one, "eve") for one in actions]
    assert last().actor_name == "root" and last().object_id == str(eve.pk)
    assert LogEntry.objects.count() == 3
    assert NEW not in str([*AuditEvent.objects.values()])


def test_the_rights_of_a_group_are_told_before_and_after(client: Client):
    role = Group.objects.create(name="Auditors")
    rights = [Permission.objects.get(codename=one) for one in ("view_profile", "view_connection")]
    posted = {"name": "Auditors", "permissions": [one.pk for one in rights]}
    client.post(f"/admin/auth/group/{role.pk}/change/", posted)
    posted["permissions"].pop()
    client.post(f"/admin/auth/group/{role.pk}/change/", posted)
    both = "connections.view_connection, connections.view_profile"
    assert said() == [("role.update", "done", "Auditors")] * 2
    assert body_of(last())["changes"] == [["permissions", both, "connections.view_profile"]]


def test_what_a_change_ends_is_in_the_same_event(client: Client, operator: User):
    token_of(operator)
    client.post(f"/admin/auth/user/{operator.pk}/change/", form_of(operator, groups=[]))
    assert said()[-1] == ("person.update", "done", "olaf")
    assert ["tokens", "1", "0"] in body_of(last())["changes"]


def test_a_password_is_told(client: Client, operator: User):
    posted = {"usable_password": "true", "password1": NEW, "password2": NEW, "set-password": "1"}
    client.post(f"/admin/auth/user/{operator.pk}/password/", posted)
    assert said() == [("password.update", "done", "olaf")]
    assert NEW not in str([*AuditEvent.objects.values()])


def test_a_form_that_is_shown_again_and_one_without_changes_leave_none(
    client: Client, operator: User
):
    there = f"/admin/auth/user/{operator.pk}/change/"
    client.post(there, form_of(operator, username=""))
    client.post(there, form_of(operator))
    assert said() == []


def test_several_that_are_deleted_are_one_event(client: Client):
    rows = [Group.objects.create(name=name) for name in ("One", "Two")]
    posted = {"action": "delete_selected", "_selected_action": [one.pk for one in rows]}
    client.post("/admin/auth/group/", {**posted, "post": "yes"})
    assert [one[:2] for one in said()] == [("role.delete", "done")]
    assert last().mentions.count() == 1


def test_whoever_may_not_is_told_as_refused(administrator: User, root: User, viewer: User):
    browser(administrator).post(f"/admin/auth/user/{root.pk}/change/", form_of(root))
    assert said() == [("person.update", "refused", "root")]
    assert last().actor_name == "ada"


def test_the_list_of_connections_tells_too(client: Client, connection: Connection, viewer: User):
    there = "/admin/connections/connection/"
    posted = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": connection.pk}
    before = len(said())
    client.post(there, {**posted, "_save": "Save"})
    assert said()[before:] == [("connection.deactivate", "done", connection.alias)]
