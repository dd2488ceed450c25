"""Fills throw-away databases, measures, prints tables. Nothing here is asserted: read it, compare ratios between runs."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "10000"))
SERVER = os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
PARTS = sys.argv[1:] or ["process", "api"]


def main() -> None:
    """The parts named on the command line, or all: `process` and `api`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.sqlite3"
        os.environ |= {"DATABASE_URL": f"sqlite:///{path}", "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
        os.environ |= {"OpenAI__Organization": "org-bench", "API_THROTTLE_RATE": "1000000000/min", "LOG_LEVEL": "ERROR"}
        migrate()
        if "process" in PARTS:
            from bench.in_process import measure

            measure(path, CONNECTIONS)
        if "api" in PARTS:
            api("SQLite", os.environ["DATABASE_URL"])
            on_postgresql()


def migrate() -> None:
    """Loads Django and makes the tables."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def api(name: str, url: str) -> None:
    """Measures the API on one database, in a process of its own: Django knows one database."""
    print(f"\nAPI on {name}", flush=True)
    subprocess.run([sys.executable, "-m", "bench.api", str(CONNECTIONS)], env=os.environ | {"DATABASE_URL": url}, check=True)


def on_postgresql() -> None:
    """Measures on a database made for it, or says that there is no server."""
    import psycopg

    name = "switchboard_bench"
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError:
        print(f"\nPostgreSQL does not answer at {SERVER}: not measured. BENCH_DATABASE_URL names another.")
        return
    with server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
        try:
            api("PostgreSQL", SERVER.rpartition("/")[0] + f"/{name}")
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
