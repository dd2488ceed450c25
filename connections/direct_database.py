"""The way to the database past a pooler that hands its connections on after each transaction.

LISTEN, a lock that outlives a transaction and whatever else is a matter of the session need it.
"""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

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
