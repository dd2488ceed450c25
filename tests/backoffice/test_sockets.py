"""What a client may hold open: which socket goes, when, and what is said of it."""

import resource
import socket as sockets
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from backoffice.asgi_worker import bounds_of_this_process, client_of
from backoffice.sockets import LONG, Bounds, OpenSockets, Phase, Reason
from tests.connections.api.serving import Server, environment, running
from tests.databases import migrated
from tests.gateway.serving import eventually


@dataclass(eq=False)
class Fake:
    """A connection that notes why it was ended."""

    client: str = "a"
    phase: Phase = Phase.HEAD
    age: float = 0.0
    unread_since: float | None = None
    held_back: bool = False
    silent: bool = False
    ended: list[Reason] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.since = time.monotonic() - self.age

    def end(self, reason: Reason) -> None:
        self.ended.append(reason)

    def is_held_back(self) -> bool:
        return self.held_back

    def is_silent(self) -> bool:
        return self.silent


def opened(*fakes: Fake, per_client: int = 3, total: int = 5) -> OpenSockets:
    found = OpenSockets(Bounds(head=10, body=60, send=60, per_client=per_client, total=total))
    for one in fakes:
        found.add(one)
    return found


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        ({"age": 11}, Reason.HEAD),
        ({"age": 11, "silent": True}, Reason.SILENT),
        ({"age": 61, "phase": Phase.BODY}, Reason.BODY),
        ({"unread_since": float("-inf"), "phase": Phase.NONE}, Reason.UNREAD),
    ],
)
def test_a_client_that_takes_too_long_is_ended(late: dict[str, Any], reason: Reason):
    one = Fake(**late)
    found = opened(one)
    found.place_unread(one)
    found.sweep()
    found.sweep()
    assert one.ended == [reason]


@pytest.mark.parametrize(
    "patient",
    [
        {"age": 9},
        {"age": 59, "phase": Phase.BODY},
        {"age": 61, "phase": Phase.BODY, "held_back": True},
        {"age": 999, "phase": Phase.NONE},  # a model thinks
        {"age": 999, "phase": Phase.IDLE},  # gunicorn's own keepalive ends it
    ],
)
def test_who_is_in_time_or_not_waited_for_stays(patient: dict[str, Any]):
    one = Fake(**patient)
    opened(one).sweep()
    assert one.ended == []


def test_one_address_with_too_many_half_open_sockets_loses_its_oldest():
    fakes = [*(Fake() for _ in range(5)), Fake("b")]
    found = opened(*fakes, total=99)
    for _ in range(LONG + 1):
        assert [one.ended for one in fakes] == [[]] * 6, "they have a moment to send their requests"
        found.place(fakes[0])  # a byte came, and the request is not whole
        found.sweep()
    assert [one.ended for one in fakes] == [[Reason.CLIENT], [Reason.CLIENT], [], [], [], []]


def test_a_burst_that_a_busy_worker_has_not_read_yet_loses_nobody():
    """However long that took: what counts is how often it could have read."""
    fakes = [Fake(age=9) for _ in range(5)]
    found = opened(*fakes, total=99)
    found.sweep()
    for one in fakes[:2]:
        one.phase = Phase.NONE
        found.place(one)
    for _ in range(LONG):
        found.sweep()
    assert [one.ended for one in fakes] == [[]] * 5


def test_sockets_without_an_address_are_not_one_client():
    fakes = [Fake("") for _ in range(4)]
    found = opened(*fakes, Fake(""))
    for _ in range(LONG + 1):
        found.sweep()
    assert [one.ended for one in fakes] == [[]] * 4


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (("10.1.2.3", 5), "10.1.2.3"),
        (("::ffff:10.1.2.3", 5, 0, 0), "10.1.2.3"),
        (("2001:db8:1:2:3::4", 5, 0, 0), "2001:0db8:0001:0002"),
        (("fe80::1%eth0", 5, 0, 2), "fe80:0000:0000:0000"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ipv6(peer: object, client: str):
    assert client_of(peer) == client


def test_a_worker_that_is_full_gives_up_who_waits_and_never_who_is_at_work():
    busy, idle = Fake("b", Phase.NONE), Fake(phase=Phase.IDLE)
    fakes = [busy, idle, Fake("c"), Fake(phase=Phase.BODY), Fake()]
    found = opened(*fakes, per_client=0)
    for _ in range(LONG + 1):
        found.sweep()
    fakes.append(Fake())
    found.add(fakes[-1])
    assert [one.ended for one in fakes] == [[], [], [], [Reason.ROOM], [], []]


def test_a_new_socket_takes_the_place_of_an_idle_one():
    fakes = [Fake(phase=Phase.IDLE, age=9 - number) for number in range(5)] + [Fake()]
    opened(*fakes)
    assert [one.ended for one in fakes] == [[Reason.ROOM], [], [], [], [], []]


def test_where_everything_is_at_work_the_newest_is_refused():
    fakes = [Fake(phase=Phase.NONE, age=9) for _ in range(5)]
    last = Fake("b")
    opened(*fakes, last)
    assert (last.ended, [one.ended for one in fakes]) == ([Reason.FULL], [[]] * 5)


def test_a_flood_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture):
    found = opened(*[Fake(age=11) for _ in range(3)])
    found.sweep()
    found.add(Fake(age=11))
    found.sweep()
    assert [one.getMessage().split(":")[0] for one in caplog.records] == ["Closed 3 sockets"]


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory):
    """A server with short times and little room."""
    place = tmp_path_factory.mktemp("sockets")
    variables = environment(
        migrated(place / "sockets.sqlite3"),
        HEAD_TIMEOUT="1",
        BODY_TIMEOUT="1",
        IDLE_TIMEOUT="1",
        SOCKETS_PER_WORKER="20",
    )
    with running(variables, place / "log", "--graceful-timeout=1") as server:
        yield server


LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
FORM = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na"


def connected(server: Server, sent: bytes) -> sockets.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    found = sockets.create_connection((host, int(port)), timeout=10)
    found.sendall(sent)
    return found


def everything(one: sockets.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    while piece := one.recv(65536):
        found += piece
    return found


UNFINISHED = {
    "head": (LIVE, b"HTTP/1.1 408"),
    "body": (FORM, b"HTTP/1.1 408"),
    "nothing": (b"", b""),
    "idle": (LIVE + b"\r\n", b"HTTP/1.1 200"),
    "half of a second head": (LIVE + b"\r\n" + LIVE, b"HTTP/1.1 200"),
}


def test_a_socket_that_waits_for_its_client_is_closed(impatient: Server):
    began = time.monotonic()
    waiting = {name: connected(impatient, sent) for name, (sent, _) in UNFINISHED.items()}
    for name, one in waiting.items():
        with one:
            assert everything(one).startswith(UNFINISHED[name][1]), name
    assert time.monotonic() - began < 5


def test_byte_by_byte_does_not_win_time(impatient: Server):
    with connected(impatient, LIVE + b"X: ") as one, pytest.raises(OSError):
        for _ in range(50):
            one.sendall(b"x")
            time.sleep(0.1)


def test_more_half_sent_heads_than_there_is_room_for_stop_nobody(impatient: Server):
    flood = [connected(impatient, LIVE) for _ in range(60)]
    began = time.monotonic()
    with connected(impatient, LIVE + b"Connection: close\r\n\r\n") as one:
        assert everything(one).startswith(b"HTTP/1.1 200")
    assert time.monotonic() - began < 0.9, "it waited until the heads were over"
    for each in flood:
        each.close()


def test_a_client_that_hangs_up_is_not_logged_as_a_fault(impatient: Server):
    with connected(impatient, FORM.replace(b"/sign-in/", b"/sign-in/?hung=up")):
        time.sleep(0.2)
    line = eventually(
        lambda: [one for one in impatient.log.read_text().splitlines() if "hung=up" in one]
    )[0]
    assert '" 499 ' in line


def test_a_worker_has_room_for_half_of_its_descriptors(
    monkeypatch: pytest.MonkeyPatch, settings: Any
):
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: raised.append(limits))
    settings.SOCKETS_PER_WORKER = 100_000
    assert bounds_of_this_process().total <= 512 and raised == [(1024, 1024)]
    settings.SOCKETS_PER_WORKER = 20
    assert bounds_of_this_process().total == 20
