"""Callers that hang up, servers that stop, services that go away and come back, and many streams at
once.
"""

import asyncio
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from bench.processes import tree
from providers.core.registry import get_provider
from tests.gateway.lines import lines
from tests.gateway.office import KEY
from tests.gateway.routing.test_fallbacks import own as unique
from tests.gateway.serving import HELLO, Gateway, eventually
from tests.gateway.upstream import SAID, Upstream
from tests.providers.samples import sample_settings
from tests.upstreams import GOOD_KEY, Relay, aimock

AT_ONCE = 2.0  # seconds in which a service learns that nobody listens any more


@contextmanager
def asked(
    gate: Gateway, profile: str, path: str = "/v1/chat/completions", **fields: Any
) -> Iterator[socket.socket]:
    """A request that has been sent. Leaving the block hangs up."""
    body = json.dumps(
        {**({"model": profile} if path.startswith("/v1") else {}), "messages": HELLO, **fields}
    ).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        f"{gate.token}\r\nContent-Type: application/json\r\n"
    )
    parts = urlsplit(gate.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20) as line:
        line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        yield line


def until(line: socket.socket, wanted: bytes) -> bytes:
    """What arrives until this has."""
    found = b""
    while wanted not in found:
        more = line.recv(65536)
        assert more, f"it ended without {wanted!r}: {found!r}"
        found += more
    return found


def test_a_caller_of_a_stream_who_hangs_up_ends_the_request_to_the_service(gate: Gateway):
    for behaviour in ("words?chunks=400&delay=0.05", "hangs"):
        model = unique(behaviour)
        profile = gate.profile(model)
        with asked(gate, profile, stream=True) as line:
            until(line, b" aus")
        assert gate.upstream.of(model)[0].hung_up.wait(AT_ONCE)
        row = gate.record(profile)
        assert (row["outcome"], row["is_stream"], row["attempts"]) == ("client_closed", True, 1)
        assert row["first_chunk_ms"] is not None and row["latency_ms"] < 5000


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_who_hangs_up_before_the_answer_ends_the_request_too(gate: Gateway, stream: bool):
    model = unique("silent")
    profile = gate.profile(model)
    with asked(gate, profile, stream=stream):
        seen = eventually(lambda: gate.upstream.of(model))[0]
        time.sleep(0.1)
    assert seen.hung_up.wait(AT_ONCE)
    row = gate.record(profile)
    assert (row["outcome"], row["first_chunk_ms"]) == ("client_closed", None)


def test_a_caller_who_hangs_up_between_two_attempts_ends_the_chain(gate: Gateway):
    last = unique("words")
    profile = gate.profile(
        unique("words?first=1"), gate.connection(timeout=0.6), fallbacks=[gate.profile(last)]
    )
    with asked(gate, profile):
        time.sleep(0.4)
    time.sleep(0.6)
    assert gate.upstream.of(last) == []


@pytest.mark.parametrize("door", ["complete", "stream"])
def test_the_other_door_sees_a_hang_up_too(gate: Gateway, door: str):
    model = unique("words?chunks=400&delay=0.05&whole=20")
    profile = gate.profile(model)
    with asked(gate, profile, f"/api/v1/chat/{profile}/{door}"):
        seen = eventually(lambda: gate.upstream.of(model))[0]
        time.sleep(0.4)
    assert seen.hung_up.wait(AT_ONCE)
    assert gate.record(profile)["outcome"] == "client_closed"


def test_a_service_that_is_asked_through_its_sdk_sees_a_hang_up_too(gate: Gateway):
    with aimock(options=("--chunk-size", "5", "--latency", "400")) as url, Relay(url) as relay:
        connection = gate.connection(
            "anthropic", **sample_settings(get_provider("anthropic"), relay.url, GOOD_KEY)
        )
        profile = gate.profile("model-1", connection)
        with asked(gate, profile, stream=True) as line:
            until(line, b'"content"')
        assert relay.hung_up.wait(AT_ONCE)
    assert gate.record(profile)["outcome"] == "client_closed"


def test_a_caller_who_reads_slowly_gets_all_of_it(gate: Gateway):
    profile = gate.profile("words?chunks=3000")
    with asked(gate, profile, stream=True) as line:
        time.sleep(0.5)
        found = until(line, b"[DONE]")
    assert found.count(b'"role": "assistant"') == 3000


# Many


async def streamed(client: httpx2.AsyncClient, gate: Gateway, profile: str) -> tuple[float, str]:
    """Seconds to the first piece, and the whole."""
    began, first, text = time.monotonic(), 0.0, ""
    body = {"model": profile, "messages": HELLO, "stream": True}
    async with client.stream("POST", f"{gate.url}/v1/chat/completions", json=body) as answer:
        async for piece in answer.aiter_text():
            first = first or time.monotonic() - began
            text += piece
    return first, text


@pytest.mark.server
def test_fifty_streams_at_once_all_complete_while_pages_answer(gate: Gateway):
    profile, slowest = gate.profile("words?chunks=20&delay=0.1"), []

    async def all_of_them() -> list[tuple[float, str]]:
        headers = {"Authorization": f"Bearer {gate.token}"}
        async with httpx2.AsyncClient(
            timeout=30, headers=headers, limits=httpx2.Limits(max_connections=200)
        ) as client:
            streams = asyncio.gather(*(streamed(client, gate, profile) for _ in range(50)))
            while not streams.done():
                began = time.monotonic()
                assert (await client.get(f"{gate.url}/health/live")).status_code == 200
                slowest.append(time.monotonic() - began)
                await asyncio.sleep(0.1)
            return await streams

    found = asyncio.run(all_of_them())
    assert [text.count('"role": "assistant"') for _, text in found] == [20] * 50
    assert all(text.endswith("data: [DONE]\n\n") for _, text in found)
    assert len(slowest) > 5 and max(slowest) < 2
    rows = gate.records(profile, 50)
    assert len(rows) == 50 and {row["outcome"] for row in rows} == {"ok"}


# A server that stops


def begun(gate: Gateway, behaviour: str) -> tuple[str, threading.Thread, list[str]]:
    """A stream that runs: its profile, who asks, and where its text will be, or "cut off"."""
    model, texts = unique(behaviour), []
    profile = gate.profile(model)

    def ask() -> None:
        try:
            texts.append(gate.chat(profile, stream=True).text)
        except httpx2.TransportError:
            texts.append("cut off")

    asking = threading.Thread(target=ask)
    asking.start()
    eventually(lambda: gate.upstream.of(model))
    time.sleep(0.3)
    return profile, asking, texts


def test_a_stream_that_runs_when_the_server_is_told_to_stop_comes_to_its_end(own: Gateway):
    profile, asking, texts = begun(own, "words?chunks=15&delay=0.1")
    own.server.process.send_signal(signal.SIGTERM)
    asking.join()
    own.client.close()
    assert own.server.process.wait(15) == 0
    assert texts[0].endswith("data: [DONE]\n\n") and texts[0].count('"role": "assistant"') == 15
    row = own.office.records(profile_alias=profile)[0]
    assert (row["outcome"], row["output_tokens"]) == ("ok", 4)


@pytest.mark.server
def test_what_was_just_answered_is_written_when_the_server_stops(own: Gateway):
    """Also with a caller who keeps the connection open, as SDKs do: it makes the stop take as long
    as it may.
    """
    profile = own.profile()
    began = time.monotonic()
    for _ in range(5):
        assert own.chat(profile).status_code == 200
    own.server.process.send_signal(signal.SIGTERM)
    assert own.server.process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert len(own.office.records(profile_alias=profile)) == 5


@pytest.mark.server
@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_stream_that_outlasts_the_grace_is_cut_off_and_recorded(
    own: Gateway, word: signal.Signals
):
    profile, asking, texts = begun(own, "words?chunks=600&delay=0.1")
    own.server.process.send_signal(word)
    asking.join(20)
    own.server.process.wait(20)
    assert texts == ["cut off"]
    outcomes = [row["outcome"] for row in own.office.records(profile_alias=profile)]
    # Ctrl-C cancels everything at once, in no order: either may be noticed first
    assert outcomes == ["server_stopped"] or (
        word == signal.SIGINT and outcomes == ["client_closed"]
    )


@pytest.mark.server
def test_a_worker_that_is_killed_loses_no_more_than_a_second_and_is_replaced(own: Gateway):
    profile, workers = own.profile(), tree(own.server.process.pid)[1:]
    for _ in range(10):
        own.chat(profile)
    time.sleep(1.1)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert len(own.office.records(profile_alias=profile)) == 10
    eventually(lambda: answers(own, profile), 20)


def answers(gate: Gateway, profile: str) -> bool:
    try:
        return gate.chat(profile).status_code == 200
    except httpx2.TransportError:
        return False


# A service that goes away


def test_a_service_that_is_restarted_answers_again_at_once(gate: Gateway):
    with Upstream() as service:
        profile = gate.profile(connection=gate.connection(base_url=service.url))
        held = lines(gate)
        for _ in range(3):
            assert [line.chat(profile) for line in held] == [(200, "")] * len(held)
            service.stop()
            assert {line.chat(profile)[0] for line in held * 2} == {502}
            service.start()
            assert [line.chat(profile) for line in held * 3] == [(200, "")] * len(held) * 3


def test_a_restart_between_two_requests_is_not_noticed(gate: Gateway):
    with Upstream() as service:
        profile = gate.profile(connection=gate.connection(base_url=service.url))
        for _ in range(5):
            assert gate.chat(profile).status_code == 200
            service.stop()
            service.start()


@pytest.mark.parametrize("stream", [False, True])
def test_a_service_that_closes_kept_connections_is_asked_on_another(gate: Gateway, stream: bool):
    profile = gate.known("drops")
    for _ in range(20):
        response = gate.chat(profile, stream=stream)
        assert response.status_code == 200 and ("[DONE]" if stream else "choices") in response.text
        # a request written before the end has come could have been read: it is not sent twice
        assert gate.upstream.seen[-1].dropped.wait(10)


def test_a_service_that_is_killed_in_a_stream_ends_it_with_an_error(gate: Gateway):
    with Upstream() as service:
        profile = gate.profile("hangs", gate.connection(base_url=service.url))
        with asked(gate, profile, stream=True) as line:
            until(line, b" aus")
            service.stop()
            assert b'"code":"error"' in until(line, b"0\r\n\r\n")
    assert gate.record(profile)["outcome"] == "error"


def test_a_stream_that_stalls_is_a_timeout(gate: Gateway):
    profile = gate.profile("hangs", gate.connection(timeout=0.5))
    text = gate.chat(profile, stream=True).text
    assert text.rstrip().endswith("}}") and '"code":"timeout"' in text
    assert gate.record(profile)["outcome"] == "timeout"


def test_a_long_stream_is_no_timeout(gate: Gateway):
    text = gate.chat(
        gate.profile("words?chunks=8&delay=0.15", gate.connection(timeout=0.5)), stream=True
    ).text
    assert text.endswith("data: [DONE]\n\n")


def test_the_key_of_a_connection_that_wants_none_is_not_made_up(gate: Gateway):
    model = unique("words")
    assert (
        gate.chat(gate.profile(model, gate.connection(api_key=None))).json()["choices"][0][
            "message"
        ]["content"]
        == SAID
    )
    headers = gate.upstream.of(model)[0].headers
    assert (
        "authorization" not in headers
        and KEY not in str(headers)
        and gate.token not in str(headers)
    )
