"""The read side of usage: the totals of a period and its shares.

The success rate is the share of successes among successes and failures.

Medians are exact, and found the same way on every database: requests are counted by latency, which
leaves some thousand rows however many requests there were, and the median of those counts is
computed here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from ..models import AttemptOutcome, UsageAttempt
from .records import IDS, IS_FALLBACK, Period, records
from .totals import Share, UsageTotals, median, totals_of

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


# The same of what was asked: a name, and an id where there is one.
ASKED = {
    "connection": ("connection_alias", "connection_id"),
    "provider": ("provider_id",),
    "model": ("model",),
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
class Asked:
    """How often a connection, provider or model was asked, failed, and was passed over.

    `key`: the id of a connection, else empty.
    """

    name: str
    key: str
    asked: int
    failed: int
    passed_over: int


def asked(dimension: str, period: Period, filters: Mapping[str, str] | None = None) -> list[Asked]:
    """The connections, providers or models that requests of a period came to, those that failed
    most often first.

    One whose fallback always answers has no request of its own: here it shows.
    """
    columns = ASKED[dimension]
    rows = UsageAttempt.objects.filter(started_at__gte=period.start, started_at__lt=period.end)
    if any((filters or {}).values()):
        rows = rows.filter(record_key__in=records(period, filters).order_by().values("key"))
    passed_over, failed = Q(outcome=AttemptOutcome.PASSED_OVER), Q(outcome=AttemptOutcome.FAILED)
    counted = (
        rows.order_by()
        .values(*columns)
        .annotate(
            asked=Count("pk", filter=~passed_over),
            failed=Count("pk", filter=failed),
            passed_over=Count("pk", filter=passed_over),
        )
        .values_list(*columns, "asked", "failed", "passed_over")
    )
    found = [Asked(row[0], str(row[1]) if len(columns) > 1 else "", *row[-3:]) for row in counted]
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
