"""The read side of usage: the numbers of a period, its course, its shares, its requests.

Writes nothing.

`ok` is a success. `client_closed` is neither success nor failure: the caller hung up, and nobody
knows how it would have ended. Every other outcome is a failure. The success rate is the share of
successes among successes and failures.

Medians are exact, and found the same way on every database: requests are counted by latency, which
leaves some thousand rows however many requests there were, and the middle of those counts is looked
up here.
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
from .totals import Share, Tally, Totals, median

OK, CLOSED, FAILED = (
    "ok",
    "client_closed",
    "failed",
)  # the last is a filter, not an outcome: everything but the other two
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PERIODS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
HOURLY_AT_MOST, DAILY_AT_MOST = 7 * DAY, 1100 * DAY
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# dimension -> the columns that tell its values apart, the name first: tokens may share one
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
        """How long a point of its course is: an hour, or a day when there would be too many
        hours.
        """
        return HOUR if self.end - self.start <= HOURLY_AT_MOST else DAY


def last(duration: timedelta) -> Period:
    """The time before now."""
    now = timezone.now()
    return Period(now - duration, now)


def records(period: Period, filters: Mapping[str, str] | None = None) -> QuerySet[UsageRecord]:
    """The requests of a period, the newest first, without their texts.

    `filters`: profile and connection by id or alias, token by id, outcome by its code or FAILED; an
    empty one filters nothing.
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
    """How many requests there were with these values, e.g. `profile_alias="support"`."""
    return UsageRecord.objects.filter(started_at__gte=start, **columns).count()


def batches(
    period: Period, filters: Mapping[str, str] | None, columns: Sequence[str], size: int = 2000
) -> Iterator[list[list[Any]]]:
    """Values of the requests of a period, the oldest first, so many at once, each lot by a query of
    its own.
    """
    rows = records(period, filters)
    while batch := list(
        rows.order_by("started_at", "pk").values_list("started_at", "pk", *columns)[:size]
    ):
        yield [values for _, _, *values in batch]
        at, pk, *_ = batch[-1]
        # not one more condition on the period's: SQLite would go on to look up the first
        rows = records(Period(at, period.end), filters).exclude(started_at=at, pk__lte=pk)


# Totals and shares: one query for as many dimensions as are wanted


@dataclass(frozen=True)
class Usage:
    """The totals of a period, and its shares by dimension, the greatest first."""

    totals: Totals
    shares: dict[str, list[Share]]


def usage(
    period: Period,
    filters: Mapping[str, str] | None = None,
    dimensions: Sequence[str] = (),
    with_ids: bool = False,
) -> Usage:
    """Totals and shares. One query, which is slower with ids: there is more to compare."""
    places, columns = _places([*dimensions, "outcome"], with_ids)
    tallies: dict[str, defaultdict[tuple[Any, ...], Tally]] = {
        name: defaultdict(Tally) for name in places
    }
    for row in _grouped(records(period, filters), columns):
        numbers = row[len(columns) :]
        for name, place in places.items():
            tallies[name][row[place]].add(*numbers)
    totals = _totals(tallies["outcome"])
    return Usage(totals, {name: _shares(tallies[name], totals.requests) for name in places})


def _places(dimensions: Sequence[str], with_ids: bool) -> tuple[dict[str, slice], list[str]]:
    """Where in a row the values of each dimension are, and the columns of the row."""
    places: dict[str, slice] = {}
    columns: list[str] = []
    for name in dict.fromkeys(dimensions):
        own = [*DIMENSIONS[name], *([IDS[name]] if with_ids and name in IDS else [])]
        places[name] = slice(len(columns), len(columns) + len(own))
        columns += own
    return places, columns


def _grouped(rows: QuerySet[UsageRecord], columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The values of the columns, a latency, and then requests, tokens in, tokens out."""
    counted = (
        rows.order_by()
        .values(*columns, "latency_ms")
        .annotate(requests=Count("*"), i=Sum("input_tokens"), o=Sum("output_tokens"))
    )
    return counted.values_list(*columns, "latency_ms", "requests", "i", "o").iterator(5000)


def _totals(by_outcome: Mapping[tuple[Any, ...], Tally]) -> Totals:
    totals = Totals()
    for (outcome,), tally in by_outcome.items():
        totals.requests += tally.requests
        totals.input_tokens += tally.input_tokens
        totals.output_tokens += tally.output_tokens
        totals.latencies += tally.latencies
        totals.succeeded += tally.requests if outcome == OK else 0
        totals.failed += tally.requests if outcome not in (OK, CLOSED) else 0
    return totals


def _shares(tallies: Mapping[tuple[Any, ...], Tally], requests: int) -> list[Share]:
    found = [
        Share(**vars(tally), name=name, key=_key(rest), share=tally.requests / requests)
        for (name, *rest), tally in tallies.items()
    ]
    return sorted(found, key=lambda one: (-one.requests, one.name, one.key))


def _key(ids: Sequence[Any]) -> str:
    return str(ids[0]) if ids and ids[0] is not None else ""


def first_chunk_median(period: Period, filters: Mapping[str, str] | None = None) -> float | None:
    """The median time to the first chunk of the streams that had one, in milliseconds; None without
    such streams.
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
    """The hour or the day (UTC) of a time, as something whose text begins with it: `2026-11-20 16`,
    `2026-11-20`.

    SQLite keeps times as text in UTC. Django's own Trunc calls Python for each row there.
    """

    output_field = CharField()

    def __init__(self, column: str, length: int) -> None:
        super().__init__(column)
        self.unit, self.length = {13: "hour", 10: "day"}[length], length

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The beginning of the text."""
        return super().as_sql(
            compiler, connection, template=f"substr(%(expressions)s, 1, {self.length})", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """A time without a zone."""
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
        """In and out."""
        return self.input_tokens + self.output_tokens

    @property
    def closed(self) -> int:
        """Requests that are neither a success nor a failure."""
        return self.requests - self.succeeded - self.failed


def course(
    period: Period, filters: Mapping[str, str] | None = None, step: timedelta | None = None
) -> list[Point]:
    """A point for every hour or day (UTC) of the period, also where nothing was asked.

    The first and the last may be cut off.
    """
    step = step or period.step
    length = 13 if step == HOUR else 10
    failed = Count("pk", filter=~Q(outcome__in=(OK, CLOSED)))
    sums = {
        "n": Count("*"),
        "i": Sum("input_tokens"),
        "o": Sum("output_tokens"),
        "ok": Count("pk", filter=Q(outcome=OK)),
        "bad": failed,
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
    return [
        Point(start, *found.get(f"{start:%Y-%m-%d %H}"[:length], ()))
        for start in _starts(period, step)
    ]


def _starts(period: Period, step: timedelta) -> Iterator[datetime]:
    start = period.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = start if step == HOUR else start.replace(hour=0)
    while start < period.end:
        yield start
        start += step
