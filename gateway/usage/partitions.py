"""Daily partitions of the tables of usage: which there are, making those of the days to come,
dropping those that are too old. On PostgreSQL, where `manage.py partition_usage` made them
(partitioning.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction

from connections.outages import BUSY, database_outage

from ..models import UsageAttempt, UsageRecord
from .buckets import DAY, begin

RECORDS, ATTEMPTS = TABLES = (UsageRecord._meta.db_table, UsageAttempt._meta.db_table)
AHEAD = 14  # days that have a partition before they begin
LOCK_TIMEOUT = "2s"
LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)
BOUND = r"(regexp_match(bound, '{} \(''([^'']+)''\)'))[1]::timestamptz"
PARTITIONS = f"""
SELECT name, {BOUND.format("FROM")}, {BOUND.format("TO")}, bound = 'DEFAULT'
FROM pg_inherits JOIN LATERAL (
    SELECT oid::regclass::text AS name, pg_get_expr(relpartbound, oid) AS bound
    FROM pg_class WHERE oid = inhrelid
) child ON true
WHERE inhparent = to_regclass(%s) ORDER BY 3, 1
"""  # noqa: S608 no names in it


@dataclass(frozen=True)
class Partition:
    """A partition of a table, for times from `start` up to, and without, `end`. None: no bound.

    `is_rest`: the one that takes what no other does.
    """

    name: str
    start: datetime | None
    end: datetime | None
    is_rest: bool

    def covers(self, at: datetime) -> bool:
        """True if rows of this time are in it."""
        is_after = self.start is None or self.start <= at
        return not self.is_rest and is_after and (self.end is None or at < self.end)


def partitions(cursor: Any, table: str) -> list[Partition]:
    """The partitions of a table, the oldest first; none where it is not partitioned."""
    cursor.execute(PARTITIONS, [table])
    return [Partition(*row) for row in cursor.fetchall()]


def make_days(cursor: Any, table: str, days: Sequence[datetime]) -> int:
    """Makes a partition for each of the days (UTC) that has none, with the rows of it that the rest
    has taken. Returns how many. Part of a transaction, which should be short.

    Who reads goes on, and so does who writes to other partitions. Raises the OperationalError of a
    table that was not free within LOCK_TIMEOUT.
    """
    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    cursor.execute(f"LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE")  # one at a time
    there = partitions(cursor, table)
    missing = [day for day in days if not any(one.covers(day) for one in there)]
    for rest in [one.name for one in there if one.is_rest]:
        for day in missing:
            _make_day(cursor, table, rest, day)
    return len(missing)


def _make_day(cursor: Any, table: str, rest: str, day: datetime) -> None:
    """It is attached when it is complete, so that nothing is built or looked through meanwhile."""
    name, bounds = f"{table}_{day:%Y%m%d}", (f"{day:%Y-%m-%d}Z", f"{day + DAY:%Y-%m-%d}Z")
    of_day = "started_at >= '{}'::timestamptz AND started_at < '{}'::timestamptz".format(*bounds)
    for statement in (
        f"LOCK TABLE {rest} IN SHARE ROW EXCLUSIVE MODE",
        f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL EXCLUDING IDENTITY)",
        f"WITH moved AS (DELETE FROM {rest} WHERE {of_day} RETURNING *) "  # noqa: S608 our names
        f"INSERT INTO {name} SELECT * FROM moved",
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{{}}') TO ('{{}}')".format(
            *bounds
        ),
    ):
        cursor.execute(statement)


def days_ahead(now: datetime) -> list[datetime]:
    """This day (UTC) and those for which there should be partitions already."""
    return [begin(now, DAY) + number * DAY for number in range(AHEAD + 1)]


def make_missing_days(now: datetime, keep: timedelta) -> int | None:
    """Makes the partitions of the days ahead, and those of days, at most `keep` ago, of which the
    rest has rows. Returns how many; None where the tables are not partitioned. Raises
    OperationalError as `make_days` does, and DatabaseError.
    """
    if connection.vendor != "postgresql":
        return None
    found = [_make_missing(table, now, keep) for table in TABLES]
    return None if None in found else sum(one or 0 for one in found)


def _make_missing(table: str, now: datetime, keep: timedelta) -> int | None:
    with connection.cursor() as cursor:
        rest = [one.name for one in partitions(cursor, table) if one.is_rest]
        if not rest:
            return None
        cursor.execute(
            "SELECT DISTINCT date_trunc('day', started_at, 'UTC') "  # noqa: S608 our names
            f"FROM {rest[0]} WHERE started_at >= %s AND started_at < %s",
            [begin(now - keep, DAY), days_ahead(now)[-1]],
        )
        days = sorted({*days_ahead(now), *(day for (day,) in cursor.fetchall())})
        made = 0
        for day in days:
            with transaction.atomic():
                made += make_days(cursor, table, [day])
    return made


def drop_old(table: str, at: datetime, counted: int | None = None) -> tuple[int, datetime]:
    """Drops the partitions whose times are all before `at`, of records only those up to the id
    `counted`. Returns the number of their rows, and the time up to which rows remain to be deleted:
    a partition that others use stays as it is for now. Raises DatabaseError.
    """
    dropped = 0
    for one in _old(table, at):
        try:
            rows = _drop(table, one.name, counted)
        except OperationalError as error:
            if database_outage(error) is not BUSY:
                raise
            rows = None
        if rows is None:
            return dropped, one.start or LONG_AGO
        dropped += rows
    return dropped, at


def has_old(at: datetime) -> bool:
    """True if a partition has only times before `at`."""
    return any(_old(table, at) for table in TABLES)


def _old(table: str, at: datetime) -> list[Partition]:
    return [one for one in _known(table) if one.end is not None and one.end <= at]


def _known(table: str) -> list[Partition]:
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        return partitions(cursor, table)


def _drop(table: str, name: str, counted: int | None) -> int | None:
    """Drops a partition and returns the number of its rows, which are counted before anybody has to
    wait. None where there was one more meanwhile, or one that is in no total yet.
    """
    look = f"SELECT coalesce(max(id), 0) FROM {name}"  # noqa: S608 a name of ours
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(look.replace("SELECT", "SELECT count(*),", 1))
        rows, last = cursor.fetchone()
        if counted is not None and last > counted:
            return None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(look)
        if cursor.fetchone() != (last,):
            return None
        cursor.execute(f"DROP TABLE {name}")
    return int(rows)


def begun_day(table: str, at: datetime) -> datetime:
    """The beginning of the day's partition in which this time is, the time itself in any other."""
    own = [one for one in _known(table) if one.covers(at) and one.start and one.end]
    return next((one.start for one in own if one.start), at)
