"""Latencies over time: from records, and from what is counted of them."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.usage import counting, records
from gateway.usage.buckets import DAY, HOUR
from gateway.usage.course import course
from gateway.usage.latencies import latency_course
from gateway.usage.totals import quantile
from tests.gateway.records import NOON, used

pytestmark = [pytest.mark.django_db, pytest.mark.server]
PERIOD = records.Period(NOON - 12 * HOUR, NOON + 12 * HOUR)


def took(*milliseconds: int, **changes) -> None:
    for one in milliseconds:
        used(latency_ms=one, **changes)


def test_each_hour_has_its_own_and_an_hour_without_requests_none():
    took(*range(1, 101)), took(7, started_at=NOON - HOUR)
    found = {place: one for place, one in enumerate(latency_course(PERIOD)) if one.p50}
    assert {place: (one.p50, one.p95) for place, one in found.items()} == {
        11: (7, 7),
        12: (50, 95),
    }
    assert len(latency_course(PERIOD)) == len(course(PERIOD))


def test_filters_narrow_them():
    took(10, connection_alias="fast"), took(1000, connection_alias="slow")
    assert latency_course(PERIOD, {"connection": "fast"})[12].p95 == 10


@pytest.mark.parametrize(
    ("step", "zone"), [(HOUR, UTC), (DAY, UTC), (DAY, ZoneInfo("Asia/Kathmandu"))]
)
@pytest.mark.parametrize("filters", [{}, {"connection": "production"}])
def test_what_is_counted_is_within_5_percent_of_what_the_records_say(step, zone, filters):
    took(*range(100, 900, 7)), took(2000, 3000, started_at=NOON - 3 * HOUR)
    took(5, started_at=NOON - timedelta(days=2))
    period = records.Period(NOON - timedelta(days=4), NOON + timedelta(days=1))
    exact = latency_course(period, filters, step, zone)
    counting.count_all()
    counted = latency_course(period, filters, step, zone)
    assert len(counted) == len(exact) and sum(one.p50 is not None for one in exact) >= 2
    for one, other in zip(exact, counted, strict=True):
        assert (one.p50 is None) == (other.p50 is None)
        if one.p50 is not None:
            expected = pytest.approx((one.p50, one.p95), rel=0.05)
            assert (other.p50, other.p95) == expected


def test_requests_that_are_not_counted_yet_are_there_too():
    took(100)
    counting.count_all()
    took(5000, 5000), took(70, started_at=NOON - HOUR)
    found = latency_course(PERIOD)
    assert (found[12].p50, found[11].p50) == (5000, 70)


@pytest.mark.parametrize(
    ("counts", "share", "value"),
    [
        ({}, 0.5, None),
        ({3: 1}, 0.95, 3),
        ({1: 1, 2: 1}, 0.5, 1),
        ({1: 95, 9: 5}, 0.95, 1),
        ({1: 94, 9: 6}, 0.95, 9),
    ],
)
def test_a_quantile_is_a_value_that_was_there(counts, share, value):
    assert quantile(counts, share) == value
