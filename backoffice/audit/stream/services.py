"""Sends what is new to each target: one process at a time, soon after each act, later where a
target is away.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from django.db import DatabaseError
from django.db import connections as databases
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_noop

from connections.audit.services import StreamTarget, stream_targets
from connections.jobs import Job, declare
from connections.locks import retried
from connections.models import AuditStream
from connections.texts import counted
from gateway.notices.services import NotSent

from .reading import chains_with_news, next_events, places_after, waiting
from .senders import send

EVERY = timedelta(seconds=3)
LEASE = timedelta(seconds=120)  # longer than a batch takes
PAUSES = (5, 15, 60, 300)  # seconds before a target that is away is asked again

logger = logging.getLogger(__name__)
_threads: dict[str, threading.Thread] = {}


@dataclass(frozen=True)
class StreamState:
    """A target and how it goes. `waiting`: events that wait for it."""

    target: StreamTarget
    row: AuditStream
    waiting: int


def declare_jobs() -> None:
    """Adds the stream to what the schedule runs."""
    title = gettext_noop("The audit to other systems")
    declare(Job("stream-audit", title, EVERY, stream, is_quick=True))


def stream() -> str:
    """Begins to send what is new, in a thread for each target."""
    begun = 0
    for target in stream_targets():
        row, now = _row_of(target), timezone.now()
        is_due = row.retry_at is None or row.retry_at <= now
        thread = _threads.get(target.name)
        if is_due and not (thread and thread.is_alive()) and chains_with_news(row):
            thread = threading.Thread(target=_run, args=(target,), name="audit", daemon=True)
            _threads[target.name] = thread
            thread.start()
            begun += 1
    return f"{counted(begun, 'target')} begun."


def states() -> Sequence[StreamState]:
    """Each target with how far it is."""
    return [
        StreamState(one, row, waiting(row))
        for one in stream_targets()
        for row in [AuditStream.objects.filter(pk=one.name).first() or _new_row(one)]
    ]


def deliver(target: StreamTarget) -> int:
    """Sends all that is new to a target, unless another process does. Returns how many events
    arrived.
    """
    lease = str(uuid4())
    arrived = 0
    while (row := _leased(target, lease)) is not None and (news := chains_with_news(row)):
        events = next_events(row, news)
        try:
            if events:
                send(target, events)
        except NotSent as error:
            _note_failure(row, lease, str(error))
            return arrived
        places, since = places_after(row, news, events)
        if not _note_arrival(row, lease, places, since, len(events)):
            return arrived  # it took too long, and another process has taken over
        arrived += len(events)
    AuditStream.objects.filter(pk=target.name, lease=lease).update(lease="", lease_until=None)
    return arrived


def _run(target: StreamTarget) -> None:
    try:
        deliver(target)
    except DatabaseError as error:  # the lease ends, and another process goes on
        name = type(error).__name__
        logger.warning("The audit is streamed later: the database failed (%s)", name)
    except Exception as error:  # noqa: BLE001 told by its kind: its text may hold an address
        logger.error("The audit could not be streamed (%s)", type(error).__name__)
    finally:
        databases.close_all()


def _new_row(target: StreamTarget) -> AuditStream:
    return AuditStream(name=target.name, since=timezone.now().date())


def _row_of(target: StreamTarget) -> AuditStream:
    since = timezone.now().date()
    return AuditStream.objects.get_or_create(name=target.name, defaults={"since": since})[0]


def _leased(target: StreamTarget, lease: str) -> AuditStream | None:
    """The row of the target, if it is ours for the next while."""
    _row_of(target)
    now = timezone.now()
    free = Q(lease=lease) | Q(lease="") | Q(lease_until=None) | Q(lease_until__lt=now)
    rows = AuditStream.objects.filter(free, pk=target.name)
    if not rows.update(lease=lease, lease_until=now + LEASE):
        return None
    return AuditStream.objects.get(pk=target.name)


@retried
def _note_arrival(
    row: AuditStream, lease: str, places: dict[str, int], since: object, number: int
) -> bool:
    now = timezone.now()
    mine = AuditStream.objects.filter(pk=row.pk, lease=lease)
    return bool(
        mine.update(
            places=places,
            since=since,
            sent=F("sent") + number,
            sent_at=now,
            lease_until=now + LEASE,
            failures=0,
            failing_since=None,
            retry_at=None,
            last_error="",
        )
    )


@retried
def _note_failure(row: AuditStream, lease: str, text: str) -> None:
    now = timezone.now()
    pause = PAUSES[min(row.failures, len(PAUSES) - 1)]
    AuditStream.objects.filter(pk=row.pk, lease=lease).update(
        failures=F("failures") + 1,
        failing_since=Coalesce(F("failing_since"), Value(now)),
        retry_at=now + timedelta(seconds=pause),
        last_error=text[:300],
        lease="",
        lease_until=None,
    )
