"""How often connections, providers and models were asked, failed and were passed over."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum

from ..models import UsageRouteAttempt
from .dimensions import ASKED, ATTEMPTED, attempted, verbs_of
from .records import Period
from .sight import seen_attempts
from .stored import Answer, Parts, answer_to, consistent, parts_of

Counts = defaultdict[tuple[str, str], Counter[str]]


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


def asked_targets(
    dimension: str, period: Period, filters: Mapping[str, str] | None = None
) -> list[Asked]:
    """The connections, providers or models that requests of a period came to, those that failed
    most often first.

    One whose fallback always answers has no request of its own: here it shows.
    """
    counts = consistent(
        lambda: answer_to(filters, period, [dimension]),
        lambda answer, counted: _asked_counts(dimension, period, filters, answer, counted),
    )
    found = [
        Asked(name, key, *(numbers[verb] for verb in ATTEMPTED))
        for (name, key), numbers in counts.items()
    ]
    return sorted(found, key=lambda one: (-one.failed, -one.asked, one.name, one.key))


def _asked_counts(
    dimension: str,
    period: Period,
    filters: Mapping[str, str] | None,
    answer: Answer | None,
    counted: int,
) -> Counts:
    """How often each was what of ATTEMPTED, by name and id."""
    parts = parts_of(period, counted, answer.lengths) if answer else Parts(period, 0)
    counts: Counts = defaultdict(Counter)
    for verb, name, key, number in _numbers(dimension, parts.attempts(filters), ()):
        counts[name, key][verb] += number
    if answer and parts.spans and answer.routes is None:
        verbs = {attempted(verb, dimension): verb for verb in ATTEMPTED}
        rows = parts.totals(list(verbs)).filter(answer.condition)
        for row in rows.values("dimension", "name", "key").annotate(n=Sum("requests")):
            counts[row["name"], row["key"]][verbs[row["dimension"]]] += int(row["n"])
    elif answer and parts.spans:
        rows = parts.totals(answer.dimensions).filter(answer.condition)
        requests = dict(rows.values("key").annotate(n=Sum("requests")).values_list("key", "n"))
        attempts_of_routes = UsageRouteAttempt.objects.filter(route_id__in=list(requests))
        for verb, name, key, number, route in _numbers(dimension, attempts_of_routes, ["route_id"]):
            counts[name, key][verb] += number * int(requests[route])
    return counts


def _numbers(
    dimension: str, attempts: QuerySet[Any], apart: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Of attempts: what of ATTEMPTED, the name and id of what was asked, and how often, then the
    columns of `apart`.
    """
    columns = (*ASKED[dimension], "outcome", *apart)
    rows = seen_attempts(attempts).order_by().values(*columns).annotate(n=Count("pk"))
    for row in rows:
        name, *ids = (row[one] for one in ASKED[dimension])
        for verb in verbs_of(row["outcome"]):
            yield verb, name, str(ids[0]) if ids else "", row["n"], *(row[one] for one in apart)
