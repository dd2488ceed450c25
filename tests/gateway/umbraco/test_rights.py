"""Who may do what under the prefix: one table over every address that is there alone, or in another
shape; by the five people and by every kind of token.
"""

from typing import Any
from uuid import UUID

import pytest

from connections.models import Connection
from gateway.umbraco.urls import urlpatterns
from tests.connections.api.test_permissions import callers, expected, status
from tests.fakes import profile_of
from tests.gateway.records import used

pytestmark = pytest.mark.django_db
PERIOD = "from=2026-01-01&to=2026-01-02"
KEY = UUID(int=1 << 100)
READ, WRITE, DELETE = "connections:read", "connections:write", "connections:delete"
READ_PROFILES, WRITE_PROFILES = "profiles:read", "profiles:write"
BOTH, CHANGE_BOTH = f"{READ} {READ_PROFILES}", f"{WRITE} {WRITE_PROFILES}"
UNSAVED = f"connections:test {WRITE}"  # both
NEW = {"alias": "fresh", "name": "Fresh", "providerId": "echo", "isActive": True}
PROFILE = {
    "alias": "fresh",
    "name": "Fresh",
    "capability": "chat",
    "model": {"providerId": "fake", "modelId": "m"},
    "connectionId": "production",
    "settings": {"$type": "chat", "contextIds": [], "guardrailIds": []},
    "tags": [],
}
CHANGED = {one: PROFILE[one] for one in PROFILE if one not in ("capability", "alias")}
Row = tuple[str, str, Any, int, str, str]
# method, path, body, status when it is allowed, who may at least, which scope a token needs
TABLE: list[Row] = [
    *(
        ("GET", f"/analytics/usage-{one}?{PERIOD}", None, 200, "operator", "usage:read")
        for one in ("summary", "by-provider", "by-model", "by-profile", "by-user")
    ),
    ("GET", "/audit-logs", None, 200, "operator", "usage:read"),
    ("POST", "/audit-logs/cleanup", None, 200, "administrator", "admin"),
    ("GET", f"/audit-logs/{KEY}", None, 200, "operator", "usage:read"),
    ("DELETE", f"/audit-logs/{KEY}", None, 204, "administrator", "admin"),
    ("GET", "/connections", None, 200, "viewer", READ),
    ("POST", "/connections", NEW, 201, "operator", WRITE),
    ("POST", "/connections/test", {"providerId": "echo"}, 200, "operator", UNSAVED),
    ("POST", "/connections/unused/duplicate", {}, 201, "operator", WRITE),
    ("GET", "/connections/capabilities", None, 200, "viewer", READ),
    ("GET", "/connections/unused", None, 200, "viewer", READ),
    ("PUT", "/connections/unused", {"name": "N"}, 200, "operator", WRITE),
    ("PATCH", "/connections/unused", {"name": "N"}, 200, "operator", WRITE),
    ("DELETE", "/connections/unused", None, 200, "administrator", DELETE),
    ("GET", "/connections/unused/exists", None, 200, "viewer", READ),
    ("GET", "/connections/production/capabilities", None, 200, "viewer", READ),
    ("GET", "/connections/production/models", None, 200, "viewer", READ),
    ("GET", "/profiles", None, 200, "viewer", READ_PROFILES),
    ("POST", "/profiles", PROFILE, 201, "operator", WRITE_PROFILES),
    ("GET", "/profiles/answers", None, 200, "viewer", READ_PROFILES),
    ("PUT", "/profiles/answers", CHANGED, 200, "operator", WRITE_PROFILES),
    ("PATCH", "/profiles/answers", {"name": "N"}, 200, "operator", WRITE_PROFILES),
    ("DELETE", "/profiles/answers", None, 200, "administrator", WRITE_PROFILES),
    ("GET", "/profiles/answers/exists", None, 200, "viewer", READ_PROFILES),
    ("GET", "/providers", None, 200, "viewer", READ),
    ("GET", "/providers/openai", None, 200, "viewer", READ),
    ("GET", "/settings", None, 200, "viewer", READ_PROFILES),
    ("PUT", "/settings", {}, 200, "administrator", "admin"),
    ("GET", "/versions/supported-types", None, 200, "viewer", BOTH),
    ("GET", "/versions/connection/production", None, 200, "viewer", BOTH),
    ("GET", "/versions/connection/production/1", None, 200, "viewer", BOTH),
    ("GET", "/versions/connection/production/1/compare/1", None, 200, "viewer", BOTH),
    ("POST", "/versions/profile/answers/1/rollback", {}, 204, "operator", CHANGE_BOTH),
    ("POST", "/speech-to-text/transcribe", None, 400, "operator", "gateway:use"),
    *(
        (method, f"/{name}", {}, wanted, "viewer", READ)
        for name in (
            *("contexts", "guardrails", "tests", "test-runs", "context-resource-types"),
            *("guardrail-evaluators", "test-features", "test-graders", "tests/entity-types"),
            *("tools", "tools/scopes"),
        )
        for method, wanted in (("GET", 200), ("POST", 404))
    ),
    ("GET", "/contexts/a/exists", None, 200, "viewer", READ),
    ("GET", "/guardrails/a/exists", None, 200, "viewer", READ),
]


@pytest.fixture
def everything(connection: Connection) -> None:
    """What the addresses of the table name."""
    profile_of(connection, alias="answers")
    Connection.objects.create(alias="unused", name="Unused", provider_id="echo")
    used(key=KEY)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("method", "path", "body", "allowed", "rank", "scope"),
    TABLE,
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_who_may(
    prefix: str,
    people: dict[str, Any],
    method: str,
    path: str,
    body: Any,
    allowed: int,
    rank: str,
    scope: str,
):
    found, wanted = {}, {}
    for name, caller in callers(people, scope).items():
        caller.prefix = prefix
        found[name] = status(caller, method, path, body)
        wanted[name] = expected(name, allowed, rank)
    assert found == wanted


def test_every_address_and_method_is_in_the_table():
    for one in urlpatterns:
        methods = {method for method, path, *_ in TABLE if one.resolve(path[1:].partition("?")[0])}
        assert methods >= one.callback.view_class.access.keys(), one
