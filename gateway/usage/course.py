"""The course of a period: its requests by the hours or days of a time zone."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from django.db.models import CharField, Count, Func, Q, Sum

from .records import DAY, HOUR, Period, records
from .totals import CLOSED, OK

QUARTER = timedelta(minutes=15)


class Bucket(Func):
    """The quarter, hour or day (UTC) in which a time lies, as a text that
    `datetime.fromisoformat` reads.

    SQLite keeps times as text in UTC. Django's own Trunc calls Python for each row there.
    """

    output_field = CharField()

    def __init__(self, column: str, length: timedelta) -> None:
        super().__init__(column)
        self.length = length

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The first characters of the text; of the minutes only which quarter they are in."""
        if self.length == QUARTER:
            quarter = "printf('%%%%02d', substr(%(expressions)s, 15, 2) / 15 * 15)"
            template = f"substr(%(expressions)s, 1, 14) || {quarter}"
        else:
            template = f"substr(%(expressions)s, 1, {13 if self.length == HOUR else 10})"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The beginning of the quarter, the hour or the day."""
        template = (
            f"date_bin('{self.length.total_seconds():.0f} seconds', %(expressions)s AT TIME ZONE "
            "'UTC', TIMESTAMP '2000-01-01')::text"
        )
        return super().as_sql(compiler, connection, template=template, **context)


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
    starts = list(_starts(period, step or period.step, zone))
    sums = {
        "n": Count("*"),
        "i": Sum("input_tokens"),
        "o": Sum("output_tokens"),
        "ok": Count("pk", filter=Q(outcome=OK)),
        "bad": Count("pk", filter=~Q(outcome__in=(OK, CLOSED))),
    }
    rows = (
        records(period, filters)
        .order_by()
        .values(bucket=Bucket("started_at", _bucket_length(starts)))
        .annotate(**sums)
        .values_list("bucket", *sums)
    )
    counts = [[0] * len(sums) for _ in starts]
    for bucket, *numbers in rows:
        at = datetime.fromisoformat(bucket).replace(tzinfo=UTC)
        place = bisect_right(starts, at) - 1
        counts[place] = [
            count + (number or 0) for count, number in zip(counts[place], numbers, strict=True)
        ]
    return [
        Point(start.astimezone(zone), *numbers)
        for start, numbers in zip(starts, counts, strict=True)
    ]


def _starts(period: Period, step: timedelta, zone: tzinfo) -> Iterator[datetime]:
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


def _bucket_length(starts: list[datetime]) -> timedelta:
    """The longest bucket that lies in one point as a whole: zones differ from UTC by quarters."""
    if any(start.minute for start in starts):
        return QUARTER
    return HOUR if any(start.hour for start in starts) or len(starts) < 2 else DAY
