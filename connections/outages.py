"""Servers that may be away: knowing it once for the whole process, instead of waiting for it in
every request; and the refusals of requests that a database could not serve.
"""

import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import InterfaceError, InternalError, OperationalError
from django.utils.translation.trans_null import gettext_noop  # Django's own asks the settings

ASK_EVERY = 0.5  # seconds between two questions to a server that is away
LOG_EVERY = 60.0  # seconds between two lines about the same kind of outage

# time.monotonic() at which whoever asks has to be told, even that nothing is known.
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)

logger = logging.getLogger(__name__)


@contextmanager
def answered_within(seconds: float) -> Iterator[None]:
    """A block whose questions have so much time together, however long each may wait by itself."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """The seconds that the block of `answered_within` has left, infinity outside of one."""
    return max(0.0, _deadline.get() - time.monotonic())


class Availability:
    """Whether a server answers. While it is away a thread asks it, and nobody else has to.

    `answers` asks the server, within a fraction of a second. `meanwhile` completes the line of the
    log: it says what happens without the server.
    """

    def __init__(self, name: str, answers: Callable[[], bool], meanwhile: str) -> None:
        self._name, self._answers, self._meanwhile = name, answers, meanwhile
        self._lock = threading.Lock()
        self.is_away = False
        os.register_at_fork(after_in_child=self._forget)  # the thread is the parent's

    def check(self) -> bool:
        """True if the server answers. One that is known to be away is not asked."""
        if not self.is_away and not self._answers():
            self.note_failure("no answer")
        return not self.is_away

    def note_failure(self, reason: str) -> None:
        """Takes the server as away from now on, until it answers."""
        with self._lock:
            if self.is_away:
                return
            self.is_away = True
        logger.error("%s is away (%s). %s", self._name, reason, self._meanwhile)
        threading.Thread(target=self._wait, name=f"asking {self._name}", daemon=True).start()

    def _wait(self) -> None:
        while self.is_away and not self._answers():
            time.sleep(ASK_EVERY)
        if self.is_away:
            self.is_away = False
            logger.warning("%s is back.", self._name)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self.is_away = False


@dataclass(frozen=True)
class DatabaseOutage:
    """The answer to a request that the database could not serve. Nothing was changed by it."""

    status: int
    code: str
    detail: str
    retry_after: int | None = None  # seconds

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


AWAY = DatabaseOutage(
    503,
    "database_unavailable",
    gettext_noop("The database does not answer. Nothing was changed. Try again shortly."),
    1,
)
BUSY = DatabaseOutage(
    503,
    "database_busy",
    gettext_noop(
        "The database is busy with another change. Nothing was changed. Try again shortly."
    ),
    1,
)
FULL = DatabaseOutage(
    507,
    "database_full",
    gettext_noop(
        "The disk of the database is full or fails. Nothing was changed. Make room on it, then try "
        "again."
    ),
)
READ_ONLY = DatabaseOutage(
    503,
    "database_read_only",
    gettext_noop(
        "The database takes no changes. Nothing was changed. Let it be written to, then try again."
    ),
    5,
)
# https://www.sqlite.org/rescode.html#primary_result_code_list
OF_SQLITE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_IOERR: FULL,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CANTOPEN: AWAY,
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
OF_POSTGRESQL = {"53100": FULL, "25006": READ_ONLY, "40001": BUSY, "40P01": BUSY, "55P03": BUSY}


def database_outage(error: BaseException | None) -> DatabaseOutage | None:
    """The outage that Django's exception stands for, None for any other fault."""
    if not isinstance(error, OperationalError | InterfaceError | InternalError):
        return None
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    state = getattr(error.__cause__, "sqlstate", None)
    if code is not None:
        return OF_SQLITE.get(code & 0xFF)
    if isinstance(error, InternalError) or state is not None:
        is_operational = isinstance(error, OperationalError)
        return OF_POSTGRESQL.get(str(state), AWAY if is_operational else None)
    return AWAY


def log_outage(outage: DatabaseOutage) -> None:
    """Writes a line to the log, at most one a minute for each kind."""
    now = time.monotonic()
    if now - _logged.get(outage.code, float("-inf")) > LOG_EVERY:
        _logged[outage.code] = now
        logger.error("Requests are refused with %s: %s", outage.status, outage.detail)


_logged: dict[str, float] = {}
