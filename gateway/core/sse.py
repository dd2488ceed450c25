"""Server-sent events as bytes: cut where an event ends, and parsed only where that is needed.

https://html.spec.whatwg.org/multipage/server-sent-events.html; OpenAI ends a stream with
`data: [DONE]`.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from pydantic_core import to_json

from providers.core.error_bodies import error_in
from providers.core.texts import parse_json

DONE = b"data: [DONE]\n\n"
ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
LONGEST_END = max(map(len, ENDS))
END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
# What a model says: the texts of a message or of a piece of one.
TEXT = re.compile(
    rb'"(?:content|reasoning(?:_content)?|refusal|arguments)":\s*"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
)
LONGEST_EVENT = 16 * 1024 * 1024  # bytes
# Inside a JSON text every quote is escaped, so none of these can be part of what a model says.
USAGE = re.compile(rb'"usage":\s*\{')
FINISHED = re.compile(rb'"finish_reason":\s*"')
# What an error has somewhere.
ERROR = re.compile(rb'"error"|(?:^|[\r\n])(?:error:|event:\s*error)')
# The line by itself: a model may write about it.
DONE_LINE = re.compile(rb"(?:^|[\r\n])data:[ \t]*\[DONE\][ \t]*(?=[\r\n]|$)")
BOM = b"\xef\xbb\xbf"  # a stream may begin with it, and it is no part of the first event
COMMENTS = re.compile(rb"(?::[^\r\n]*\n)+")


class EventTooLongError(Exception):
    """An event is longer than LONGEST_EVENT."""


def event(data: Any) -> bytes:
    """An event that carries this data as JSON."""
    return b"data: " + to_json(data) + b"\n\n"


async def blocks(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The pieces as blocks of whole events. A comment by itself comes as it is, since nothing has
    to end it. The empty line that the last event lacks is added; an event that was cut off is
    dropped.

    Raises EventTooLongError.
    """
    rest, has_begun = bytearray(), False  # a long event is looked through once, and copied once
    async for piece in pieces:
        if has_begun and not rest and piece.endswith(ENDS):  # as most arrive
            yield piece
            continue
        looked_at = max(0, len(rest) - LONGEST_END)
        rest += piece
        if not has_begun:
            if BOM.startswith(bytes(rest)):
                continue
            rest, has_begun = rest.removeprefix(BOM), True
        if rest.endswith(ENDS) or (piece.endswith(b"\n") and COMMENTS.fullmatch(rest)):
            yield bytes(rest)
            rest.clear()
        elif cut := end_of_last(rest, looked_at):
            yield bytes(rest[:cut])
            del rest[:cut]
        elif len(rest) > LONGEST_EVENT:
            raise EventTooLongError
    if rest.strip() and _is_whole(last := bytes(rest)):
        yield last.rstrip(b"\r\n") + b"\n\n"


def _is_whole(one: bytes) -> bool:
    try:
        json_of(one)
    except ValueError:
        return failure(one) is not None  # some tell of an error in plain words
    return True


def may_fail(block: bytes) -> bool:
    """True for a block that has what an error has somewhere; whether it is one, `failure` tells.
    Only such events are parsed.
    """
    return b"error" in block and ERROR.search(block) is not None  # the search alone takes 6 µs


def text_size(block: bytes) -> int:
    """The bytes of what a model says in events or in an answer of OpenAI's format."""
    return len(b"".join(TEXT.findall(block)))


def end_of_last(data: bytes | bytearray, start: int = 0) -> int:
    """The position at which the last whole event ends, 0 where none ends behind `start`."""
    found = ((data.rfind(end, start), len(end)) for end in ENDS)
    return max(place + length if place >= 0 else 0 for place, length in found)


def is_comment(block: bytes) -> bool:
    """True for a block of comments alone, which services send while they have nothing to say."""
    return all(not line or line.startswith(b":") for line in block.splitlines())


def events(block: bytes) -> list[bytes]:
    """The events of a block, each with the empty line that ends it."""
    found, start = [], 0
    for end in END.finditer(block):
        found.append(block[start : end.end()])
        start = end.end()
    return found + ([block[start:]] if block[start:].strip() else [])


def is_done(block: bytes) -> bool:
    """True for a block that has the event `[DONE]`; a model's text that says so is not one."""
    return b"[DONE]" in block and DONE_LINE.search(block) is not None


def until_done(block: bytes) -> bytes:
    """The block up to its event `[DONE]`, the whole block without one."""
    kept = list[bytes]()
    for one in events(block):
        kept.append(one)
        if is_done(one):
            break
    return b"".join(kept)


def data_of(one: bytes) -> bytes:
    """The data of an event, empty for a comment."""
    return b"\n".join(line[5:].lstrip() for line in one.splitlines() if line.startswith(b"data:"))


def json_of(one: bytes) -> dict[str, Any] | None:
    """The JSON object that an event carries, None for a comment, for `[DONE]` and for other JSON.

    Raises ValueError for data that is not JSON.
    """
    data = data_of(one)
    if not data or data.rstrip() == b"[DONE]":
        return None
    found = parse_json(data)
    return found if isinstance(found, dict) else None


def failure(one: bytes) -> Any:
    """The error that an event tells of, None for any other event: an object, or a sentence.

    Beside errors in data there are events of the type `error`, and llama.cpp's lines `error:`.
    """
    if not may_fail(one):
        return None
    lines = one.splitlines()
    plain = [line[6:] for line in lines if line.startswith(b"error:")]
    is_error = plain or any(re.fullmatch(rb"event:\s*error\s*", line) for line in lines)
    data = plain or [line[5:] for line in lines if line.startswith(b"data:")]
    try:
        found = parse_json(b"\n".join(data))
    except ValueError:
        return b"\n".join(data).decode(errors="replace").strip() if is_error else None
    error = error_in(found)
    return found if error is None and is_error else error
