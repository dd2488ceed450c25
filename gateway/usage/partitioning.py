"""Turns the tables of usage into tables partitioned by day, while the gateway writes to them.

What is there becomes one partition, of all times before the cutover. What takes long locks out
nobody: an index that is built concurrently, and a constraint that is validated, so that the table
can be attached without being looked through. What locks is one short transaction. Each step finds
out what is done already, so all of it may end at any moment and be run again.

https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from connections.direct_database import direct_parameters, schema_lock

from .buckets import DAY, begin
from .partitionable import PartitioningError, key_name, refuse
from .partitions import LOCK_TIMEOUT, TABLES, days_ahead, make_days, partitions

Tell = Callable[[str], None]

TRIES, PAUSE = 20, 1.0  # seconds
CUTOVER = 3  # days from this one, so that there is time for what takes long
LEAST = DAY  # before the cutover; with less left the constraint is made anew, or taken away


def partition(tell: Tell) -> None:
    """Partitions both tables, or what is left of it, and tells each step. Raises PartitioningError,
    after which all that was done stays, and DatabaseError.
    """
    import psycopg

    if connection.vendor != "postgresql":
        raise PartitioningError(
            "Partitions are for PostgreSQL only, and DATABASE_URL names another database."
        )
    try:
        with schema_lock() as take, _session() as session:
            if not take():
                raise PartitioningError(
                    "Another process migrates or partitions this database. Run this again when it "
                    "has ended."
                )
            for table in TABLES:
                if partitions(session.cursor(), table):
                    tell(f"{table} is partitioned.")
                else:
                    _partition(session, table, tell)
    except psycopg.errors.InsufficientPrivilege as error:
        raise PartitioningError(
            f"The database user may not do this: {error}\nRun it as the owner of the tables."
        ) from None


@contextmanager
def _session() -> Iterator[Any]:
    """A connection past a pooler, whose statements may take long."""
    import psycopg

    with psycopg.connect(**direct_parameters(), autocommit=True) as session:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            session.execute(f"SET {name} = 0")
        yield session


def _partition(session: Any, table: str, tell: Tell) -> None:
    cursor = session.cursor()
    refuse(cursor, table)
    tell(f"{table}: an index of id and time is built ...")
    _build_key(session, cursor, table)
    tell(f"{table}: its times are looked through ...")
    cutover = _bound(session, cursor, table, tell)
    _in_short(session, tell, lambda: _exchange(cursor, table, cutover))
    tell(f"{table} is partitioned, by day from {cutover:%Y-%m-%d} (UTC) on.")


def _in_short(session: Any, tell: Tell, act: Callable[[], None]) -> None:
    """A transaction that waits for others no longer than LOCK_TIMEOUT, and is tried again."""
    import psycopg

    for left in reversed(range(TRIES)):
        try:
            with session.transaction():
                session.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                act()
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if not left:
                raise PartitioningError(
                    f"Others use a table that has to change: {TRIES} times it was not free within "
                    f"{LOCK_TIMEOUT}. pg_stat_activity shows the statement or the open "
                    "transaction that holds it; then run this again: it goes on from here."
                ) from None
        tell("A table is in use by others. Trying again ...")
        time.sleep(PAUSE)


def _build_key(session: Any, cursor: Any, table: str) -> None:
    """Builds the index of what is to be the primary key."""
    name = key_name(table)
    with session.transaction():
        # The server goes on with what a killed client has asked for: this waits for its end
        cursor.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
    cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
    found = cursor.fetchone()
    if found == (True,):
        return
    if found:
        cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
    cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} (id, started_at)")


BOUNDS = r"""
SELECT (regexp_match(pg_get_constraintdef(oid), '''([^'']+)'''))[1]::timestamptz, convalidated
FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s
"""


def _bounds(cursor: Any, table: str) -> tuple[datetime, bool] | None:
    """The cutover of the constraint on a table that is not partitioned yet, and whether it is
    validated.
    """
    cursor.execute(BOUNDS, [table, _constraint(table)])
    found: tuple[datetime, bool] | None = cursor.fetchone()
    return found


def _constraint(table: str) -> str:
    return f"{table}_before_check"


def _bound(session: Any, cursor: Any, table: str, tell: Tell) -> datetime:
    """Has every row, and every one to come, begin before the cutover, and returns that."""
    import psycopg

    now, name = timezone.now(), _constraint(table)
    found = _bounds(cursor, table)
    if found and found[0] < now + LEAST:
        _in_short(session, tell, lambda: _forget_bound(cursor, table))
        found = None
    cutover = found[0] if found else begin(now, DAY) + CUTOVER * DAY
    if not found:
        check = f"CHECK (started_at < '{cutover:%Y-%m-%d}Z'::timestamptz) NOT VALID"
        add = f"ALTER TABLE {table} ADD CONSTRAINT {name} {check}"
        _in_short(session, tell, lambda: cursor.execute(add))
    try:
        cursor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    except psycopg.errors.CheckViolation:
        _in_short(session, tell, lambda: _forget_bound(cursor, table))
        raise PartitioningError(
            f"{table} has rows whose time is {cutover:%Y-%m-%d} or later: the clock of an instance "
            "was wrong. Delete them, then run this again."
        ) from None
    return cutover


def _forget_bound(cursor: Any, table: str) -> None:
    cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_constraint(table)}")


def forget_late_bounds() -> None:
    """Takes away what a partitioning that did not come to its end has left, a day before it would
    refuse rows. Raises DatabaseError.
    """
    for table in TABLES if connection.vendor == "postgresql" else ():
        with transaction.atomic(), connection.cursor() as cursor:
            found = _bounds(cursor, table)
            if found and found[0] < timezone.now() + LEAST:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                _forget_bound(cursor, table)


INDEXES = """
SELECT relname, pg_get_indexdef(oid) FROM pg_class JOIN pg_index ON indexrelid = oid
WHERE indrelid = %s::regclass AND indisvalid AND NOT indisprimary AND relname <> %s
"""
GRANTS = """
SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee))
    END, is_grantable, quote_ident(pg_get_userbyid(relowner))
FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) WHERE oid = %s::regclass
"""


def _exchange(cursor: Any, table: str, cutover: datetime) -> None:
    """Puts a partitioned table in the place of the table, which becomes a partition of it."""
    cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    if _bounds(cursor, table) != (cutover, True) or cutover < timezone.now():
        raise PartitioningError("It took too long. Run this again: it goes on from here.")
    number = f"SELECT pg_get_serial_sequence('{table}', 'id')"
    [sequence] = cursor.execute(number).fetchone()
    last = cursor.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()  # noqa: S608 its name
    for statement in _statements(cursor, table, cutover):
        cursor.execute(statement)
    cursor.execute(f"SELECT setval(({number}), %s, %s)", last)
    make_days(cursor, table, days_ahead(timezone.now()))


def _statements(cursor: Any, table: str, cutover: datetime) -> list[str]:
    """What the exchange takes. Names of indexes and constraints go on with the new table, for
    migrations find them by these.
    """
    before, key, constraint = f"{table}_before", key_name(table), _constraint(table)
    indexes = cursor.execute(INDEXES, [table, key]).fetchall()
    grants = cursor.execute(GRANTS, [table]).fetchall()
    return [
        f"ALTER TABLE {table} ALTER id DROP IDENTITY",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey",
        f"ALTER TABLE {table} RENAME TO {before}",
        f"ALTER TABLE {before} ADD CONSTRAINT {key} PRIMARY KEY USING INDEX {key}",
        *(f"ALTER INDEX {name} RENAME TO {name[:56]}_before" for name, _ in indexes),
        f"CREATE TABLE {table} (LIKE {before} INCLUDING ALL EXCLUDING IDENTITY EXCLUDING INDEXES) "
        "PARTITION BY RANGE (started_at)",
        f"ALTER TABLE {table} DROP CONSTRAINT {constraint}",
        f"ALTER TABLE {table} ALTER id ADD GENERATED BY DEFAULT AS IDENTITY",
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (id, started_at)",
        *(definition for _, definition in indexes),
        f"ALTER TABLE {table} ATTACH PARTITION {before} "
        f"FOR VALUES FROM (MINVALUE) TO ('{cutover:%Y-%m-%d}Z')",
        f"ALTER TABLE {before} DROP CONSTRAINT {constraint}",
        f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT",
        *(
            f"GRANT {what} ON {table} TO {who}{' WITH GRANT OPTION' * may_grant}"
            for what, who, may_grant, _ in grants
        ),
        f"ALTER TABLE {table} OWNER TO {grants[0][3]}",
    ]
