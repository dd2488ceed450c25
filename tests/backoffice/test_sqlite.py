"""Writers of SQLite wait in turn."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from backoffice.databases import with_options
from backoffice.sqlite import base
from backoffice.sqlite.base import turn


def test_only_one_has_its_turn_and_the_next_comes_when_it_ends(tmp_path: Path):
    order: list[str] = []

    def other() -> None:
        with turn(tmp_path / "queue"):
            order.append("other")

    with turn(tmp_path / "queue"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.05)
        order.append("one")
    thread.join(5)
    assert order == ["one", "other"]


def test_who_waits_too_long_goes_on_out_of_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base, "TURN_WITHIN", 0.01)
    with turn(tmp_path / "queue"), turn(tmp_path / "queue"):
        pass


def test_where_no_file_can_be_made_all_go_on(tmp_path: Path):
    with turn(tmp_path / "missing" / "queue"):
        pass


def test_an_error_of_the_block_is_raised_as_it_is_and_gives_the_turn_up(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="mine"), turn(tmp_path / "queue"):
        raise FileNotFoundError("mine")
    began = time.monotonic()
    with turn(tmp_path / "queue"):
        assert time.monotonic() - began < 1


@pytest.mark.django_db  # the guard of other tests refuses any connection
def test_a_transaction_begins_in_its_turn(tmp_path: Path):
    settings = {
        "ENGINE": "backoffice.sqlite",
        "NAME": str(tmp_path / "a.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
    wrapper = ConnectionHandler({"default": settings})["default"]
    wrapper.connect()
    began = threading.Event()

    def begin() -> None:
        wrapper.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        began.set()

    wrapper.inc_thread_sharing()
    with turn(tmp_path / "a.sqlite3-queue"):
        thread = threading.Thread(target=begin)
        thread.start()
        assert not began.wait(0.05)
    assert began.wait(5)
    thread.join()
    with turn(tmp_path / "a.sqlite3-queue"):  # given up as soon as it has begun
        wrapper.rollback()
    wrapper.close()


def one_in_a_transaction_and_another(folder: Path, timeout: float) -> tuple[Any, Any]:
    options = {"transaction_mode": "IMMEDIATE", "timeout": timeout}
    settings = {
        "ENGINE": "backoffice.sqlite",
        "NAME": str(folder / "a.sqlite3"),
        "OPTIONS": options,
    }
    one, other = (ConnectionHandler({"default": settings})["default"] for _ in range(2))
    one.connect()
    other.connect()
    begin(one)
    return one, other


def begin(wrapper: Any) -> None:
    wrapper.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


@pytest.mark.django_db  # the guard of other tests refuses any connection
def test_whoever_waits_for_the_file_looks_for_it_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    one, other = one_in_a_transaction_and_another(tmp_path, timeout=5)
    looks: list[float] = []

    def look_later(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            one.rollback()

    monkeypatch.setattr(base.time, "sleep", look_later)
    begin(other)
    assert looks == [base.LOOK_EVERY] * 3
    assert other.connection.execute("PRAGMA busy_timeout").fetchone() == (5000,)
    one.close()
    other.close()


@pytest.mark.django_db
def test_whoever_waits_for_the_file_gives_up_after_its_timeout(tmp_path: Path):
    one, other = one_in_a_transaction_and_another(tmp_path, timeout=0.05)
    with pytest.raises(OperationalError, match="locked"):
        begin(other)
    one.close()
    other.close()


def test_a_long_change_waits_for_another_and_not_inside_of_a_transaction(tmp_path: Path):
    settings = {"ENGINE": "backoffice.sqlite", "NAME": str(tmp_path / "a.sqlite3")}
    wrapper = ConnectionHandler({"default": settings})["default"]
    entered = threading.Event()

    def change() -> None:
        with wrapper.long_change():
            entered.set()

    with turn(tmp_path / "a.sqlite3-long"):
        wrapper.in_atomic_block = True
        with wrapper.long_change():  # its own transaction has begun
            pass
        wrapper.in_atomic_block = False
        thread = threading.Thread(target=change)
        thread.start()
        assert not entered.wait(0.05)
    assert entered.wait(5)
    thread.join()


@pytest.mark.django_db  # the guard of other tests refuses any connection
def test_what_was_acknowledged_is_on_the_disk_and_only_counts_are_not_waited_for(tmp_path: Path):
    name = str(tmp_path / "a.sqlite3")
    settings = with_options({"ENGINE": "django.db.backends.sqlite3", "NAME": name}, 1)
    wrapper = ConnectionHandler({"default": settings})["default"]

    def level() -> Any:
        with wrapper.cursor() as cursor:
            return cursor.execute("PRAGMA synchronous").fetchone()[0]

    normal, full = 1, 2
    assert level() == full
    with wrapper.unsynced():
        assert level() == normal
    assert level() == full
    wrapper.close()


@pytest.mark.django_db  # the guard of other tests refuses any connection
def test_what_is_deleted_is_in_no_file_afterwards(tmp_path: Path):
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "a.sqlite3")}
    wrapper = ConnectionHandler({"default": with_options(settings, 1)})["default"]
    wrapper.connect()
    run = wrapper.connection.execute
    run("CREATE TABLE kept (text TEXT)")
    run("INSERT INTO kept VALUES ('sk-deleted-4c1d09')")
    run("DELETE FROM kept")

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"sk-deleted-4c1d09" in files()  # the log has the page as it was
    wrapper.drop_old_pages()
    assert b"sk-deleted-4c1d09" not in files()
    wrapper.close()
