"""The system check of PostgreSQL: `manage.py check --deploy` for what an instance takes of its
connections. How many instances there are, none of them knows.
"""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register
from django.db import DEFAULT_DB_ALIAS, connections

from connections.direct_database import direct_parameters

LEAST = 2  # instances: during an upgrade there are the old and the new one
# reserved_connections came with PostgreSQL 16
ROOM = """
SELECT least(
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0),
    (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
    (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user)
)
"""


@register("connections", deploy=True)
def check_room(**_kwargs: Any) -> list[CheckMessage]:
    """PostgreSQL has room for all connections that two instances like this one may take."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql":
        return []
    import psycopg  # not where the database is SQLite: it would make each start longer

    try:
        with psycopg.connect(**direct_parameters(), autocommit=True) as server:
            row = server.execute(ROOM).fetchone()
    except psycopg.Error:  # `/health/ready` says so
        return []
    room, (most, words) = int(row[0]) if row else 0, _of_an_instance(database.settings_dict)
    if LEAST * most <= room:
        return []
    return [
        Warning(
            f"An instance with these settings may take {most} connections to PostgreSQL ({words}), "
            f"and {room} are to be had for all: room for {room // most} such instance(s).",
            hint="Lower DATABASE_POOL_SIZE or WEB_CONCURRENCY, raise max_connections, or put a "
            "pooler in between: docs/scaling.md.",
            id="connections.W008",
        )
    ]


def _of_an_instance(database: dict[str, Any]) -> tuple[int, str]:
    """The most connections to PostgreSQL itself, and how they are counted."""
    workers = settings.WEB_CONCURRENCY
    if database.get("DIRECT"):
        return workers, f"one that listens of {workers} worker(s), past the pooler"
    pool = database["OPTIONS"]["pool"]["max_size"]
    return workers * (pool + 1), f"{workers} worker(s) x (DATABASE_POOL_SIZE {pool} + 1 to listen)"
