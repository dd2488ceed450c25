"""The read side of usage: the totals of a period and its shares.

The success rate is the share of successes among successes and failures.

What is in totals is read from them, where medians are within 5 %; all else is counted from the
records, exactly (gateway/usage/stored.py).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from ..models import UsageRecord, UsageRoute, UsageTotal
from .buckets import Joined
from .dimensions import (
    ALL,
    CALLER,
    IS_FALLBACK,
    REQUESTS,
    TOTALS_OF,
)
from .records import Period
from .scopes import Scopes
from .sight import hidden_tokens
from .sketches import counts_in
from .stored import (
    Answer,
    Parts,
    answer_to,
    consistent,
    parts_of,
)
from .totals import Share, UsageTotals, median, totals_of

DIMENSIONS = tuple(REQUESTS)
ALWAYS_WITH_IDS = {"token"}  # two tokens may have one name
Values = defaultdict[tuple[str, str], UsageTotals]  # by name and key


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
    medians: int = 0,
) -> UsageReport:
    """Totals and shares. `with_ids`: values of one name are told apart by their ids. `medians`: of
    each dimension the first so many shares have their latencies; the totals always do.
    """
    return consistent(
        lambda: answer_to(filters, period, dimensions),
        lambda answer, counted: _Report(period, filters, dimensions, with_ids).made(
            answer, counted, medians
        ),
    )


def is_quick(filters: Mapping[str, str] | None, period: Period, dimensions: Sequence[str]) -> bool:
    """True if totals know the shares of what these filters leave by these dimensions; else all
    their records are read for them.
    """
    return answer_to(filters, period, dimensions) is not None


class _Report:
    """The making of a report."""

    def __init__(
        self,
        period: Period,
        filters: Mapping[str, str] | None,
        dimensions: Sequence[str],
        with_ids: bool,
    ) -> None:
        self.period, self.filters = period, filters
        self.dimensions = list(dict.fromkeys(dimensions))
        self.with_ids = ALWAYS_WITH_IDS | (set(self.dimensions) if with_ids else set())
        self.hidden = hidden_tokens() if "token" in self.dimensions else set()
        self.hidden_keys = {str(one) for one in self.hidden}
        self.values: dict[str, Values] = {
            name: defaultdict(UsageTotals) for name in [ALL, *self.dimensions]
        }

    def made(self, answer: Answer | None, counted: int, medians: int) -> UsageReport:
        parts = parts_of(self.period, counted, answer.lengths) if answer else Parts(self.period, 0)
        self._add_records(parts)
        if answer and parts.spans:
            if answer.routes is not None:
                self._add_routes(parts, answer, answer.routes)
            else:
                self._add_totals(self._totals(parts, answer), VALUE, answer.dimensions)
        totals = self.values[ALL][("", "")]
        shares = {
            name: _shares(name, self.values[name], totals.requests) for name in self.dimensions
        }
        if answer and parts.spans:
            shown = [one for found in shares.values() for one in found[:medians]]
            self._add_latencies(parts, answer, totals, shown)
        return UsageReport(totals, shares)

    def _add(self, dimension: str, name: str, key: Any, part: UsageTotals) -> None:
        self.values[dimension][name, self._key(dimension, key)].add(part)

    def _key(self, dimension: str, key: Any) -> str:
        return str(key) if key is not None and dimension in self.with_ids else ""

    def _add_records(self, parts: Parts) -> None:
        """Adds what is in no total. One query, however many dimensions there are."""
        names = {one: REQUESTS[one] for one in self.dimensions}
        columns = list(
            dict.fromkeys(
                column
                for name, own in names.items()
                for column in (own if name in self.with_ids else own[:1])
            )
        )
        for row in _summed(parts.records(self.filters), ["outcome", *columns]):
            if row.get("token_id") in self.hidden:
                row |= {"token_id": None, "token_name": ""}
            tokens, times = (row["i"], row["o"]), Counter(map(int, row["times"].split()))
            part = totals_of(
                row["outcome"], row["n"], tokens, row["fallback"], row["asked"], int(row["ms"])
            )
            part.latencies = times
            self._add(ALL, "", None, part)
            for name, own in names.items():
                self._add(name, row[own[0]], row.get(own[-1]) if len(own) > 1 else None, part)

    def _add_routes(self, parts: Parts, answer: Answer, routes: QuerySet[UsageRoute]) -> None:
        """Adds totals of routes, with their latencies. Two queries, and one for callers."""
        rows = parts.totals(answer.dimensions).filter(answer.condition)
        columns = ("key", "is_fallback")
        sums = {f"all_{one}": Sum(one) for one in SUMMED} | {"times": Joined("latencies")}
        found = rows.values(*columns).annotate(**sums).values_list(*columns, *sums)
        by_key = {key: numbers for key, *numbers in found}
        for route in routes.filter(pk__in=list(by_key)):
            is_fallback, requests, sent, answered, attempts, ms, times = by_key[route.pk]
            part = totals_of(
                route.outcome,
                int(requests),
                (sent, answered),
                int(requests) if is_fallback else 0,
                int(attempts),
                int(ms),
            )
            part.latencies = Counter(counts_in(times))
            self._add(ALL, "", None, part)
            for dimension in self.dimensions:
                if dimension in CALLERS and route.profile_id is not None:
                    continue
                name, *ids = (getattr(route, one) for one in REQUESTS[dimension])
                if dimension == "token" and route.token_id in self.hidden:
                    name, ids = "", [None]
                self._add(dimension, name, ids[0] if ids else None, part)
        if answer.callers:
            self._add_totals(_by_caller(parts, answer.callers), VALUE[1:], ())

    def _add_totals(
        self, rows: QuerySet[UsageTotal], value: Sequence[str], of_all: Sequence[str]
    ) -> None:
        """Adds totals, those of the dimensions `of_all` to all requests too. `value`: the columns
        by which they are told apart, without the dimension where all are of callers. One query.
        """
        columns = (*value, "kind", "is_fallback")
        sums = {f"all_{one}": Sum(one) for one in SUMMED}
        found = rows.values(*columns).annotate(**sums).values_list(*columns, *sums)
        for *own, kind, is_fallback, requests, sent, answered, attempts, ms in found.iterator(5000):
            dimension, *named = own if len(own) == len(VALUE) else (CALLER, *own)
            part = totals_of(
                kind,
                int(requests),
                (sent, answered),
                int(requests) if is_fallback else 0,
                int(attempts),
                int(ms),
            )
            if dimension in of_all:
                self._add(ALL, "", None, part)
            for one, name, key in self._values_of(dimension, *named):
                self._add(one, name, key, part)

    def _totals(self, parts: Parts, answer: Answer) -> QuerySet[UsageTotal]:
        """The totals of all requests and of the dimensions of this report."""
        own = {TOTALS_OF[name] for name in self.dimensions} if answer.is_of_all else set()
        return parts.totals([*answer.dimensions, *own]).filter(answer.condition)

    def _values_of(
        self, dimension: str, name: str, key: str, user_name: str, user_key: str
    ) -> Iterator[tuple[str, str, str]]:
        """The dimensions of this report for which a total counts, with its names and keys there."""
        if not dimension.endswith(CALLER):
            found = [(dimension, name, key)]
        elif key and key in self.hidden_keys:
            found = [("token", "", ""), ("user", user_name, user_key)]
        else:
            found = [("token", name, key), ("user", user_name, user_key)]
        return (one for one in found if one[0] in self.dimensions)

    def _add_latencies(
        self, parts: Parts, answer: Answer, totals: UsageTotals, shown: Sequence[Share]
    ) -> None:
        """Adds the latencies of totals to all and to some shares. One query; those of routes are
        there, except by caller.
        """
        rows, wanted = self._totals(parts, answer), Q(dimension__in=answer.dimensions)
        if answer.routes is not None:
            shown = [one for one in shown if one.dimension in CALLERS]
            if not answer.callers or not shown:
                return
            rows, wanted = _by_caller(parts, answer.callers), Q(pk__in=())
        names: defaultdict[str, list[str]] = defaultdict(list)
        for one in shown:
            names[one.dimension].append(one.name)
        for dimension, own in names.items():
            column = "user_name" if dimension == "user" else "name"
            stored = answer.callers.dimensions if answer.callers else [TOTALS_OF[dimension]]
            wanted |= Q(dimension__in=stored, **{f"{column}__in": own})
        by_value = {(one.dimension, one.name, one.key): one.latencies for one in shown}
        for *value, sketch in _sketches(rows.filter(wanted), "latencies"):
            counts = counts_in(sketch)
            if answer.routes is None and value[0] in answer.dimensions:
                totals.latencies.update(counts)
            for dimension, name, key in self._values_of(*value):
                mine = by_value.get((dimension, name, self._key(dimension, key)))
                if mine is not None:
                    mine.update(counts)


CALLERS = ("user", "token")
SUMMED = ("requests", "input_tokens", "output_tokens", "attempts", "latency_ms")
VALUE = ("dimension", "name", "key", "user_name", "user_key")


def _by_caller(parts: Parts, scopes: Scopes) -> QuerySet[UsageTotal]:
    return parts.totals(scopes.dimensions).filter(scopes.condition)


def _summed(rows: QuerySet[UsageRecord], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    sums = {
        "n": Count("*"),
        "i": Sum("input_tokens"),
        "o": Sum("output_tokens"),
        "fallback": Count("pk", filter=IS_FALLBACK),
        "asked": Sum("attempts"),
        "ms": Sum("latency_ms"),
        "times": Joined("latency_ms"),
    }
    names = list(dict.fromkeys(columns))
    found: QuerySet[Any, dict[str, Any]] = rows.order_by().values(*names).annotate(**sums)
    return found.values(*names, *sums).iterator(5000)


def _sketches(rows: QuerySet[UsageTotal], column: str) -> Iterator[list[str]]:
    """The sketches of totals, joined, behind each value."""
    found: QuerySet[Any, Any] = rows.exclude(**{column: ""}).values(*VALUE)
    found = found.annotate(sketch=Joined(column)).values_list(*VALUE, "sketch")
    return found.iterator(5000)


def _shares(dimension: str, by_value: Values, requests: int) -> list[Share]:
    shares = [
        Share(
            **vars(totals),
            dimension=dimension,
            name=name,
            key=key,
            share=totals.requests / requests,
        )
        for (name, key), totals in by_value.items()
    ]
    return sorted(shares, key=lambda one: (-one.requests, one.name, one.key))


def first_chunk_median(period: Period, filters: Mapping[str, str] | None = None) -> float | None:
    """The median time to the first chunk, in milliseconds, of the streams that had one; None
    without such streams.
    """

    def read(answer: Answer | None, counted: int) -> Counter[int]:
        parts = parts_of(period, counted, answer.lengths) if answer else Parts(period, 0)
        streams = parts.records(filters).filter(first_chunk_ms__isnull=False).order_by()
        counts = Counter(dict(streams.values_list("first_chunk_ms").annotate(n=Count("*"))))
        if answer and parts.spans:
            rows = parts.totals(answer.dimensions).filter(answer.condition)
            for *_, sketch in _sketches(rows, "first_chunks"):
                counts.update(counts_in(sketch))
        return counts

    return median(consistent(lambda: answer_to(filters, period), read))
