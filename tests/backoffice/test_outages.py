"""A database that is away, hangs or is full: every door says so at once, and nothing is changed."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connections
from django.test import Client

from backoffice.postgresql import base, server
from connections.models import Connection
from connections.outages import answered_within
from tests.connections.api.calls import MERGE, Api, token_of
from tests.connections.api.serving import environment, running
from tests.pages import words
from tests.people import browser

DOORS = {
    "/v1/models": "database_unavailable",
    "/api/v1/connections": "database_unavailable",
    "/promptflow/a-token/connections": "database_unavailable",
    "/connections/": "The database does not answer",
    "/health/ready": '"database": "failed"',
}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def asked(url: str) -> tuple[int, float, Any, str]:
    """Status, seconds, headers and text."""
    headers = {"Authorization": "Bearer sb_any", "Cookie": "sessionid=0123456789abcdef"}
    began = time.monotonic()
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = answer.read().decode()
    return answer.status, time.monotonic() - began, answer.headers, text


def test_every_door_refuses_at_once_while_the_database_hangs(silent: socket.socket, tmp_path: Path):
    address = f"postgres://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
    with running(environment(address), tmp_path / "log", "--graceful-timeout=1") as one:
        for path, said in DOORS.items():
            status, seconds, headers, text = asked(one.url + path)
            assert (path, status, said in text) == (path, 503, True), text
            assert seconds < (1.0 if path == "/health/ready" else 2.0), path
            assert path == "/health/ready" or headers["Retry-After"] == "1", path
        assert asked(one.url + "/health/live")[0] == 200
        log = one.log.read_text()
    # one line for each of the two workers that was asked
    assert 1 <= log.count("The database is away") <= 2 and "Traceback" not in log


@pytest.mark.parametrize("is_open", [True, False], ids=["silent", "closed"])
def test_a_server_is_known_to_be_away_within_half_a_second(
    monkeypatch: pytest.MonkeyPatch, silent: socket.socket, is_open: bool
):
    parameters = {"host": "127.0.0.1", "port": silent.getsockname()[1], "dbname": "none"}
    if not is_open:
        silent.close()
    monkeypatch.setattr(server, "direct_parameters", lambda: parameters)
    monkeypatch.setattr(server, "pooled_parameters", lambda: parameters)
    began = time.monotonic()
    assert not server._answers() and time.monotonic() - began < 0.8


@pytest.mark.parametrize(
    ("message", "is_refusal"),
    [
        (b"FATAL:  sorry, too many clients already", True),
        (b'FATAL:  password authentication failed for user "a"', True),
        (b"FATAL:  the database system is starting up", False),
        (b"FATAL:  the database system is shutting down", False),
        (b"Connection refused", False),
        (b"server closed the connection unexpectedly", False),
    ],
)
def test_a_server_that_refuses_runs_and_one_that_starts_does_not(message: bytes, is_refusal: bool):
    assert server._is_refusal(message) is is_refusal


class Waiting(base.PatientConnection):
    """A connection whose statement is not done before `rounds` times ASK_AFTER."""

    def __init__(self, rounds: int) -> None:
        self.rounds, self.is_closed = rounds, False

    def close(self) -> None:
        self.is_closed = True

    def __del__(self) -> None:
        pass


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    def wait(self: Waiting, *_: Any) -> str:
        self.rounds -= 1
        if self.rounds >= 0:
            raise psycopg.errors._WaitTimeout
        return "done"

    monkeypatch.setattr(psycopg.Connection, "wait", wait)
    return Waiting(3)


def test_a_slow_statement_of_a_server_that_answers_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, slow: Waiting
):
    monkeypatch.setattr(server.DATABASE, "_answers", lambda: True)
    assert (slow.wait(None), slow.is_closed) == ("done", False)


def test_a_statement_ends_when_nobody_can_wait_for_it(
    monkeypatch: pytest.MonkeyPatch, slow: Waiting
):
    monkeypatch.setattr(server.DATABASE, "_answers", lambda: True)
    with answered_within(0), pytest.raises(psycopg.OperationalError):
        slow.wait(None)
    assert (slow.rounds, slow.is_closed) == (2, True)


def test_a_statement_ends_with_its_server(monkeypatch: pytest.MonkeyPatch, slow: Waiting):
    monkeypatch.setattr(server.DATABASE, "is_away", True)
    with pytest.raises(psycopg.OperationalError):
        slow.wait(None)
    assert (slow.rounds, slow.is_closed) == (2, True)


def test_an_idle_connection_that_the_server_ended_is_noticed():
    ours, theirs = socket.socketpair()

    def consume_input() -> None:
        if not ours.recv(100):
            raise psycopg.OperationalError

    one = SimpleNamespace(fileno=ours.fileno, pgconn=SimpleNamespace(consume_input=consume_input))
    with ours:
        assert not base._has_ended(one)
        theirs.send(b"a notice")
        assert not base._has_ended(one)
        theirs.close()
        assert base._has_ended(one)


@pytest.fixture
def full(connection, administrator, operator) -> Iterator[Connection]:
    """A saved connection in a database that cannot grow: SQLite's error for a full disk."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON connections_connection "
            "BEGIN INSERT INTO filler VALUES (zeroblob(100000000)); END"
        )
        cursor.execute("CREATE TABLE filler (content BLOB)")
        cursor.execute("PRAGMA max_page_count = 1")
        yield connection
        cursor.execute("PRAGMA max_page_count = 1073741823")


@pytest.mark.django_db
def test_switching_off_on_a_full_disk_says_that_it_did_not(full: Connection, administrator):
    api = Api(token_of(administrator))
    answer = api("PATCH", f"/connections/{full.alias}", {"isActive": False}, MERGE)
    body = json.loads(answer.content)
    assert (answer.status_code, body["code"]) == (507, "database_full")
    assert "Nothing was changed. Make room" in body["detail"]
    assert Connection.objects.get().is_active


@pytest.mark.django_db
def test_the_page_says_it_where_htmx_looks(full: Connection, operator):
    client = browser(operator)
    client.raise_request_exception = False
    answer = client.post(f"/connections/{full.pk}/toggle/", headers={"HX-Request": "true"})
    assert answer.status_code == 507 and "Nothing was changed. Make room" in words(answer)
    assert b'id="main"' in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("secret-host"), InterfaceError("secret-host")])
def test_a_page_without_a_database_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
):
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "0123456789abcdef"
    monkeypatch.setattr(type(connections["default"]), "cursor", broken)
    answer = client.get("/connections/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "secret-host" not in answer.text + caplog.text and "Traceback" not in caplog.text


@pytest.mark.django_db
def test_a_statement_that_is_wrong_is_a_fault(monkeypatch: pytest.MonkeyPatch):
    def wrong(*_: Any) -> Any:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", wrong)
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "0123456789abcdef"
    assert client.get("/connections/").status_code == 500
