"""What is read from usage records: exact numbers on a handful of them."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from gateway.usage import counting, records, selectors
from gateway.usage.asked import asked_targets
from gateway.usage.course import course
from gateway.usage.totals import median
from tests.gateway.records import NOON, NOWHERE, PRODUCTION, WEBSITE, gone_round, used

pytestmark = [pytest.mark.django_db, pytest.mark.server]
HOUR = timedelta(hours=1)
DAY = records.Period(NOON - 12 * HOUR, NOON + 12 * HOUR)


@pytest.fixture
def morning() -> None:
    """Six requests in three hours."""
    used(started_at=NOON - 2 * HOUR, latency_ms=100)
    used(
        started_at=NOON - 2 * HOUR + timedelta(minutes=59),
        latency_ms=400,
        outcome="rate_limited",
        input_tokens=None,
        output_tokens=None,
    )
    used(
        started_at=NOON,
        latency_ms=200,
        provider_id="anthropic",
        model="claude",
        first_chunk_ms=50,
        is_stream=True,
    )
    used(
        started_at=NOON, latency_ms=300, outcome="client_closed", first_chunk_ms=70, is_stream=True
    )
    used(started_at=NOON, latency_ms=500, token_id=UUID(int=9), user_name="olaf", user_id=8)
    used(started_at=NOON + HOUR, latency_ms=1, **NOWHERE)


@pytest.mark.parametrize(
    ("counts", "middle"),
    [
        ({}, None),
        ({5: 1}, 5),
        ({1: 1, 4: 1}, 2.5),
        ({1: 1, 2: 1, 9: 1}, 2),
        ({1: 5, 9: 5}, 5),
        ({1: 2, 9: 5}, 9),
    ],
)
def test_a_median_is_the_middle_or_the_mean_of_both(counts: dict[int, int], middle: float | None):
    assert median(counts) == middle


def test_totals_are_exact(morning: None):
    totals = selectors.usage_report(DAY).totals
    assert (totals.requests, totals.succeeded, totals.failed, totals.closed) == (6, 3, 2, 1)
    assert (totals.input_tokens, totals.output_tokens, totals.total_tokens) == (40, 20, 60)
    assert (totals.median_ms, totals.average_ms) == (250, pytest.approx(1501 / 6))


def test_who_hung_up_counts_neither_as_success_nor_as_failure(morning: None):
    assert selectors.usage_report(DAY).totals.success_rate == 3 / 5


def test_nothing_has_no_rate_and_no_latency():
    totals = selectors.usage_report(DAY).totals
    assert (totals.requests, totals.success_rate, totals.median_ms, totals.average_ms) == (
        0,
        None,
        None,
        None,
    )


def test_first_chunks_are_those_of_streams(morning: None):
    assert selectors.first_chunk_median(DAY) == 60


def test_a_period_has_its_start_and_not_its_end():
    used(started_at=DAY.start), used(started_at=DAY.end)
    assert selectors.usage_report(DAY).totals.requests == 1


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("provider", [("openai", 4), ("", 1), ("anthropic", 1)]),
        ("model", [("gpt-4o", 4), ("", 1), ("claude", 1)]),
        ("profile", [("support", 5), ("no-such-profile", 1)]),
        ("connection", [("production", 5), ("", 1)]),
        ("user", [("ada", 5), ("olaf", 1)]),
        ("token", [("Website", 5), ("Website", 1)]),
        (
            "outcome",
            [("ok", 3), ("client_closed", 1), ("profile_not_found", 1), ("rate_limited", 1)],
        ),
    ],
)
def test_shares_are_exact_and_the_greatest_is_first(
    morning: None, dimension: str, expected: list[tuple[str, int]]
):
    shares = selectors.usage_report(DAY, None, [dimension]).shares[dimension]
    assert [(one.name, one.requests) for one in shares] == expected
    assert sum(one.share for one in shares) == pytest.approx(1)


def test_a_share_has_its_own_median_and_tokens(morning: None):
    openai = selectors.usage_report(DAY, None, ["provider"]).shares["provider"][0]
    assert (openai.median_ms, openai.total_tokens) == (350, 45)


def test_all_dimensions_take_as_many_queries_as_one(morning: None):
    counting.count_all()
    used(started_at=NOON)
    for dimensions in ([], selectors.DIMENSIONS):
        with CaptureQueriesContext(database) as seen:
            selectors.usage_report(DAY, None, dimensions, medians=2)
        # how far it is counted, before and after; records, totals, sketches
        assert len([one for one in seen if "SELECT" in one["sql"]]) == 5


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"profile": "support"}, 5),
        ({"profile": " support\x00 "}, 5),
        ({"connection": "production"}, 5),
        ({"token": str(WEBSITE)}, 5),
        ({"token": "no id"}, 0),
        ({"outcome": "failed"}, 2),
        ({"outcome": "rate_limited"}, 1),
        ({"outcome": "client_closed", "profile": "support"}, 1),
        ({"outcome": "", "profile": ""}, 6),
    ],
)
def test_filters_narrow_everything(morning: None, filters: dict[str, str], count: int):
    totals, points = selectors.usage_report(DAY, filters).totals, course(DAY, filters)
    assert (
        totals.requests,
        sum(one.requests for one in points),
        records.records(DAY, filters).count(),
    ) == (count,) * 3


@pytest.mark.parametrize(
    ("connection", "count"),
    [("production", 1), (str(PRODUCTION), 1), ("second", 1), ("third", 0), ("other", 0)],
)
def test_a_connection_that_failed_before_another_answered_has_the_request(
    connection: str, count: int
):
    gone_round()
    assert records.records(DAY, {"connection": connection}).count() == count


@pytest.mark.parametrize("filters", [{}, {"profile": "support"}, {"profile": "other"}])
def test_a_connection_that_always_fails_shows_how_often(filters: dict[str, str]):
    gone_round(), gone_round()
    found = [vars(one) for one in asked_targets("connection", DAY, filters)]
    for one in found:
        assert one.pop("key")
    names = ("name", "asked", "failed", "passed_over")
    rows = [("production", 2, 2, 0), ("second", 2, 0, 0), ("third", 0, 0, 2)]
    is_other = filters.get("profile") == "other"
    assert found == [] if is_other else [dict(zip(names, row, strict=True)) for row in rows]


def test_batches_have_every_request_once_also_of_the_same_moment():
    made = [
        used(started_at=NOON + timedelta(seconds=number // 4), latency_ms=number)
        for number in range(11)
    ]
    batches = list(records.batches(DAY, {}, ["latency_ms"], size=3))
    assert [len(one) for one in batches] == [3, 3, 3, 2]
    assert [value for batch in batches for (value,) in batch] == [one.latency_ms for one in made]
