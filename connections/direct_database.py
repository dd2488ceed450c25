"""The way to the database past a pooler that hands its connections on after each transaction.

LISTEN, a lock that outlives a transaction and whatever else is a matter of the session need it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

SCHEMA_LOCK = 0x5377_6974_6368  # any number that nothing else of ours takes
# Parameters of Django's that are not libpq's.
NOT_OF_LIBPQ = ("context", "cursor_factory", "prepare_threshold", "autocommit")


def pooled_parameters() -> dict[str, Any]:
    """libpq's parameters of DATABASE_URL, on PostgreSQL."""
    found = connections[DEFAULT_DB_ALIAS].get_connection_params()
    return {name: value for name, value in found.items() if name not in NOT_OF_LIBPQ}


def direct_parameters() -> dict[str, Any]:
    """libpq's parameters of DATABASE_DIRECT_URL, and those of DATABASE_URL where it is not set."""
    direct = connections[DEFAULT_DB_ALIAS].settings_dict.get("DIRECT")
    return dict(direct) if direct else pooled_parameters()


@contextmanager
def schema_lock() -> Iterator[Callable[[], bool]]:
    """The lock of PostgreSQL of whoever changes the schema: a function that takes it, and says
    whether it could. It is held to the end of the block, or of the process.

    It is one of a transaction that stays open meanwhile: a pooler may hand a session on after each
    transaction, and a lock of the session with it.
    """
    import psycopg

    with psycopg.connect(**direct_parameters()) as session:
        session.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        question = f"SELECT pg_try_advisory_xact_lock({SCHEMA_LOCK})"
        yield lambda: session.execute(question).fetchone() == (True,)
