"""Where the numbers of a period are: in totals, and in the records that no total has.

Totals have whole hours and days, of the records that are counted. So the records of the rest of an
hour at either end are read, and those that are not counted yet (counting.py). Filters that no total
knows are a matter of the records alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from connections.lookup import parse_id

from ..models import CountedUsage, UsageAttempt, UsageRecord, UsageRoute, UsageTotal
from .buckets import DAY, HOUR, Unindexed, begin
from .counting import ALL_REQUESTS, MINUTES, SCOPES, counted_to
from .dimensions import (
    ALL,
    CALLER,
    CLOSED,
    EARLIER,
    FAILED,
    OK,
    OTHERS,
    ROUTE,
    TOTALS_OF,
)
from .records import FALLBACK, LONGEST, Period, filtered, named, routes, wanted_values
from .scopes import Scopes, scopes_of_filters
from .sight import MODELS, hidden_tokens, sight

Result = TypeVar("Result")
Span = tuple[timedelta, datetime, datetime]  # totals of this length that begin from, and before
TRIES = 3
MOST_SCOPES = 5  # to look for one caller in; its records, which have an index, are found sooner
LATELY = timedelta(seconds=1)


def consistent(
    choose: Callable[[], "Answer | None"], read: Callable[["Answer | None", int], Result]
) -> Result:
    """What `read` finds, given the answer that was chosen and the greatest id that is counted in
    its totals. Where more is counted meanwhile, both are asked again, so that no record is counted
    twice or left out.
    """
    marks = _marks()
    for _ in range(TRIES):
        answer, before = choose(), marks
        found = read(answer, marks.get(answer.mark, 0) if answer else 0)
        marks = _marks()
        if marks == before:
            break
    return found


def _marks() -> dict[int, int]:
    """The marks, each with the greatest id of the records that are counted. One query."""
    return dict(CountedUsage.objects.values_list("pk", "records_to"))


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
            return filtered(_of_period(self.period, filters), filters)
        is_new = Q(pk__gt=self.counted, at__gte=self.middle.start, at__lt=self.middle.end)
        for edge in self.edges:
            is_new |= Q(started_at__gte=edge.start, started_at__lt=edge.end)
        rows = UsageRecord.objects.alias(at=Unindexed("started_at")).filter(is_new)
        return filtered(rows, filters)

    def attempts(self, filters: Mapping[str, str] | None) -> QuerySet[UsageAttempt]:
        """The attempts of these records. It also says when they were, so that PostgreSQL looks into
        the partitions of those days alone.
        """
        times = [self.period] if self.middle is None else list(self.edges)
        if self.middle is not None:
            new = UsageRecord.objects.filter(pk__gt=self.counted)
            if since := new.aggregate(since=Min("started_at"))["since"]:
                times.append(Period(since, self.middle.end))
        found = Q(pk__in=())
        for one in times:
            found |= Q(started_at__gte=one.start, started_at__lt=one.end + LONGEST)
        keys = self.records(filters).order_by().values("key")
        return UsageAttempt.objects.filter(found, record_key__in=keys)

    def totals(self, dimensions: Sequence[str]) -> QuerySet[UsageTotal]:
        """The totals of the spans."""
        found = Q(pk__in=())
        for length, start, end in self.spans:
            # The dimension in each: so each is a range of the index, for SQLite too.
            found |= Q(
                dimension__in=dimensions, minutes=MINUTES[length], start__gte=start, start__lt=end
            )
        return UsageTotal.objects.filter(found).order_by()


def _of_period(period: Period, filters: Mapping[str, str] | None) -> QuerySet[UsageRecord]:
    """The records of a period, of a user by the index of tokens: totals know theirs, unless they
    are not counted yet.
    """
    rows, user = UsageRecord.objects.all(), wanted_values(filters).get("user")
    started = Q(started_at__gte=period.start, started_at__lt=period.end)
    if not user:
        return rows.filter(started)
    counted = counted_to()
    days = UsageTotal.objects.filter(
        dimension=CALLER,
        minutes=MINUTES[DAY],
        start__gte=begin(period.start, DAY),
        start__lt=period.end,
        user_name=user,
    )
    tokens = set(days.order_by().values_list("key", flat=True).distinct()) - {""}
    is_new = Q(pk__gt=counted, at__gte=period.start, at__lt=period.end)
    by_token = (Q(token_id__in=tokens) & started) | (Q(token_id=None) & started)
    return rows.alias(at=Unindexed("started_at")).filter(by_token | is_new)


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
    """Totals that answer filters: those of `dimensions` for which `condition` holds are the
    requests that the filters leave.

    `lengths`: of its totals, the longest first. `mark`: how far they are counted. `routes`: those
    that filters leave, where each total is of one; `callers`: the totals that tell the same
    requests apart by caller, but those for what is no profile.
    """

    dimensions: Sequence[str]
    condition: Q
    lengths: Sequence[timedelta] = (DAY, HOUR)
    mark: int = ALL_REQUESTS
    routes: QuerySet[UsageRoute] | None = None
    callers: Scopes | None = None

    @property
    def is_of_all(self) -> bool:
        """True if its condition holds for totals of every dimension, and for quarters."""
        return ALL in self.dimensions


def answer_to(
    filters: Mapping[str, str] | None, period: Period, by: Sequence[str] = ()
) -> Answer | None:
    """The totals that answer filters and tell the requests apart by these dimensions of REQUESTS;
    None if only records do.
    """
    wanted = wanted_values(filters)
    if "request" in wanted:
        return None
    if not sight():
        how, rest = _how(wanted)
        if not rest:
            return Answer([ALL], how)
        if len(rest) == 1 and not by:
            return _named_answer(*rest.popitem(), how)
    if "profile" in wanted and not _is_known(wanted["profile"]):
        return None
    if "user" in wanted or "token" in wanted:
        return None if by else _of_caller(wanted, period)
    found = routes(wanted)
    answer = Answer([ROUTE], Q(key__in=found.values("pk")), mark=SCOPES, routes=found.order_by())
    if "user" not in by and "token" not in by:
        return answer
    scopes = scopes_of_filters(wanted, period)
    if scopes is None:
        return None
    return replace(answer, lengths=(DAY,), callers=scopes)


def _how(filters: Mapping[str, str] | None) -> tuple[Q, dict[str, str]]:
    """The condition of those filters that hold for totals of every dimension, and the others."""
    rest, how = wanted_values(filters), Q()
    if attempts := rest.pop("attempts", ""):
        how &= Q(is_fallback=True) if attempts == FALLBACK else Q(is_several=True)
    if rest.get("outcome") in (OK, CLOSED, FAILED):
        how &= Q(kind=rest.pop("outcome"))
    return how, rest


def _named_answer(what: str, text: str, how: Q) -> Answer:
    """The totals of one value of a filter."""
    dimensions = [what, EARLIER] if what == "connection" else [TOTALS_OF[what]]
    if what in ("user", "token"):
        return Answer(dimensions, _of_callers(**{what: text}) & how)
    if what not in MODELS:
        return Answer(dimensions, Q(name=text) & how)
    if pk := parse_id(text):
        return Answer(dimensions, Q(key=str(pk)) & how)
    return Answer(dimensions, Q(name__in=named(what, text)[f"{what}_alias__in"]) & how)


def _of_callers(user: str = "", token: str = "") -> Q:
    """The condition for totals of callers."""
    found = Q(user_name=user) if user else Q()
    if token:
        pk = parse_id(token)
        found &= Q(key=str(pk)) if pk else Q(pk__in=())
    return found


def _is_known(profile: str) -> bool:
    """True unless this may be the text of requests for what is no profile, of which not every one
    has a route. At most two queries.
    """
    if parse_id(profile) or not UsageRoute.objects.filter(profile_alias=OTHERS).exists():
        return True
    ids = UsageRoute.objects.filter(**named("profile", profile)).order_by()
    found = set(ids.values_list("profile_id", flat=True).distinct())
    return bool(found) and None not in found


def _of_caller(wanted: Mapping[str, str], period: Period) -> Answer | None:
    """The totals of the requests of a user, or of a token, that other filters leave."""
    caller = {one: wanted[one] for one in ("user", "token") if one in wanted}
    rest = {one: wanted[one] for one in wanted if one not in caller}
    token = parse_id(caller.get("token", ""))
    scopes = scopes_of_filters(rest, period)
    if scopes is None or len(scopes.dimensions) > MOST_SCOPES:
        return None
    if "token" in caller and (not token or token in hidden_tokens()):
        return None
    for_no_profile = routes(rest).filter(profile_id=None)
    if "user" in caller:
        for_no_profile = for_no_profile.filter(user_name=caller["user"])
    if token:
        for_no_profile = for_no_profile.filter(token_id=token)
    condition = Q(dimension=ROUTE, key__in=for_no_profile.values("pk"))
    condition |= scopes.condition & _of_callers(**caller)
    return Answer([*scopes.dimensions, ROUTE], condition, (DAY,), SCOPES)
