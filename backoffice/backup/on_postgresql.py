"""Backups of PostgreSQL."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction

from .dialects import Lines, decoded, quoted
from .errors import BackupError
from .tables import ENCRYPTED, Table

PIECE = 1 << 18  # bytes
MOMENT = "replace(to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '.000000', '')"
READ = {
    "bool": "{0}::int",
    "bytes": "encode({0}, 'hex')",
    ENCRYPTED: "encode({0}, 'hex')",
    "date": "{0}::text",
    "datetime": MOMENT,
    "float": "{0}::text",
    "ip": "host({0})",
    "json": "{0}::text",
    "time": "replace(to_char({0}, 'HH24:MI:SS.US'), '.000000', '')",
    "uuid": "replace({0}::text, '-', '')",
}
# Lines as they are: no line of JSON has one of these characters in it, so nothing is quoted
AS_IT_IS = "(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
RESTORING = 0x5B_BAC4  # the number of our advisory lock
BUSY = "Another restore of this database is under way. Wait for its end."
LOST = "\ufffd"
MOST_TRIES = 20


class PostgreSQL:
    """A database of a server."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """https://www.postgresql.org/docs/current/transaction-iso.html#XACT-REPEATABLE-READ"""
        is_outer = not connection.in_atomic_block
        with transaction.atomic(), connection.cursor() as cursor:
            if is_outer:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield

    def blocks(self, table: Table) -> Iterator[bytes]:
        """The server makes the lines."""
        values = ", ".join(
            READ.get(kind, "{0}").format(quoted(name)) for name, kind in table.columns
        )
        sql = f"COPY (SELECT json_build_array({values}) FROM {quoted(table.name)}) TO STDOUT"  # noqa: S608 our names
        some: list[bytes] = []
        size = 0
        with connection.cursor() as cursor, cursor.copy(f"{sql} {AS_IT_IS}") as lines:
            for line in lines:
                some.append(bytes(line))
                size += len(some[-1])
                if size > PIECE:
                    yield b"".join(some)
                    some, size = [], 0
        yield b"".join(some)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Another restore is refused, since it would wait for this one and then undo it."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [RESTORING])
                if not cursor.fetchone()[0]:
                    raise BackupError("busy", BUSY)
            yield

    def hold(self, tables: Sequence[Table]) -> None:
        """EXCLUSIVE lets others read: https://www.postgresql.org/docs/current/explicit-locking.html"""
        names = ", ".join(quoted(one.name) for one in tables)
        for number in range(1, MOST_TRIES + 1):
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
                return
            except OperationalError as error:  # somebody who writes waited for us, and we for them
                is_deadlock = isinstance(error.__cause__, psycopg.errors.DeadlockDetected)
                if number == MOST_TRIES or not is_deadlock:
                    raise

    def insert(self, table: Table, batches: Iterable[Lines]) -> int:
        """By COPY. NUL, which SQLite stores in a text, becomes U+FFFD."""
        names = ", ".join(quoted(name) for name, _kind in table.columns)
        bytes_at = table.of_kind("bytes", ENCRYPTED)
        texts_at, documents_at = table.of_kind("text"), table.of_kind("json")
        changed = 0
        sql = f"COPY {quoted(table.name)} ({names}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(sql) as copy:
            for lines in batches:
                has_escapes = any(b"\\u" in line for line in lines)
                for row in decoded(lines, table):
                    for at in bytes_at:
                        row[at] = row[at] and f"\\x{row[at]}"
                    if has_escapes:
                        changed += _clean(row, texts_at, documents_at)
                    copy.write_row(row)
        return changed

    def raise_sequence(self, table: Table, highest: int) -> None:
        """At once, whatever becomes of the transaction: somebody may write meanwhile."""
        sql = (
            "SELECT setval(one, greatest(%s, (SELECT last_value FROM pg_sequences WHERE "
            "(quote_ident(schemaname) || '.' || quote_ident(sequencename)) = one))) "
            "FROM pg_get_serial_sequence(%s, 'id') AS one WHERE one IS NOT NULL"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [highest, quoted(table.name)])

    def settle(self) -> None:
        """Plans follow what the planner knows of the tables."""
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _clean(row: list[Any], texts_at: Sequence[int], documents_at: Sequence[int]) -> bool:
    """Replaces what PostgreSQL does not store. True if there was any of it."""
    is_changed = False
    for at in texts_at:
        if isinstance(row[at], str) and "\0" in row[at]:
            row[at], is_changed = row[at].replace("\0", LOST), True
    for at in documents_at:
        if isinstance(row[at], str) and "\\u" in row[at]:  # some escapes are refused
            found = json.dumps(_storable(json.loads(row[at])), ensure_ascii=False)
            is_changed = is_changed or (LOST in found and LOST not in row[at])
            row[at] = found
    return is_changed


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return (
            value.replace("\0", LOST).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    return value
