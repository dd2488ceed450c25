"""The requests of a period: filters, pages, batches.

`ok` is a success. `client_closed` is neither success nor failure: the caller hung up, and nobody
knows how the request would have ended. Every other outcome is a failure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import ExpressionWrapper
from django.utils import timezone

from connections.lookup import names_of, parse_id

from ..models import (
    AttemptOutcome,
    UsageAttempt,
    UsageRecord,
    UsageRoute,
    UsageRouteAttempt,
)
from .buckets import DAY, HOUR
from .dimensions import CLOSED, FAILED, IS_FALLBACK, IS_SEVERAL, OK
from .sight import MODELS, hidden_tokens, seen_attempts, seen_records

PERIODS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
HOURLY_AT_MOST, DAILY_AT_MOST = 7 * DAY, 1100 * DAY
LONGEST = DAY  # after this no further target of a request is asked
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SEVERAL, FALLBACK = ATTEMPTS = ("several", "fallback")  # filters of attempts
COLUMNS = {"provider": "provider_id", "model": "model"}
FILTERS = ("profile", "connection", "token", "outcome", "attempts", "request", *COLUMNS, "user")


@dataclass(frozen=True)
class Period:
    """From `start` up to, and without, `end`."""

    start: datetime
    end: datetime

    @property
    def step(self) -> timedelta:
        """The length of a point of its course: an hour, or a day when there would be too many
        hours.
        """
        return HOUR if self.end - self.start <= HOURLY_AT_MOST else DAY


def last(duration: timedelta) -> Period:
    """The period of this length that ends now."""
    now = timezone.now()
    return Period(now - duration, now)


def records(period: Period, filters: Mapping[str, str] | None = None) -> QuerySet[UsageRecord]:
    """The requests of a period, the newest first, without their texts. `filters`: as for
    `filtered`.
    """
    rows = UsageRecord.objects.filter(started_at__gte=period.start, started_at__lt=period.end)
    return filtered(rows, filters)


def filtered(
    rows: QuerySet[UsageRecord], filters: Mapping[str, str] | None = None
) -> QuerySet[UsageRecord]:
    """Those of the rows that filters leave and that the one who looks may see, without their texts.

    `filters`: profile (the one that was asked for) and connection (each that was asked, also where
    another answered) by id or alias, token by id, outcome by its code or FAILED, attempts by
    SEVERAL or FALLBACK, request by its id, provider and model (of the target that answered or was
    asked last) by theirs, user by name; an empty text filters nothing.
    """
    wanted = wanted_values(filters)
    rows = seen_records(rows).defer("prompt", "answer")
    rows = rows.annotate(is_fallback=ExpressionWrapper(IS_FALLBACK, BooleanField()))
    if request := wanted.get("request"):
        rows = rows.filter(request_id=request)
    if user := wanted.get("user"):
        rows = rows.filter(user_name=user)
    if token := wanted.get("token"):
        pk = parse_id(token)
        rows = rows.filter(token_id=pk) if pk and pk not in hidden_tokens() else rows.none()
    # by time too, which leaves the partitions of earlier days alone
    attempts = UsageAttempt.objects.filter(
        record_key=OuterRef("key"), started_at__gte=OuterRef("started_at")
    )
    return rows.filter(_of_route(wanted, attempts))


def routes(filters: Mapping[str, str] | None = None) -> QuerySet[UsageRoute]:
    """The routes of all requests that filters leave and that the one who looks may see. `filters`:
    as for `filtered`; of those by request, token and user, which no route has, it knows nothing.
    """
    return seen_records(all_routes(filters))


def all_routes(filters: Mapping[str, str] | None = None) -> QuerySet[UsageRoute]:
    """As `routes`, also those that the one who looks may not see."""
    attempts = UsageRouteAttempt.objects.filter(route_id=OuterRef("pk"))
    return UsageRoute.objects.order_by().filter(_of_route(wanted_values(filters), attempts))


def _of_route(wanted: Mapping[str, str], attempts: QuerySet[Any]) -> Q:
    """The condition of the filters by what a route has. `attempts`: of a row."""
    found = Q(**{COLUMNS[one]: wanted[one] for one in COLUMNS if one in wanted})
    if verb := wanted.get("attempts"):
        found &= IS_FALLBACK if verb == FALLBACK else IS_SEVERAL
    if profile := wanted.get("profile"):
        found &= Q(**named("profile", profile))
    if connection := wanted.get("connection"):
        own = named("connection", connection)
        asked = seen_attempts(attempts.filter(**own))
        earlier = Exists(asked.exclude(outcome=AttemptOutcome.PASSED_OVER))
        found &= Q(**own) | (IS_SEVERAL & Q(earlier))
    if outcome := wanted.get("outcome"):
        ended_well = Q(outcome__in=(OK, CLOSED))
        found &= ~ended_well if outcome == FAILED else Q(outcome=outcome)
    return found


def wanted_values(filters: Mapping[str, str] | None) -> dict[str, str]:
    """The filters that filter something."""
    cleaned = {name: value.replace("\x00", "").strip() for name, value in (filters or {}).items()}
    return {name: value for name, value in cleaned.items() if value}


def named(what: str, text: str) -> dict[str, Any]:
    """The condition for a profile or a connection that is named by id or alias. Records of the time
    when it had another alias, which still answers, are among those by alias.
    """
    if pk := parse_id(text):
        return {f"{what}_id": pk}
    return {f"{what}_alias__in": names_of(MODELS[what], text)}


def batches(
    period: Period, filters: Mapping[str, str] | None, columns: Sequence[str], size: int = 2000
) -> Iterator[list[list[Any]]]:
    """The columns of a period's requests, the oldest first, in batches of `size`, each by a query
    of its own.
    """
    rows, hidden = records(period, filters), hidden_tokens()
    token = columns.index("token_id") if "token_id" in columns else None
    while batch := list(
        rows.order_by("started_at", "pk").values_list("started_at", "pk", *columns)[:size]
    ):
        found = [values for _, _, *values in batch]
        if token is not None and hidden:
            name = columns.index("token_name")
            for values in found:
                if values[token] in hidden:
                    values[token], values[name] = None, ""
        yield found
        at, pk, *_ = batch[-1]
        # A new period instead of one more condition: SQLite would still use the first condition
        # for its look-up in the index.
        rows = records(Period(at, period.end), filters).exclude(started_at=at, pk__lte=pk)


def attempts_of(rows: Sequence[UsageRecord]) -> dict[UUID, list[UsageAttempt]]:
    """The attempts of these records by their key, in their order, without those at what the one who
    looks may not see. A record of a time before there were attempts has no key.
    """
    found: dict[UUID, list[UsageAttempt]] = {one.key: [] for one in rows if one.key}
    times = [one.started_at for one in rows if one.key]
    if times:
        attempts = UsageAttempt.objects.filter(
            record_key__in=found,
            started_at__gte=min(times),
            started_at__lt=max(times) + LONGEST,
        )
        for attempt in seen_attempts(attempts):
            found[attempt.record_key].append(attempt)
    return found
