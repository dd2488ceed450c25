"""Throw-away databases."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER = os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
NAME = "switchboard_bench"


@contextmanager
def postgresql(name: str = NAME) -> Iterator[str | None]:
    """The address of an empty database of this name, dropped afterwards; None, and a line that says
    so, if no server answers.
    """
    import psycopg

    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError:
        print(
            f"PostgreSQL does not answer at {SERVER}: not measured. BENCH_DATABASE_URL names "
            "another.\n"
        )
        yield None
        return
    with server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield SERVER.rpartition("/")[0] + f"/{name}"
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class ConnectionCount:
    """Counts the connections that others have to the database at `url`; `most` is None unless it is
    PostgreSQL.
    """

    most: int | None = None

    def __init__(self, url: str | None) -> None:
        import psycopg

        name = (url or "").rpartition("/")[2]
        self.server = (
            psycopg.connect(SERVER, autocommit=True) if url and url.startswith("postgres") else None
        )
        self.query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"

    def look(self) -> None:
        """Counts once, and keeps the highest number."""
        if self.server:
            self.most = max(self.most or 0, self.server.execute(self.query).fetchone()[0])  # type: ignore[index]
