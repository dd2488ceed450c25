"""SQLite databases with every table, copied from one that a run migrates once.

Migrating takes two seconds of a core, and each process of a run and each server that is started
needs a database.
"""

import atexit
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = "TESTS_SHARED_FOLDER"  # the variable by which the processes of a run find what they share


def shared_folder() -> Path:
    """The folder of this run, for this process and for all that it starts.

    Whoever asks first makes it, and removes it in the end: with -n the process that starts the
    others, see conftest.py.
    """
    if PLACE not in os.environ:
        os.environ[PLACE] = tempfile.mkdtemp(prefix="switchboard-tests-")
        atexit.register(shutil.rmtree, os.environ[PLACE], ignore_errors=True)
    return Path(os.environ[PLACE])


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


def as_migrated(target: sqlite3.Connection) -> None:
    """Makes an open database what `migrated` gives, in a tenth of the time of Django's flush.

    That would leave it without groups as well, which each test that follows had to make.
    """
    with closing(sqlite3.connect(once("migrated.sqlite3", _migrate))) as source:
        source.backup(target)


def copied(database: Path, file: Path) -> str:
    """The address of a copy, in this file, of a database that nobody has open."""
    shutil.copy(database, file)
    return address(file)


def address(file: Path) -> str:
    """DATABASE_URL for a file of SQLite."""
    return f"sqlite:///{file}"


def _migrate(file: Path) -> None:
    keys = {
        "SECRET_KEY": "for-the-tables-only",
        "FERNET_KEYS": "for-the-tables-only-0123456789abcdef",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"],
        cwd=ROOT,
        env={**os.environ, **keys, "DATABASE_URL": address(file)},
        check=True,
    )
    closed(file)


def closed(database: Path) -> None:
    """Fails if rows are still in SQLite's log, which a copy would not have."""
    assert not Path(f"{database}-wal").exists(), f"{database} was not closed."
