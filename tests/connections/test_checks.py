"""System checks: `manage.py check --tag connections`."""

import secrets
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection as database

from connections.checks import rows_can_be_read
from connections.models import Connection
from tests.fakes import OLDER_KEY, connect

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]


def found(*identifiers: str) -> dict[str, str]:
    """What the checks of this app say, by identifier."""
    return {
        one.id: f"{one.msg} {one.hint}"
        for one in run_checks(tags=["connections"], databases=["default"])
    }


@pytest.mark.server
def test_a_sound_database_has_nothing_to_say(connection: Connection):
    assert found() == {}


@pytest.mark.server
@pytest.mark.usefixtures("connection")
def test_a_table_that_waits_for_a_migration_is_not_read():
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE connections_connection RENAME COLUMN sort_key TO later")
    assert rows_can_be_read() is False


@pytest.mark.parametrize("nothing", [[], None])
def test_missing_keys_are_an_error(settings, nothing):
    settings.FERNET_KEYS = nothing
    assert "connections.E001" in found()
    with pytest.raises(SystemCheckError, match="FERNET_KEYS is not set"):
        call_command("check")


def test_a_key_that_can_be_guessed_is_an_error_that_does_not_show_it(settings):
    settings.FERNET_KEYS = ["correct-horse", OLDER_KEY]
    assert "connections.E002" in found() and "correct-horse" not in str(found())


GUESSED = {
    "one character": "a" * 40,
    "a word": "secret" * 8,
    "counted": "0123456789" * 4,
    "the alphabet": "abcdefghijklmnopqrstuvwxyz012345",
    "of a project's template": "django-insecure-9x!k2m#v7p@q4z&w1s$e8r^t5y",
}


@pytest.mark.parametrize("key", GUESSED.values(), ids=GUESSED)
def test_a_long_key_that_nobody_made_at_random_is_an_error(settings, key: str):
    settings.FERNET_KEYS = [OLDER_KEY, key]
    assert "connections.E004" in found() and key not in str(found())
    settings.FERNET_KEYS = [OLDER_KEY]
    settings.SECRET_KEY = key
    assert "connections.E005" in found() and key not in str(found())
    settings.DEBUG = True
    assert found() == {}


def test_a_short_secret_key_is_an_error(settings):
    settings.SECRET_KEY = "q7Z-k2Lm9vXw"
    assert set(found()) == {"connections.E005"}


def test_random_keys_and_long_passphrases_are_none(settings):
    for key in (
        "correct horse battery staple and more",
        secrets.token_hex(16),
        secrets.token_urlsafe(50),
        Fernet.generate_key().decode(),
    ):
        settings.FERNET_KEYS = [key]
        assert found() == {}


def test_the_secret_key_is_no_encryption_key(settings):
    settings.SECRET_KEY = "one-key-for-both-0123456789abcdefgh"
    settings.FERNET_KEYS = [OLDER_KEY, settings.SECRET_KEY]
    assert set(found()) == {"connections.E003"}


@pytest.mark.server
def test_a_row_without_its_provider_is_a_warning(connection: Connection):
    Connection.objects.update(provider_id="gone")
    assert "1 connection(s) have the provider 'gone'" in found()["connections.W001"]


@pytest.mark.parametrize(
    ("reference", "state"),
    [("$Fake:ApiKey", "missing"), ("$Database:Url", "denied"), ("$", "error")],
)
def test_an_unresolved_reference_is_a_warning_with_its_users_and_its_cure(
    connection: Connection, reference: str, state: str
):
    Connection.objects.update(settings={"api_key": reference})
    said = found()["connections.W002"]
    assert (
        f"{reference} is {state}, used by 1 connection(s): production." in said and len(said) > 80
    )


def test_a_resolved_reference_is_no_warning(fake, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": "x"}}
    connect(settings={"api_key": "$Fake:ApiKey"})
    assert found() == {}


def test_a_placeholder_behind_a_reference_is_a_warning_that_does_not_show_it(fake, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": "sk-..."}}
    connect(settings={"api_key": "$Fake:ApiKey"})
    said = found()["connections.W009"]
    assert "$Fake:ApiKey holds a placeholder, used by 1 connection(s)" in said and "sk-" not in said


@pytest.mark.server
def test_a_lost_key_is_a_warning_with_a_count(connection: Connection, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    assert "credentials of 1 connection(s) cannot be decrypted" in found()["connections.W003"]


def test_the_command_shows_warnings_and_passes(connection: Connection):
    Connection.objects.update(settings={"api_key": "$Fake:ApiKey"})
    out = StringIO()
    call_command("check", "--tag", "connections", stderr=out)
    assert "connections.W002" in out.getvalue()


@pytest.mark.server
def test_before_the_first_migrate_the_checks_pass(tmp_path: Path):
    environment = {
        "SECRET_KEY": "of-one-test-only-0123456789abcdefgh",
        "FERNET_KEYS": OLDER_KEY,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'new.sqlite3'}",
        "PATH": "",
    }
    command = [
        sys.executable,
        "manage.py",
        "check",
        "--tag",
        "connections",
        "--database",
        "default",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
