"""The part of backups that SQLite and PostgreSQL do in their own ways."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from django.db import connection
from pydantic_core import from_json

from .errors import BackupError
from .tables import Table

Lines = Sequence[bytes]


class Dialect(Protocol):
    """Reading and writing rows in the form of a backup."""

    def snapshot(self) -> AbstractContextManager[None]:
        """The block reads one state of the database; nobody who writes waits for it."""

    def blocks(self, table: Table) -> Iterator[bytes]:
        """The rows of a table as lines, some at a time."""

    def exclusive(self) -> AbstractContextManager[None]:
        """One transaction, in which nobody else writes to any table; who reads sees the state
        before. Raises BackupError where another restore is under way.
        """

    def hold(self, tables: Sequence[Table]) -> None:
        """Waits until nobody writes to these tables any more, as part of that transaction."""

    def insert(self, table: Table, batches: Iterable[Lines]) -> int:
        """Writes rows. Returns in how many a character was replaced that this database cannot
        store.
        """

    def raise_sequence(self, table: Table, highest: int) -> None:
        """Lets the numbers that rows of a table get begin behind this one, and never go back."""

    def settle(self) -> None:
        """Tells the database, after the transaction, that its tables are others now."""


def count(table: Table) -> int:
    """The number of its rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {quoted(table.name)}")  # noqa: S608 names of models
        return int(cursor.fetchone()[0])


def highest(table: Table) -> int:
    """The highest number that a row of a table got by itself; 0 for none."""
    if ("id", "int") not in table.columns:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(id) FROM {quoted(table.name)}")  # noqa: S608 names of models
        return int(cursor.fetchone()[0] or 0)


def clear(table: Table) -> None:
    """Deletes all of its rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {quoted(table.name)}")  # noqa: S608 names of models


def quoted(name: str) -> str:
    """A name of a table or a column in a statement."""
    return str(connection.ops.quote_name(name))


def decoded(lines: Iterable[bytes], table: Table) -> list[list[Any]]:
    """The values of lines. Raises BackupError for what is not a row of this table."""
    try:
        rows: list[list[Any]] = from_json(b"[%s]" % b",".join(lines))
    except ValueError:
        rows = [[]]
    if any(type(row) is not list or len(row) != len(table.columns) for row in rows):
        raise BackupError("damaged", f"A line of {table.name} is not a row of it.")
    return rows
