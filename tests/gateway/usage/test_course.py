"""The course of a period: by hours and days of a time zone, on both databases alike."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from gateway.usage import records
from gateway.usage.course import course
from tests.gateway.records import NOON, used

pytestmark = [pytest.mark.django_db, pytest.mark.server]
HOUR = timedelta(hours=1)
DAY = records.Period(NOON - 12 * HOUR, NOON + 12 * HOUR)
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


def test_it_has_every_hour_also_those_without_requests():
    used(started_at=NOON - 2 * HOUR)
    used(started_at=NOON - HOUR - timedelta(seconds=1), outcome="rate_limited")
    used(started_at=NOON), used(started_at=NOON, outcome="client_closed")
    points = course(DAY)
    assert [one.start for one in points] == [DAY.start + n * HOUR for n in range(24)]
    assert {
        one.start.hour: (one.requests, one.succeeded, one.failed, one.closed)
        for one in points
        if one.requests
    } == {10: (2, 1, 1, 0), 12: (2, 1, 0, 1)}


def test_it_counts_tokens():
    used(), used(input_tokens=None)
    assert [(one.input_tokens, one.output_tokens) for one in course(DAY)][12] == (10, 10)


def test_a_long_one_is_by_day():
    used(), used(started_at=NOON - timedelta(days=20))
    points = course(records.Period(NOON - timedelta(days=30), NOON + timedelta(days=1)))
    assert (len(points), points[0].start) == (32, datetime(2026, 2, 8, tzinfo=UTC))
    assert {one.start.date().isoformat(): one.requests for one in points if one.requests} == {
        "2026-02-18": 1,
        "2026-03-10": 1,
    }


ZONES = {  # a zone, a moment (UTC), the beginning of its day and of its hour there
    "UTC": (UTC, "2026-03-10T23:59:59", "2026-03-10T00:00:00+00:00", "2026-03-10T23:00:00+00:00"),
    "east": (
        BERLIN,
        "2026-03-10T23:00:00",
        "2026-03-11T00:00:00+01:00",
        "2026-03-11T00:00:00+01:00",
    ),
    "half hours": (
        KOLKATA,
        "2026-03-10T18:29:59",
        "2026-03-10T00:00:00+05:30",
        "2026-03-10T23:00:00+05:30",
    ),
    "half hours, next day": (
        KOLKATA,
        "2026-03-10T18:30:00",
        "2026-03-11T00:00:00+05:30",
        "2026-03-11T00:00:00+05:30",
    ),
    "quarters": (
        ZoneInfo("Asia/Kathmandu"),
        "2026-03-10T18:15:00",
        "2026-03-11T00:00:00+05:45",
        "2026-03-11T00:00:00+05:45",
    ),
    "an offset": (
        timezone(timedelta(hours=-3, minutes=-30)),
        "2026-03-10T03:29:00",
        "2026-03-09T00:00:00-03:30",
        "2026-03-09T23:00:00-03:30",
    ),
}


@pytest.mark.parametrize(("zone", "moment", "day", "hour"), ZONES.values(), ids=ZONES)
def test_days_and_hours_are_those_of_the_zone(zone: tzinfo, moment: str, day: str, hour: str):
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    used(started_at=at)
    period = records.Period(at - timedelta(days=2), at + timedelta(days=2))
    for step, expected in ((records.DAY, day), (records.HOUR, hour)):
        found = [one.start.isoformat() for one in course(period, None, step, zone) if one.requests]
        assert found == [expected]


@pytest.mark.parametrize(("first", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_the_clock_changes_has_its_own_length(first: str, hours: int):
    start = datetime.fromisoformat(first).replace(tzinfo=BERLIN)
    period = records.Period(start, start + timedelta(days=1))
    for number in range(hours):
        used(started_at=start.astimezone(UTC) + number * HOUR)
    assert [one.requests for one in course(period, None, records.DAY, BERLIN)] == [hours]
    assert [one.requests for one in course(period, None, records.HOUR, BERLIN)] == [1] * hours
