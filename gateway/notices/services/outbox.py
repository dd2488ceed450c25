"""The outbox: messages to targets, gathered, claimed by one process each, sent in threads, tried
again later and later, and given up in the end.
"""

import atexit
import logging
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction
from django.db import connections as databases
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from connections.audit.services import act, record
from connections.locks import retried
from connections.models import ScheduleLease
from connections.services import Actor, require

from ...models import Notice, NoticeDelivery, NoticeTarget
from .owners import owners_of, parts_for
from .rules import CRITICAL, is_quiet, wants
from .senders import NotSent
from .targets import CHANGE, send
from .words import message_of

GAP = 30.0  # seconds between two messages to a target; what comes between goes together
PAUSES = (30.0, 120.0, 600.0, 1800.0, 7200.0)  # seconds before the second try, the third, ...
CLAIM = 90.0  # seconds; longer than a try takes
QUIET_STEP = 60.0  # seconds until the quiet hours are looked at again
MOST_AT_ONCE = 4  # threads of a process that send
STOP_SECONDS = 5.0  # that the end of a process waits for what is being sent

State = NoticeDelivery.State
logger = logging.getLogger(__name__)
_threads: set[threading.Thread] = set()


def schedule_clock() -> float:
    """The seconds of the schedule's clock, a few seconds old at most."""
    return ScheduleLease.objects.values_list("seconds", flat=True).order_by("pk").first() or 0.0


def put(notices: Sequence[Notice], targets: Iterable[NoticeTarget], clock: float) -> None:
    """Puts notices into the message that gathers for each target that wants them. Called in the
    transaction that makes them.
    """
    for target in targets if notices else ():
        parts, is_critical = [], False
        for one in notices:
            places = [
                place
                for place, item in enumerate(one.items)
                for part in parts_for(item, owners_of(target))
                if wants(target, one.event, one.kind, part)
            ]
            if places:
                parts.append([one.pk, places])
                is_critical |= one.severity == CRITICAL and one.event == "began"
        if parts:
            _gather(target, parts, clock, is_critical=is_critical)


def _gather(target: NoticeTarget, parts: list[Any], clock: float, *, is_critical: bool) -> None:
    rows = NoticeDelivery.objects.filter(target=target)
    gathering = rows.filter(state=State.WAITING, attempts=0).select_for_update().first()
    if gathering is not None:
        gathering.parts = [*gathering.parts, *parts]
        gathering.is_critical |= is_critical
        gathering.save(update_fields=["parts", "is_critical"])
        return
    due, last = clock, rows.order_by("-date_created").first()
    if last is not None and last.state == State.WAITING:
        due = max(due, min(last.due, clock + PAUSES[-1]))
    elif last is not None:
        due = max(due, min(last.due, clock) + GAP)
    NoticeDelivery.objects.create(target=target, parts=parts, due=due, is_critical=is_critical)


def send_due(clock: float) -> int:
    """Begins to send what is due, in threads, and returns the number of messages begun."""
    rows = NoticeDelivery.objects.filter(state=State.WAITING, target__is_active=True)
    # as far away as the longest pause, or the clock began anew
    rows.filter(due__gt=clock + PAUSES[-1] + CLAIM).update(due=clock)
    due = rows.filter(due__lte=clock).select_related("target").order_by("due")
    number, now = 0, timezone.now()
    for row in due[: 4 * MOST_AT_ONCE]:
        claimed = NoticeDelivery.objects.filter(pk=row.pk, state=State.WAITING, due=row.due)
        is_awake = row.is_critical and row.target.is_woken_by_critical
        if is_quiet(row.target, now) and not is_awake:
            claimed.update(due=clock + QUIET_STEP)
        elif len(_threads) >= MOST_AT_ONCE:
            break
        elif claimed.update(due=clock + CLAIM, attempts=F("attempts") + 1):
            _start(row.pk, clock)
            number += 1
    return number


@dataclass(frozen=True)
class Retried:
    """How another try of what waits ended, in numbers of messages."""

    tried: int
    left: int


@act("notices.retry")
def retry_waiting(target: NoticeTarget | None, *, actor: Actor) -> Retried:
    """Tries now what waits for a target (None for all), and waits for the end of it. What is being
    sent by another process is left to it; quiet hours count as ever. Raises PermissionDenied.
    """
    require(actor, CHANGE, on=target or NoticeTarget())
    clock, tried = schedule_clock(), 0
    mine = _waiting_for(target)
    mine.filter(due__gt=clock + CLAIM).update(due=clock)
    mine.filter(attempts=0).update(due=clock)  # nobody sends what was not tried
    while begun := send_due(clock):
        tried += begun
        wait_for_senders(CLAIM)
    left = mine.count()
    if tried:
        record(target, actor=actor, detail={"tried": tried, "left": left})
    return Retried(tried, left)


def waiting(target: NoticeTarget) -> int:
    """The number of messages that wait for a target."""
    return _waiting_for(target).count()


def _waiting_for(target: NoticeTarget | None) -> QuerySet[NoticeDelivery]:
    rows = NoticeDelivery.objects.filter(state=State.WAITING)
    return rows if target is None else rows.filter(target=target)


def _start(pk: Any, clock: float) -> None:
    thread = threading.Thread(target=_run, args=(pk, clock), name="notice", daemon=True)
    _threads.add(thread)
    thread.start()


def _run(pk: Any, clock: float) -> None:
    try:
        deliver(pk, clock)
    except DatabaseError as error:  # its claim ends, and another process tries again
        logger.warning("A notice is sent later: the database failed (%s)", type(error).__name__)
    finally:
        databases.close_all()
        _threads.discard(threading.current_thread())


def wait_for_senders(seconds: float = STOP_SECONDS) -> None:
    """Waits for what is being sent, so long at most."""
    for thread in list(_threads):
        with suppress(RuntimeError):
            thread.join(seconds)


atexit.register(wait_for_senders)


def deliver(pk: Any, clock: float) -> None:
    """Sends a message that this process has claimed, and writes down how that ended.

    Does nothing if its target was deleted since.
    """
    row = NoticeDelivery.objects.select_related("target").filter(pk=pk).first()
    if row is None:
        return
    try:
        send(row.target, message_of(row))
    except NotSent as error:
        _note_failure(row, str(error), clock)
    except Exception as error:  # noqa: BLE001 a fault of ours must not be retried for ever
        logger.error("A notice could not be sent (%s)", type(error).__name__)
        _note_failure(row, f"A fault of ours ({type(error).__name__}). The log has more.", clock)
    else:
        _note_success(row, clock)


@retried
def _note_success(row: NoticeDelivery, clock: float) -> None:
    now = timezone.now()
    with transaction.atomic():
        NoticeDelivery.objects.filter(pk=row.pk).update(
            state=State.SENT, date_done=now, error="", due=clock
        )
        NoticeTarget.objects.filter(pk=row.target_id).update(
            sent_at=now, failing_since=None, last_error=""
        )
        waiting = NoticeDelivery.objects.filter(target=row.target_id, state=State.WAITING)
        if row.target.failing_since is not None:  # it is back: what waits need not wait on
            waiting.filter(due__gt=clock + CLAIM).update(due=clock)


@retried
def _note_failure(row: NoticeDelivery, text: str, clock: float) -> None:
    now, mine = timezone.now(), NoticeDelivery.objects.filter(pk=row.pk, attempts=row.attempts)
    is_last = row.attempts > len(PAUSES)
    error = f"{text} It was given up after {row.attempts} tries." if is_last else text
    with transaction.atomic():
        if is_last:
            mine.update(state=State.GIVEN_UP, error=error[:300], date_done=now, due=clock)
        else:
            mine.update(error=error[:300], due=clock + PAUSES[row.attempts - 1])
        NoticeTarget.objects.filter(pk=row.target_id).update(
            failing_since=Coalesce(F("failing_since"), Value(now)), last_error=error[:300]
        )
