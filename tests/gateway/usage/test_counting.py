"""Totals and the records behind them are what the records alone are, wherever counting stands."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone

from gateway.models import CountedUsage, UsageRecord, UsageTotal
from gateway.usage import counting, records, scoped_counting, selectors, stored
from gateway.usage.asked import asked_targets
from gateway.usage.buckets import DAY, HOUR
from gateway.usage.course import course
from gateway.usage.dimensions import OTHERS
from gateway.usage.latencies import latency_course
from gateway.usage.sketches import counts_in, rounded, sketch_of
from tests.gateway.records import NOON, NOWHERE, gone_round, used

pytestmark = [pytest.mark.django_db, pytest.mark.server]
BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
START = datetime(2026, 3, 26, 22, 7, tzinfo=UTC)  # the clock of Berlin changes on the 29th
SEED, COUNT = 15, 200


@pytest.fixture
def many() -> None:
    """COUNT requests of five days, by chance: of all outcomes, with fallbacks and without."""
    chance = random.Random(SEED)
    for _ in range(COUNT):
        at = START + timedelta(seconds=chance.randrange(5 * 86400))
        user, profile = chance.randrange(4), chance.randrange(3)
        more: dict[str, Any] = {
            "started_at": at,
            "user_id": user,
            "user_name": f"user-{user % 3}",
            "token_id": UUID(int=100 + user),
            "token_name": f"token-{user % 2}",
            "profile_id": UUID(int=200 + profile),
            "profile_alias": f"profile-{profile}",
            "latency_ms": int(chance.lognormvariate(6, 1)),
            "first_chunk_ms": chance.choice([None, chance.randrange(1, 500)]),
            "input_tokens": chance.choice([None, chance.randrange(5000)]),
        }
        if chance.random() < 0.2:
            gone_round(**more)
        else:
            place = chance.randrange(2)
            more |= {"connection_id": UUID(int=300 + place), "connection_alias": f"c-{place}"}
            used(**more, outcome=chance.choice(["ok", "ok", "client_closed", "timeout", "quota"]))


FILTERS: list[dict[str, str]] = [
    {},
    {"outcome": "failed"},
    {"outcome": "timeout"},
    {"attempts": "fallback"},
    {"attempts": "several", "outcome": "ok"},
    {"profile": "profile-1"},
    {"profile": str(UUID(int=201)), "outcome": "ok"},
    {"connection": "production"},  # never asked last
    {"connection": "second"},
    {"connection": str(UUID(int=300))},
    {"token": str(UUID(int=101))},
    {"token": str(UUID(int=101)), "profile": "profile-2"},
    {"request": "none"},
]
ODD = records.Period(START + timedelta(minutes=9), START + timedelta(days=4, hours=5, minutes=3))
PERIODS = {
    "whole days": records.Period(
        datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC)
    ),
    "minutes": records.Period(START + timedelta(minutes=9), START + timedelta(minutes=20)),
    "until now": records.Period(START - DAY, timezone.now() + DAY),
}
CASES = [(ODD, filters) for filters in FILTERS] + [(period, {}) for period in PERIODS.values()]


def numbers(period: records.Period, filters: dict[str, str]) -> list[Any]:
    """Everything that is told of a period, without latencies."""

    def plain(totals: Any) -> dict[str, Any]:
        return {name: value for name, value in vars(totals).items() if name != "latencies"}

    reports = [
        selectors.usage_report(period, filters, selectors.DIMENSIONS, with_ids)
        for with_ids in (False, True)
    ]
    points = [(HOUR, KATHMANDU), (DAY, BERLIN), (DAY, UTC)]
    is_long = period.end - period.start > 7 * DAY
    return [
        plain(selectors.usage_report(period, filters).totals),
        [plain(one) for report in reports for found in report.shares.values() for one in found],
        [asked_targets(dimension, period, filters) for dimension in ("connection", "model")],
        [course(period, filters, *one) for one in points[is_long:]],
    ]


def test_totals_are_what_the_records_are(many: None, monkeypatch: pytest.MonkeyPatch):
    expected = [numbers(*case) for case in CASES]
    assert expected[0][0]["requests"] > 100
    half = UsageRecord.objects.order_by("pk")[COUNT // 2].pk
    with monkeypatch.context() as patch:
        patch.setattr(counting, "settled_id", lambda: half)
        scoped_counting.count_scopes()
    assert counting.counted_to() == counting.counted_to(counting.SCOPES) == half
    assert [numbers(*case) for case in CASES] == expected
    counting.count_all()
    assert [numbers(*case) for case in CASES] == expected
    scoped_counting.count_scopes()
    assert [numbers(*case) for case in CASES] == expected


PAIRS = [
    {"profile": "profile-1", "connection": "production"},  # never asked last
    {"profile": str(UUID(int=201)), "model": "gpt-4o"},
    {"profile": "profile-1", "outcome": "timeout"},
    {"connection": "second", "user": "user-1", "attempts": "several"},
    {"connection": "c-0", "token": str(UUID(int=101)), "outcome": "failed"},
]


def numbers_of_pairs(period: records.Period) -> list[Any]:
    """What is told of each pair of filters, as a page without shares tells it."""
    return [
        (
            vars(selectors.usage_report(period, one).totals) | {"latencies": None},
            course(period, one, DAY),
            course(period, one, DAY, KATHMANDU),
        )
        for one in PAIRS
    ]


def test_totals_of_a_pair_of_filters_are_what_the_records_are(
    many: None, monkeypatch: pytest.MonkeyPatch
):
    expected = numbers_of_pairs(ODD)
    assert sum(totals["requests"] > 0 for totals, *_ in expected) >= 4
    half = UsageRecord.objects.order_by("pk")[COUNT // 2].pk
    with monkeypatch.context() as patch:
        patch.setattr(counting, "settled_id", lambda: half)
        scoped_counting.count_scopes()
    assert numbers_of_pairs(ODD) == expected
    scoped_counting.count_scopes()
    assert numbers_of_pairs(ODD) == expected


def test_a_pair_of_filters_needs_no_records_of_whole_days(many: None):
    period = PERIODS["whole days"]

    def told() -> list[Any]:
        return [
            (
                selectors.usage_report(period, one).totals.requests,
                course(period, one, DAY),
                [spot.p50 is None for spot in latency_course(period, one, DAY)],
                selectors.first_chunk_median(period, one) is None,
            )
            for one in PAIRS
        ]

    expected = told()
    scoped_counting.count_scopes()
    UsageRecord.objects.all().delete()
    assert told() == expected


@pytest.mark.parametrize("filters", [{"profile": "profile-1"}, {"connection": "second"}])
def test_a_profile_and_a_connection_need_no_records_of_whole_days(
    many: None, filters: dict[str, str]
):
    expected = numbers(PERIODS["whole days"], filters)
    scoped_counting.count_scopes()
    UsageRecord.objects.all().delete()
    assert numbers(PERIODS["whole days"], filters)[:3] == expected[:3]


def test_counting_scopes_that_is_stopped_goes_on_from_there(
    many: None, monkeypatch: pytest.MonkeyPatch
):
    expected = numbers(PERIODS["until now"], {"profile": "profile-1"})
    monkeypatch.setattr(scoped_counting, "CHUNK", COUNT // 3)
    monkeypatch.setattr(scoped_counting, "KEYS_AT_ONCE", 100)
    write, calls = scoped_counting.add_to_totals, []

    def killed(amounts: Any) -> None:
        calls.append(write(amounts))
        if len(calls) == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scoped_counting, "add_to_totals", killed)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            scoped_counting.count_scopes()
    assert scoped_counting.count_scopes_when_due().endswith("of routes and callers.")
    assert numbers(PERIODS["until now"], {"profile": "profile-1"}) == expected
    assert scoped_counting.count_scopes_when_due() == "Nothing is due."


def test_what_is_in_totals_needs_no_records(many: None):
    expected = selectors.usage_report(PERIODS["whole days"], {}, selectors.DIMENSIONS)
    counting.count_all()
    UsageRecord.objects.all().delete()
    found = selectors.usage_report(PERIODS["whole days"], {}, selectors.DIMENSIONS)
    assert found.totals.requests == expected.totals.requests > 0
    assert [one.requests for one in found.shares["user"]] == [
        one.requests for one in expected.shares["user"]
    ]


def test_medians_of_totals_are_within_five_percent(many: None):
    period = PERIODS["until now"]
    for filters in ({}, {"profile": "profile-1"}, {"outcome": "ok"}):
        exact = selectors.usage_report(period, filters).totals.median_ms
        first = selectors.first_chunk_median(period, filters)
        counting.count_all()
        assert selectors.usage_report(period, filters).totals.median_ms == within(exact)
        assert selectors.first_chunk_median(period, filters) == within(first)
        CountedUsage.objects.all().delete()
        UsageTotal.objects.all().delete()


def test_the_first_shares_have_medians(many: None):
    period = PERIODS["until now"]
    exact = selectors.usage_report(period, {}, selectors.DIMENSIONS).shares
    counting.count_all()
    shares = selectors.usage_report(period, {}, selectors.DIMENSIONS, medians=2).shares
    for dimension, found in shares.items():
        assert [one.median_ms for one in found[:2]] == [
            within(one.median_ms) for one in exact[dimension][:2]
        ], dimension


def within(median_ms: float | None) -> Any:
    """About this number."""
    return pytest.approx(median_ms, rel=0.05)


@pytest.mark.parametrize("milliseconds", [0, 1, 9, 10, 11, 37, 812, 5555, 123_456, 2**31 - 1])
def test_a_rounded_time_is_within_five_percent(milliseconds: int):
    assert rounded(milliseconds) == pytest.approx(milliseconds, rel=0.05)


def test_joined_sketches_are_one():
    counts = {1: 2, 812: 3}
    assert counts_in(f"{sketch_of(counts)} {sketch_of({1: 1})}") == {1: 3, 812: 3}
    assert counts_in("") == counts_in(None) == {}


def test_counting_that_is_stopped_goes_on_from_there(many: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counting, "CHUNK", COUNT // 3)
    assert counting.count_new()
    done = counting.counted_to()
    write = counting.add_to_totals

    def killed(amounts: Any) -> None:
        write(amounts)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(counting, "add_to_totals", killed)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            counting.count_new()
    assert counting.counted_to() == done
    counting.count_all()
    assert in_totals() == COUNT


def in_totals() -> int:
    """The number of requests that totals have."""
    rows = UsageTotal.objects.filter(dimension="all", minutes=1440)
    return sum(rows.values_list("requests", flat=True))


def test_a_report_that_meets_counting_is_made_again(many: None):
    """As another process, which counts between two queries of a report."""
    period, seen = PERIODS["until now"], []

    def read(_answer: object, counted: int) -> int:
        seen.append(counted)
        if len(seen) == 1:
            counting.count_all()
        return counted

    assert (
        stored.consistent(lambda: stored.answer_to({}, period), read) == counting.counted_to() > 0
    )
    assert seen == [0, counting.counted_to()]
    assert selectors.usage_report(period).totals.requests == COUNT


def test_texts_that_are_no_profiles_alias_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counting, "MOST_TEXTS", 3)
    for number in range(6):
        used(**NOWHERE | {"profile_alias": f"text-{number}"})
        if number % 2:
            counting.count_all()
    period = records.Period(NOON - HOUR, NOON + HOUR)
    shares = selectors.usage_report(period, {}, ["profile"]).shares["profile"]
    assert {one.name: one.requests for one in shares} == {
        **{f"text-{number}": 1 for number in range(3)},
        OTHERS: 3,
    }


def test_somebody_who_has_just_counted_is_enough():
    used()
    counting.count_new()
    used()
    assert counting.count_new(timedelta(minutes=1)) is False and in_totals() == 1
    counting.count_new()
    assert in_totals() == 2
