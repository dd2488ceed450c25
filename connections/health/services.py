"""Health from traffic: each call of the gateway is noted for the model that was called."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ..locks import retried
from ..models import Connection, ConnectionTraffic
from ..models.traffic import ANSWERED, FAILED, RECENT
from .conditions import (
    of_health,
    severity_of_connection,
    severity_of_model,
    state_of_connection,
)
from .profiles import (
    NOT_ANSWERING,
    own_health,
    profile_health,
    profiles_of_health,
    with_health,
    with_profile_health,
)
from .reference_index import (
    NamedReference,
    named_references,
    reference_index,
    secret_references,
    unresolved_references,
)
from .states import (
    DEGRADED,
    FAILING,
    IN_A_ROW,
    LABELS,
    LASTING,
    NEVER,
    OK,
    RESTING,
    SETUP,
    STALE,
    STATES,
    UNUSED,
    UNUSED_AFTER,
    Health,
    health,
    model_health,
    traffic_of,
)
from .trouble import UNWELL, Trouble, trouble, unwell

__all__ = [
    "DEGRADED",
    "FAILING",
    "LABELS",
    "NEVER",
    "NOT_ANSWERING",
    "OF_ACCOUNT",
    "OK",
    "RESTING",
    "SETUP",
    "STALE",
    "STATES",
    "UNUSED",
    "UNUSED_AFTER",
    "UNWELL",
    "Call",
    "Health",
    "NamedReference",
    "Trouble",
    "forget_failures",
    "health",
    "model_health",
    "named_references",
    "note_calls",
    "note_use",
    "of_health",
    "own_health",
    "profile_health",
    "profiles_of_health",
    "reference_index",
    "secret_references",
    "severity_of_connection",
    "severity_of_model",
    "state_of_connection",
    "traffic_of",
    "trouble",
    "unresolved_references",
    "unwell",
    "with_health",
    "with_profile_health",
]

# Failures that every model of a connection shares. The others are those of one model: services
# limit and run their models apart.
OF_ACCOUNT = frozenset(
    {"unauthorized", "quota", "refused", "dns", "tls", "blocked_address", "not_installed"}
)
# Workers write what they saw one after the other, so an answer may be written after a failure that
# it was before. What is older than this is so by a clock that is wrong.
LATE = timedelta(seconds=5)
NEWS = timedelta(seconds=15)  # an answer after another one is written that often
USED_EVERY = timedelta(days=1)  # the time of the last use is noted that often


@dataclass(frozen=True)
class Call:
    """One call that a service answered (`code` is empty), or that failed through its connection's
    or its service's fault. `times`: so many answers, the last of which ended then. `message`:
    without secrets. `rests_until`: the end of the cool-down that this failure began.
    """

    connection_id: UUID
    version: int
    model: str
    ended_at: datetime
    code: str = ""
    status: int | None = None
    message: str = ""
    times: int = 1
    rests_until: datetime | None = None


Key = tuple[UUID, str]


@retried
def note_calls(calls: Iterable[Call]) -> None:
    """Notes calls, each after those before it. Writes nothing where they tell nothing new."""
    noted: dict[Key, list[Call]] = defaultdict(list)
    for call in calls:
        noted[call.connection_id, call.model].append(call)
    rows = _rows(noted, is_held=False)
    noted = {key: made for key, made in noted.items() if _is_news(rows.get(key), made)}
    if not noted:
        return
    note_use({key[0] for key in noted})
    with transaction.atomic():
        rows = _rows(noted, is_held=True)
        named = Connection.objects.filter(pk__in={key[0] for key in noted})
        versions = dict(named.values_list("pk", "settings_version"))
        new = []
        for key in sorted(key for key in noted if key[0] in versions):
            row = rows.get(key)
            if row is None:
                row = ConnectionTraffic(connection_id=key[0], model=key[1], version=0)
                new.append(row)
            _take(row, noted[key], versions[key[0]])
        changed = [row for key, row in rows.items() if key in noted]
        # Another worker may just have made the same row: it is taken with the next calls.
        ConnectionTraffic.objects.bulk_create(new, ignore_conflicts=True)
        ConnectionTraffic.objects.bulk_update(changed, COLUMNS)


@retried
def note_use(connection_ids: Iterable[UUID]) -> None:
    """Notes that somebody asked for these connections. One query on most days."""
    now = timezone.now()
    rows = Connection.objects.filter(pk__in=set(connection_ids), asked_at__lt=now - USED_EVERY)
    for pk in sorted(rows.order_by().values_list("pk", flat=True)):
        Connection.objects.filter(pk=pk).update(asked_at=now)


@retried
def forget_failures(connection: Connection, asked_at: datetime | None = None) -> None:
    """Called after a passed test: what failed before it asked, at `asked_at`, is over, until a call
    says otherwise.
    """
    failed = ConnectionTraffic.objects.filter(connection=connection, recent__contains=FAILED)
    if asked_at:
        failed = failed.exclude(failed_at__gt=asked_at, failed_at__lte=timezone.now())
    if failed.exists():
        failed.update(recent="", is_failing=False, failing_since=None, failures=0)


COLUMNS = [
    "version",
    "recent",
    "answered_at",
    "failed_at",
    "failing_since",
    "failures",
    "code",
    "status",
    "message",
    "is_of_account",
    "is_failing",
    "resting_until",
]


def _rows(keys: Iterable[Key], is_held: bool) -> dict[Key, ConnectionTraffic]:
    rows = ConnectionTraffic.objects.filter(connection_id__in={key[0] for key in keys})
    if is_held:
        rows = rows.select_for_update(of=("self",), no_key=True)
    return {(row.connection_id, row.model): row for row in rows.order_by("pk")}


def _is_news(row: ConnectionTraffic | None, calls: Sequence[Call]) -> bool:
    """False where a model that has only answered has answered again."""
    return (
        row is None
        or row.answered_at is None
        or FAILED in row.recent
        or any(call.code or call.ended_at > row.answered_at + NEWS for call in calls)
        or calls[-1].version != row.version
    )


def _was_before(at: datetime, known: datetime | None) -> bool:
    return known is not None and timedelta(0) < known - at <= LATE


def _take(row: ConnectionTraffic, calls: Sequence[Call], settings_version: int) -> None:
    """Counts calls into a row. Those of settings that were replaced since do not count."""
    if row.version < settings_version:
        row.recent, row.answered_at, row.failed_at = "", None, None
        row.failing_since, row.failures, row.is_failing = None, 0, False
    for call in calls:
        if call.version < settings_version:
            continue
        row.version = max(row.version, call.version)
        if not call.code and _was_before(call.ended_at, row.failed_at):
            answered = row.recent.rstrip(FAILED)
            failed = row.recent[len(answered) :]
            row.recent = (answered + ANSWERED * call.times + failed)[-RECENT:]
            row.answered_at = max(row.answered_at or call.ended_at, call.ended_at)
            continue
        if row.is_failing and not call.code:
            row.recent = row.recent.rstrip(FAILED)  # what failed in a row is over
        row.recent = (row.recent + (FAILED if call.code else ANSWERED * call.times))[-RECENT:]
        if not call.code:
            row.answered_at = call.ended_at
            row.failing_since, row.failures, row.is_failing = None, 0, False
            continue
        row.failed_at = call.ended_at
        row.failing_since = row.failing_since or call.ended_at
        row.failures += 1
        row.code, row.status, row.message = call.code[:50], call.status, call.message[:500]
        row.is_of_account = call.code in OF_ACCOUNT
        row.is_failing = call.code in LASTING or row.failures >= IN_A_ROW
        row.resting_until = call.rests_until or row.resting_until
