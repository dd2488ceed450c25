"""Tables of usage that are partitioned, in a database of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from django.db import connection

from tests.databases import template


@contextmanager
def own_database() -> Iterator[str]:
    """Lets this process work on another database of the same server of PostgreSQL, one that has all
    tables. Gives its name.
    """
    given = os.environ.get("DATABASE_DIRECT_URL") or os.environ["DATABASE_URL"]
    name, known = f"switchboard_{uuid4().hex[:12]}", connection.settings_dict
    kept = {one: known.get(one) for one in ("NAME", "DIRECT")}
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template()}")
        try:
            _leave()
            known |= {"NAME": name, "DIRECT": kept["DIRECT"] and kept["DIRECT"] | {"dbname": name}}
            yield name
        finally:
            _leave()
            known |= kept
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _leave() -> None:
    """Ends the connections of this process, those of its pool too."""
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()


def names(table: str) -> set[str]:
    """Of the partitions of a table, without its own name before them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)",
            [table],
        )
        return {name.removeprefix(f"{table}_") for (name,) in cursor.fetchall()}
