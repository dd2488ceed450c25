"""The API of usage: its fields, its numbers, its refusals.

Who may ask is in tests/connections/api/test_permissions.py.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.models import UsageAttempt
from tests.connections.api.calls import Api, errors, token_of
from tests.gateway.records import NOON, NOWHERE, PRODUCTION, SUPPORT, used

pytestmark = pytest.mark.django_db
DAY = "from=2026-03-10&to=2026-03-11"


@pytest.fixture
def api(administrator) -> Api:
    """A program that may read usage and nothing else, and four requests."""
    used(latency_ms=100)
    used(latency_ms=300, started_at=NOON + timedelta(hours=1))
    used(
        latency_ms=200,
        outcome="client_closed",
        provider_id="fallen",
        model="other",
        user_name="olaf",
        user_id=8,
    )
    used(latency_ms=0, **NOWHERE)
    return Api(token_of(administrator, "usage:read"))


@pytest.mark.server
def test_a_summary_has_the_fields_of_the_contract(api: Api):
    assert api.read(f"/analytics/usage-summary?{DAY}") == {
        "totalRequests": 4,
        "inputTokens": 30,
        "outputTokens": 15,
        "totalTokens": 45,
        "successCount": 2,
        "failureCount": 1,
        "fallbackCount": 0,
        "attemptCount": 4,
        "successRate": pytest.approx(2 / 3),
        "averageDurationMs": 150,
        "medianDurationMs": 150,
    }


def test_a_summary_of_nothing_is_zeros(api: Api):
    assert set(api.read("/analytics/usage-summary?from=2020-01-01&to=2020-01-02").values()) == {0}


@pytest.mark.server
def test_a_course_has_a_point_for_every_hour(api: Api):
    points = api.read(f"/analytics/usage-time-series?{DAY}")
    assert len(points) == 24 and points[0]["timestamp"] == "2026-03-10T00:00:00Z"
    assert points[12] == {
        "timestamp": "2026-03-10T12:00:00Z",
        "requestCount": 3,
        "totalTokens": 30,
        "inputTokens": 20,
        "outputTokens": 10,
        "successCount": 1,
        "failureCount": 1,
    }


@pytest.mark.server
@pytest.mark.parametrize(
    ("query", "start"),
    [
        # one day of Kolkata, by its offset and by its name
        (
            "from=2026-03-10T00:00:00%2B05:30&to=2026-03-11T00:00:00%2B05:30",
            "2026-03-10T00:00:00+05:30",
        ),
        ("from=2026-03-10&to=2026-03-11&timeZone=Asia/Kolkata", "2026-03-10T00:00:00+05:30"),
        # 23 hours
        ("from=2026-03-29&to=2026-03-30&timeZone=Europe/Berlin", "2026-03-29T00:00:00+01:00"),
    ],
)
def test_a_day_is_one_of_the_time_zone(api: Api, query: str, start: str):
    (point,) = api.read(f"/analytics/usage-time-series?{query}&granularity=Daily")
    assert point["timestamp"] == start


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("from=2026-03-10&to=2026-03-17", 168),
        ("from=2026-03-10&to=2026-03-18", 8),
        ("from=2026-03-10&to=2026-03-17&granularity=daily", 7),
        ("from=2026-03-10T10:30:00Z&to=2026-03-10T12:30:00%2B01:00&granularity=Hourly", 2),
        ("from=2026-03-10T10:30&to=2026-03-10T10:31", 1),
    ],
)
def test_granularity_and_times_are_understood(api: Api, query: str, points: int):
    assert len(api.read(f"/analytics/usage-time-series?{query}")) == points


ITEMS = {
    "provider": [
        ("openai", "OpenAI", 2, 30, 50),
        ("fallen", None, 1, 15, 25),
        ("unknown", None, 1, 0, 25),
    ],
    "model": [("gpt-4o", None, 2, 30, 50), ("other", None, 1, 15, 25), ("unknown", None, 1, 0, 25)],
    "profile": [
        (str(SUPPORT), "support", 3, 45, 75),
        ("no-such-profile", "no-such-profile", 1, 0, 25),
    ],
    "connection": [(str(PRODUCTION), "production", 3, 45, 75), ("unknown", None, 1, 0, 25)],
    "user": [("7", "ada", 3, 30, 75), ("8", "olaf", 1, 15, 25)],
}
FIELDS = ("dimension", "dimensionName", "requestCount", "totalTokens", "percentage")
MORE = ("failureCount", "fallbackCount", "askedCount", "askedFailureCount", "passedOverCount")


@pytest.mark.server
@pytest.mark.parametrize("dimension", ITEMS)
def test_a_breakdown_has_its_shares_the_greatest_first(api: Api, dimension: str):
    found = api.read(f"/analytics/usage-by-{dimension}?{DAY}")
    assert sum(one["failureCount"] for one in found) == 1
    found = [{name: one[name] for name in one if name not in MORE} for one in found]
    assert sorted(found, key=str) == sorted(
        (dict(zip(FIELDS, item, strict=True)) for item in ITEMS[dimension]), key=str
    )
    assert [one["requestCount"] for one in found] == [item[2] for item in ITEMS[dimension]]


BACKUP = UUID(int=4)
FELL_BACK: dict[str, Any] = {
    "key": UUID(int=5),
    "request_id": "order-17",
    "attempts": 2,
    "answered_profile_id": BACKUP,
    "answered_profile_alias": "backup",
    "cached_tokens": 4,
}


@pytest.fixture
def fell_back() -> None:
    """A request that a fallback answered, with its attempts."""
    used(**FELL_BACK)
    for position, (pk, outcome) in enumerate([(SUPPORT, "failed"), (BACKUP, "ok")]):
        UsageAttempt.objects.create(
            record_key=FELL_BACK["key"],
            position=position,
            started_at=NOON,
            profile_id=pk,
            profile_alias="support",
            connection_id=PRODUCTION,
            connection_alias="production",
            connection_version=1,
            provider_id="openai",
            model="gpt-4o",
            outcome=outcome,
            code="rate_limited" if outcome == "failed" else "",
            status=429 if outcome == "failed" else None,
            latency_ms=10,
        )


def test_a_request_is_told_with_its_attempts(api: Api, fell_back: None):
    found = api.read(f"/analytics/usage-records?{DAY}&request=order-17")
    assert found["total"] == 1
    (one,) = found["items"]
    assert (one["profileAlias"], one["answeredProfileAlias"], one["isFallback"]) == (
        "support",
        "backup",
        True,
    )
    assert [(a["outcome"], a["code"], a["status"]) for a in one["attempts"]] == [
        ("failed", "rate_limited", 429),
        ("ok", "", None),
    ]


def test_one_request_is_told_as_in_the_list(api: Api, fell_back: None):
    (listed,) = api.read(f"/analytics/usage-records?{DAY}&request=order-17")["items"]
    assert api.read(f"/analytics/usage-records/{listed['id']}") == listed
    assert api("GET", f"/analytics/usage-records/{SUPPORT}").status_code == 404


def test_what_is_asked_in_vain_has_its_place_in_the_breakdown(api: Api, fell_back: None):
    first = UsageAttempt.objects.filter(outcome="failed")
    first.update(connection_id=BACKUP, connection_alias="first", provider_id="amazon", model="m")
    for dimension, name in (("connection", str(BACKUP)), ("provider", "amazon"), ("model", "m")):
        items = {
            one["dimension"]: one for one in api.read(f"/analytics/usage-by-{dimension}?{DAY}")
        }
        failing = items[name]
        assert (failing["requestCount"], failing["percentage"], failing["totalTokens"]) == (0, 0, 0)
        assert (failing["askedCount"], failing["askedFailureCount"]) == (1, 1)
        assert all(
            one["askedFailureCount"] in (0, None) for one in items.values() if one != failing
        )


@pytest.mark.server
@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("attempts=fallback", 1),
        ("attempts=Several", 1),
        ("request=nobody", 0),
        ("outcome=failed", 1),
    ],
)
def test_requests_are_filtered(api: Api, fell_back: None, query: str, number: int):
    assert api.read(f"/analytics/usage-summary?{DAY}&{query}")["totalRequests"] == number
    assert api.read(f"/analytics/usage-records?{DAY}&{query}")["total"] == number


def test_a_filter_that_does_not_exist_is_refused(api: Api):
    response = api("GET", f"/analytics/usage-records?{DAY}&attempts=many")
    assert errors(response) == {"/attempts": "invalid"}


PATHS = [
    "usage-records",
    "usage-summary",
    "usage-time-series",
    *(f"usage-by-{dimension}" for dimension in ITEMS),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"/from": "required"}),
        ("from=2026-03-10", {"/to": "required"}),
        ("from=yesterday&to=2026-03-10", {"/from": "invalid"}),
        ("from=2026-03-10&to=2026-02-30", {"/to": "invalid"}),
        ("from=2026-03-10&to=2026-03-10", {"/to": "invalid"}),
        ("from=2026-03-11&to=2026-03-10", {"/to": "invalid"}),
        ("from=0001-01-01T00:00:00%2B23:00&to=2026-03-10", {"/from": "invalid"}),
        ("from=2026-03-10T00:00:00+01:00&to=2026-03-11", {"/from": "invalid"}),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(
    api: Api, path: str, query: str, expected: dict[str, str]
):
    assert errors(api.get(f"/analytics/{path}?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"{DAY}&granularity=Weekly", "/granularity"),
        (f"{DAY}&timeZone=Mars/Olympus", "/timeZone"),
        (f"{DAY}&timeZone=../../etc/passwd", "/timeZone"),
        ("from=2026-03-10T00:00:00%2B05:07&to=2026-03-11", "/from"),
        ("from=9998-12-31&to=9999-12-31", "/from"),
        ("from=2026-03-01&to=2026-03-10&granularity=Hourly", "/to"),
        ("from=0002-01-01&to=8999-01-01", "/to"),
    ],
)
def test_a_course_of_too_many_points_is_refused(api: Api, query: str, field: str):
    assert errors(api.get(f"/analytics/usage-time-series?{query}")) == {field: "invalid"}
