"""Who may do what: one table over every endpoint, by the five people and by every kind of token."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from connections.models import (
    ApiToken,
    Connection,
    FormerAlias,
    HostApproval,
    KeyReplacement,
    Snooze,
)
from connections.services import Scope, set_default_profiles
from gateway.models import NoticeTarget
from gateway.notices.services import create_target
from tests.fakes import SECRET, profile_of
from tests.people import browser

from .calls import Api, token_of

pytestmark = pytest.mark.django_db
MODEL = {"providerId": "fake", "modelId": "m"}
NEW = {"alias": "fresh", "name": "Fresh", "providerId": "fake", "settings": {"apiKey": SECRET}}
HOST = "1c0e7f52-6a4e-4f0e-9a5b-7e2d4c8b9f10"
SNOOZE = {
    "fault": f"host:{HOST}",
    "reason": "It is known.",
    "until": (timezone.now() + timedelta(days=1)).isoformat(),
}
HOOK = {"name": "Hook", "kind": "webhook", "address": "http://127.0.0.1:9/x"}
ISSUER = {"name": "forge", "issuer": "https://forge.example", "audiences": ["us"]}
ACCOUNT = {"name": "ci", "role": "Operators", "contact": "Platform team"}
READ, WRITE, TEST, DELETE = (
    "connections:read",
    "connections:write",
    "connections:test",
    "connections:delete",
)
READ_PROFILES, WRITE_PROFILES = "profiles:read", "profiles:write"
USAGE = (
    "records",
    "summary",
    "time-series",
    "by-provider",
    "by-model",
    "by-profile",
    "by-connection",
    "by-user",
)
KEYS = ("next", "current")
NEXT_KEY = {"settings": {"apiKey": "sk-next-51c07be2a9"}}
# method, path, body, status when it is allowed, who may at least, which scope a token needs
UNSAVED = f"{TEST} {WRITE}"  # both
TABLE: list[tuple[str, str, Any, int, str, str]] = [
    ("GET", "/connections", None, 200, "viewer", READ),
    ("HEAD", "/connections", None, 200, "viewer", READ),
    ("POST", "/connections", NEW, 201, "operator", WRITE),
    ("GET", "/connections/production", None, 200, "viewer", READ),
    ("HEAD", "/connections/production", None, 200, "viewer", READ),
    ("PUT", "/connections/production", {"name": "N", "isActive": False}, 200, "operator", WRITE),
    ("PATCH", "/connections/production", {"isActive": False}, 200, "operator", WRITE),
    ("DELETE", "/connections/unused", None, 204, "administrator", DELETE),
    ("POST", "/connections/production/test", None, 200, "operator", TEST),
    ("POST", "/connections/production/duplicate", {}, 201, "operator", WRITE),
    ("POST", "/connections/production/purge", None, 200, "operator", WRITE),
    ("POST", "/connections/test", {"providerId": "echo"}, 200, "operator", UNSAVED),
    ("POST", "/connections/test", {"id": "production"}, 200, "operator", UNSAVED),
    ("GET", "/connections/production/exists", None, 200, "viewer", READ),
    ("GET", "/connections/production/models", None, 200, "viewer", READ),
    ("GET", "/connections/production/references", None, 200, "viewer", READ),
    ("GET", "/connections/production/usages", None, 200, "viewer", READ),
    ("GET", "/connections/capabilities", None, 200, "viewer", READ),
    ("GET", "/connections/capabilities/Chat", None, 200, "viewer", READ),
    ("POST", "/packages/export", {}, 200, "viewer", READ),
    (
        "POST",
        "/packages/import",
        {},
        415,
        "operator",
        WRITE,
    ),  # it comes in, and is told that this is no form
    ("GET", "/profiles", None, 200, "viewer", READ_PROFILES),
    ("POST", "/profiles", "a new profile", 201, "operator", WRITE_PROFILES),
    ("GET", "/profiles/answers", None, 200, "viewer", READ_PROFILES),
    ("HEAD", "/profiles/answers", None, 200, "viewer", READ_PROFILES),
    ("PUT", "/profiles/answers", "the whole profile", 200, "operator", WRITE_PROFILES),
    ("PATCH", "/profiles/answers", {"isActive": False}, 200, "operator", WRITE_PROFILES),
    ("DELETE", "/profiles/answers", None, 204, "administrator", WRITE_PROFILES),
    ("POST", "/profiles/answers/duplicate", {"name": "Copy"}, 201, "operator", WRITE_PROFILES),
    ("GET", "/profiles/answers/exists", None, 200, "viewer", READ_PROFILES),
    ("POST", "/connections/production/alias", {"alias": "fresh"}, 200, "administrator", "admin"),
    ("GET", "/connections/production/former-aliases", None, 200, "viewer", READ),
    ("DELETE", "/connections/production/former-aliases/old", None, 204, "administrator", "admin"),
    ("POST", "/profiles/answers/alias", {"alias": "fresh"}, 200, "administrator", "admin"),
    ("GET", "/profiles/answers/former-aliases", None, 200, "viewer", READ_PROFILES),
    ("DELETE", "/profiles/answers/former-aliases/old", None, 204, "administrator", "admin"),
    ("GET", "/connections/production/replacement", None, 200, "viewer", READ),
    ("POST", "/connections/production/replacement", NEXT_KEY, 201, "operator", WRITE),
    ("DELETE", "/connections/production/replacement", None, 204, "operator", WRITE),
    ("POST", "/connections/production/replacement/go-back", None, 200, "operator", WRITE),
    ("POST", "/connections/production/leak", {}, 200, "operator", WRITE),
    ("POST", "/leaked-keys/search", {"key": "sk-leaked"}, 200, "operator", WRITE),
    ("GET", "/connections/production/versions", None, 200, "viewer", READ),
    ("GET", "/connections/production/versions/1", None, 200, "viewer", READ),
    ("PATCH", "/connections/production/versions/1", {"isPinned": True}, 200, "operator", WRITE),
    ("GET", "/connections/production/versions/1/compare/1", None, 200, "viewer", READ),
    ("POST", "/connections/production/versions/1/restore", {}, 200, "operator", WRITE),
    (
        "POST",
        "/connections/production/versions/1/restore",
        {"withSecrets": True},
        200,
        "administrator",
        WRITE,
    ),
    ("GET", "/profiles/answers/versions", None, 200, "viewer", READ_PROFILES),
    ("GET", "/profiles/answers/versions/1", None, 200, "viewer", READ_PROFILES),
    ("PATCH", "/profiles/answers/versions/1", {"name": "N"}, 200, "operator", WRITE_PROFILES),
    ("GET", "/profiles/answers/versions/1/compare/1", None, 200, "viewer", READ_PROFILES),
    ("POST", "/profiles/answers/versions/1/restore", {}, 200, "operator", WRITE_PROFILES),
    ("GET", "/versions/defaults/all", None, 200, "viewer", "admin"),
    ("GET", "/versions/defaults/all/1", None, 200, "viewer", "admin"),
    ("PATCH", "/versions/defaults/all/1", {"name": "N"}, 200, "administrator", "admin"),
    ("GET", "/versions/defaults/all/1/compare/1", None, 200, "viewer", "admin"),
    ("POST", "/versions/defaults/all/1/restore", {}, 200, "administrator", "admin"),
    ("GET", "/deleted", None, 200, "viewer", f"{READ} {READ_PROFILES}"),
    ("POST", f"/deleted/{HOST}/restore", {}, 201, "operator", f"{WRITE} {WRITE_PROFILES}"),
    ("GET", "/providers", None, 200, "viewer", READ),
    ("GET", "/providers/fake", None, 200, "viewer", READ),
    ("GET", "/settings", None, 200, "viewer", READ_PROFILES),
    ("PUT", "/settings", {}, 200, "administrator", "admin"),
    ("GET", "/host-approvals", None, 200, "viewer", READ),
    ("GET", "/health-report", None, 200, "viewer", READ),
    ("GET", "/attention", None, 200, "viewer", READ),
    ("POST", "/attention/snoozes", SNOOZE, 201, "operator", WRITE),
    ("DELETE", f"/attention/snoozes/{HOST}", None, 204, "operator", WRITE),
    ("GET", "/schedule", None, 200, "administrator", "admin"),
    ("GET", "/undo", None, 200, "stranger", "any"),  # the act says what it takes
    ("POST", "/undo", {}, 409, "stranger", "any"),
    ("GET", "/tokens", None, 200, "administrator", "admin"),
    ("POST", "/tokens", {"name": "N", "scopes": ["admin"]}, 201, "administrator", "admin"),
    ("GET", f"/tokens/{HOST}", None, 404, "administrator", "admin"),
    ("DELETE", f"/tokens/{HOST}", None, 404, "administrator", "admin"),
    ("POST", f"/tokens/{HOST}/renew", {}, 404, "administrator", "admin"),
    ("GET", "/service-accounts", None, 200, "administrator", "admin"),
    ("POST", "/service-accounts", ACCOUNT, 201, "administrator", "admin"),
    ("GET", "/service-accounts/ci", None, 404, "administrator", "admin"),
    ("PATCH", "/service-accounts/ci", {}, 404, "administrator", "admin"),
    ("DELETE", "/service-accounts/ci", None, 404, "administrator", "admin"),
    ("GET", "/trusted-issuers", None, 200, "administrator", "admin"),
    ("POST", "/trusted-issuers", ISSUER, 201, "administrator", "admin"),
    ("POST", "/trusted-issuers/try", {"token": "x"}, 200, "administrator", "admin"),
    ("GET", "/trusted-issuers/forge", None, 404, "administrator", "admin"),
    ("PATCH", "/trusted-issuers/forge", {}, 404, "administrator", "admin"),
    ("DELETE", "/trusted-issuers/forge", None, 404, "administrator", "admin"),
    ("POST", "/trusted-issuers/forge/keys", None, 404, "administrator", "admin"),
    ("GET", "/trusted-issuers/forge/rules", None, 404, "administrator", "admin"),
    ("POST", "/trusted-issuers/forge/rules", {}, 404, "administrator", "admin"),
    ("GET", "/trusted-issuers/forge/rules/r", None, 404, "administrator", "admin"),
    ("PATCH", "/trusted-issuers/forge/rules/r", {}, 404, "administrator", "admin"),
    ("DELETE", "/trusted-issuers/forge/rules/r", None, 404, "administrator", "admin"),
    ("PATCH", f"/host-approvals/{HOST}", {"state": "approved"}, 200, "administrator", "admin"),
    ("DELETE", f"/host-approvals/{HOST}", None, 204, "administrator", "admin"),
    ("GET", "/reference-sections", None, 200, "viewer", READ),
    ("PUT", "/reference-sections/billing", {"teams": ["Red"]}, 400, "administrator", "admin"),
    ("DELETE", "/reference-sections/billing", None, 404, "administrator", "admin"),
    ("GET", "/teams", None, 200, "viewer", READ),
    ("POST", "/teams", {"name": "Red"}, 201, "administrator", "admin"),
    ("GET", "/teams/blue", None, 404, "viewer", READ),
    ("PATCH", "/teams/blue", {"name": "Green"}, 404, "administrator", "admin"),
    ("DELETE", "/teams/blue", None, 404, "administrator", "admin"),
    ("GET", "/teams/blue/members", None, 404, "viewer", READ),
    ("PUT", "/teams/blue/members/olaf", {"role": "viewer"}, 404, "administrator", "admin"),
    ("DELETE", "/teams/blue/members/olaf", None, 404, "viewer", READ),
    ("PUT", "/connections/production/team", {"team": None}, 200, "operator", WRITE),
    ("GET", "/connections/production/shares", None, 200, "administrator", READ),
    ("PUT", "/connections/production/shares/blue", {"level": "see"}, 404, "administrator", "admin"),
    ("DELETE", "/connections/production/shares/blue", None, 404, "administrator", "admin"),
    ("PUT", "/profiles/answers/team", {"team": None}, 200, "operator", WRITE_PROFILES),
    ("GET", "/profiles/answers/shares", None, 200, "administrator", READ_PROFILES),
    ("PUT", "/profiles/answers/shares/blue", {"level": "see"}, 404, "administrator", "admin"),
    ("DELETE", "/profiles/answers/shares/blue", None, 404, "administrator", "admin"),
    ("GET", "/notices", None, 200, "viewer", READ),
    ("POST", "/notices/seen", {"to": 1}, 204, "viewer", READ),
    ("GET", "/notice-targets", None, 200, "administrator", "admin"),
    ("POST", "/notice-targets", HOOK, 201, "administrator", "admin"),
    ("GET", f"/notice-targets/{HOST}", None, 200, "administrator", "admin"),
    ("PATCH", f"/notice-targets/{HOST}", {"isActive": False}, 200, "administrator", "admin"),
    ("DELETE", f"/notice-targets/{HOST}", None, 204, "administrator", "admin"),
    ("POST", f"/notice-targets/{HOST}/secret", None, 200, "administrator", "admin"),
    ("POST", f"/notice-targets/{HOST}/test", None, 200, "administrator", "admin"),
    *(
        (
            "GET",
            f"/analytics/usage-{name}?from=2026-01-01&to=2026-01-02",
            None,
            200,
            "operator",
            "usage:read",
        )
        for name in USAGE
    ),
    ("GET", f"/analytics/usage-records/{HOST}", None, 404, "operator", "usage:read"),
    ("GET", "/audit-events", None, 200, "administrator", "admin"),
    ("GET", "/audit-events/0", None, 404, "administrator", "admin"),
    ("GET", "/audit-events/export?format=csv", None, 200, "administrator", "admin"),
]
OPEN = {"schema", "docs"}  # for everybody, without a word about what is stored
ELSEWHERE = (
    "chat/",
    "embeddings/",
)  # tests/gateway/doors/test_chat_api.py: the gateway reads in threads, which see no transaction
RANKS = ["nobody", "stranger", "viewer", "operator", "administrator"]


def callers(people: dict[str, Any], scope: str) -> dict[str, Api]:
    """Everybody by session and by token, and two kinds of token of an administrator: with no scope
    but what the endpoint needs, and with all but one of that.
    """
    needed = ["profiles:read"] if scope == "any" else scope.split()
    found = {name: Api(client=browser(user)) for name, user in people.items()}
    found |= {
        f"token of {name}": Api(token_of(user))
        for name, user in people.items()
        if user.is_authenticated
    }
    limited = {f"only {scope}": needed}
    if scope != "any":
        limited |= {
            f"all but {left_out}": [one for one in Scope if one not in (left_out, "admin")]
            for left_out in needed
        }
    boss = people["administrator"]
    found |= {name: Api(token_of(boss, *scopes)) for name, scopes in limited.items()}
    return found | {"unknown": Api("sb_" + "x" * 43)}


def expected(name: str, allowed: int, rank: str) -> int:
    """What the table says for a caller."""
    if name in ("nobody", "unknown"):
        return 401
    if name.startswith(("only ", "all but ")):
        return allowed if name.startswith("only ") else 403
    return allowed if RANKS.index(name.removeprefix("token of ")) >= RANKS.index(rank) else 403


def status(caller: Api, method: str, path: str, body: Any) -> int:
    """The status of one request, whose effects are undone."""
    with transaction.atomic():
        found = int(caller(method, path, b"" if body is None else body).status_code)
        transaction.set_rollback(True)
    return found


def replaced(connection: Connection) -> None:
    """Keeps a previous key beside the one that a connection has."""
    KeyReplacement.objects.create(
        connection=connection,
        state=KeyReplacement.State.DONE,
        fields=["api_key"],
        credentials={"settings": {}, "credentials": {"api_key": SECRET}},
        settings_version=connection.settings_version,
        tests={name: {"success": True, "code": "ok", "message": ""} for name in KEYS},
        due=0,
        until=timezone.now(),
    )


@pytest.fixture
def everything(connection: Connection) -> Connection:
    """What the addresses of the table name."""
    profile = profile_of(connection)
    set_default_profiles({"Chat": profile}, actor=None)
    set_default_profiles({"Chat": None}, actor=None)
    Connection.objects.create(pk=HOST, alias="gone", name="Gone", provider_id="echo").delete()
    for row in (connection, profile):
        FormerAlias.objects.create(alias="old", **{row._meta.model_name: row})
    Connection.objects.create(alias="unused", name="Unused", provider_id="echo")
    HostApproval.objects.create(pk=HOST, section="openai", host="https://gateway.example")
    replaced(connection)
    Snooze.objects.create(pk=HOST, fault="x", was="x", reason="x", until=timezone.now())
    made, _ = create_target("webhook", "http://127.0.0.1:9/x", actor=None, name="Hook")
    NoticeTarget.objects.filter(pk=made.pk).update(id=HOST)
    return connection


# A test for a scope, whose callers are made once: those of each row cost more than the requests.
@pytest.mark.parametrize("scope", dict.fromkeys(row[-1] for row in TABLE))
def test_each_caller_is_answered_as_the_table_says(
    people: dict[str, Any], everything: Connection, scope: str
):
    found, wanted = {}, {}
    asking = callers(people, scope)
    for method, path, body, allowed, rank, _ in [row for row in TABLE if row[-1] == scope]:
        if isinstance(body, str):
            fixed = {"alias": "fresh", "capability": "Chat"} if method == "POST" else {}
            body = {"name": "N", "model": MODEL, "connectionId": str(everything.pk), **fixed}
        for name, one in asking.items():
            row = f"{method} {path} {json.dumps(body)} by {name}"
            found[row] = status(one, method, path, body)
            wanted[row] = expected(name, allowed, rank)
    assert found == wanted


@pytest.mark.parametrize("why", ["deactivated", "expired", "revoked"])
def test_a_token_that_ended_opens_nothing(administrator: Any, connection: Connection, why: str):
    caller = Api(token_of(administrator))
    if why == "deactivated":
        administrator.is_active = False
        administrator.save()
    else:
        moment = {"expired": "expires_at", "revoked": "revoked_at"}[why]
        ApiToken.objects.update(**{moment: timezone.now()})
    assert {
        caller(method, path, b"" if body is None else body).status_code
        for method, path, body, *_ in TABLE
    } == {401}


def test_the_table_has_every_address_and_method():
    apis = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/"]
    routes: list[URLPattern] = [route for api in apis for route in api.url_patterns]
    served = {
        (method.upper(), str(one.pattern).count("/"), one.callback.cls.__name__)
        for one in routes
        if str(one.pattern) not in OPEN and not str(one.pattern).startswith(ELSEWHERE)
        for method in one.callback.cls.access
    }
    paths = {(row[0], row[1].partition("?")[0]) for row in TABLE}
    resolved = {
        (method, path.count("/") - 1, get_resolver().resolve(f"/api/v1{path}").func.cls.__name__)
        for method, path in paths
    }
    assert served == {one for one in resolved if one[0] != "HEAD"}


@pytest.mark.parametrize("path", sorted(OPEN))
def test_the_description_is_for_everybody(path: str):
    assert Client().get(f"/api/v1/{path}").status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_a_refusal_tells_nothing_about_what_exists(
    stranger: Any, connection: Connection, method: str
):
    caller = Api(token_of(stranger))
    for body in ({"name": "N"}, {"colour": 1}, "{"):
        answers = [
            caller(method, f"/connections/{name}", body) for name in ("production", "nothing")
        ]
        assert [(one.status_code, one.get("ETag")) for one in answers] == [(403, None), (403, None)]


def test_a_refusal_names_the_scope_that_is_missing(administrator: Any):
    response = Api(token_of(administrator, "profiles:read")).get("/connections")
    told = response.json()
    assert (response.status_code, told["code"], told["detail"]) == (
        403,
        "missing_scope",
        "This token lacks the scope connections:read.",
    )
