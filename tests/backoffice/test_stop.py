"""How a server renews its workers and how it stops, as a client and systemd see it: one server that
lives through both.
"""

import http.client
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.connections.api.serving import Server, environment, running
from tests.databases import migrated

DRAIN_SECONDS = 2.0


@dataclass
class Story:
    """What was seen. `notices`: what systemd was told; `renewing`: answers while the workers were
    renewed, by status; `draining`: answers, each the status and the header `Connection`, between
    the signal to stop and the end of the port; `ended_by`: the server's exit code.
    """

    notices: list[str] = field(default_factory=list)
    renewing: Counter[str] = field(default_factory=Counter)
    workers: tuple[set[int], set[int]] = (set(), set())
    draining: dict[str, set[tuple[int, str | None]]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    ended_by: int | None = None
    url: str = ""
    log: str = ""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A server whose workers are renewed under requests, and that is stopped while clients hold
    connections without a request.
    """
    place, found = tmp_path_factory.mktemp("stop"), Story()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(place / "notify"))
        variables = environment(
            migrated(place / "stop.sqlite3"),
            WEB_CONCURRENCY="2",
            GRACEFUL_TIMEOUT="120",
            DRAIN_SECONDS=str(DRAIN_SECONDS),
            NOTIFY_SOCKET=str(place / "notify"),
        )
        notified.settimeout(30)
        with running(variables, place / "log") as server:
            found.notices.append(notified.recv(1000).decode())
            _renew(server, found)
            _stop(server, found)
        notified.setblocking(False)
        while (notice := _received(notified)) is not None:
            found.notices.append(notice)
    found.url, found.log = server.url, server.log.read_text()
    yield found


def _renew(server: Server, found: Story) -> None:
    before = _workers(server)
    stopping = threading.Event()
    clients = [
        threading.Thread(target=_ask_on, args=(server, stopping, found.renewing)) for _ in range(4)
    ]
    for one in clients:
        one.start()
    server.process.send_signal(signal.SIGHUP)
    _until(lambda: len(now := _workers(server)) == 2 and not now & before)
    stopping.set()
    for one in clients:
        one.join()
    found.workers = before, _workers(server)


def _ask_on(server: Server, stopping: threading.Event, answers: Counter[str]) -> None:
    """Asks again and again on one connection, a new one only where an answer ends it."""
    client = _connected(server)
    while not stopping.is_set():
        try:
            answers[str(_asked(client, "/health/live")[0])] += 1
        except (OSError, http.client.HTTPException) as error:
            answers[repr(error)] += 1
            client.close()


def _stop(server: Server, found: Story) -> None:
    idle, silent = _connected(server), _connected(server)
    _asked(idle, "/health/live")
    silent.connect()
    server.process.send_signal(signal.SIGTERM)
    while server.process.poll() is None:
        for path in ("/health/ready", "/health/live", "/v1/models"):
            try:
                status, ends, text = _asked(_connected(server), path)
            except (OSError, http.client.HTTPException):  # the port is closed, or closes just now
                continue
            found.draining.setdefault(path, set()).add((status, ends))
            found.texts.add(text)
        time.sleep(0.02)
    found.ended_by = server.process.wait()
    idle.close()
    silent.close()


def _connected(server: Server) -> http.client.HTTPConnection:
    address = urlsplit(server.url)
    return http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)


def _asked(client: http.client.HTTPConnection, path: str) -> tuple[int, str | None, str]:
    client.request("GET", path)
    answer = client.getresponse()
    return answer.status, answer.headers["Connection"], answer.read().decode()


def _workers(server: Server) -> set[int]:
    pid = server.process.pid
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _received(notified: socket.socket) -> str | None:
    try:
        return notified.recv(1000).decode()
    except BlockingIOError:
        return None


def test_workers_are_renewed_without_a_lost_request(story: Story):
    before, after = story.workers
    assert set(story.renewing) == {"200"}
    assert len(after) == 2 and not before & after


def test_a_server_that_is_stopped_says_first_that_it_is_not_ready(story: Story):
    # the first question may have been on its way before the signal arrived
    assert (503, "close") in story.draining["/health/ready"]
    assert any('"draining"' in text for text in story.texts)


def test_it_goes_on_answering_meanwhile_and_ends_each_connection(story: Story):
    assert (200, "close") in story.draining["/health/live"]
    assert (401, "close") in story.draining["/v1/models"]


def test_connections_without_a_request_do_not_hold_a_stop(story: Story):
    """GRACEFUL_TIMEOUT is longer than the fixture waits for anything."""
    assert story.ended_by == 0
    assert "Forcing close" not in story.log and "Traceback" not in story.log


def test_systemd_is_told_when_it_is_ready_renewed_and_stopping(story: Story):
    first, *renewed, last = [one.partition("\n")[0] for one in story.notices]
    assert (first, renewed, last) == ("READY=1", ["RELOADING=1", "READY=1"], "STOPPING=1")


def test_probes_leave_no_line_in_the_log(story: Story):
    assert "/health/" not in story.log


def test_it_tells_the_address_of_bind_and_not_that_of_settings_which_bind_overrules(story: Story):
    assert f"Switchboard is at {story.url}/ (" in story.log
