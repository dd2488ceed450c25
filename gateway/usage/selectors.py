"""The read side of usage: the totals of a period, its course, its shares.

The success rate is the share of successes among successes and failures.

Medians are exact, and found the same way on every database: requests are counted by latency, which
leaves some thousand rows however many requests there were, and the median of those counts is
computed here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, Func, Q, Sum

from ..models import AttemptOutcome, UsageAttempt
from .records import HOUR, IDS, IS_FALLBACK, Period, records
from .totals import CLOSED, OK, Share, UsageTotals, median, totals_of

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


# Totals and shares: one query for as many dimensions as are wanted


@dataclass(frozen=True)
class UsageReport:
    """The totals of a period, and its shares by dimension, the greatest first."""

    totals: UsageTotals
    shares: dict[str, list[Share]]


def usage_report(
    period: Period,
    filters: Mapping[str, str] | None = None,
    dimensions: Sequence[str] = (),
    with_ids: bool = False,
) -> UsageReport:
    """Totals and shares. One query, which is slower with ids: there is more to compare."""
    slices, columns = _column_slices([*dimensions, "outcome"], with_ids)
    sums = {
        "n": Count("*"),
        "i": Sum("input_tokens"),
        "o": Sum("output_tokens"),
        "fallback": Count("pk", filter=IS_FALLBACK),
        "asked": Sum("attempts"),
    }
    rows = (
        records(period, filters)
        .order_by()
        .values(*columns, "latency_ms")
        .annotate(**sums)
        .values_list(*columns, "latency_ms", *sums)
    )
    by_value: dict[str, defaultdict[tuple[Any, ...], UsageTotals]] = {
        name: defaultdict(UsageTotals) for name in slices
    }
    for row in rows.iterator(5000):
        latency, requests, sent, answered, fallbacks, attempts = row[len(columns) :]
        outcome = row[slices["outcome"]][0]
        part = totals_of(outcome, latency, requests, (sent, answered), fallbacks, attempts)
        for name, place in slices.items():
            by_value[name][row[place]].add(part)
    totals = UsageTotals()
    for part in by_value["outcome"].values():
        totals.add(part)
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


@dataclass(frozen=True)
class AskedConnection:
    """How often a connection was asked, failed, and was passed over."""

    name: str
    asked: int
    failed: int
    passed_over: int


def asked_connections(
    period: Period, filters: Mapping[str, str] | None = None
) -> list[AskedConnection]:
    """The connections that requests of a period came to, those that failed most often first.

    A connection whose fallback always answers has no request of its own: here it shows.
    """
    rows = UsageAttempt.objects.filter(started_at__gte=period.start, started_at__lt=period.end)
    if any((filters or {}).values()):
        rows = rows.filter(record_key__in=records(period, filters).order_by().values("key"))
    passed_over, failed = Q(outcome=AttemptOutcome.PASSED_OVER), Q(outcome=AttemptOutcome.FAILED)
    counted = (
        rows.order_by()
        .values("connection_alias")
        .annotate(
            asked=Count("pk", filter=~passed_over),
            failed=Count("pk", filter=failed),
            passed_over=Count("pk", filter=passed_over),
        )
        .values_list("connection_alias", "asked", "failed", "passed_over")
    )
    found = [AskedConnection(*row) for row in counted]
    return sorted(found, key=lambda one: (-one.failed, -one.asked, one.name))


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
