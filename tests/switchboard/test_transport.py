"""What is sent again, what is not, and what the caller is told."""

import asyncio
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from switchboard import (
    AsyncClient,
    Client,
    ClientClosedError,
    CustomConnection,
    InvalidError,
    NotFoundError,
    OpenAIConnection,
    RateLimited,
    ServerError,
    ServerUnreachable,
    transport,
)
from switchboard.retries import seconds_of
from tests.connections.api.serving import Served
from tests.httpserver import Answer, Answering, HttpServer, RawRequest

from .conftest import everything
from .samples import KEY

EMPTY = Answer(body={"total": 0, "items": []})
LOST = Answer(raw=b"")  # the connection is closed instead
PROBLEM = {"Content-Type": "application/problem+json"}


def refusal(status: int, wait: str = "0") -> Answer:
    body = {"status": status, "detail": "Not now.", "code": "busy"}
    return Answer(status, body, {**PROBLEM, "Retry-After": wait})


def in_turn(*answers: Answer) -> Answering:
    """An answer for each request, the last for all that follow."""
    left = list(answers)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("first", [refusal(429), refusal(503), LOST], ids=["429", "503", "lost"])
def test_a_question_is_asked_again(kind: Any, first: Answer):
    with HttpServer(default=in_turn(first, EMPTY)) as server, kind(server.url, "sb_x") as client:
        assert client.connections.list() == []
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_change_that_was_refused_until_a_time_is_sent_again(kind: Any, status: int):
    checked = {"success": True, "code": "ok", "errorMessage": None, "checkedAt": None}
    done = Answer(body=checked | {"latencyMs": 1, "modelCount": None})
    with (
        HttpServer(default=in_turn(refusal(status), done)) as server,
        kind(server.url, "sb_x") as client,
    ):
        assert client.connections.test(OpenAIConnection(KEY)).success
    assert len(server.requests) == 2


def test_a_change_whose_answer_was_lost_is_not_sent_again(kind: Any):
    with (
        HttpServer(default=LOST) as server,
        kind(server.url, "sb_x") as client,
        pytest.raises(ServerUnreachable, match="Look whether") as failed,
    ):
        client.connections.test(OpenAIConnection(KEY))
    assert len(server.requests) == 1 and KEY not in everything(failed.value)


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (2, 3), (4, 5)])
def test_the_number_of_attempts_is_bounded(kind: Any, retries: int, requests: int):
    with (
        HttpServer(default=refusal(503)) as server,
        kind(server.url, "sb_x", retries=retries) as client,
        pytest.raises(ServerError) as failed,
    ):
        client.connections.list()
    assert (len(server.requests), failed.value.status) == (requests, 503)


def test_nobody_waits_for_an_hour(kind: Any):
    with (
        HttpServer(default=refusal(429, "3600")) as server,
        kind(server.url, "sb_x") as client,
        pytest.raises(RateLimited) as failed,
    ):
        client.connections.list()
    assert (len(server.requests), failed.value.retry_after) == (1, 3600)


@pytest.mark.parametrize("ahead", [-60, 20])
def test_the_time_to_wait_may_be_a_date(ahead: int):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    assert max(0, ahead - 1) <= (seconds_of({"retry-after": date}) or 0) <= max(0, ahead)


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5", "9" * 30])
def test_a_time_to_wait_that_makes_no_sense_is_none(said: str):
    assert seconds_of({"retry-after": said}) is None


def test_a_server_that_starts_meanwhile_is_reached(kind: Any):
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))  # refuses until it listens

        def start() -> None:
            time.sleep(0.05)
            door.listen()
            caller, _ = door.accept()
            caller.recv(65536)
            caller.sendall(EMPTY.as_bytes())

        threading.Thread(target=start, daemon=True).start()
        with kind(f"http://127.0.0.1:{door.getsockname()[1]}", "sb_x", retries=5) as client:
            assert client.connections.list() == []


@pytest.mark.parametrize("status", [301, 400, 404, 418, 429, 500, 502, 503])
def test_a_page_of_something_else_is_told_with_its_status(kind: Any, status: int):
    page = Answer(status, "<h1>Oh</h1>", {"Content-Type": "text/html", "Location": "/x"})
    with (
        HttpServer(default=page) as server,
        kind(server.url, "sb_x") as client,
        pytest.raises(ServerError) as failed,
    ):
        client.connections.list()
    assert failed.value.status == status


def test_an_error_that_was_found_here_has_the_status_it_stands_for(client: Any, name: str):
    with pytest.raises(NotFoundError) as missing:
        client.connections.get(name)
    with pytest.raises(InvalidError) as masked:
        client.connections.create(OpenAIConnection("******", name=name))
    assert (missing.value.status, masked.value.status) == (404, 400)


def test_a_closed_client_says_so():
    with Client("http://127.0.0.1:9", "sb_x") as client:
        pass
    with pytest.raises(ClientClosedError, match=r"This client is closed\. Make"):
        client.connections.list()
    with pytest.raises(ClientClosedError), client:
        pass


def test_a_closed_asynchronous_client_says_so():
    async def use() -> None:
        async with AsyncClient("http://127.0.0.1:9", "sb_x") as client:
            pass
        with pytest.raises(ClientClosedError):
            await client.connections.list()
        with pytest.raises(ClientClosedError):
            await client.__aenter__()

    asyncio.run(use())


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), None, "5", True])
def test_a_timeout_is_a_number_of_seconds(kind: Any, timeout: Any):
    with pytest.raises(ValueError, match="timeout is a number of seconds above 0"):
        kind("http://127.0.0.1:9", "sb_x", timeout=timeout)


@pytest.mark.parametrize("retries", [-1, 1.5, None])
def test_retries_are_a_number(kind: Any, retries: Any):
    with pytest.raises(ValueError, match="retries is a number"):
        kind("http://127.0.0.1:9", "sb_x", retries=retries)


def asked(request: RawRequest) -> dict[str, str]:
    """The parameters of a request."""
    query = urlsplit(request.line.split(" ")[1]).query
    return {name: values[0] for name, values in parse_qs(query).items()}


def test_a_name_is_asked_for_without_its_likes(kind: Any):
    with HttpServer(default=EMPTY) as server, kind(server.url, "sb_x") as client:
        assert client.connections.get("Q", raise_error=False) is None
    assert [asked(one)["name"] for one in server.requests] == ["Q"]


def test_a_server_that_has_no_cursors_gives_its_pages(kind: Any, monkeypatch: Any):
    monkeypatch.setattr("switchboard.calls.PAGE", 2)
    rows = [
        {"id": str(n), "alias": f"a{n}", "name": f"n{n}", "providerId": "echo", "version": 1}
        | {"isActive": True, "tags": [], "dateCreated": "", "dateModified": ""}
        for n in range(5)
    ]

    def page(request: RawRequest) -> Answer:
        skip = int(asked(request).get("skip", 0))
        return Answer(body={"total": 5, "items": rows[skip : skip + 2]})

    with HttpServer(default=page) as server, kind(server.url, "sb_x") as client:
        names = [one.name for one in client.connections.list(all_results=True)]
    assert names == [row["name"] for row in rows]


def test_nothing_is_missing_in_a_list_while_rows_are_deleted(
    client: Any, served: Served, name: str, monkeypatch: pytest.MonkeyPatch
):
    made = [
        client.connections.create(CustomConnection({"k": KEY}, name=f"{name} {number}")).id
        for number in range(6)
    ]
    before = [one.id for one in client.connections.list(all_results=True)]
    monkeypatch.setattr("switchboard.calls.PAGE", len(before) - 3)
    original, sent = transport._request, []

    def prepared(call: Any) -> Any:
        sent.append(call)
        if len(sent) == 2:  # the first page is there, and has the first three of these
            with Client(served.url, served.token) as other, monkeypatch.context() as undone:
                undone.setattr(transport, "_request", original)
                for one in made[:3]:
                    other.connections.delete(one)
        return original(call)

    monkeypatch.setattr(transport, "_request", prepared)
    assert [one.id for one in client.connections.list(all_results=True)] == before


def test_all_profiles_come_by_name(client: Any):
    names = [one.name for one in client.profiles.list(all_results=True)]
    assert names == [one.name for one in client.profiles.list()]


def test_what_is_got_twice_is_equal_until_it_changes(client: Any, name: str):
    client.connections.create(CustomConnection({"k": KEY}, {"region": "eu"}, name=name))
    one, other = client.connections.get(name), client.connections.get(name)
    assert one == other and len({one, other}) == 1
    other.configs["region"] = "us"
    assert one != other
    client.connections.update(other)
    assert client.connections.get(name) != one


def test_objects_of_one_class_and_the_same_values_are_equal():
    assert OpenAIConnection(KEY, name="x") == OpenAIConnection(KEY, name="x")
    assert OpenAIConnection(KEY, name="x") != OpenAIConnection("another", name="x")
    assert CustomConnection({"a": "b"}) != CustomConnection({}, {"a": "b"})
