"""The checks that are due: claimed one by one, asked in threads, recorded together."""

import logging
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection as database
from django.db.models import QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.models import Connection, PlannedCheck
from connections.outlooks import LOOK_EVERY, Learned, note_learned
from connections.services import (
    CheckResult,
    Hosts,
    learn,
    prepare_check,
    record_scheduled,
    run_check,
)
from providers.core.base import Provider
from providers.core.values import CHECK_SECONDS

from .aside import start_thread
from .fingerprints import keyed
from .planning import interval, wait

MOST_SECONDS = 3 * CHECK_SECONDS  # what takes longer hangs where no time-out reaches
CLAIM = 2 * MOST_SECONDS  # a check whose process was killed is due again after that
OF_SETUP = frozenset(  # that every surface shows by itself, and no check tells
    {"unresolved_reference", "undecryptable", "misplaced", "unknown_provider"}
)

logger = logging.getLogger(__name__)


@dataclass
class Running:
    """A check that runs. `began`: by the schedule's clock, `started`: by the monotonic one.
    `is_changed`: as the plan said. `is_asked`: False where nothing was, and nothing is recorded.
    `learned`: from settings alone, where nothing was asked.
    """

    connection: Connection
    failures: int
    host_key: str
    began: float
    is_changed: bool
    started: float = field(default_factory=time.monotonic)
    result: CheckResult | None = None
    learned: Learned | None = None
    is_asked: bool = True
    is_postponed: bool = False
    is_done: bool = False


class Checks:
    """The checks of one process."""

    def __init__(self) -> None:
        self._running: dict[uuid.UUID, Running] = {}
        self._hosts = Hosts()
        self.made = self.failed = 0

    @property
    def is_idle(self) -> bool:
        """True if no check runs."""
        return not self._running

    def left(self, now: float) -> int:
        """How many run, and how many are due at `now` besides. Raises DatabaseError."""
        return len(self._running) + _due(now).exclude(pk__in=self._running).count()

    def forget(self) -> None:
        """Drops what runs: another process has taken over."""
        self._running.clear()

    def start_due(self, now: float) -> int:
        """Begins checks that are due at `now` of the schedule's clock, as many as may run beside
        those that do. Returns their number. Raises DatabaseError.
        """
        free = settings.CONNECTIONS_CHECKS_AT_ONCE - len(self._running)
        if free <= 0 or not interval():
            return 0
        # those that wait for their turn are the next as soon as one has ended
        most = 2 * settings.CONNECTIONS_CHECKS_PER_HOST
        counts = Counter(one.host_key for one in self._running.values())
        full = [key for key, count in counts.items() if count >= most]
        rows = _due(now).exclude(host_key__in=full).exclude(pk__in=self._running)
        rows = rows.select_related("connection__last_check", "connection__outlook")
        rows = rows.prefetch_related("connection__traffic").order_by("due", "pk")[:free]
        started = 0
        for row in _claimed(_within(rows, counts, most), now):
            one = Running(row.connection, row.failures, row.host_key, now, row.is_changed)
            self._running[row.pk] = one
            is_wanted = row.is_changed or not _was_looked_at(row.connection)
            age = None if is_wanted else _age(row.connection)
            if age is not None:
                one.began, one.failures = now - age, 0
                one.is_asked, one.is_done = False, True
            else:
                start_thread("check", lambda one=one: self._ask(one))  # type: ignore[misc]
                started += 1
        return started

    def finish(self, now: float) -> None:
        """Records what has ended, and plans the next check of each. Raises DatabaseError, and is
        then called again.
        """
        ended = [one for one in self._running.values() if one.is_done or _hangs(one)]
        if not ended:
            return
        told = [(one.connection, _outcome(one)) for one in ended if one.is_asked]
        if told:
            record_scheduled(told)
            self.made += len(told)
            self.failed += sum(not outcome.success for _, outcome in told)
        note_learned([(one.connection, one.learned) for one in ended if one.learned])
        for one in ended:
            # it is recorded, should the next statement fail
            one.is_asked, one.learned = False, None
        _plan_next(ended, now)
        for one in ended:
            self._running.pop(one.connection.pk, None)

    @sensitive_variables("provider")
    def _ask(self, one: Running) -> None:
        """One check, in its thread."""
        try:
            provider = prepare_check(one.connection)
            database.close()  # nobody keeps one while the network is asked
            if isinstance(provider, CheckResult):
                one.result = provider
                one.is_asked = provider.code not in OF_SETUP
            elif not provider.has_free_check:
                one.is_asked, one.learned = False, learn(provider, {})
            else:
                self._ask_host(one, provider)
        except Exception as error:  # noqa: BLE001 a fault in one provider ends no other check
            logger.error(
                "The check of connection %s failed: %s", one.connection.pk, type(error).__name__
            )
            one.is_asked = False
        finally:
            one.is_done = True

    @sensitive_variables("provider")
    def _ask_host(self, one: Running, provider: Provider[Any]) -> None:
        one.host_key = _host_key(provider)
        if not self._hosts.enter(one.host_key):
            one.is_asked, one.is_postponed = False, True
            return
        try:
            one.result = run_check(provider)
        finally:
            self._hosts.leave(one.host_key)
            with suppress(Exception):  # an SDK's own way to close; the socket goes with the client
                provider.client.close()


def _due(now: float) -> QuerySet[PlannedCheck]:
    return PlannedCheck.objects.filter(
        due__lte=now, connection__is_active=True, connection__is_checked=True
    )


def _within(rows: Iterable[PlannedCheck], counts: Counter[str], most: int) -> list[PlannedCheck]:
    """As many of the rows as may be added for each host, one that is not known yet included."""
    found = []
    for row in rows:
        if counts[row.host_key] < most:
            counts[row.host_key] += 1
            found.append(row)
    return found


def _claimed(rows: Sequence[PlannedCheck], now: float) -> Sequence[PlannedCheck]:
    """Those of the rows that nobody else has claimed since they were read. They are not due for
    CLAIM seconds then.
    """
    claim = now + CLAIM + random.random()  # noqa: S311 no secret; another one than anybody else's
    mine = PlannedCheck.objects.filter(pk__in=[row.pk for row in rows])
    if not rows or mine.filter(due__lte=now).update(due=claim, is_changed=False) == len(rows):
        return rows
    keys = set(mine.filter(due=claim).values_list("pk", flat=True))
    return [row for row in rows if row.pk in keys]


def _age(connection: Connection) -> float | None:
    """The seconds since it was last seen to work, or since somebody tested it, as it is now; None
    where that is longer ago than an interval.
    """
    traffic = [
        one for one in connection.traffic.all() if one.version >= connection.settings_version
    ]
    moments = []
    if not any(one.failing_since for one in traffic):
        moments = [one.answered_at for one in traffic if one.answered_at]
    check = connection.last_check
    if check and not check.is_scheduled and check.connection_version == connection.version:
        moments.append(check.checked_at)
    now = timezone.now()
    # a clock that was set back makes moments of the future, which say nothing
    ages = [(now - one).total_seconds() for one in moments]
    return min((age for age in ages if 0 <= age < interval()), default=None)


def _was_looked_at(connection: Connection) -> bool:
    """True if a check looked within a day when its key, certificates and models end."""
    outlook = getattr(connection, "outlook", None)
    if outlook is None or outlook.settings_version != connection.settings_version:
        return False
    return bool(timezone.now() - outlook.looked_at < LOOK_EVERY)


def _hangs(one: Running) -> bool:
    return time.monotonic() - one.started > MOST_SECONDS


def _outcome(one: Running) -> CheckResult:
    text = f"The check did not end within {MOST_SECONDS:g} seconds. Look at the service's address."
    return one.result or CheckResult(False, "timeout", text)


def _plan_next(ended: Sequence[Running], now: float) -> None:
    rows = []
    for one in ended:
        failures = one.failures + 1 if one.result and not one.result.success else 0
        if one.result is None and _hangs(one):
            failures = one.failures + 1
        due = now if one.is_postponed else max(now, one.began + wait(failures))
        rows.append(
            PlannedCheck(
                connection_id=one.connection.pk,
                due=due,
                host_key=one.host_key,
                is_changed=one.is_postponed and one.is_changed,
                failures=one.failures if one.is_postponed else failures,
            )
        )
    # what changed meanwhile is due at once, whatever came of this check
    unchanged = PlannedCheck.objects.filter(is_changed=False)
    unchanged.bulk_update(rows, ["due", "host_key", "is_changed", "failures"])


def _host_key(provider: Provider[Any]) -> str:
    """A digest of the host that a check asks, of the provider where it does not say."""
    address = provider.asks.rpartition(" ")[2]
    return keyed(urlsplit(address).netloc or provider.id)[:16]
