"""Scopes: values of one dimension whose totals by caller are together what filters leave, and what
the one who looks may see.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from ..models import AttemptOutcome, UsageRoute, UsageRouteAttempt, UsageTotal
from .buckets import DAY, begin
from .counting import MINUTES
from .dimensions import FAILED, ROUTE, callers_of, kind_of, name_and_key, scope_of
from .records import Period, all_routes, named, routes

Values = Callable[[UsageRoute], Collection[tuple[Any, ...]]]  # of a dimension, a name and an id
# Of an error's code only routes that failed have a scope.
VALUES: dict[str, Values] = {
    "profile": lambda one: [(one.profile_alias, one.profile_id)],
    "provider": lambda one: [(one.provider_id,)],
    "model": lambda one: [(one.model,)],
    "outcome": lambda one: [(one.outcome,)] if kind_of(one.outcome) == FAILED else [],
}


@dataclass(frozen=True)
class Scopes:
    """The dimensions of totals by caller, and the condition for those that are meant."""

    dimensions: Sequence[str]
    condition: Q


def scopes_of_filters(wanted: Mapping[str, str], period: Period) -> Scopes | None:
    """The scopes that have the requests of the period which the filters leave, none of them twice,
    and no others; None if there are no such scopes. Without requests for what is no profile.
    """
    days = UsageTotal.objects.filter(
        dimension=ROUTE,
        minutes=MINUTES[DAY],
        start__gte=begin(period.start, DAY),
        start__lt=period.end,
    )
    there = list(
        all_routes().filter(pk__in=days.order_by().values("key"), profile_id__isnull=False)
    )
    left = set(routes(wanted).filter(profile_id__isnull=False).values_list("pk", flat=True))
    choices = dict(VALUES)
    if connection := wanted.get("connection"):
        choices["connection"] = _connections(connection)
    found = [_scopes(what, there, left, values_of) for what, values_of in choices.items()]
    return min(filter(None, found), key=lambda one: len(one.dimensions), default=None)


def _scopes(
    what: str, there: Sequence[UsageRoute], left: set[str], values_of: Values
) -> Scopes | None:
    """The scopes of the values that the routes of `left` have; None if one of these has not just
    one value, or if others have the same and are not told apart by how they ended.
    """
    mine = [one for one in there if one.pk in left]
    if any([bool(name) for name, *_ in values_of(one)] != [True] for one in mine):
        return None
    taken = {(value, _kind(one)) for one in mine for value in values_of(one)}
    if any(
        (value, _kind(one)) in taken
        for one in there
        if one.pk not in left
        for value in values_of(one)
    ):
        return None
    by_kind: defaultdict[tuple[str, bool, bool], set[str]] = defaultdict(set)
    for value, kind in taken:
        by_kind[kind].add(callers_of(scope_of(what, *name_and_key(value))))
    condition = Q(pk__in=())
    for (ended, is_several, is_fallback), dimensions in by_kind.items():
        condition |= Q(
            dimension__in=sorted(dimensions),
            kind=ended,
            is_several=is_several,
            is_fallback=is_fallback,
        )
    return Scopes(sorted(set().union(*by_kind.values())), condition)


def _kind(route: UsageRoute) -> tuple[str, bool, bool]:
    """How its requests ended, as totals tell it."""
    answered = route.answered_profile_id
    is_fallback = answered is not None and answered != route.profile_id
    return kind_of(route.outcome), route.attempts > 1, is_fallback


def _connections(text: str) -> Values:
    """The connections that the text names, and that a route asked."""
    own = Q(**named("connection", text))
    asked = UsageRouteAttempt.objects.filter(own).exclude(outcome=AttemptOutcome.PASSED_OVER)
    last = UsageRoute.objects.filter(own, connection_id__isnull=False)
    lines: defaultdict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for rows, key in ((asked, "route_id"), (last, "pk")):
        for pk, *line in rows.values_list(key, "connection_alias", "connection_id"):
            lines[pk].add(tuple(line))
    return lambda one: lines.get(one.pk, ())
