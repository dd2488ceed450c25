"""The commands of backups: what they say, what they ask, and how they end."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from connections.models import Connection
from tests.fakes import NEWEST_KEY, OLDER_KEY, connect

from .world import fill

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
PHRASE = "tall lamps read slowly"


def run(*line: Any) -> str:
    said = StringIO()
    call_command(*map(str, line), stdout=said, stderr=said)
    return said.getvalue()


@pytest.fixture
def file(tmp_path: Path, fake: Any, administrator: User) -> Path:
    """A backup with its keys."""
    fill(administrator)
    (tmp_path / "phrase").write_text(f"{PHRASE}\n")
    run("backup", tmp_path / "a.zip", "--with-keys", "--passphrase-file", tmp_path / "phrase")
    return tmp_path / "a.zip"


def test_backup_says_what_is_in_it(tmp_path: Path, fake: Any, administrator: User):
    fill(administrator)
    said = run("backup", tmp_path / "a.zip")
    assert "2 connections, 1 profile, 1 user, 2 usage records;" in said
    assert "read again and whole" in said and "The keys are not in it." in said


def test_a_weak_passphrase_is_refused(tmp_path: Path):
    (tmp_path / "phrase").write_text("short")
    with pytest.raises(CommandError, match="12 to"):
        run("backup", tmp_path / "a.zip", "--with-keys", "--passphrase-file", tmp_path / "phrase")
    assert [one.name for one in tmp_path.iterdir()] == ["phrase"]


def test_the_keys_come_back_by_the_passphrase_alone(file: Path, settings: Any):
    keys = file.with_name("keys.env")
    assert NEWEST_KEY.encode() not in file.read_bytes()
    settings.FERNET_KEYS = []
    said = run("restore", file, "--keys-to", keys, "--passphrase-file", file.with_name("phrase"))
    assert f"FERNET_KEYS='{NEWEST_KEY}'" in keys.read_text() and NEWEST_KEY not in said
    assert f"SECRET_KEY='{settings.SECRET_KEY}'" in keys.read_text()
    assert keys.stat().st_mode & 0o777 == 0o600


def test_a_wrong_passphrase_writes_nothing(file: Path):
    file.with_name("other").write_text("another passphrase")
    with pytest.raises(CommandError, match="passphrase is wrong"):
        run(
            "restore",
            file,
            "--keys-to",
            file.with_name("keys"),
            "--passphrase-file",
            file.with_name("other"),
        )
    assert not file.with_name("keys").exists()


def test_restore_asks_before_it_replaces(file: Path, monkeypatch: pytest.MonkeyPatch):
    connect(name="Since", alias="since")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _text: "yes")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("restore", file, "--replace")
    assert Connection.every.filter(alias="since").exists()
    monkeypatch.setattr("builtins.input", lambda _text: "restore")
    said = run("restore", file, "--replace")
    assert not Connection.every.filter(alias="since").exists()
    assert "All are signed out" in said and "before-restore-" in said


def test_restore_does_not_ask_where_nobody_answers(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(CommandError, match="--yes"):
        run("restore", file, "--replace")


def test_restore_names_what_is_in_force_again(file: Path):
    Connection.every.filter(alias="one").update(is_active=False)
    said = run("restore", file, "--replace", "--yes", "--no-safety-copy")
    assert "since the backup: 1 connections: one" in said
    assert len([*file.parent.glob("before-*")]) == 0


@pytest.mark.parametrize(("keys", "code"), [(NEWEST_KEY, 0), (OLDER_KEY, 3)])
def test_a_check_needs_no_database_and_ends_by_what_it_found(file: Path, keys: str, code: int):
    own = {"FERNET_KEYS": keys, "DATABASE_URL": "sqlite:////nowhere/at/all", "CACHE_URL": ""}
    done = subprocess.run(
        [sys.executable, "manage.py", "backup", "--check", str(file)],
        cwd=ROOT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert f"{file} is whole" in done.stdout + done.stderr


def test_a_damaged_file_ends_a_check_with_1(file: Path):
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(CommandError, match="not a whole backup") as refused:
        run("backup", "--check", file)
    assert refused.value.returncode == 1
