"""The course of a period: its requests by the hours or days of a time zone."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from django.db.models import Count, Q, Sum

from .buckets import DAY, HOUR, QUARTER, Bucket
from .dimensions import CLOSED, FAILED, OK
from .records import Period
from .stored import Answer, Parts, answer_to, consistent, parts_of

Numbers = tuple[datetime, list[Any]]  # of what began then


@dataclass(frozen=True)
class Point:
    """The requests of an hour or a day, which begins at `start`."""

    start: datetime
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    succeeded: int = 0
    failed: int = 0

    @property
    def total_tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def closed(self) -> int:
        """Requests whose caller hung up."""
        return self.requests - self.succeeded - self.failed


def course(
    period: Period,
    filters: Mapping[str, str] | None = None,
    step: timedelta | None = None,
    zone: tzinfo = UTC,
) -> list[Point]:
    """A point for every hour or day of the zone in the period, also for those without requests.

    The period may begin or end in the middle of a point. A day on which the clock changes has 23 or
    25 hours.
    """
    starts = list(starts_of(period, step or period.step, zone))
    counts = consistent(
        lambda: answer_to(filters, period),
        lambda answer, counted: _counts(starts, period, filters, answer, counted),
    )
    return _points(starts, counts, zone)


def quick_course(period: Period, filters: Mapping[str, str] | None = None) -> list[Point] | None:
    """The same in UTC where totals tell it; None where every record would be read for it."""
    starts = list(starts_of(period, period.step, UTC))
    counts = consistent(
        lambda: answer_to(filters, period),
        lambda answer, counted: (
            _counts(starts, period, filters, answer, counted) if answer else None
        ),
    )
    return None if counts is None else _points(starts, counts, UTC)


def _points(starts: list[datetime], counts: list[list[int]], zone: tzinfo) -> list[Point]:
    return [
        Point(start.astimezone(zone), *numbers)
        for start, numbers in zip(starts, counts, strict=True)
    ]


def _counts(
    starts: list[datetime],
    period: Period,
    filters: Mapping[str, str] | None,
    answer: Answer | None,
    counted: int,
) -> list[list[int]]:
    """The numbers of the points that begin then, in the order of a Point's."""
    parts, length = parts_by_point(starts, period, answer, counted)
    counts = [[0] * len(SUMS) for _ in starts]
    for at, numbers in (*_of_records(parts, filters, length), *_of_totals(parts, answer)):
        place = bisect_right(starts, at) - 1
        for number, more in enumerate(numbers):
            counts[place][number] += int(more or 0)
    return counts


SUMS = {
    "n": Count("*"),
    "i": Sum("input_tokens"),
    "o": Sum("output_tokens"),
    "ok": Count("pk", filter=Q(outcome=OK)),
    "bad": Count("pk", filter=~Q(outcome__in=(OK, CLOSED))),
}


def _of_records(
    parts: Parts, filters: Mapping[str, str] | None, length: timedelta
) -> Iterator[Numbers]:
    rows = parts.records(filters).order_by().values(bucket=Bucket("started_at", length))
    for bucket, *numbers in rows.annotate(**SUMS).values_list("bucket", *SUMS):
        yield datetime.fromisoformat(bucket).replace(tzinfo=UTC), numbers


def _of_totals(parts: Parts, answer: Answer | None) -> Iterator[Numbers]:
    if answer is None or not parts.spans:
        return
    sums = {
        "n": Sum("requests"),
        "i": Sum("input_tokens"),
        "o": Sum("output_tokens"),
        "ok": Sum("requests", filter=Q(kind=OK)),
        "bad": Sum("requests", filter=Q(kind=FAILED)),
    }
    rows = parts.totals(answer.dimensions).filter(answer.condition)
    for start, *numbers in rows.values("start").annotate(**sums).values_list("start", *sums):
        yield start, numbers


def starts_of(period: Period, step: timedelta, zone: tzinfo) -> Iterator[datetime]:
    """The beginnings (UTC) of the hours or days of the zone that the period touches."""
    first = period.start.astimezone(zone)
    if step == HOUR:
        start = first.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        while start < period.end:
            yield start
            start += HOUR
        return
    day = first.date()
    while (start := datetime.combine(day, time(), zone).astimezone(UTC)) < period.end:
        yield start
        day += DAY


def parts_by_point(
    starts: list[datetime], period: Period, answer: Answer | None, counted: int
) -> tuple[Parts, timedelta]:
    """What to read for points that begin then: records and totals, and the length of the buckets
    for records.
    """
    length = _bucket_length(starts)
    lengths = [one for one in (answer.lengths if answer else ()) if one <= length]
    if not lengths and answer and answer.is_of_all:
        lengths = [QUARTER]
    if lengths:
        return parts_of(period, counted, lengths), length
    if answer and HOUR in answer.lengths and len(starts) > 1 and starts[1] - starts[0] > HOUR:
        return _whole_hours(starts, period, counted), length
    return Parts(period, 0), length


def _whole_hours(starts: list[datetime], period: Period, counted: int) -> Parts:
    """Totals of the hours that lie in one day of a zone, and records of those that a midnight
    divides.
    """
    ends = [*starts[1:], period.end]
    days = [Period(max(one, period.start), end) for one, end in zip(starts, ends, strict=True)]
    found = [parts_of(day, counted, [HOUR]) for day in days]
    middles = [one.middle for one in found if one.middle]
    if not middles:
        return Parts(period, counted)
    spans = [span for one in found for span in one.spans]
    edges = [edge for one in found for edge in (one.edges if one.middle else [one.period])]
    return Parts(period, counted, spans, Period(middles[0].start, middles[-1].end), edges)


def _bucket_length(starts: list[datetime]) -> timedelta:
    """The longest bucket that lies in one point as a whole: zones differ from UTC by quarters."""
    if any(start.minute for start in starts):
        return QUARTER
    return HOUR if any(start.hour for start in starts) or len(starts) < 2 else DAY
