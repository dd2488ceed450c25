"""Bodies are counted while they arrive, and read no further than their limit."""

import asyncio
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest

from connections.bodies import BoundedBody, BoundedStream


def body_of(
    *pieces: bytes, headers: dict[bytes, bytes] | None = None
) -> tuple[BoundedBody, list[dict[str, Any]]]:
    """A body of at most 10 bytes in these pieces, and what of it has not been received yet."""
    left = [{"type": "http.request", "body": one, "more_body": True} for one in pieces]
    left[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        return left.pop(0) if left else await asyncio.Event().wait()

    return BoundedBody(receive, headers or {}, 10), left


def received(body: BoundedBody, times: int) -> Iterable[str]:
    async def receive() -> list[str]:
        return [(await body.receive())["type"] for _ in range(times)]

    return asyncio.run(asyncio.wait_for(receive(), 5))


def test_a_body_of_the_limit_passes():
    body, left = body_of(b"12345", b"67890")
    assert received(body, 2) == ["http.request", "http.request"]
    assert (body.is_too_large, left) == (False, [])


def test_a_body_that_turns_out_larger_looks_as_if_the_client_had_gone_and_is_taken():
    body, left = body_of(b"12345", b"678901", b"more", b"more")
    assert received(body, 2) == ["http.request", "http.disconnect"]
    assert (body.is_too_large, left) == (True, [])


def test_nothing_is_waited_for_behind_a_last_piece_that_is_too_large():
    body, _ = body_of(b"12345678901")
    assert received(body, 1) == ["http.disconnect"]


@pytest.mark.parametrize(
    ("headers", "refused", "pieces_left"),
    [
        ({b"content-length": b"10"}, False, 1),
        ({b"content-length": b"11"}, True, 0),
        ({b"content-length": b"9" * 5000}, True, 0),
        ({b"content-length": b"11", b"expect": b"100-continue"}, True, 1),
        ({b"content-length": b"-1"}, False, 1),
        ({}, False, 1),
    ],
)
def test_an_announced_length_is_believed_and_its_body_taken_if_it_comes(
    headers: dict[bytes, bytes], refused: bool, pieces_left: int
):
    body, left = body_of(b"x", headers=headers)
    assert asyncio.run(body.refuse_announced()) is refused is body.is_too_large
    assert len(left) == pieces_left


def test_a_stream_gives_its_limit_and_no_byte_more():
    assert BoundedStream(BytesIO(b"12345"), 5, ValueError()).read() == b"12345"
    stream = BoundedStream(BytesIO(b"123456"), 5, ValueError("too large"))
    assert stream.read(5) == b"12345"
    with pytest.raises(ValueError, match="too large"):
        stream.read(1)
