"""The geometry of charts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connections.charts import (
    DURATION,
    FEW_TICKS,
    Series,
    bar_chart,
    even_ticks,
    line_chart,
    nice_ticks,
    share_rows,
    time_ticks,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def hours(count: int, start: datetime = NOON, length: int = 1) -> list[datetime]:
    return [start + timedelta(hours=length * number) for number in range(count)]


@pytest.mark.parametrize(
    ("top", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (8, [0, 2, 4, 6, 8]),
        (9, [0, 5, 10]),
        (47, [0, 20, 40, 60]),
        (1000, [0, 500, 1000]),
        (7321, [0, 2000, 4000, 6000, 8000]),
    ],
)
def test_an_axis_has_few_round_numbers(top, ticks):
    assert nice_ticks(top) == ticks


def test_an_axis_always_reaches_its_greatest_number():
    for top in (*range(3000), 10**9 + 1):
        ticks = nice_ticks(top)
        assert len(ticks) <= 5 and ticks[-1] >= top and len(set(ticks)) == len(ticks), top


def test_a_day_has_every_third_hour_and_its_midnight_the_date():
    labels = [one.label for one in time_ticks(hours(24))]
    assert labels == ["12:00", "15:00", "18:00", "21:00", "11-21", "03:00", "06:00", "09:00"]


@pytest.mark.parametrize("count", [1, 2, 23, 25, 60, 169, 400, 24 * 366])
def test_there_are_few_ticks_however_many_times(count):
    assert 1 <= len(list(time_ticks(hours(count)))) <= FEW_TICKS


def test_ticks_are_round_in_the_zone_of_the_page():
    zone = ZoneInfo("Asia/Kolkata")
    start = datetime(2026, 11, 20, 0, tzinfo=zone)
    days = [start + timedelta(days=number) for number in range(4)]
    assert [one.label for one in time_ticks(days)] == ["11-20", "11-21", "11-22", "11-23"]


def test_narrow_pages_keep_every_other_tick():
    assert [one.is_minor for one in time_ticks(hours(12))][:4] == [False, True, False, True]


def test_checks_have_ticks_though_they_have_no_rhythm():
    times = [NOON + timedelta(minutes=37 * number + 1) for number in range(20)]
    labels = [one.label for one in even_ticks(times)]
    assert labels[0] == "11-20" and labels[1] == "13:52" and len(labels) <= FEW_TICKS


def test_pieces_stand_on_each_other_in_their_proportions():
    chart = bar_chart(hours(1), [Series("ok", "ok", [6]), Series("failed", "failed", [2])])
    ok, failed = chart.columns[0].segments
    assert (ok.y, ok.height, failed.y, failed.height) == (25, 75, 0, 25)
    assert chart.columns[0].title == "2026-11-20 12:00: ok 6, failed 2" and not chart.is_raised


def test_one_failure_among_many_can_be_seen_and_the_chart_says_that_it_is_raised():
    series = [Series("ok", "ok", [9999]), Series("failed", "failed", [1])]
    for height in (72, 160):
        chart = bar_chart(hours(1), series, height=height)
        failed = chart.columns[0].segments[1]
        assert failed.height * height / 100 >= 1.99 and failed.y >= 0 and chart.is_raised


def test_a_count_of_nought_draws_nothing_but_a_time_of_nought_does():
    nought = [Series("ok", "ok", [0])]
    assert bar_chart(hours(1), nought).columns[0].segments == ()
    assert len(bar_chart(hours(1), nought, DURATION).columns[0].segments) == 1


def test_a_failure_without_a_time_is_marked_all_the_same():
    chart = bar_chart(hours(1), [Series("ok", "works", [None])], DURATION, failed=["timeout"])
    assert chart.columns[0].is_failed and chart.columns[0].title.endswith(": timeout")
    assert chart.columns[0].width == 10, "a single check is a column, not a block"


def test_a_line_has_gaps_where_there_is_no_number():
    (line,) = line_chart(hours(4), [Series("p50", "p50", [100, 100, None, 50])]).lines
    assert [len(one.split()) for one in line.pieces] == [2, 2]
    assert line.pieces[0] == "10.0,0.0 35.0,0.0" and line.pieces[1] == "75.0,50.0 95.000,50.0"


def test_a_chart_without_times_is_empty():
    for chart in (bar_chart([], [Series("ok", "ok", [])]), line_chart([], [])):
        assert chart.columns == () and chart.y_ticks[0].label == "0"


def test_lying_bars_are_as_long_as_their_sums():
    rows = share_rows(("ok", "failed"), [(8, 2), (5, 0), (0, 0)])
    assert [[(one.kind, one.x, one.width) for one in row] for row in rows] == [
        [("ok", 0, 80), ("failed", 80, 20)],
        [("ok", 0, 50)],
        [],
    ]
