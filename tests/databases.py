"""Databases with every table, copied from one that a run migrates once.

Migrating takes two seconds of a core, and each process of a run and each server that is started
needs a database.
"""

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "template"
PLACE = "TESTS_SHARED_FOLDER"  # the variable by which the processes of a run find what they share


def shared_folder() -> Path:
    """The folder of this run, for this process and for all that it starts.

    Whoever asks first makes it, and removes it in the end: with -n the process that starts the
    others, see conftest.py.
    """
    if PLACE not in os.environ:
        os.environ[PLACE] = tempfile.mkdtemp(prefix="switchboard-tests-")
        atexit.register(_remove, Path(os.environ[PLACE]))
    return Path(os.environ[PLACE])


def _remove(folder: Path) -> None:
    made = folder / TEMPLATE
    if made.exists():
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {made.read_text()} WITH (FORCE)")
    shutil.rmtree(folder, ignore_errors=True)


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The file that `make` writes, made by the first process of a run that asks for it."""
    found = shared_folder() / name
    with (shared_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            unfinished = found.with_name(f"{name}.unfinished")
            make(unfinished)
            unfinished.rename(found)
    return found


def migrated(file: Path) -> str:
    """The address of a new SQLite database in this file. It has all tables, and the groups."""
    return copied(once("migrated.sqlite3", _migrate), file)


def template() -> str:
    """The name of a database on the PostgreSQL server of DATABASE_URL that has all tables, and the
    groups. `CREATE DATABASE ... TEMPLATE` copies it in a tenth of a second; migrating takes six.
    """
    return once(TEMPLATE, _make_template).read_text()


def _make_template(file: Path) -> None:
    given, name = (
        os.environ.get("DATABASE_DIRECT_URL") or os.environ["DATABASE_URL"],
        f"switchboard_{uuid4().hex[:12]}",
    )
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    _run_migrate(urlsplit(given)._replace(path=f"/{name}").geturl())
    file.write_text(name)


def copied(database: Path, file: Path) -> str:
    """The address of a copy, in this file, of a database that nobody has open."""
    shutil.copy(database, file)
    return address(file)


def address(file: Path) -> str:
    """DATABASE_URL for a file of SQLite."""
    return f"sqlite:///{file}"


def _migrate(file: Path) -> None:
    _run_migrate(address(file))
    closed(file)


def _run_migrate(database: str) -> None:
    keys = {
        "SECRET_KEY": "another-for-the-tables-only-0123456789",
        "FERNET_KEYS": "for-the-tables-only-0123456789abcdef",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"],
        cwd=ROOT,
        env={**os.environ, **keys, "DATABASE_URL": database},
        check=True,
    )


def closed(database: Path) -> None:
    """Fails if rows are still in SQLite's log, which a copy would not have."""
    assert not Path(f"{database}-wal").exists(), f"{database} was not closed."
