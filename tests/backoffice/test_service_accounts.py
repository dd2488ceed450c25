"""Service accounts: users of programs, which own tokens and never sign in."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client

from backoffice.people import services as people
from backoffice.people.service_accounts.services import (
    add_service_account,
    change_service_account,
    delete_service_account,
)
from connections import services
from connections.models import ApiToken, Connection, ServiceAccount
from tests.connections.api.calls import Api, problem, token_of
from tests.pages import words
from tests.people import PASSWORD, browser, person

pytestmark = pytest.mark.django_db
HOME = "/people/service-accounts/"


def account(actor: Any = None, role: str = "Operators", name: str = "ci-deploy") -> ServiceAccount:
    """A new service account."""
    given = {"role": Group.objects.get(name=role), "contact": "Platform team"}
    return add_service_account(name, actor=actor, **given)


@pytest.fixture
def ci(administrator: Any) -> ServiceAccount:
    """An operator, made by the administrator."""
    return account(administrator)


def test_an_administrator_adds_one_and_makes_its_token_on_the_pages(administrator: Any):
    client = browser(administrator)
    role = Group.objects.get(name="Operators").pk
    sent = {"name": "ci-deploy", "contact": "Platform team", "role": role}
    assert client.post(f"{HOME}add/", sent | {"name": "CI deploy"}).context["form"].errors
    client.post(f"{HOME}add/", sent)
    row = ServiceAccount.objects.get()
    assert "ci-deploy" in words(client.get(HOME)) and not ApiToken.objects.exists()
    typed = {"name": "CI", "scopes": ["connections:read"], "service_account": row.pk}
    text = client.post("/tokens/", typed).context["text"]
    assert Api(text).get("/connections").status_code == 200
    assert "CI" in words(client.get(f"{HOME}{row.pk}/"))
    assert "ci-deploy (service account)" in words(client.get("/tokens/"))


def test_with_another_name_its_tokens_go_on(ci: ServiceAccount, administrator: Any):
    text = token_of(ci.user)
    client = browser(administrator)
    role = Group.objects.get(name="Operators").pk
    sent = {"name": "deploy", "contact": "Platform team", "role": role}
    account(administrator, name="taken")
    taken = client.post(f"{HOME}{ci.pk}/", sent | {"name": "taken"})
    assert "already" in words(taken)
    client.post(f"{HOME}{ci.pk}/", sent)
    assert str(ServiceAccount.objects.get(pk=ci.pk)) == "deploy (service account)"
    assert Api(text).get("/connections").status_code == 200


def test_deleted_its_tokens_end_and_it_is_asked_before(ci: ServiceAccount, administrator: Any):
    text, client = token_of(ci.user), browser(administrator)
    asked = words(client.get(f"{HOME}{ci.pk}/delete/"))
    assert "Tokens that work 1" in asked and ServiceAccount.objects.exists()
    client.post(f"{HOME}{ci.pk}/delete/")
    assert not ServiceAccount.objects.exists()
    assert Api(text).get("/connections").status_code == 401


def test_it_is_renamed_and_deleted_by_api_and_command(ci: ServiceAccount, administrator: Any):
    api = Api(token_of(administrator))
    renamed = api.patch("/service-accounts/ci-deploy", {"name": "deploy"})
    assert renamed.json()["user"] == "deploy (service account)"
    call_command("service_account", "change", "deploy", "--name", "again", stdout=StringIO())
    assert api.delete("/service-accounts/again").status_code == 204
    account(administrator)
    call_command("service_account", "delete", "ci-deploy", stdout=StringIO())
    assert not ServiceAccount.objects.exists()


def test_nobody_deletes_one_that_may_more(ci: ServiceAccount, administrator: Any):
    boss = account(administrator, "Administrators", "boss")
    lead = person("lead", "Operators")
    rights = ("delete_serviceaccount", "change_user", "change_serviceaccount")
    lead.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    with pytest.raises(PermissionDenied):
        delete_service_account(boss, actor=lead)
    delete_service_account(ci, actor=lead)


def test_it_cannot_sign_in_even_with_a_password(ci: ServiceAccount, client: Client):
    ci.user.set_password(PASSWORD)
    ci.user.save()
    assert authenticate(username=ci.user.username, password=PASSWORD) is None
    client.force_login(ci.user)
    assert client.get("/connections/").status_code == 302


def test_what_it_does_is_told_as_its_own(ci: ServiceAccount):
    body = {"alias": "mine", "name": "Mine", "providerId": "echo"}
    assert Api(token_of(ci.user)).post("/connections", body).status_code == 201
    assert str(Connection.objects.get().created_by) == "ci-deploy (service account)"


def test_its_tokens_outlive_whoever_made_them(ci: ServiceAccount, administrator: Any):
    made = {"user": ci.user, "actor": administrator, "scopes": ["connections:read"]}
    _, text = services.create_token("CI", **made)
    administrator.delete()
    assert Api(text).get("/connections").status_code == 200


def test_it_is_no_person(ci: ServiceAccount, administrator: Any):
    boss = account(administrator, "Administrators", "boss")
    assert list(people.people()) == [administrator]
    assert list(people.administrators()) == [administrator]
    assert browser(administrator).get(f"/people/{boss.pk}/").status_code == 404
    assert {role.members for role in people.roles()} == {0, 1}


def test_while_it_is_not_active_its_tokens_do_nothing(ci: ServiceAccount, administrator: Any):
    client, caller = browser(administrator), Api(token_of(ci.user))
    client.post(f"{HOME}{ci.pk}/", {"active": "no"})
    problem(caller.get("/connections"), 401)
    ci.user.refresh_from_db()
    with pytest.raises(PermissionDenied):
        services.create_token("x", user=ci.user, actor=administrator, scopes=["admin"])
    client.post(f"{HOME}{ci.pk}/", {"active": "yes"})
    assert Api(token_of(ci.user)).get("/connections").status_code == 200


def test_nobody_gives_it_or_takes_from_it_rights_of_others(people: dict[str, Any]):
    operator = people["operator"]
    for name in ("operator", "viewer", "stranger"):
        with pytest.raises(PermissionDenied):
            account(people[name])
        assert browser(people[name]).get(HOME).status_code == 403
    row = account(None, "Administrators")
    operator.groups.first().permissions.add(
        *Group.objects.get(name="Administrators").permissions.filter(
            codename__in=["add_apitoken", "change_serviceaccount", "add_serviceaccount"]
        )
    )
    operator = type(operator).objects.get(pk=operator.pk)
    for act in (
        lambda: account(operator, "Administrators", "other"),
        lambda: change_service_account(row, actor=operator, contact="me"),
        lambda: services.create_token("x", user=row.user, actor=operator, scopes=["admin"]),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_the_api_adds_changes_and_makes_tokens(administrator: Any):
    caller = Api(token_of(administrator))
    sent = {"name": "ci-deploy", "role": "Operators", "contact": "Platform team"}
    assert caller.post("/service-accounts", sent).status_code == 201
    problem(caller.post("/service-accounts", sent), 409)
    problem(caller.post("/service-accounts", sent | {"name": "x", "role": "Kings"}), 400)
    token = {"name": "CI", "scopes": ["connections:read"], "serviceAccount": "ci-deploy"}
    made = caller.post("/tokens", token).json()
    assert made["user"] == "ci-deploy (service account)"
    assert Api(made["token"]).get("/connections").status_code == 200
    renewed = caller.post(f"/tokens/{made['id']}/renew", {"overlapHours": 0})
    assert renewed.status_code == 201 and renewed.json()["renews"] == made["id"]
    problem(Api(made["token"]).get("/connections"), 401)
    assert caller.delete(f"/tokens/{renewed.json()['id']}").status_code == 204
    problem(Api(renewed.json()["token"]).get("/connections"), 401)
    assert made["token"] not in caller.get("/tokens").content.decode()
    off = caller.patch("/service-accounts/ci-deploy", {"isActive": False})
    assert (off.status_code, off.json()["isActive"]) == (200, False)
    problem(caller.post("/tokens", token | {"serviceAccount": "nobody"}), 400)


def test_the_command_adds_lists_and_changes(roles: None):
    out = StringIO()

    def run(*words: str) -> None:
        call_command("service_account", *words, stdout=out)

    run("add", "ci-deploy", "--role", "Operators", "--contact", "Platform team")
    text = StringIO()
    made = ["create", "CI", "--service-account", "ci-deploy", "--scope", "connections:read"]
    call_command("token", *made, stdout=text, stderr=StringIO())
    assert Api(text.getvalue().strip()).get("/connections").status_code == 200
    run("change", "ci-deploy", "--role", "Viewers", "--deactivate")
    run("list")
    assert "ci-deploy  deactivated  Viewers  0       Platform team" in out.getvalue()
    for wrong in (["change", "x"], ["add", "A b", "--role", "Viewers", "--contact", "x"]):
        with pytest.raises(CommandError):
            run(*wrong)
