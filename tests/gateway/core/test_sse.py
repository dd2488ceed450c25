"""Server-sent events, cut at their ends."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.core import sse


def blocks(*pieces: bytes) -> list[bytes]:
    async def arriving() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def collected() -> list[bytes]:
        return [block async for block in sse.blocks(arriving())]

    return asyncio.run(collected())


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", 0),
        (b"data: 1\n", 0),
        (b"data: 1\n\n", 9),
        (b"data: 1\r\n\r\n", 11),
        (b"data: 1\r\r", 9),
        (b"data: 1\n\ndata: 2\n\ndata: 3", 18),
        (b"data: 1\r\n\r\ndata: 2\n\ndata: 3\n", 20),
        (b"data: 1\n\ndata: 2\r\n\r\ndata: 3\r\n", 20),
    ],
)
def test_the_last_whole_event_ends_after_whichever_end_comes_last(data: bytes, end: int):
    assert sse.end_of_last(data) == end


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"data: 1\n\n", b"data: 2\n\n"], [b"data: 1\n\n", b"data: 2\n\n"]),
        ([b"data: 1\n", b"\ndata: ", b"2\n\n"], [b"data: 1\n\n", b"data: 2\n\n"]),
        ([b"data: 1\n\ndata: 2\n\nda", b"ta: 3"], [b"data: 1\n\ndata: 2\n\n", b"data: 3\n\n"]),
        ([b"\xef\xbb\xbfdata: 1\n\n", b"data: 2\n\n"], [b"data: 1\n\n", b"data: 2\n\n"]),
        ([b"\xef", b"\xbb\xbf", b"data: 1\n\n"], [b"data: 1\n\n"]),
        ([b"data: 1\n\n", b"\n"], [b"data: 1\n\n"]),
    ],
)
def test_what_arrives_in_pieces_leaves_in_whole_events(pieces: list[bytes], expected: list[bytes]):
    assert blocks(*pieces) == expected


def test_a_long_event_takes_as_long_as_its_bytes():
    pieces = [b"data: ", *[b"x" * 2048] * 6000, b"\n\n"]
    began = time.monotonic()
    assert blocks(*pieces) == [b"".join(pieces)]
    assert time.monotonic() - began < 5  # with each piece looked through anew: over 20


def test_an_event_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sse, "LONGEST_EVENT", 20)
    with pytest.raises(sse.EventTooLongError):
        blocks(b"data: 1", b"x" * 20)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_a_block_is_taken_apart_at_each_end(end: bytes):
    assert sse.events(b"data: 1" + end + b"data: 2" + end + b"rest") == [
        b"data: 1" + end,
        b"data: 2" + end,
        b"rest",
    ]


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (b'data: {"a": 1}\n\n', {"a": 1}),
        (b'event: x\ndata: {"a":\ndata: 1}\n\n', {"a": 1}),
        (b": a comment\n\n", None),
        (b"data: [DONE]\n\n", None),
        (b"data:[DONE] \n\n", None),
        (b"data: [1]\n\n", None),
    ],
)
def test_an_event_carries_an_object_or_nothing(event: bytes, found: dict[str, int] | None):
    assert sse.json_of(event) == found


def test_what_is_not_json_is_refused():
    with pytest.raises(ValueError, match="key must be a string"):
        sse.json_of(b"data: {nonsense\n\n")


WHOLE = b'data: {"a": 1}\n\n'


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (b'data: {"a": 2}', [WHOLE, b'data: {"a": 2}\n\n']),
        (b'data: {"a": 2}\r\n', [WHOLE, b'data: {"a": 2}\n\n']),
        (b"data: [DONE]", [WHOLE, b"data: [DONE]\n\n"]),
        (b'data: {"a": "', [WHOLE]),
        (b"error: it broke", [WHOLE, b"error: it broke\n\n"]),
        (b": a comment", [WHOLE, b": a comment\n\n"]),
    ],
)
def test_a_last_event_without_its_empty_line_gets_one_and_half_an_event_is_dropped(
    last: bytes, expected: list[bytes]
):
    assert blocks(WHOLE, last) == expected
