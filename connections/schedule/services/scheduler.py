"""The schedule: what one process does of what is due, and the thread in which a worker does it."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import Error
from django.db import connection as database

from connections.jobs import Job
from connections.outages import database_outage

from .aside import Aside
from .due_checks import Checks
from .due_jobs import next_job, plan_jobs, run_again_soon, run_job
from .lease import BEAT_EVERY, SILENT, Lease
from .planning import Planner

STEP_EVERY = 0.4  # seconds between two steps: what was due meanwhile is done together
ONCE_EVERY = 0.05  # seconds, where a command waits for the end
JOBS_EVERY = 5.0  # seconds between two looks whether a job is due
LOOK_EVERY = 5.0  # seconds between two looks at what changed
LOOK_SHARE = 50  # as many times as long as a look takes is waited for the next one
TELL_EVERY = 60.0  # seconds between two lines of the log about the same trouble
COUNT_EVERY = 1.0  # seconds between two looks how many checks are left
STOP_SECONDS = 3.0  # that are waited for the thread

logger = logging.getLogger(__name__)
Told = Callable[[Job, bool, str], None]
Counted = Callable[[int, int], object]


def _nothing(_job: Job, _is_ok: bool, _said: str) -> None:
    """Tells nobody how a job ended: its row does."""


def _uncounted(_done: int, _total: int) -> None:
    """Tells nobody how far the checks are."""


class DueWork:
    """What one process does of what is due. `told`: hears of each job that ended.

    `catch_up`: as for `Lease.acquire`. `is_paced`: as for `Planner`.
    """

    def __init__(
        self, *, catch_up: float = 0.0, is_paced: bool = True, told: Told = _nothing
    ) -> None:
        self.lease, self.checks = Lease(), Checks()
        self._planner = Planner(is_paced=is_paced)
        self._catch_up, self._told = catch_up, told
        self._looking = Aside("look")
        # by whether they are quick, with the time of the next look for one that is due
        self._working = {False: Aside("jobs"), True: Aside("quick-jobs")}
        self._look_at = float("-inf")
        self._jobs_at = dict.fromkeys(self._working, float("-inf"))
        self._has_looked = self._has_started = False

    @property
    def is_idle(self) -> bool:
        """True if nothing runs, and nothing was due or ran at the last step."""
        is_busy = self._looking.is_busy or self._is_working or not self.checks.is_idle
        return self._has_looked and not is_busy and not self._has_started

    @property
    def _is_working(self) -> bool:
        return any(one.is_busy for one in self._working.values())

    def step(self) -> bool:
        """Takes the lease, or goes on with what is due. False where another process has it. Raises
        DatabaseError, and what a look or a job raised.
        """
        self._looking.raise_error()
        for one in self._working.values():
            one.raise_error()
        if not self.lease.is_held:
            if not self.lease.acquire(self._catch_up):
                self.checks.forget()
                return False
            self._look_at = float("-inf")
            self._jobs_at = dict.fromkeys(self._working, float("-inf"))
            self._has_looked = False
            plan_jobs(self.lease.now)
        elif not self.lease.beat():
            self.checks.forget()
            return False
        if time.monotonic() >= self._look_at and not self._looking.is_busy:
            self._looking.start(self._look)
        # What ends from here on may leave something due that this step does not see.
        was_busy = self._is_working or not self._has_looked
        self.checks.finish(self.lease.now)
        is_checking = self._has_looked and self.checks.start_due(self.lease.now) > 0
        started = [self._start_job(is_quick) for is_quick in self._working]
        self._has_started = any(started) or is_checking or was_busy
        return True

    def _start_job(self, is_quick: bool) -> bool:
        if self._working[is_quick].is_busy or time.monotonic() < self._jobs_at[is_quick]:
            return False
        job = next_job(self.lease.now, is_quick=is_quick)
        if job is None:
            self._jobs_at[is_quick] = time.monotonic() + JOBS_EVERY
            return False
        self._working[is_quick].start(lambda: self._run(job))
        return True

    def _look(self) -> None:
        began = time.monotonic()
        try:
            self._planner.look(self.lease.now)
            self._has_looked = True
        finally:
            ended = time.monotonic()
            self._look_at = ended + max(LOOK_EVERY, LOOK_SHARE * (ended - began))

    def _run(self, job: Job) -> None:
        try:
            self._told(job, *run_job(job, lambda: self.lease.now))
        except Error:
            run_again_soon(job)
            raise


class Scheduler:
    """The thread of a worker. `start` and `stop` are called once each."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._troubles: dict[str, float] = {}

    def start(self) -> None:
        """Begins, unless RUN_DUE is off."""
        if settings.RUN_DUE:
            self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Gives the lease back. Waits for a few seconds at most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        work, pause = DueWork(), STEP_EVERY
        while not self._stopping.wait(pause):
            pause = self._step(work)
        with suppress(Error):
            work.checks.finish(work.lease.now)
            work.lease.release()
        database.close()

    def _step(self, work: DueWork) -> float:
        """One step, and the seconds until the next."""
        try:
            return STEP_EVERY if work.step() else BEAT_EVERY
        except Exception as error:  # noqa: BLE001 of any kind: it goes on by itself
            work.lease.forget()
            self._tell(error)
            return BEAT_EVERY
        finally:
            # one to a server goes back into the pool, see gateway/core/db_threads.py
            if database.vendor != "sqlite" or database.errors_occurred:
                database.close()

    def _tell(self, error: Exception) -> None:
        """One line for a trouble, until a minute after it came last."""
        name, now = type(error).__name__, time.monotonic()
        is_new = now - self._troubles.get(name, float("-inf")) > TELL_EVERY
        self._troubles[name] = now
        if is_new:
            reason = "the database does not answer" if database_outage(error) else "a fault of ours"
            logger.error("Nothing runs by itself for now, %s (%s)", reason, name)


def run_due_once(told: Told, counted: Counted = _uncounted) -> Checks | None:
    """Runs all that is due now, and returns its checks; None where another process has the lease.

    `told`: hears of each job that ended. `counted`: hears each second how many checks are made, and
    of how many that are due. Raises DatabaseError.
    """
    day = timedelta(days=1).total_seconds()
    work = DueWork(catch_up=day, is_paced=False, told=told)
    give_up = time.monotonic() + SILENT + BEAT_EVERY
    while not work.step():
        if work.lease.is_elsewhere or time.monotonic() > give_up:
            return None
        time.sleep(STEP_EVERY)
    try:
        count_at = time.monotonic() + COUNT_EVERY
        while not work.is_idle:
            time.sleep(ONCE_EVERY)
            if not work.step():
                return None
            if time.monotonic() >= count_at:
                checks, count_at = work.checks, time.monotonic() + COUNT_EVERY
                counted(checks.made, checks.made + checks.left(work.lease.now))
    finally:
        work.lease.release()
    return work.checks
