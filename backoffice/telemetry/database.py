"""The figures that the database has: health, faults, limits, what runs by itself. They are the same
on each instance.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from connections.audit.services import stream_names
from connections.health.services import FAILING as FAILS
from connections.health.services import named_references, unwell
from connections.models import ApiToken, AuditStream, Connection, IssuerRule, Team
from connections.references import State
from connections.schedule.services import schedule_report
from connections.telemetry.declared import (
    CHECKS_OVERDUE,
    CONNECTIONS,
    COOLDOWNS,
    FAILING,
    FAULTS,
    JOB_DUE,
    JOB_FAILED,
    LIMIT_USED,
    LIMITED,
    NEXT_END,
    NOTICES_WAITING,
    OTHER,
    SCHEDULE_SEEN,
    STREAM_FAILING,
    Metric,
)
from gateway.attention.kinds import Fault
from gateway.attention.ranking import ranked
from gateway.models import Cooldown, ModelCooldown, NoticeDelivery, TokenCount

NEAR = 0.8  # of a limit
MINUTE, DAY = "%Y-%m-%dT%H:%M", "%Y-%m-%d"  # windows of TokenCount

Sample = tuple[Metric, tuple[str, ...], float]


def database_samples() -> list[Sample]:
    """All of them. Raises DatabaseError. As many queries for one connection as for ten thousand."""
    faults = [one.fault for one in ranked()]
    return [
        *_connections(),
        *_faults(faults),
        *_cooldowns(),
        *_limits(),
        *_schedule(),
        (NOTICES_WAITING, (), _count(NoticeDelivery.objects.filter(state="waiting"))),
        (STREAM_FAILING, (), _count(_failing_streams())),
    ]


def _count(rows: Any) -> float:
    return float(rows.count())


def _failing_streams() -> Any:
    return AuditStream.objects.filter(pk__in=stream_names(), failures__gt=1)


def _connections() -> Iterator[Sample]:
    """How many there are in each state, and the names of those that fail."""
    broken = [one for one in named_references() if one.resolution.state != State.RESOLVED]
    states, failing = Counter[str](), []
    for _, state, (alias,) in unwell(broken, "alias"):
        states[state] += 1
        if state == FAILS:
            failing.append(alias)
    every = Connection.objects.order_by()
    active = every.filter(is_active=True).count()
    states |= {"well": active - states.total(), "inactive": every.count() - active}
    yield from ((CONNECTIONS, (state,), number) for state, number in states.items())
    yield from _by_alias(FAILING, Counter(failing))


def _by_alias(metric: Metric, numbers: Counter[str]) -> Iterator[Sample]:
    """A sample for each alias, as far as METRICS_ALIASES goes; all others in one."""
    aliases = sorted(numbers)
    named = aliases[: settings.METRICS_ALIASES]
    yield from ((metric, (alias,), numbers[alias]) for alias in named)
    rest = sum(numbers[alias] for alias in aliases[len(named) :])
    if rest:
        yield metric, (OTHER,), rest


def _faults(faults: Iterable[Fault]) -> Iterator[Sample]:
    numbers: Counter[tuple[str, str]] = Counter()
    ends: dict[str, datetime] = {}
    for one in faults:
        numbers[one.kind, one.severity] += 1
        if one.ends_at is not None:
            ends[one.kind] = min(one.ends_at, ends.get(one.kind, one.ends_at))
    yield from ((FAULTS, key, number) for key, number in numbers.items())
    yield from ((NEXT_END, (kind,), end.timestamp()) for kind, end in ends.items())


def _cooldowns() -> Iterator[Sample]:
    numbers: Counter[UUID] = Counter()
    for model in (Cooldown, ModelCooldown):
        rows: Any = model.objects.filter(until__gt=timezone.now()).order_by()
        numbers.update(rows.values_list("connection_id", flat=True))
    named = Connection.objects.filter(pk__in=list(numbers)).order_by()
    aliases = dict(named.values_list("pk", "alias"))
    by_alias = Counter({aliases[pk]: number for pk, number in numbers.items() if pk in aliases})
    return _by_alias(COOLDOWNS, by_alias)


def _limits() -> Iterator[Sample]:
    """How many limits of tokens (with rules of trusted issuers) and of teams are used how far."""
    now = timezone.now().astimezone(UTC)
    of: dict[str, tuple[Any, ...]] = {
        "token": (ApiToken.objects.filter(revoked_at=None), IssuerRule.objects.all()),
        "team": (Team.objects.all(),),
    }
    limits = (("requests", "requests_per_minute", MINUTE), ("tokens", "tokens_per_day", DAY))
    for limit, column, window in limits:
        counts = TokenCount.objects.filter(window=now.strftime(window)).order_by()
        used = dict(
            counts.annotate(used=F("count") - F("reserved")).values_list("token_id", "used")
        )
        for owner, rows in of.items():
            limited = (one.filter(**{f"{column}__gt": 0}).order_by() for one in rows)
            parts = [
                used.get(pk, 0) / most
                for one in limited
                for pk, most in one.values_list("pk", column)
            ]
            states = Counter(_how_far(part) for part in parts)
            for state in ("ok", "near", "used_up"):
                yield LIMITED, (owner, limit, state), states[state]
            if parts:
                yield LIMIT_USED, (owner, limit), max(parts)


def _how_far(part: float) -> str:
    return "used_up" if part >= 1 else "near" if part >= NEAR else "ok"


def _schedule() -> Iterator[Sample]:
    report = schedule_report()
    if report.renewed_at is not None:
        yield SCHEDULE_SEEN, (), report.renewed_at.timestamp()
    yield JOB_DUE, (), sum(one.is_overdue for one in report.jobs)
    yield JOB_FAILED, (), sum(one.is_ok is False for one in report.jobs)
    yield CHECKS_OVERDUE, (), report.overdue
