"""What is read from a replica, and when a replica is read from."""

import math
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from backoffice import replica_reads
from backoffice.postgresql import replica as server
from connections.models import AuditEvent, AuditMention, Team
from connections.replica import ReplicaRouter, read_from_same, reading_replica
from gateway.models import CountedUsage, UsageRecord, UsageTotal

router = ReplicaRouter()


@pytest.mark.parametrize("model", [UsageRecord, UsageTotal, CountedUsage, AuditEvent, AuditMention])
def test_usage_and_the_audit_are_read_from_the_replica_inside_of_a_block_only(model: Any):
    with reading_replica():
        assert router.db_for_read(model) == "replica"
    assert router.db_for_read(model) == "default"


def test_what_decides_who_may_do_what_comes_from_the_primary():
    with reading_replica():
        assert router.db_for_read(Team) == "default"


@pytest.mark.django_db
def test_in_a_transaction_everything_comes_from_the_primary():
    with transaction.atomic(), reading_replica():
        assert router.db_for_read(UsageRecord) == "default"


def test_a_row_of_the_replica_is_written_to_the_primary():
    row = UsageRecord()
    row._state.db = "replica"
    with reading_replica():
        assert router.db_for_write(UsageRecord, instance=row) == "default"


def test_a_file_is_read_where_it_began_also_after_the_view():
    with reading_replica():
        parts = read_from_same(router.db_for_read(UsageRecord) for _ in range(2))
    assert [*parts] == ["replica", "replica"]
    assert router.db_for_read(UsageRecord) == "default"


def lag(*seen: tuple[float, int]) -> server.Lag:
    found = server.Lag()
    for moment, position in seen:
        found.note(moment, Decimal(position))
    return found


@pytest.mark.parametrize(
    ("replayed", "seconds"),
    [(None, math.inf), (5, math.inf), (10, 90), (15, 90), (20, 40), (30, 0), (31, 0)],
)
def test_a_replica_is_as_late_as_what_it_has_not_replayed(replayed: int | None, seconds: float):
    position = None if replayed is None else Decimal(replayed)
    assert lag((10, 10), (60, 20), (99, 30)).seconds(100, position) == seconds


def test_an_idle_primary_makes_no_replica_late():
    assert lag((0, 10), (5000, 10)).seconds(9000, Decimal(10)) == 0


def test_nothing_seen_is_nothing_known():
    assert lag().seconds(1, Decimal(10)) == math.inf


def answered(
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    statuses: tuple[int, ...] = (200,),
    method: str = "get",
    *,
    keeps_up: bool = True,
    cookies: dict[str, str] | None = None,
) -> list[str]:
    """The databases from which each answer of a view at this path reads usage; each answer has the
    next status, and the replica is away after a 503.
    """
    asked: list[str] = []

    def view(_request: HttpRequest) -> HttpResponse:
        asked.append(router.db_for_read(UsageRecord))
        return HttpResponse(status=statuses[len(asked) - 1])

    monkeypatch.setattr(server, "may_be_read", lambda: keeps_up)
    monkeypatch.setattr(server.READ_REPLICA, "check", lambda: False)
    databases = {**settings.DATABASES, "replica": {}}
    monkeypatch.setattr(settings, "DATABASES", databases)
    request = getattr(RequestFactory(), method)(path)
    request.COOKIES |= cookies or {}
    response = replica_reads.ReplicaMiddleware(view)(request)
    if cookies is not None and replica_reads.WROTE in response.cookies:
        cookies[replica_reads.WROTE] = response.cookies[replica_reads.WROTE]["max-age"]
    return asked


@pytest.mark.parametrize(
    "path",
    [
        "/usage/",
        "/usage/requests/",
        "/usage/export/",
        "/audit/",
        "/api/v1/analytics/usage-summary",
        "/api/v1/analytics/usage-records",
    ],
)
def test_usage_and_the_list_of_events_are_read_from_the_replica(
    monkeypatch: pytest.MonkeyPatch, path: str
):
    assert answered(monkeypatch, path) == ["replica"]


@pytest.mark.parametrize("path", ["/connections/", "/api/v1/audit-events", "/nowhere/"])
def test_nothing_else_is(monkeypatch: pytest.MonkeyPatch, path: str):
    assert answered(monkeypatch, path) == ["default"]


def test_a_change_reads_from_the_primary(monkeypatch: pytest.MonkeyPatch):
    assert answered(monkeypatch, "/usage/", method="post") == ["default"]


def test_a_browser_that_changed_something_reads_from_the_primary_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
):
    cookies: dict[str, Any] = {"sessionid": "of somebody"}
    answered(monkeypatch, "/connections/bulk/", method="post", cookies=cookies)
    assert cookies[replica_reads.WROTE] == settings.DATABASE_REPLICA_SECONDS + 1
    assert answered(monkeypatch, "/audit/", cookies=cookies) == ["default"]


def test_a_program_that_changed_something_gets_no_cookie(monkeypatch: pytest.MonkeyPatch):
    cookies: dict[str, Any] = {}
    answered(monkeypatch, "/api/v1/connections", method="post", cookies=cookies)
    assert cookies == {}


def test_a_replica_that_is_late_is_not_read(monkeypatch: pytest.MonkeyPatch):
    assert answered(monkeypatch, "/usage/", keeps_up=False) == ["default"]


def test_what_a_replica_fails_to_answer_the_primary_does(monkeypatch: pytest.MonkeyPatch):
    assert answered(monkeypatch, "/usage/", (503, 200)) == ["replica", "default"]
