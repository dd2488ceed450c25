"""`manage.py migrate` runs one at a time. tests/upgrades/ has what only PostgreSQL does."""

import threading
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands import migrate as of_django
from django.db import InternalError, OperationalError, ProgrammingError

from backoffice import serve
from backoffice.management.commands import migrate
from backoffice.migrating import only_one
from backoffice.schema import Schema, State

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done by Django's own command, which does nothing here."""
    done: list[str] = []
    monkeypatch.setattr(of_django.Command, "handle", lambda *_, **__: done.append("migrated"))
    return done


def elsewhere() -> tuple[threading.Thread, threading.Event]:
    """Somebody who migrates until the event is set."""
    has_begun, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with only_one(0, lambda: None):
            has_begun.set()
            may_end.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert has_begun.wait(10)
    return thread, may_end


def test_who_comes_second_waits_says_so_and_goes_on_when_the_first_is_done(ran: list[str]):
    thread, may_end = elsewhere()
    said = StringIO()
    threading.Timer(0.5, lambda: (ran.append("first ended"), may_end.set())).start()
    call_command("migrate", stdout=said)
    thread.join()
    assert ran == ["first ended", "migrated"]
    assert said.getvalue().count("Another process migrates this database") == 1


def test_who_has_waited_for_long_enough_stops_with_words(ran: list[str]):
    thread, may_end = elsewhere()
    with pytest.raises(CommandError, match="longer --wait"):
        call_command("migrate", wait=0.1, stdout=StringIO())
    may_end.set()
    thread.join()
    assert ran == []


@pytest.mark.parametrize("question", ["--plan", "--check"])
def test_a_question_waits_for_nobody(ran: list[str], question: str):
    thread, may_end = elsewhere()
    call_command("migrate", question)
    may_end.set()
    thread.join()
    assert ran == ["migrated"]


def fails(monkeypatch: pytest.MonkeyPatch, error: Exception, cause: Exception | None) -> list[int]:
    """Lets Django's command fail. Gives a list with an item for each try."""
    tries: list[int] = []
    error.__cause__ = cause

    def handle(*_: Any, **__: Any) -> None:
        tries.append(1)
        raise error

    monkeypatch.setattr(of_django.Command, "handle", handle)
    monkeypatch.setattr(migrate, "PAUSE", 0)
    return tries


@pytest.mark.parametrize(
    ("error", "cause", "words", "times"),
    [
        (OperationalError, psycopg.errors.LockNotAvailable(), "pg_stat_activity", migrate.TRIES),
        (OperationalError, psycopg.errors.DeadlockDetected(), "pg_stat_activity", migrate.TRIES),
        (ProgrammingError, psycopg.errors.InsufficientPrivilege(), "give the user CREATE", 1),
        (InternalError, psycopg.errors.ReadOnlySqlTransaction(), "on the primary", 1),
        (OperationalError, None, "Check DATABASE_URL", 1),
    ],
)
def test_what_people_can_mend_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    cause: Exception | None,
    words: str,
    times: int,
):
    tries = fails(monkeypatch, error("what the server said"), cause)
    with pytest.raises(CommandError, match=words):
        call_command("migrate", stdout=StringIO())
    assert len(tries) == times


def test_a_fault_of_a_migration_stays_what_it_is(monkeypatch: pytest.MonkeyPatch):
    fails(monkeypatch, ProgrammingError("no such column"), psycopg.errors.UndefinedColumn())
    with pytest.raises(ProgrammingError, match="no such column"):
        call_command("migrate")


# At a start


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema that lacks a migration."""
    found = Schema(State.TOO_OLD, ("connections.0099_more",))
    monkeypatch.setattr("backoffice.schema.read_schema", lambda: found)


def test_a_start_migrates(old: None, ran: list[str], capsys: pytest.CaptureFixture[str]):
    serve.migrate()
    assert ran == ["migrated"] and "Preparing the database" in capsys.readouterr().out


def test_a_start_that_may_not_migrate_says_what_is_missing(
    old: None, ran: list[str], settings: Any, capsys: pytest.CaptureFixture[str]
):
    settings.MIGRATE_AT_START = False
    assert not serve.migrate()
    assert ran == [] and "Missing: connections.0099_more" in capsys.readouterr().out
