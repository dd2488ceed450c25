"""Where the numbers of a period are: in totals, and in the records that no total has.

Totals have whole hours and days, of the records that are counted. So the records of the rest of an
hour at either end are read, and those that are not counted yet (counting.py). Filters that no total
knows are a matter of the records alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.utils import timezone

from connections.lookup import parse_id

from ..models import UsageRecord, UsageTotal
from .buckets import DAY, HOUR, Unindexed, begin
from .counting import ALL_REQUESTS, MINUTES, SCOPES, counted_to
from .dimensions import (
    ALL,
    CLOSED,
    EARLIER,
    FAILED,
    OK,
    TOTALS_OF,
    scope_of,
    scoped,
)
from .records import COLUMNS, FALLBACK, Period, filtered, named, records, wanted_values
from .sight import sight

Result = TypeVar("Result")
Span = tuple[timedelta, datetime, datetime]  # totals of this length that begin from, and before
TRIES = 3
LATELY = timedelta(seconds=1)


def consistent(read: Callable[[int], Result], mark: int = ALL_REQUESTS) -> Result:
    """What `read` finds, given the greatest id that is counted, by this mark. Where more is counted
    meanwhile, it is asked again, so that no record is counted twice or left out.
    """
    counted = counted_to(mark)
    for _ in range(TRIES):
        found, before = read(counted), counted
        counted = counted_to(mark)
        if counted == before:
            break
    return found


def mark_of(answer: "Answer | None") -> int:
    """The mark that says how far its totals are counted, for `consistent`."""
    return SCOPES if answer and answer.scopes else ALL_REQUESTS


@dataclass(frozen=True)
class Parts:
    """A period in parts. `spans`: of totals, none where records tell all. `middle`: what these
    cover; `edges`: the rest. `counted`: the greatest id that is in totals.
    """

    period: Period
    counted: int
    spans: Sequence[Span] = ()
    middle: Period | None = None
    edges: Sequence[Period] = ()

    def records(self, filters: Mapping[str, str] | None) -> QuerySet[UsageRecord]:
        """The records that are in no total of the spans."""
        if self.middle is None:
            return records(self.period, filters)
        is_new = Q(pk__gt=self.counted, at__gte=self.middle.start, at__lt=self.middle.end)
        for edge in self.edges:
            is_new |= Q(started_at__gte=edge.start, started_at__lt=edge.end)
        rows = UsageRecord.objects.alias(at=Unindexed("started_at")).filter(is_new)
        return filtered(rows, filters)

    def totals(self, dimensions: Sequence[str]) -> QuerySet[UsageTotal]:
        """The totals of the spans."""
        found = Q(pk__in=())
        for length, start, end in self.spans:
            # The dimension in each: so each is a range of the index, for SQLite too.
            found |= Q(
                dimension__in=dimensions, minutes=MINUTES[length], start__gte=start, start__lt=end
            )
        return UsageTotal.objects.filter(found).order_by()


def parts_of(period: Period, counted: int, lengths: Sequence[timedelta] = (DAY, HOUR)) -> Parts:
    """The period in parts. `lengths` of totals, the longest first; one that lasts until now has the
    longest one at its end.
    """
    shortest, longest = lengths[-1], lengths[0]
    start = _next(period.start, shortest)
    is_open = period.end > timezone.now() - LATELY
    end = _next(period.end, longest) if is_open else begin(period.end, shortest)
    if not counted or start >= end:
        return Parts(period, counted)
    middle = Period(start, min(end, period.end))
    edges = [Period(period.start, start), Period(end, period.end)]
    edges = [one for one in edges if one.start < one.end]
    return Parts(period, counted, _spans(start, end, lengths), middle, edges)


def _spans(start: datetime, end: datetime, lengths: Sequence[timedelta]) -> list[Span]:
    if start >= end:
        return []
    longest, *shorter = lengths
    first, last = _next(start, longest), begin(end, longest)
    if not shorter or first >= last:
        return _spans(start, end, shorter) if shorter else [(longest, start, end)]
    return [
        *_spans(start, first, shorter),
        (longest, first, last),
        *_spans(last, end, shorter),
    ]


def _next(at: datetime, length: timedelta) -> datetime:
    """The time itself if something of this length begins then, else the next beginning."""
    found = begin(at, length)
    return found if found == at else found + length


@dataclass(frozen=True)
class Answer:
    """Totals that answer filters: those of `dimensions` and `value` together are the requests that
    the filters leave. `is_named`: of a profile, a connection, a token or a code, so that they are
    not told apart by any other dimension. `how`: the condition that holds for every dimension.
    `scopes`: the totals are those of these, told apart by every dimension.
    """

    dimensions: Sequence[str]
    value: Q
    how: Q
    is_named: bool
    scopes: Sequence[str] = ()

    @property
    def lengths(self) -> Sequence[timedelta]:
        """The lengths of its totals, the longest first."""
        return (DAY,) if self.scopes else (DAY, HOUR)

    def stored(self, dimension: str) -> list[str]:
        """The dimensions under which its totals by a dimension are stored."""
        return [scoped(one, dimension) for one in self.scopes] if self.scopes else [dimension]


def answer_to(filters: Mapping[str, str] | None) -> Answer | None:
    """The totals that answer filters, None if only records do, as for whoever does not see
    everything. One query where there are two, one of them of a profile or a connection: those of
    its scope have the other.
    """
    if sight():
        return None
    wanted = wanted_values(filters)
    how = Q()
    if attempts := wanted.pop("attempts", ""):
        how &= Q(is_fallback=True) if attempts == FALLBACK else Q(is_several=True)
    if wanted.get("outcome") in (OK, CLOSED, FAILED):
        how &= Q(kind=wanted.pop("outcome"))
    if not wanted:
        return Answer([ALL], Q(), how, False)
    if "request" in wanted or len(wanted) > 2:
        return None
    # A connection first: its scope has requests that it was asked for before another answered.
    what = next((one for one in ("connection", "profile") if one in wanted), "")
    if len(wanted) == 1:
        return _named_answer(*wanted.popitem(), how)
    if not what or not (scopes := _scopes(what, _named_answer(what, wanted.pop(what), how))):
        return None
    other = _named_answer(*wanted.popitem(), how)
    dimensions = [scoped(scope, one) for scope in scopes for one in other.dimensions]
    return replace(other, dimensions=dimensions, scopes=scopes)


def _named_answer(what: str, text: str, how: Q) -> Answer:
    """The totals of one value of a filter."""
    if what == "outcome" or what in COLUMNS:
        column = "user_name" if what == "user" else "name"
        return Answer([TOTALS_OF[what]], Q(**{column: text}), how, True)
    pk = parse_id(text)
    if what == "token" or pk:
        value = Q(key=str(pk)) if pk else Q(pk__in=())
    else:
        value = Q(name__in=named(what, text)[f"{what}_alias__in"])
    dimensions = [what, EARLIER] if what == "connection" else [TOTALS_OF[what]]
    return Answer(dimensions, value, how, True)


def scoped_answer(filters: Mapping[str, str] | None) -> Answer | None:
    """The totals of one profile or connection, by every dimension, that answer filters; None if
    none do. One query.
    """
    answer, wanted = answer_to(filters), wanted_values(filters)
    what = next((one for one in ("profile", "connection") if one in wanted), "")
    if answer is None or answer.scopes or not what:
        return None
    scopes = _scopes(what, answer)
    how = Answer([], Q(), answer.how, False, scopes)
    return replace(how, dimensions=how.stored("outcome")) if scopes else None


def _scopes(what: str, answer: Answer) -> list[str]:
    """The scopes of a profile or a connection; none for a text that is no profile's alias. One
    query.
    """
    rows = UsageTotal.objects.filter(
        answer.value, dimension__in=answer.dimensions, minutes=MINUTES[DAY]
    )
    values = set(rows.order_by().values_list("name", "key").distinct())
    is_known = values and all(key for _, key in values)
    return sorted(scope_of(what, *one) for one in values) if is_known else []
