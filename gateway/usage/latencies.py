"""The latencies of a period by the hours or days of a time zone."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from .buckets import Bucket, Joined
from .course import parts_by_point, starts_of
from .records import Period
from .sketches import counts_in
from .stored import Answer, Parts, answer_to, consistent
from .totals import quantile


@dataclass(frozen=True)
class Latencies:
    """The latencies of an hour or a day in milliseconds, None without requests.

    `p50` is the median; 95 of 100 requests took at most `p95`.
    """

    p50: float | None
    p95: float | None


def latency_course(
    period: Period,
    filters: Mapping[str, str] | None = None,
    step: timedelta | None = None,
    zone: tzinfo = UTC,
) -> list[Latencies]:
    """The latencies of each point of `course`, which takes the same. They are within 5 % of the
    true ones.
    """
    starts = list(starts_of(period, step or period.step, zone))
    counts = consistent(
        lambda: answer_to(filters, period),
        lambda answer, counted: _counts(starts, period, filters, answer, counted),
    )
    return [Latencies(quantile(one, 0.5), quantile(one, 0.95)) for one in counts]


def _counts(
    starts: list[datetime],
    period: Period,
    filters: Mapping[str, str] | None,
    answer: Answer | None,
    counted: int,
) -> list[Counter[int]]:
    """Milliseconds -> how many requests took so long, of each point."""
    parts, length = parts_by_point(starts, period, answer, counted)
    counts: list[Counter[int]] = [Counter() for _ in starts]
    for at, found in (*_of_records(parts, filters, length), *_of_totals(parts, answer)):
        counts[bisect_right(starts, at) - 1].update(found)
    return counts


def _of_records(
    parts: Parts, filters: Mapping[str, str] | None, length: timedelta
) -> Iterator[tuple[datetime, Mapping[int, int]]]:
    rows = parts.records(filters).order_by().values(bucket=Bucket("started_at", length))
    for bucket, times in rows.annotate(times=Joined("latency_ms")).values_list("bucket", "times"):
        yield datetime.fromisoformat(bucket).replace(tzinfo=UTC), Counter(map(int, times.split()))


def _of_totals(parts: Parts, answer: Answer | None) -> Iterator[tuple[datetime, Mapping[int, int]]]:
    if answer is None or not parts.spans:
        return
    rows = parts.totals(answer.dimensions).filter(answer.condition).exclude(latencies="")
    sketches = rows.values("start").annotate(sketch=Joined("latencies"))
    for start, sketch in sketches.values_list("start", "sketch"):
        yield start, counts_in(sketch)
