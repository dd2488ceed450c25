"""Server-sent events as bytes: cut at their ends, looked through without being taken apart where
that can be avoided.

https://html.spec.whatwg.org/multipage/server-sent-events.html; OpenAI ends a stream with `data:
[DONE]`.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import from_json, to_json

DONE = b"data: [DONE]\n\n"
ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
LONGEST_EVENT = 16 * 1024 * 1024  # bytes
# Inside a JSON text every quote is escaped, so none of these can be part of what a model says.
USAGE = re.compile(rb'"usage":\s*\{')
FINISHED = re.compile(rb'"finish_reason":\s*"')
ERROR = re.compile(rb'(?:^|\n)data:\s*\{\s*"error":\s*[{"]')


class EventTooLong(Exception):
    """One event is longer than any can be."""


def event(data: Any) -> bytes:
    """One event with this as JSON."""
    return b"data: " + to_json(data) + b"\n\n"


async def blocks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What arrived, in blocks of whole events; an unfinished one at the very end is given as it is.

    Raises EventTooLong.
    """
    rest = b""
    async for piece in pieces:
        rest = rest + piece if rest else piece
        if rest.endswith(ENDS):
            yield rest
            rest = b""
            continue
        if cut := end_of_last(rest):
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > LONGEST_EVENT:
            raise EventTooLong
    if rest.strip():
        yield rest


def end_of_last(data: bytes) -> int:
    """Where the last whole event in it ends, 0 when there is none."""
    return max(position + len(end) if (position := data.rfind(end)) >= 0 else 0 for end in ENDS)


def events(block: bytes) -> list[bytes]:
    """The events of a block, each with its end."""
    found, start = [], 0
    for end in END.finditer(block):
        found.append(block[start : end.end()])
        start = end.end()
    return found + ([block[start:]] if block[start:].strip() else [])


def data_of(one: bytes) -> bytes:
    """The data of an event, empty for a comment."""
    lines = [line[5:].lstrip() for line in one.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines)


def json_of(one: bytes) -> dict[str, Any] | None:
    """The JSON object an event carries, None for a comment and for `[DONE]`.

    Raises ValueError for what is no JSON.
    """
    data = data_of(one)
    if not data or data == b"[DONE]":
        return None
    found = from_json(data)
    return found if isinstance(found, dict) else None
