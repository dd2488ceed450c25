"""The backend, by the name that Django looks for: ENGINE is `backoffice.sqlite`.

SQLite has one lock for all writers, and no order among those who wait: each looks again after 1 to
100 ms (sqlite.org/c3ref/busy_timeout.html). Whoever writes again and again takes it in between, so
that somebody else waits for seconds. Here only one waits for that lock. The others wait for their
turn to do so, and look for it often.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

LOOK_EVERY = 0.001  # seconds
TURN_WITHIN = 20.0  # seconds after which one waits for the lock itself, out of turn


Wrapper: Any = base.DatabaseWrapper  # django-stubs leave out what a transaction begins with


class DatabaseWrapper(Wrapper):  # type: ignore[misc]
    """Django's, whose transactions begin in turn."""

    def _start_transaction_under_autocommit(self) -> None:
        if self.transaction_mode != "IMMEDIATE" or self.is_in_memory_db():
            super()._start_transaction_under_autocommit()
            return
        with turn(f"{self.settings_dict['NAME']}-queue"):
            self._begin()

    def _begin(self) -> None:
        """Begins a transaction as soon as the file is free, and looks for that as often as for the
        turn: SQLite itself would look after 1, 2, 5, 10, 15, 20 and 25 ms, each later than the one
        before. Raises OperationalError.
        """
        pragma = self.connection.execute
        (timeout,) = pragma("PRAGMA busy_timeout").fetchone()
        until = time.monotonic() + timeout / 1000
        pragma("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    super()._start_transaction_under_autocommit()
                    return
                except OperationalError as error:
                    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
                    if code != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                        raise
                time.sleep(LOOK_EVERY)
        finally:
            pragma(f"PRAGMA busy_timeout = {timeout}")

    def drop_old_pages(self) -> None:
        """Empties the log beside the file, which still has pages as they were before the last
        changes. Later, if somebody reads just now: nobody waits for that.
        """
        pragma = self.connection.execute
        (timeout,) = pragma("PRAGMA busy_timeout").fetchone()
        pragma("PRAGMA busy_timeout = 200")
        try:
            pragma("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError:
            pragma("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            pragma(f"PRAGMA busy_timeout = {timeout}")

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """A block whose transactions nobody waits for until they are on the disk: a power cut may
        forget the last of them, and never a part of one. It changes nothing inside of a
        transaction.
        """
        if self.in_atomic_block or self.is_in_memory_db():
            yield
            return
        self.ensure_connection()
        self.connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            if self.connection is not None:
                self.connection.execute("PRAGMA synchronous = FULL")

    def long_change(self) -> AbstractContextManager[None]:
        """The turn of changes that take long: of these one at a time queues with the short ones, so
        that a short one waits for one of them at most.
        """
        if self.in_atomic_block or self.is_in_memory_db():
            return nullcontext()
        return turn(f"{self.settings_dict['NAME']}-long")


@contextmanager
def turn(file: str | Path) -> Iterator[None]:
    """Waits until nobody else has this file, and has it for the block. Where it cannot be made, all
    go on at once, as they would without it.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        _take(descriptor)
        yield
    finally:
        os.close(descriptor)  # the system gives it up, also when this process is killed


def _take(descriptor: int) -> None:
    until = time.monotonic() + TURN_WITHIN
    while time.monotonic() < until:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(LOOK_EVERY)
