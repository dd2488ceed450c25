"""The databases that Switchboard runs on, and their options."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .environment import BASE_DIR, Environment

SQLITE, POSTGRESQL = "django.db.backends.sqlite3", "django.db.backends.postgresql"
IN_MEMORY = ":memory:"


# What libpq calls dbname is NAME in Django's settings; of these the names are the same.
OF_LIBPQ = ("user", "password", "host", "port")


def read_databases(env: Environment) -> dict[str, Any]:
    """Django's DATABASES. Raises ImproperlyConfigured."""
    pool_size = env.whole("DATABASE_POOL_SIZE", 10, least=1, most=1000)
    main = env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'switchboard.sqlite3'}")
    direct = _beside(main, env, "DATABASE_DIRECT_URL")
    databases = {"default": with_options(main, pool_size)}
    if direct:
        databases["default"]["DIRECT"] = _parameters(direct)
    if replica := _beside(main, env, "DATABASE_REPLICA_URL"):
        databases["replica"] = _of_replica(replica, pool_size)
    return databases


def _of_replica(database: dict[str, Any], pool_size: int) -> dict[str, Any]:
    """Django's own back end: ours takes every outage for one of the primary."""
    pool = {"min_size": 0, "max_size": pool_size, "timeout": 1.5}
    options = {"pool": pool} | _waiting() | database.get("OPTIONS", {})
    return database | {
        "OPTIONS": options,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # it may be behind a pooler too
        "TEST": {"MIRROR": "default"},
    }


def _beside(main: dict[str, Any], env: Environment, name: str) -> dict[str, Any]:
    """Another address of PostgreSQL, empty where it is not set. Raises ImproperlyConfigured."""
    if not env.given(name):
        env.note(name, "", "an address of postgres://")
        return {}
    found = env.database(name, "")
    if {main["ENGINE"], found["ENGINE"]} != {POSTGRESQL}:
        raise ImproperlyConfigured(
            f"{name} is set, and not both it and DATABASE_URL are addresses of PostgreSQL. Take it "
            "out, or correct one of them."
        )
    return found


def _parameters(database: dict[str, Any]) -> dict[str, Any]:
    """libpq's parameters for a database of Django's settings."""
    named = {name: database.get(name.upper()) for name in OF_LIBPQ}
    given = {name: value for name, value in named.items() if value}
    return {"dbname": database["NAME"], **given, **_waiting(), **database.get("OPTIONS", {})}


def with_options(database: dict[str, Any], pool_size: int) -> dict[str, Any]:
    """The entry of DATABASES with the back end and the options for SQLite or PostgreSQL; another
    one as it is. `pool_size`: connections of a worker to PostgreSQL.
    """
    if database["ENGINE"] == SQLITE:
        given = str(database["NAME"])
        # not below the folder in which a command is called, which would find no rows
        name = given if given == IN_MEMORY else str(BASE_DIR / given)
        return database | {"ENGINE": "backoffice.sqlite", "NAME": name, "OPTIONS": _of_sqlite()}
    if database["ENGINE"] == POSTGRESQL:
        options = _of_postgresql(pool_size) | database.get("OPTIONS", {})
        own = {"ENGINE": "backoffice.postgresql", "OPTIONS": options}
        return database | own | {"CONN_MAX_AGE": 0}  # the pool demands it
    return database


def _of_sqlite() -> dict[str, Any]:
    # With Django's defaults 884 of 1040 concurrent writes failed with "database is locked"; with
    # these none did. FULL: what was acknowledged is on the disk, as with PostgreSQL. NORMAL would
    # lose all since the last checkpoint at a power cut (sqlite.org/pragma.html#pragma_synchronous).
    # 4 MB of pages for each thread: with 20 a worker had 80 MB more after lists of 10,000
    # connections, and its pages took as long, since the system has the file in memory anyway.
    return {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
        "PRAGMA busy_timeout=20000;"
        "PRAGMA foreign_keys=ON;PRAGMA cache_size=-4000;PRAGMA secure_delete=ON;",
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
        **_waiting(),
    }


def _waiting() -> dict[str, Any]:
    return {
        "connect_timeout": 2,
        # for a connection that the network has forgotten
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 2,
        "tcp_user_timeout": 5000,  # milliseconds
    }
