"""The database that is used, as backups read and write it."""

from django.db import connection

from .dialects import Dialect
from .on_postgresql import PostgreSQL
from .on_sqlite import SQLite


def dialect() -> Dialect:
    """The one of its kind."""
    return PostgreSQL() if connection.vendor == "postgresql" else SQLite()
