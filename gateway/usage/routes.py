"""Routes: the ways that requests took, each kept once (UsageRoute), so that a total of a route is
told apart by everything but by who asked.

There are some hundred of them a day, however many requests there are: whatever filters leave is
a sum over the routes that they leave.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from ..models import UsageRoute, UsageRouteAttempt, UsageTotal
from .dimensions import FAILED, OTHERS, ROUTE, WAS_ASKED, kind_of, scope_of, verbs_of

MINUTES_OF_DAY = 24 * 60
MOST_TEXTS = 100  # routes of a day for what is no profile; the rest are OTHERS, by who asked


class Attempt(NamedTuple):
    """An attempt, in the order of UsageRouteAttempt's columns."""

    profile_id: str
    connection_id: str
    connection_alias: str
    provider_id: str
    model: str
    outcome: str


class Route(NamedTuple):
    """A route, in the order of UsageRoute's columns. Ids are as the database tells them as text."""

    profile_id: str | None
    profile_alias: str
    answered_profile_id: str | None
    connection_id: str | None
    connection_alias: str
    provider_id: str
    model: str
    outcome: str
    attempts: int
    token_name: str = ""
    token_id: str | None = None
    user_name: str = ""
    user_id: str | None = None
    asked: tuple[Attempt, ...] = ()

    @property
    def kind(self) -> tuple[str, bool, bool]:
        """How its requests ended, whether several were asked and whether a fallback answered."""
        answered = self.answered_profile_id
        is_fallback = answered is not None and answered != self.profile_id
        return kind_of(self.outcome), self.attempts > 1, is_fallback


@lru_cache(maxsize=8192)
def id_of(route: Route) -> str:
    """The id of a route: the same in every database."""
    told = [_plain(*one) for one in route._asdict().items() if one[0] != "asked"]
    told += [[_plain(*one) for one in each._asdict().items()] for each in route.asked]
    digest = blake2b(json.dumps(told).encode(), digest_size=21).digest()
    return urlsafe_b64encode(digest).decode()


def _plain(column: str, value: object) -> object:
    is_uuid = value is not None and column in ("profile_id", "answered_profile_id", "token_id")
    return UUID(str(value)).hex if is_uuid or (value and column == "connection_id") else value


@lru_cache(maxsize=8192)
def scopes_of(route: Route) -> frozenset[str]:
    """The scopes whose totals by caller have its requests: of the profile, of each connection that
    was asked, of provider, model and an error's code. None where no profile was asked for: such a
    route has its caller.
    """
    if route.profile_id is None:
        return frozenset()
    lines = {(route.connection_alias, route.connection_id)}
    lines |= {
        (one.connection_alias, one.connection_id)
        for one in route.asked
        if WAS_ASKED in verbs_of(one.outcome)
    }
    found = [("connection", alias, pk) for alias, pk in lines if pk]
    found += [("profile", route.profile_alias, route.profile_id)]
    found += [("provider", route.provider_id, ""), ("model", route.model, "")]
    if kind_of(route.outcome) == FAILED:
        found.append(("outcome", route.outcome, ""))
    return frozenset(
        scope_of(what, name, str(UUID(pk)) if pk else "") for what, name, pk in found if name
    )


class Texts:
    """Bounds the number of routes of a day that differ in a text that no profile has."""

    def __init__(self) -> None:
        self._kept: dict[datetime, set[tuple[str, ...]]] = {}

    def bounded(self, day: datetime, route: Route) -> Route:
        """The route, or the one of OTHERS where the day has MOST_TEXTS without it."""
        if route.profile_id is not None:
            return route
        if day not in self._kept:
            there = UsageTotal.objects.filter(dimension=ROUTE, minutes=MINUTES_OF_DAY, start=day)
            routes = UsageRoute.objects.filter(profile_id=None, pk__in=there.values("key"))
            self._kept[day] = set(map(_text, routes.exclude(profile_alias=OTHERS)))
        kept, text = self._kept[day], _text(route)
        if len(kept) < MOST_TEXTS:
            kept.add(text)
        return route if text in kept else route._replace(profile_alias=OTHERS)


def _text(route: Route | UsageRoute) -> tuple[str, ...]:
    token = UUID(str(route.token_id)).hex if route.token_id else ""
    return route.profile_alias, token, str(route.user_id), route.user_name


def keep(routes: Iterable[Route]) -> None:
    """Makes the rows of those that have none. Raises DatabaseError."""
    missing = {id_of(one): one for one in routes}
    there = UsageRoute.objects.filter(pk__in=missing)
    for pk in there.values_list("pk", flat=True):
        del missing[pk]
    rows = [
        UsageRoute(
            pk=pk, **{name: value for name, value in one._asdict().items() if name != "asked"}
        )
        for pk, one in missing.items()
    ]
    attempts = [
        UsageRouteAttempt(route_id=pk, position=position, **each._asdict())
        for pk, one in missing.items()
        for position, each in enumerate(one.asked)
    ]
    UsageRoute.objects.bulk_create(rows, ignore_conflicts=True)
    UsageRouteAttempt.objects.bulk_create(attempts, ignore_conflicts=True)


def forget_unused() -> None:
    """Deletes the routes that have no total any more. Raises DatabaseError."""
    totals = UsageTotal.objects.filter(dimension=ROUTE).order_by()
    unused = UsageRoute.objects.filter(~Q(pk__in=totals.values("key"))).values_list("pk", flat=True)
    for pk in list(unused):
        UsageRouteAttempt.objects.filter(route_id=pk).delete()
        UsageRoute.objects.filter(pk=pk).delete()
