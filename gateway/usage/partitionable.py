"""Whether the tables of usage can be partitioned here, and what is in the way."""

from typing import Any

from django.conf import settings
from django.db import connection

from .partitions import AHEAD, TABLES

ROOM = 4  # statements at once, each of which locks every partition with its indexes


class PartitioningError(Exception):
    """The tables cannot be partitioned, or not now. The message says the cause and the cure."""


# What refers to a table by its identity would go on with the old one, or is not possible
IN_THE_WAY = """
SELECT 'the view ' || ev_class::regclass FROM pg_rewrite, pg_depend
WHERE objid = pg_rewrite.oid AND classid = 'pg_rewrite'::regclass
    AND refclassid = 'pg_class'::regclass AND refobjid = %(table)s::regclass
    AND ev_class <> refobjid
UNION SELECT 'the trigger ' || tgname FROM pg_trigger
WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal
UNION SELECT 'the foreign key ' || conname FROM pg_constraint
WHERE contype = 'f' AND %(table)s::regclass IN (conrelid, confrelid)
UNION SELECT 'the unique index ' || indexrelid::regclass FROM pg_index
WHERE indrelid = %(table)s::regclass AND indisunique AND NOT indisprimary
    AND indexrelid IS DISTINCT FROM to_regclass(%(key)s)
UNION SELECT 'the publication ' || pubname FROM pg_publication_rel, pg_publication
WHERE prrelid = %(table)s::regclass AND prpubid = pg_publication.oid
"""
OWNS = "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass"
LOCKS = """
SELECT current_setting('max_locks_per_transaction')::int,
    current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int,
    (SELECT count(*) FROM pg_index WHERE indrelid = ANY (%s::regclass[])) + %s
"""


def refuse(cursor: Any, table: str) -> None:
    """Raises PartitioningError where it would not end well."""
    cursor.execute(IN_THE_WAY, {"table": table, "key": key_name(table)})
    if found := ", ".join(sorted(name for (name,) in cursor.fetchall())):
        raise PartitioningError(
            f"{table} is used by {found}. Take that away first; a view can be made again after."
        )
    with connection.cursor() as ours:
        ours.execute(OWNS, [table])
        if ours.fetchone() != (True,):
            raise PartitioningError(
                "The user of DATABASE_URL does not own the tables, and makes the partitions of the "
                f"days to come: ALTER TABLE {table} OWNER TO that user first."
            )
    _refuse_too_many(cursor)


def _refuse_too_many(cursor: Any) -> None:
    """A statement that names no time locks every partition with its indexes, in a table of locks of
    a fixed size that all share.
    """
    days = settings.GATEWAY_USAGE_DAYS
    if days < 1:
        raise PartitioningError(
            "GATEWAY_USAGE_DAYS is 0: records are kept for ever, and so would partitions be."
        )
    cursor.execute(LOCKS, [list(TABLES), len(TABLES)])
    each, sessions, of_a_day = cursor.fetchone()
    needed = (days + AHEAD + 3) * of_a_day * ROOM
    if needed > each * sessions:
        most = each * sessions // (of_a_day * ROOM) - AHEAD - 3
        raise PartitioningError(
            f"GATEWAY_USAGE_DAYS={days} makes more partitions than PostgreSQL can lock. Set it to "
            f"{max(most, 1)} at most, or max_locks_per_transaction of PostgreSQL to "
            f"{-(-needed // sessions)} at least (now {each})."
        )


def key_name(table: str) -> str:
    """The index that becomes the primary key of what is there."""
    return f"{table}_before_pkey"
