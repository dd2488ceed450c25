"""Reading from a replica of the database: only what may be some seconds old, and only where a view
says so.

Rows that decide who may do what, and whatever is read in a transaction, come from the primary.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models

REPLICA = "replica"  # its name among Django's databases

_is_wanted: ContextVar[bool] = ContextVar("replica_is_wanted", default=False)

T = TypeVar("T")


@contextmanager
def reading_replica(is_wanted: bool = True) -> Iterator[None]:
    """A block that reads models with `is_on_replica` from the replica."""
    token = _is_wanted.set(is_wanted)
    try:
        yield
    finally:
        _is_wanted.reset(token)


def read_from_same(parts: Iterator[T]) -> Iterator[T]:
    """The parts, each made with the database that is read from now, also after the block."""
    return _each(parts, _is_wanted.get())


def _each(parts: Iterator[T], is_wanted: bool) -> Iterator[T]:
    end = object()
    while True:
        with reading_replica(is_wanted):
            part = next(parts, end)
        if part is end:
            return
        yield part  # type: ignore[misc]


class ReplicaRouter:
    """Django's router of databases: everything is the primary's but what such a block reads."""

    def db_for_read(self, model: type[models.Model], **_hints: Any) -> str:
        """The name of the database to read from."""
        is_late = _is_wanted.get() and getattr(model, "is_on_replica", False)
        if is_late and not connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return REPLICA
        return DEFAULT_DB_ALIAS

    def db_for_write(self, _model: type[models.Model], **_hints: Any) -> str:
        """The primary, for rows that were read from the replica too."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *_rows: models.Model, **_hints: Any) -> bool:
        """True: both are one database."""
        return True

    def allow_migrate(self, name: str, *_of: Any, **_hints: Any) -> bool:
        """True for the primary; its replica follows."""
        return name == DEFAULT_DB_ALIAS
