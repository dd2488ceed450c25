"""A backup of an older version is brought up to date, as an upgrade would have done."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.databases import migrated

ROOT = Path(__file__).resolve().parents[3]
# the table of the last migration is not there yet
MAKE = """
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", "connections", "0043", verbosity=0)
User.objects.bulk_create([User(username="ada")])
call_command("backup", {file!r})
"""


def run(database: str, *line: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *line],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database, "CACHE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_older_backup_has_the_newest_tables_afterwards(tmp_path: Path):
    file = str(tmp_path / "old.zip")
    said = run(migrated(tmp_path / "a.sqlite3"), "shell", "-v", "0", "-c", MAKE.format(file=file))
    assert "1 user" in said
    run(migrated(tmp_path / "b.sqlite3"), "restore", file)
    with sqlite3.connect(tmp_path / "b.sqlite3") as database:
        assert database.execute("SELECT username FROM auth_user").fetchall() == [("ada",)]
        assert database.execute("SELECT count(*) FROM connections_auditstream").fetchone() == (0,)
        # the rights of models are those that were there, and none is there twice
        twice = (
            "SELECT 1 FROM auth_permission GROUP BY codename, content_type_id HAVING count(*) > 1"
        )
        assert database.execute(twice).fetchall() == []
