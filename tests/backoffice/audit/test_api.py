"""The audit in the API: filters, cursors, files, and who may ask."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from connections import services
from connections.models import AuditEvent, Connection
from tests.connections.api.calls import Api, token_of
from tests.fakes import OTHER_SECRET, SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.server]
THERE = "/audit-events"


def caller(person: Any, scope: str = "admin") -> Callable[..., Any]:
    """Asks the audit with a token of this person."""
    api = Api(token_of(person, scope))
    return lambda path="", **query: api.get(f"{THERE}{path}?{urlencode(query)}")


def test_a_page_goes_on_behind_its_last(connection: Connection, administrator: Any):
    for number in range(3):
        services.update_connection(connection, actor=administrator, name=f"Name {number}")
    ask = caller(administrator)
    first = ask(verb="update", take=2).json()
    assert (first["total"], len(first["items"])) == (3, 2)
    rest = ask(verb="update", take=2, after=first["next"]).json()
    assert len(rest["items"]) == 1 and "next" not in rest
    one = first["items"][0]
    assert one["changes"][0]["after"] == "Name 2" and one["objectName"] == connection.alias
    assert ask(f"/{one['id']}").json() == one


def test_what_makes_no_sense_is_a_problem(administrator: Any):
    ask = caller(administrator)
    queries: list[tuple[dict[str, Any], str]] = [
        ({"kind": "x"}, "kind"),
        ({"address": "x"}, "address"),
        ({"outcome": "x"}, "outcome"),
        ({"from": "x"}, "from"),
        ({"after": "x"}, "after"),
        ({"take": 0}, "take"),
        ({"skip": 1}, "skip"),
    ]
    for query, name in queries:
        found = ask(**query)
        assert (query, found.status_code) == (query, 400)
        assert name in found.text
    assert ask("/export").status_code == 400
    for pk in ("x", "0", "9" * 30):
        assert ask(f"/{pk}").status_code == 404


def test_only_administrators_with_the_scope_may_ask(
    administrator: Any, operator: Any, viewer: Any, stranger: Any
):
    for path, query in (("", {}), ("/export", {"format": "csv"}), ("/999999", {})):
        expected = 404 if path == "/999999" else 200
        assert caller(administrator)(path, **query).status_code == expected
        assert caller(administrator, "connections:read")(path, **query).status_code == 403
        for one in (operator, viewer, stranger):
            assert caller(one)(path, **query).status_code == 403
        assert Api().get(f"{THERE}{path}?{urlencode(query)}").status_code == 401


def test_files_hold_what_the_filters_leave(connection: Connection, administrator: Any):
    services.update_connection(
        connection, actor=administrator, settings={"api_key": OTHER_SECRET}, merge=True
    )
    ask = caller(administrator)
    lines = _body(ask("/export", format="jsonl", kind="connection", verb="update"))
    found = [json.loads(line) for line in lines.splitlines()]
    assert [one["action"] for one in found] == ["connection.update"]
    table = _body(ask("/export", format="csv", kind="connection", verb="update"))
    assert table.splitlines()[0].startswith("id,at,action,") and len(table.splitlines()) == 2
    assert AuditEvent.objects.filter(action="audit.export").count() == 2
    assert SECRET not in lines + table and OTHER_SECRET not in lines + table


def _body(response: Any) -> str:
    return b"".join(response.streaming_content).decode()
