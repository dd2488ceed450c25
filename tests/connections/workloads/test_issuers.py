"""Trusted issuers and their rules: by pages, API and command."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command

from backoffice.people.service_accounts.services import add_service_account
from connections.change_counter import read_change_counter
from connections.errors import Invalid
from connections.models import IssuerRule, ServiceAccount, TrustedIssuer
from connections.workloads import services
from tests.connections.api.calls import Api, problem, token_of
from tests.issuers import AUDIENCE, Issuer
from tests.pages import words
from tests.people import browser, person

from .conftest import made

pytestmark = pytest.mark.django_db
HOME = "/trusted-issuers"


@pytest.mark.parametrize(
    "values",
    [
        {"issuer": "http://elsewhere.example"},
        {"issuer": "https://user:pass@elsewhere.example"},
        {"issuer": "forge"},
        {"jwks_url": "file:///etc/passwd"},
        {"audiences": []},
        {"audiences": [" "]},
        {"algorithms": ["HS256"]},
        {"longest_age": 0},
        {"name": "try"},
    ],
)
def test_what_makes_no_issuer_is_refused(values: dict[str, Any]):
    usual = {"name": "forge", "issuer": "https://forge.example", "audiences": ["us"]}
    with pytest.raises(Invalid):
        services.create_issuer(actor=None, **(usual | values))


@pytest.mark.parametrize(
    "conditions", [{}, {"sub": "*"}, {"aud": "us"}, {"iss": "x"}, {"sub": ""}, {"": "x"}]
)
def test_a_rule_without_a_condition_is_refused(
    trusted: TrustedIssuer, ci: ServiceAccount, conditions: dict[str, str]
):
    with pytest.raises(Invalid) as refused:
        made(trusted, ci, conditions=conditions)
    assert {one.field for one in refused.value.errors} == {"conditions"}


def test_nobody_gives_what_they_may_not(trusted: TrustedIssuer, rule: IssuerRule):
    lead = person("lead", "Operators")
    rights = ("add_apitoken", "change_serviceaccount", "change_trustedissuer")

    lead.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    role = Group.objects.get(name="Administrators")
    boss = add_service_account("boss", role=role, contact="us", actor=None)
    with pytest.raises(PermissionDenied):
        services.change_rule(rule, {"account": boss}, actor=lead)
    rule = services.change_rule(rule, {"account": boss}, actor=None)
    for change in (
        lambda: services.change_rule(rule, {"conditions": {"sub": "x"}}, actor=lead),
        lambda: services.change_issuer(trusted, {"issuer": "https://x.example"}, actor=lead),
    ):
        with pytest.raises(PermissionDenied):
            change()


def test_every_change_is_told_to_the_workers(
    trusted: TrustedIssuer, rule: IssuerRule, ci: ServiceAccount
):
    seen = [read_change_counter()]
    for change in (
        lambda: services.change_rule(rule, {"is_active": False}, actor=None),
        lambda: services.change_issuer(trusted, {"is_active": False}, actor=None),
        lambda: services.delete_rule(rule, actor=None),
        lambda: services.delete_issuer(trusted, actor=None),
    ):
        change()
        seen.append(read_change_counter())
    assert seen == sorted(set(seen))


def test_the_api_takes_a_token_of_the_issuer_within_its_rule(issuer: Issuer, rule: IssuerRule):
    caller = Api(issuer.token())
    assert caller.get("/connections").status_code == 200
    refused = caller.post("/connections", {"alias": "a", "name": "A", "providerId": "echo"})
    assert problem(refused, 403)["detail"] == "This token lacks the scope connections:write."
    stranger = Api(issuer.token(sub="somebody")).get("/connections")
    assert "No rule of this issuer fits" in problem(stranger, 401)["detail"]
    assert IssuerRule.objects.get().last_used_at is not None


def test_the_api_says_503_while_keys_are_not_known(issuer: Issuer, rule: IssuerRule):
    issuer.is_away = True
    answer = Api(issuer.token()).get("/connections")
    assert problem(answer, 503)["code"] == "issuer_unavailable" and answer["Retry-After"]


def test_rules_are_kept_by_the_api(issuer: Issuer, ci: ServiceAccount, administrator: Any):
    api = Api(token_of(administrator))
    body = {"name": "forge", "issuer": issuer.url, "audiences": [AUDIENCE]}
    assert api.post(HOME, body).status_code == 201
    assert api.post(HOME, body).json()["errors"][0]["pointer"] == "/name"
    new = {"name": "deploy", "conditions": {"sub": "ci"}, "serviceAccount": "ci"}
    new |= {"scopes": ["connections:read"], "tokensPerDay": 1000}
    made_rule = api.post(f"{HOME}/forge/rules", new)
    assert made_rule.status_code == 201, made_rule.content
    assert api.read(made_rule["Location"].removeprefix("/api/v1"))["serviceAccount"] == "ci"
    tried = api.post(f"{HOME}/try", {"token": issuer.token()}).json()
    assert (tried["isTaken"], tried["rule"]) == (True, "deploy")
    assert Api(issuer.token()).get("/connections").status_code == 200
    api.patch(f"{HOME}/forge/rules/deploy", {"isActive": False})
    assert Api(issuer.token()).get("/connections").status_code == 401
    assert api.delete(f"{HOME}/forge/rules/deploy").status_code == 204
    assert api.delete(f"{HOME}/forge").status_code == 204
    assert api.read(HOME)["items"] == []


def test_an_administrator_does_all_of_it_on_the_pages(
    issuer: Issuer, ci: ServiceAccount, administrator: Any
):
    client = browser(administrator)
    sent = {"name": "forge", "issuer": issuer.url, "audiences": AUDIENCE, "longest_age": "60"}
    sent |= {"algorithms": "ES256"}
    shown = client.post("/issuers/add/", sent, follow=True)
    assert "Its keys are fetched: 1." in words(shown)
    home = TrustedIssuer.objects.get().get_absolute_url()
    new = {"name": "deploy", "account": ci.pk, "scopes": "gateway:use", "position": "1"}
    assert client.post(f"{home}rules/add/", new | {"conditions": "sub"}).context["form"].errors
    client.post(f"{home}rules/add/", new | {"conditions": "sub = ci\nref = refs/heads/*"})
    rule = IssuerRule.objects.get()
    assert rule.conditions == {"sub": "ci", "ref": "refs/heads/*"}
    text = issuer.token(ref="refs/tags/1")
    tried = client.post("/issuers/try/", {"token": text})
    assert "It is not taken." in words(tried) and "refs/tags/1" in words(tried)
    assert text not in tried.content.decode()
    client.post(f"{home}rules/{rule.pk}/", new | {"conditions": "ref = refs/*"})
    assert "It is taken by the rule deploy" in words(client.post("/issuers/try/", {"token": text}))
    client.post(f"{home}rules/{rule.pk}/active/", {"active": "no"})
    client.post(f"{home}active/", {"active": "no"})
    assert not IssuerRule.objects.get().is_active and "Off" in words(client.get(home))
    assert "forge" in words(client.get("/issuers/"))
    client.post(f"{home}rules/{rule.pk}/delete/")
    assert "for good" in words(client.get(f"{home}delete/"))
    client.post(f"{home}delete/")
    assert not TrustedIssuer.objects.exists()


def test_the_command_does_it_too(
    issuer: Issuer, ci: ServiceAccount, monkeypatch: pytest.MonkeyPatch
):
    def run(*words: str) -> str:
        out = StringIO()
        call_command("trusted_issuer", *words, stdout=out)
        return out.getvalue()

    run("add", "forge", issuer.url, "--audience", AUDIENCE)
    where = ("--where", "sub=ci", "--where", "ref=refs/*")
    run("add-rule", "forge", "deploy", *where, "--service-account=ci", "--scope=gateway:use")
    listed = run("list")
    assert "ref=refs/*" in listed and "as ci" in listed
    monkeypatch.setattr("sys.stdin", StringIO(issuer.token(ref="refs/heads/main")))
    assert "rule deploy: fits" in run("try")
    monkeypatch.setattr("sys.stdin", StringIO(issuer.token()))
    with pytest.raises(CommandError, match="not taken"):
        run("try")
    run("switch-off", "forge", "--rule", "deploy")
    assert not IssuerRule.objects.get().is_active
    run("delete", "forge")
    assert not IssuerRule.objects.exists()
