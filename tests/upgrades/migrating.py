"""`manage.py` on databases of PostgreSQL that are empty, old, in use, or not ours to change.

Run by `make test-upgrades`.
"""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.connections.api.serving import ROOT, environment
from tests.databases import address

from .rolling import POSTGRESQL

SERVER = POSTGRESQL.rpartition("/")[0]
OLD = "0036_answers_for_teams"
QUESTIONS = (["check"], ["help"], ["--version"], ["migrate", "--plan"], ["showmigrations"])


def named(name: str) -> str:
    return f"{SERVER}/{name}"


def manage(database: str, *arguments: str) -> "subprocess.Popen[str]":
    """`manage.py`, running."""
    return subprocess.Popen(
        [sys.executable, "-u", "manage.py", *arguments],
        cwd=ROOT,
        env=environment(database),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def done(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Its exit code, and what it said."""
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


@pytest.fixture(scope="module")
def make() -> Iterator[Callable[..., str]]:
    """Makes a database, a copy of another one if it is named. Gives its name."""
    made: list[str] = []
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:

        def create(template: str = "template1") -> str:
            made.append(f"upgrades_{uuid4().hex[:12]}")
            server.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {template}")
            return made[-1]

        yield create
        for name in made:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def old(make: Callable[..., str]) -> str:
    """The name of a database of some releases before."""
    name = make()
    assert done(manage(named(name), "migrate", "-v0", "connections", OLD)) == (0, "")
    return name


def test_four_that_migrate_at_once_all_succeed(make: Callable[..., str]):
    name = make()
    ended = [done(one) for one in [manage(named(name), "migrate", "-v0") for _ in range(4)]]
    assert [code for code, _ in ended] == [0, 0, 0, 0]
    assert sum("Another process migrates" in said for _, said in ended) >= 1
    with psycopg.connect(named(name)) as database:
        count = "SELECT count(*), count(DISTINCT (app, name)) FROM django_migrations"
        rows: Any = database.execute(count).fetchone()
    assert rows[0] == rows[1] > 100


@pytest.mark.parametrize("kind", ["an empty PostgreSQL", "an old PostgreSQL", "an empty SQLite"])
def test_commands_need_no_table(kind: str, make: Callable[..., str], old: str, tmp_path: Path):
    databases = {
        "an empty PostgreSQL": named(make()),
        "an old PostgreSQL": named(old),
        "an empty SQLite": address(tmp_path / "empty.sqlite3"),
    }
    running = [manage(databases[kind], *one) for one in QUESTIONS]
    assert [(one.args, said) for one in running for code, said in [done(one)] if code] == []


def test_one_that_was_killed_is_run_again(make: Callable[..., str]):
    name = make()
    first = manage(named(name), "migrate")
    assert first.stdout
    for line in first.stdout:
        if "connections.0029" in line:
            first.send_signal(signal.SIGKILL)
            break
    first.communicate()
    code, said = done(manage(named(name), "migrate"))
    assert (first.returncode, code) == (-signal.SIGKILL, 0)
    assert "connections.0001_squashed" not in said and "connections.0044" in said


def test_whoever_reads_a_table_does_not_hold_up_all_others(make: Callable[..., str], old: str):
    name = make(old)
    with psycopg.connect(named(name)) as reader:
        reader.execute("SELECT count(*) FROM connections_historicalconnection")
        migrating = manage(named(name), "migrate")
        assert migrating.stdout
        for line in migrating.stdout:
            if "in use by others" in line:
                break
        else:
            raise AssertionError("It did not wait for the reader.")
        with psycopg.connect(named(name), options="-c statement_timeout=4s") as other:
            other.execute("SELECT count(*) FROM connections_historicalconnection")
    code, said = done(migrating)
    assert code == 0, said


def test_a_user_who_may_not_change_the_schema_is_told_so(make: Callable[..., str], old: str):
    name, user = make(old), f"reader_{uuid4().hex[:8]}"
    with psycopg.connect(named(name), autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {user} LOGIN")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
        try:
            address_of_user = named(name).replace("//postgres@", f"//{user}@")
            code, said = done(manage(address_of_user, "migrate"))
        finally:
            owner.execute(f"DROP OWNED BY {user}")
            owner.execute(f"DROP ROLE {user}")
    assert code == 1 and "may not change the schema" in said and "Traceback" not in said


def test_a_database_that_can_only_be_read_is_told_so(make: Callable[..., str], old: str):
    name = make(old)
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    code, said = done(manage(named(name), "migrate"))
    assert code == 1 and "can only be read" in said and "Traceback" not in said
