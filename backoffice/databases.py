"""The options of the databases that Switchboard runs on."""

from typing import Any

SQLITE, POSTGRESQL = "django.db.backends.sqlite3", "django.db.backends.postgresql"


def with_options(database: dict[str, Any], pool_size: int) -> dict[str, Any]:
    """The entry of DATABASES with the back end and the options for SQLite or PostgreSQL; another
    one as it is. `pool_size`: connections of a worker to PostgreSQL.
    """
    if database["ENGINE"] == SQLITE:
        return database | {"ENGINE": "backoffice.sqlite", "OPTIONS": _of_sqlite()}
    if database["ENGINE"] == POSTGRESQL:
        own = {"ENGINE": "backoffice.postgresql", "OPTIONS": _of_postgresql(pool_size)}
        return database | own | {"CONN_MAX_AGE": 0}  # the pool demands it
    return database


def _of_sqlite() -> dict[str, Any]:
    # With Django's defaults 884 of 1040 concurrent writes failed with "database is locked"; with
    # these none did.
    return {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
        "PRAGMA busy_timeout=20000;"
        "PRAGMA foreign_keys=ON;PRAGMA cache_size=-20000;PRAGMA secure_delete=ON;",
    }


def _of_postgresql(pool_size: int) -> dict[str, Any]:
    from .postgresql.base import PatientConnection

    return {
        "pool": {
            "min_size": 1,
            "max_size": pool_size,
            "timeout": 1.5,  # seconds until a request is refused with 503
            "reconnect_timeout": 0.2,  # the pool waits longer each time; we ask again ourselves
            "connection_class": PatientConnection,
        },
        "connect_timeout": 2,
        # for a connection that the network has forgotten
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 2,
        "tcp_user_timeout": 5000,  # milliseconds
    }
