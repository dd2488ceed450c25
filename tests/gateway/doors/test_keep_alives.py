"""Streams whose service says nothing for a while: what the caller gets meanwhile."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.routing.test_fallbacks import own as unique
from tests.gateway.serving import HELLO, Gateway, another_server

FIRST = 'data: {"model": "m", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
LAST = 'data: {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
COMMENT = ": OPENROUTER PROCESSING\n\n"
DONE = "data: [DONE]\n\n"


@pytest.fixture(scope="module")
def quick(gate: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server that waits half a second for a first piece, and comments a silence of 0.3."""
    log: Path = tmp_path_factory.mktemp("quick") / "log"
    seconds = {"GATEWAY_FIRST_WAIT_SECONDS": "0.5", "GATEWAY_KEEPALIVE_SECONDS": "0.3"}
    with another_server(gate, log, **seconds, WEB_CONCURRENCY="1") as one:
        yield one


def arriving(gate: Gateway, path: str, body: Any) -> list[tuple[float, str]]:
    """The pieces of a stream with the seconds at which they came; the head is the first."""
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {gate.token}"}
    with gate.client.stream("POST", gate.url + path, json=body, headers=headers) as response:
        found = [(time.monotonic() - began, str(response.status_code))]
        found += [(time.monotonic() - began, piece) for piece in response.iter_text()]
    return found


def streamed(gate: Gateway, profile: str, door: str = "v1") -> list[tuple[float, str]]:
    if door == "v1":
        body = {"model": profile, "messages": HELLO, "stream": True}
        return arriving(gate, "/v1/chat/completions", body)
    return arriving(gate, f"/api/v1/chat/{profile}/stream", {"messages": HELLO})


def profile_of(gate: Gateway, pieces: list[str], delay: float, **more: Any) -> str:
    model = unique(f"raw?sse=1&delay={delay}")
    gate.upstream.raw[model] = pieces
    return gate.profile(model, **more)


def test_comments_of_a_service_pass_before_its_first_piece(gate: Gateway):
    profile = profile_of(gate, [COMMENT] * 4 + [FIRST, LAST, DONE], 0.5)
    found = streamed(gate, profile)
    assert found[0][0] < 1.5 and sum(one.count(COMMENT) for _, one in found) >= 3
    assert "".join(one for _, one in found).endswith(FIRST + LAST + DONE)
    assert gate.record(profile)["outcome"] == "ok"


@pytest.mark.parametrize("door", ["v1", "api"])
def test_a_silent_service_is_covered_by_comments(quick: Gateway, door: str):
    profile = quick.profile(unique("words?first=1.2&delay=0.7&chunks=2"))
    found = streamed(quick, profile, door)
    assert found[0] == (pytest.approx(0.5, abs=0.4), "200")
    text = "".join(one for _, one in found[1:])
    assert text.count(": keep-alive\n\n") >= 4 and text.endswith(DONE)
    assert max(later - earlier for (earlier, _), (later, _) in pairwise(found)) < 0.7


def test_a_failure_after_the_first_wait_is_told_in_the_stream(quick: Gateway):
    profile = quick.profile("silent", quick.connection(timeout=1))
    text = "".join(one for _, one in streamed(quick, profile))
    assert text.startswith("200: keep-alive") and '"code":"timeout"' in text and DONE not in text
    assert quick.record(profile)["outcome"] == "timeout"


def test_a_stream_moves_on_after_the_first_wait_too(quick: Gateway):
    fallback = quick.profile()
    profile = quick.profile("silent", quick.connection(timeout=1), fallbacks=[fallback])
    text = "".join(one for _, one in streamed(quick, profile))
    assert "Grüße" in text and text.endswith(DONE)


def test_a_failure_within_the_first_wait_is_refused_with_a_status(quick: Gateway):
    assert streamed(quick, quick.profile("status?code=429"))[0][1] == "429"


def test_a_caller_who_hangs_up_after_the_first_wait_ends_the_request(quick: Gateway):
    model = unique("silent")
    profile = quick.profile(model)
    headers, body = (
        {"Authorization": f"Bearer {quick.token}"},
        {"model": profile, "messages": HELLO, "stream": True},
    )
    address = f"{quick.url}/v1/chat/completions"
    with quick.client.stream("POST", address, json=body, headers=headers) as response:
        assert next(response.iter_text()).startswith(": keep-alive")
    assert quick.upstream.of(model)[0].hung_up.wait(2)
    assert quick.record(profile)["outcome"] == "client_closed"
