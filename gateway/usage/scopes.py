"""Scopes: values of one dimension whose totals by caller are together what filters leave, and what
the one who looks may see.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import Q

from ..models import AttemptOutcome, UsageRoute, UsageRouteAttempt, UsageTotal
from .buckets import DAY, begin
from .counting import MINUTES
from .dimensions import CLOSED, FAILED, OK, ROUTE, kind_of, name_and_key, scope_of
from .records import Period, all_routes, named, routes

# The values by which every route for a profile is in exactly one scope. Of an error's code only
# routes that failed are in one.
VALUES: dict[str, Callable[[UsageRoute], tuple[str, ...]]] = {
    "profile": lambda one: (one.profile_alias, str(one.profile_id)),
    "provider": lambda one: (one.provider_id,),
    "model": lambda one: (one.model,),
    "outcome": lambda one: (one.outcome if kind_of(one.outcome) == FAILED else "",),
}


def scopes_of_filters(wanted: Mapping[str, str], period: Period) -> list[str] | None:
    """The scopes that have the requests of the period which the filters leave, none of them twice
    and, with the same outcome and attempts, no others; None if there are no such scopes. Without
    requests for what is no profile.
    """
    how = {"attempts": wanted.get("attempts", "")}
    if wanted.get("outcome") in (OK, CLOSED, FAILED):
        how["outcome"] = wanted["outcome"]
    days = UsageTotal.objects.filter(
        dimension=ROUTE,
        minutes=MINUTES[DAY],
        start__gte=begin(period.start, DAY),
        start__lt=period.end,
    )
    there = list(
        all_routes(how).filter(pk__in=days.order_by().values("key"), profile_id__isnull=False)
    )
    mine = set(routes(wanted).filter(profile_id__isnull=False).values_list("pk", flat=True))
    mine &= {one.pk for one in there}
    choices = [
        values
        for what, value_of in VALUES.items()
        if (values := _values(what, there, mine, value_of)) is not None
    ]
    if connection := wanted.get("connection"):
        choices += _connections(connection, there, mine)
    return min(choices, key=len, default=None)


def _values(
    what: str,
    there: Iterable[UsageRoute],
    mine: set[str],
    value_of: Callable[[UsageRoute], tuple[str, ...]],
) -> list[str] | None:
    """The scopes of the values that some of these routes have, None if others have them too."""
    values = {value_of(one) for one in there if one.pk in mine}
    if any(not value[0] for value in values) or any(
        value_of(one) in values for one in there if one.pk not in mine
    ):
        return None
    return sorted(scope_of(what, *name_and_key(value)) for value in values)


def _connections(text: str, there: Iterable[UsageRoute], mine: set[str]) -> list[list[str]]:
    """The scopes of the connections that the text names, if these routes are those that asked
    them, each one of them.
    """
    own = Q(**named("connection", text))
    asked = UsageRouteAttempt.objects.filter(own).exclude(outcome=AttemptOutcome.PASSED_OVER)
    lines: defaultdict[str, set[tuple[Any, ...]]] = defaultdict(set)
    last = UsageRoute.objects.filter(own, connection_id__isnull=False)
    for rows, key in ((asked, "route_id"), (last, "pk")):
        for pk, *line in rows.values_list(key, "connection_alias", "connection_id"):
            lines[pk].add(tuple(line))
    asking = {one.pk for one in there if one.pk in lines}
    if asking != mine or any(len(lines[pk]) > 1 for pk in mine):
        return []
    values = {line for pk in mine for line in lines[pk]}
    return [sorted(scope_of("connection", *name_and_key(one)) for one in values)]
