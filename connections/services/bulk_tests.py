"""Tests of many connections, made by a thread that goes on when its page is left.

Another process goes on with it where that one ends. As with the checks of the schedule, so many run
at once, and so many of them ask one host.
"""

import logging
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, IntegrityError, transaction
from django.db import connections as databases
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider

from ..audit.services import act, record
from ..errors import Throttled
from ..locks import retried
from ..models import Connection, Task, TaskPart
from .checking import CheckResult, run_check
from .checks import count_tests, prepare_check, record_check
from .hosts import Hosts
from .permissions import Actor, require
from .tasks import beat, begin_task, end_task, taken_over, tasks_of

BEAT_EVERY = 1.0  # seconds
READ_AT_ONCE = 100  # parts
MOST_REASONS = 8
GONE = CheckResult(False, "gone", gettext_noop("Somebody deleted it meanwhile."))
FAULT = CheckResult(
    False, "error", gettext_noop("The test broke off by a fault of ours. Try again.")
)

logger = logging.getLogger(__name__)
_hosts = Hosts()


@dataclass(frozen=True)
class TestSummary:
    """The outcome of a bulk test so far.

    `reasons`: why connections do not work, with their number and the names of some, the most common
    first.
    """

    worked: int
    failed: int
    waiting: int
    reasons: Sequence[tuple[str, int, Sequence[str]]]


@act("connection.test")
def begin_bulk_test(rows: Sequence[Connection], *, actor: Actor, back: str = "") -> Task:
    """Begins to test these connections, and returns at once. It counts as one test of the person's.

    `back`: the page that it is started on. Raises Throttled while another one of the person's runs,
    PermissionDenied.
    """
    for row in rows:
        require(actor, "connections.test_connection", on=row)
    count_tests(actor)
    running = tasks_of(actor).filter(kind=Task.Kind.TEST, ended_at=None, is_cancelled=False)
    if running.exists():
        text = _("A bulk test of yours is running. Cancel it, or wait for its end.")
        raise Throttled(text, 10)
    with transaction.atomic():
        task = begin_task(Task.Kind.TEST, actor=actor, total=len(rows), back=back)
        parts = [TaskPart(task=task, row_id=row.pk, name=row.name) for row in rows]
        TaskPart.objects.bulk_create(parts, batch_size=READ_AT_ONCE)
        record(others=rows, actor=actor)
        transaction.on_commit(lambda: _start(task))
    return task


def resume_bulk_tests() -> str:
    """Goes on with the tests whose process is gone, and says how many."""
    tasks = taken_over()
    for task in tasks:
        _start(task)
    return f"{len(tasks)} bulk tests went on whose process had ended."


def bulk_test_summary(task: Task) -> TestSummary:
    """The outcome of a bulk test so far."""
    found = task.parts.values("code", "message").annotate(number=Count("pk")).order_by("-number")
    by_code: Counter[str] = Counter()
    reasons = []
    for one in found:
        is_bad = one["code"] not in ("", "ok")
        by_code["bad" if is_bad else one["code"]] += one["number"]
        if is_bad:
            names = task.parts.filter(code=one["code"], message=one["message"])
            few = list(names.order_by("name").values_list("name", flat=True)[:5])
            reasons.append((_(one["message"]), one["number"], few))
    return TestSummary(by_code["ok"], by_code["bad"], by_code[""], reasons[:MOST_REASONS])


def failed_in(task_id: uuid.UUID, *, actor: Actor) -> QuerySet[TaskPart]:
    """The parts of one's own bulk test that do not work."""
    parts = TaskPart.objects.filter(task_id=task_id, task__user=actor)
    return parts.exclude(code__in=["", "ok"])


def _start(task: Task) -> None:
    threading.Thread(target=_run, args=[task], name="bulk-test", daemon=True).start()


def _run(task: Task) -> None:
    try:
        run_bulk_test(task)
    except Error as error:  # the schedule takes it over once it is silent
        logger.error("A bulk test stopped: %s", type(error).__name__)
    finally:
        databases.close_all()


def run_bulk_test(task: Task) -> None:
    """Makes the tests of a task that nobody has made yet. Raises DatabaseError."""
    waiting, stopping = _waiting(task), threading.Event()
    running: dict[Future[CheckResult | None], tuple[TaskPart, Connection]] = {}
    at_once = settings.CONNECTIONS_CHECKS_AT_ONCE
    done = task.total - task.parts.filter(code="").count()
    with ThreadPoolExecutor(at_once, "bulk-test") as pool:
        while True:
            while not stopping.is_set() and len(running) < at_once:
                if (part := next(waiting, None)) is None:
                    break
                if (row := _row(part)) is not None:
                    running[pool.submit(_ask, _prepared(row), stopping)] = (part, row)
            if not running:
                break
            for future in wait(running, BEAT_EVERY, FIRST_COMPLETED).done:
                part, row = running.pop(future)
                if outcome := future.result():
                    _record(task, part, row, outcome)
            done = task.total - task.parts.filter(code="").count()
            if not beat(task, done, task.total):
                stopping.set()
    end_task(task)


def _waiting(task: Task) -> Iterator[TaskPart]:
    """The parts that wait, some read at a time."""
    last = 0
    while found := list(task.parts.filter(code="", pk__gt=last).order_by("pk")[:READ_AT_ONCE]):
        last = found[-1].pk
        yield from found


def _row(part: TaskPart) -> Connection | None:
    """The connection of a part; None where it is gone, which is noted."""
    row = Connection.objects.select_related("last_check").filter(pk=part.row_id).first()
    if row is None:
        _note(part, GONE)
    return row


@sensitive_variables()
def _prepared(row: Connection) -> Provider[Any] | CheckResult:
    try:
        return prepare_check(row)
    except Exception as error:  # noqa: BLE001 a fault in one provider ends no other test
        logger.error("The test of connection %s failed: %s", row.pk, type(error).__name__)
        return FAULT


@sensitive_variables()
def _ask(provider: Provider[Any] | CheckResult, stopping: threading.Event) -> CheckResult | None:
    """One test, in a thread that knows no database; None where it was cancelled before."""
    if isinstance(provider, CheckResult):
        return provider
    host = urlsplit(provider.asks.rpartition(" ")[2]).netloc or provider.id
    while not _hosts.enter(host):
        if stopping.is_set():
            return None
    try:
        return None if stopping.is_set() else run_check(provider)
    except Exception as error:  # noqa: BLE001 as above
        logger.error("A test of %s failed: %s", provider.id, type(error).__name__)
        return FAULT
    finally:
        _hosts.leave(host)
        with suppress(Exception):  # an SDK's own way to close; the socket goes with the client
            provider.client.close()


@retried
def _record(task: Task, part: TaskPart, row: Connection, outcome: CheckResult) -> None:
    try:
        with transaction.atomic():
            record_check(row, outcome, task.user)
            _note(part, outcome)
    except IntegrityError:
        _note(part, GONE)


def _note(part: TaskPart, outcome: CheckResult) -> None:
    part.code, part.message = outcome.code, outcome.message[:500]
    part.save(update_fields=["code", "message"])
