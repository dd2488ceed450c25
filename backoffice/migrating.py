"""Migrating one at a time, whoever starts it, without holding up those who use the tables."""

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from connections.direct_database import schema_lock

LOOK_EVERY = 0.2  # seconds
LOCK_TIMEOUT = "2s"
DDL = re.compile(r"\s*(ALTER|CREATE|DROP|COMMENT|TRUNCATE)\b", re.IGNORECASE)


class StillMigrating(Exception):
    """Another process migrated for as long as this one could wait."""


@contextmanager
def only_one(wait: float, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds the lock of whoever migrates this database. `wait`: seconds; `waiting` is called once
    where there is somebody to wait for. Raises StillMigrating.

    The lock ends with the process that has it.
    """
    with _lock() as take:
        until, has_told = time.monotonic() + wait, False
        while not take():
            if not has_told:
                waiting()
                has_told = True
            if time.monotonic() > until:
                raise StillMigrating
            time.sleep(LOOK_EVERY)
        yield


def _lock() -> AbstractContextManager[Callable[[], bool]]:
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql":
        return schema_lock()
    if database.is_in_memory_db():
        return nullcontext(lambda: True)
    return _beside(f"{database.settings_dict['NAME']}-migrate")


@contextmanager
def _beside(file: str) -> Iterator[Callable[[], bool]]:
    """A lock of a file. Where that cannot be made, the database's cannot be written either."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield lambda: True
        return

    def take() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        yield take
    finally:
        os.close(descriptor)


@contextmanager
def short_waits() -> Iterator[None]:
    """Statements of the block that change tables of PostgreSQL wait for LOCK_TIMEOUT at most for
    those who use them; else everybody who comes later would wait behind such a statement. Theirs
    is an OperationalError then.
    """
    database = connections[DEFAULT_DB_ALIAS]

    def bounded(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if database.in_atomic_block and DDL.match(str(sql)):
            execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'", None, False, context)
        return execute(sql, params, many, context)

    with database.execute_wrapper(bounded) if database.vendor == "postgresql" else nullcontext():
        yield
