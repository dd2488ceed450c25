"""Backups of SQLite."""

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from .dialects import Lines, decoded, quoted
from .errors import BackupError
from .tables import ENCRYPTED, Table

AT_ONCE = 2000  # rows
# https://www.sqlite.org/json1.html#jarray takes no bytes, and 15 digits of a number
READ = {
    "bytes": "CASE WHEN {0} IS NOT NULL THEN lower(hex({0})) END",
    ENCRYPTED: "CASE WHEN {0} IS NOT NULL THEN lower(hex({0})) END",
    "float": "CASE WHEN {0} IS NOT NULL THEN printf('%!.17g', {0}) END",
}
BUSY = "Another restore of this database is under way. Wait for its end."


class SQLite:
    """A file of SQLite, or one in memory."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A transaction that only reads: Django's would take the lock of those who write."""
        if connection.in_atomic_block:
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")

    def blocks(self, table: Table) -> Iterator[bytes]:
        """SQLite makes the lines itself."""
        values = ", ".join(
            READ.get(kind, "{0}").format(quoted(name)) for name, kind in table.columns
        )
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT json_array({values}) FROM {quoted(table.name)}")  # noqa: S608 our names
            while found := cursor.fetchmany(AT_ONCE):
                yield "".join(f"{line}\n" for (line,) in found).encode()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """SQLite has one writer at a time; whoever writes waits, as long as it waits for any."""
        with alone(), transaction.atomic():
            yield

    def hold(self, tables: Sequence[Table]) -> None:
        """Nothing: the transaction holds the file."""

    def insert(self, table: Table, batches: Iterable[Lines]) -> int:
        """Every character can be stored."""
        names = ", ".join(quoted(name) for name, _kind in table.columns)
        places = ", ".join(["%s"] * len(table.columns))
        sql = f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({places})"  # noqa: S608 our names
        bytes_at, floats_at = table.of_kind("bytes", ENCRYPTED), table.of_kind("float")
        with _without_indexes(table), connection.cursor() as cursor:
            for lines in batches:
                rows = decoded(lines, table)
                _convert(rows, bytes_at, bytes.fromhex)
                _convert(rows, floats_at, float)
                cursor.executemany(sql, rows)
        return 0

    def raise_sequence(self, table: Table, highest: int) -> None:
        """Nothing: SQLite itself gives no number that is not above all that were ever there."""

    def settle(self) -> None:
        """The log beside the file had all of it."""
        if not connection.is_in_memory_db() and not connection.in_atomic_block:  # type: ignore[attr-defined]
            connection.ensure_connection()
            connection.drop_old_pages()  # type: ignore[attr-defined]


@contextmanager
def _without_indexes(table: Table) -> Iterator[None]:
    """Makes the indexes of a table anew after many rows were added, which takes half as long as to
    keep them true. Those that a constraint makes stay.
    """
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} AND sql LIKE 'CREATE INDEX %%'", [table.name])
        found = cursor.fetchall()
        for name, _made in found:
            cursor.execute(f"DROP INDEX {quoted(name)}")
        yield
        for _name, made in found:
            cursor.execute(made)


def _convert(rows: list[list[Any]], places: Sequence[int], how: Any) -> None:
    for at in places:
        for row in rows:
            if row[at] is not None:
                row[at] = how(row[at])


@contextmanager
def alone() -> Iterator[None]:
    """The block in which no other restore of this file is under way. Raises BackupError."""
    if connection.is_in_memory_db():  # type: ignore[attr-defined]
        yield
        return
    name = f"{connection.settings_dict['NAME']}-restore"
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError("busy", BUSY) from None
    finally:
        os.close(descriptor)  # the system gives it up, also when this process is killed
