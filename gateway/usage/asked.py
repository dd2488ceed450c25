"""How often connections, providers and models were asked, failed and were passed over."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum

from ..models import AttemptOutcome, UsageAttempt, UsageRecord
from .buckets import DAY, HOUR
from .dimensions import ASKED, ATTEMPTED, HAD_FAILED, WAS_ASKED, WAS_PASSED_OVER, attempted
from .records import Period
from .sight import seen_attempts
from .stored import Answer, answer_to, consistent, mark_of, parts_of, scoped_answer


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
    scope = scoped_answer(filters)
    counts = consistent(
        lambda counted: _asked_counts(dimension, period, filters, scope, counted),
        mark_of(scope),
    )
    found = [
        Asked(name, key, *(numbers[verb] for verb in ATTEMPTED))
        for (name, key), numbers in counts.items()
    ]
    return sorted(found, key=lambda one: (-one.failed, -one.asked, one.name))


def _asked_counts(
    dimension: str,
    period: Period,
    filters: Mapping[str, str] | None,
    scope: Answer | None,
    counted: int,
) -> dict[tuple[str, str], Counter[str]]:
    """How often each was what of ATTEMPTED, by name and id."""
    answer = scope or answer_to(filters)
    is_answered = answer and not answer.is_named
    lengths = (DAY,) if scope else (DAY, HOUR)
    parts = parts_of(period, counted if is_answered else 0, lengths)
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for name, key, numbers in _attempts(dimension, parts.records(filters)):
        counts[name, key].update(numbers)
    if answer and parts.spans:
        verbs = {
            stored: verb
            for verb in ATTEMPTED
            for stored in answer.stored(attempted(verb, dimension))
        }
        rows = parts.totals(list(verbs)).filter(answer.how).values("dimension", "name", "key")
        for row in rows.annotate(n=Sum("requests")):
            counts[row["name"], row["key"]][verbs[row["dimension"]]] += int(row["n"])
    return counts


def _attempts(
    dimension: str, rows: QuerySet[UsageRecord]
) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Of the attempts of some records: how often each was what of ATTEMPTED."""
    passed_over, failed = Q(outcome=AttemptOutcome.PASSED_OVER), Q(outcome=AttemptOutcome.FAILED)
    counted = (
        seen_attempts(UsageAttempt.objects.filter(record_key__in=rows.order_by().values("key")))
        .order_by()
        .values(*ASKED[dimension])
        .annotate(
            asked=Count("pk", filter=~passed_over),
            failed=Count("pk", filter=failed),
            passed_over=Count("pk", filter=passed_over),
        )
    )
    for row in counted:
        name, *ids = (row[one] for one in ASKED[dimension])
        numbers = {
            WAS_ASKED: row["asked"],
            HAD_FAILED: row["failed"],
            WAS_PASSED_OVER: row["passed_over"],
        }
        yield name, str(ids[0]) if ids else "", numbers
