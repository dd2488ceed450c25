"""The read side of usage: the totals of a period, its course, its shares, its requests.

`ok` is a success. `client_closed` is neither success nor failure: the caller hung up, and nobody
knows how the request would have ended. Every other outcome is a failure. The success rate is the
share of successes among successes and failures.

Medians are exact, and found the same way on every database: requests are counted by latency, which
leaves some thousand rows however many requests there were, and the median of those counts is
computed here.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, Func, Q, QuerySet, Sum
from django.utils import timezone

from connections.lookup import parse_id

from ..models import UsageRecord
from .totals import PeriodTotals, Share, UsageTotals, median

OK, CLOSED = "ok", "client_closed"
FAILED = "failed"  # a filter, not an outcome: every outcome but the other two
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PERIODS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
HOURLY_AT_MOST, DAILY_AT_MOST = 7 * DAY, 1100 * DAY
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# dimension -> the columns that tell its values apart, the name first: two tokens may have one name
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "provider": ("provider_id",),
    "model": ("model",),
    "profile": ("profile_alias",),
    "connection": ("connection_alias",),
    "user": ("user_name",),
    "token": ("token_name", "token_id"),
    "outcome": ("outcome",),
}
IDS = {"profile": "profile_id", "connection": "connection_id", "user": "user_id"}


@dataclass(frozen=True)
class Period:
    """From `start` up to, and without, `end`."""

    start: datetime
    end: datetime

    @property
    def step(self) -> timedelta:
        """The length of a point of its course: an hour, or a day when there would be too many
        hours.
        """
        return HOUR if self.end - self.start <= HOURLY_AT_MOST else DAY


def last(duration: timedelta) -> Period:
    """The period of this length that ends now."""
    now = timezone.now()
    return Period(now - duration, now)


def records(period: Period, filters: Mapping[str, str] | None = None) -> QuerySet[UsageRecord]:
    """The requests of a period, the newest first, without their texts.

    `filters`: profile and connection by id or alias, token by id, outcome by its code or FAILED; an
    empty text filters nothing.
    """
    wanted = {name: value.replace("\x00", "").strip() for name, value in (filters or {}).items()}
    rows = UsageRecord.objects.filter(
        started_at__gte=period.start, started_at__lt=period.end
    ).defer("prompt", "answer")
    for name, column in (("profile", "profile_alias"), ("connection", "connection_alias")):
        if wanted.get(name):
            pk = parse_id(wanted[name])
            rows = rows.filter(**({IDS[name]: pk} if pk else {column: wanted[name]}))
    if token := wanted.get("token"):
        pk = parse_id(token)
        rows = rows.filter(token_id=pk) if pk else rows.none()
    if outcome := wanted.get("outcome"):
        rows = (
            rows.exclude(outcome__in=(OK, CLOSED))
            if outcome == FAILED
            else rows.filter(outcome=outcome)
        )
    return rows


def count_since(start: datetime, **columns: Any) -> int:
    """The number of requests with these values, e.g. `profile_alias="support"`."""
    return UsageRecord.objects.filter(started_at__gte=start, **columns).count()


def batches(
    period: Period, filters: Mapping[str, str] | None, columns: Sequence[str], size: int = 2000
) -> Iterator[list[list[Any]]]:
    """The columns of a period's requests, the oldest first, in batches of `size`, each by a query
    of its own.
    """
    rows = records(period, filters)
    while batch := list(
        rows.order_by("started_at", "pk").values_list("started_at", "pk", *columns)[:size]
    ):
        yield [values for _, _, *values in batch]
        at, pk, *_ = batch[-1]
        # A new period instead of one more condition: SQLite would still use the first condition
        # for its look-up in the index.
        rows = records(Period(at, period.end), filters).exclude(started_at=at, pk__lte=pk)


# Totals and shares: one query for as many dimensions as are wanted


@dataclass(frozen=True)
class UsageReport:
    """The totals of a period, and its shares by dimension, the greatest first."""

    totals: PeriodTotals
    shares: dict[str, list[Share]]


def usage_report(
    period: Period,
    filters: Mapping[str, str] | None = None,
    dimensions: Sequence[str] = (),
    with_ids: bool = False,
) -> UsageReport:
    """Totals and shares. One query, which is slower with ids: there is more to compare."""
    slices, columns = _column_slices([*dimensions, "outcome"], with_ids)
    rows = (
        records(period, filters)
        .order_by()
        .values(*columns, "latency_ms")
        .annotate(requests=Count("*"), i=Sum("input_tokens"), o=Sum("output_tokens"))
        .values_list(*columns, "latency_ms", "requests", "i", "o")
    )
    by_value: dict[str, defaultdict[tuple[Any, ...], UsageTotals]] = {
        name: defaultdict(UsageTotals) for name in slices
    }
    for row in rows.iterator(5000):
        for name, place in slices.items():
            by_value[name][row[place]].add(*row[len(columns) :])
    totals = PeriodTotals()
    for (outcome,), part in by_value["outcome"].items():
        totals.requests += part.requests
        totals.input_tokens += part.input_tokens
        totals.output_tokens += part.output_tokens
        totals.latencies += part.latencies
        totals.succeeded += part.requests if outcome == OK else 0
        totals.failed += part.requests if outcome not in (OK, CLOSED) else 0
    shares = {name: _shares(values, totals.requests) for name, values in by_value.items()}
    return UsageReport(totals, shares)


def _column_slices(dimensions: Sequence[str], with_ids: bool) -> tuple[dict[str, slice], list[str]]:
    """The part of a row that has the values of each dimension, and the columns of the row."""
    slices: dict[str, slice] = {}
    columns: list[str] = []
    for name in dict.fromkeys(dimensions):
        own = [*DIMENSIONS[name], *([IDS[name]] if with_ids and name in IDS else [])]
        slices[name] = slice(len(columns), len(columns) + len(own))
        columns += own
    return slices, columns


def _shares(by_value: Mapping[tuple[Any, ...], UsageTotals], requests: int) -> list[Share]:
    shares = []
    for (name, *ids), totals in by_value.items():
        key = str(ids[0]) if ids and ids[0] is not None else ""
        part = totals.requests / requests
        shares.append(Share(**vars(totals), name=name, key=key, share=part))
    return sorted(shares, key=lambda one: (-one.requests, one.name, one.key))


def first_chunk_median(period: Period, filters: Mapping[str, str] | None = None) -> float | None:
    """The median time to the first chunk, in milliseconds, of the streams that had one; None
    without such streams.
    """
    streams = records(period, filters).filter(first_chunk_ms__isnull=False).order_by()
    return median(
        {
            value: count
            for value, count in streams.values_list("first_chunk_ms").annotate(n=Count("*"))
            if value is not None
        }
    )


# The course of a period


class Bucket(Func):
    """The hour or the day (UTC) of a time, as a value whose text begins with `2026-11-20 16` or
    `2026-11-20`.

    SQLite keeps times as text in UTC. Django's own Trunc calls Python for each row there.
    """

    output_field = CharField()

    def __init__(self, column: str, length: int) -> None:
        super().__init__(column)
        self.unit, self.length = {13: "hour", 10: "day"}[length], length

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The first characters of the text."""
        return super().as_sql(
            compiler, connection, template=f"substr(%(expressions)s, 1, {self.length})", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """A time without a time zone."""
        return super().as_sql(
            compiler,
            connection,
            template=f"date_trunc('{self.unit}', %(expressions)s AT TIME ZONE 'UTC')",
            **context,
        )


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
    period: Period, filters: Mapping[str, str] | None = None, step: timedelta | None = None
) -> list[Point]:
    """A point for every hour or day (UTC) of the period, also for those without requests.

    The period may begin or end in the middle of a point.
    """
    step = step or period.step
    length = 13 if step == HOUR else 10
    sums = {
        "n": Count("*"),
        "i": Sum("input_tokens"),
        "o": Sum("output_tokens"),
        "ok": Count("pk", filter=Q(outcome=OK)),
        "bad": Count("pk", filter=~Q(outcome__in=(OK, CLOSED))),
    }
    counted = (
        records(period, filters)
        .order_by()
        .values(bucket=Bucket("started_at", length))
        .annotate(**sums)
        .values_list("bucket", *sums)
    )
    found = {
        str(bucket)[:length]: [number or 0 for number in numbers] for bucket, *numbers in counted
    }
    start = period.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = start if step == HOUR else start.replace(hour=0)
    points = []
    while start < period.end:
        points.append(Point(start, *found.get(f"{start:%Y-%m-%d %H}"[:length], ())))
        start += step
    return points
