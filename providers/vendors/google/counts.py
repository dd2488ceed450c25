"""Gemini's counts that are none are taken out before the SDK reads an answer: it refuses the whole
answer for one of them (google-genai 3.4).
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from providers.core.results import token_count
from providers.core.texts import parse_json

USAGE, STATISTICS = "usageMetadata", "statistics"
PLACES = (USAGE.encode(), STATISTICS.encode())
DATA = b"data:"


async def drop_odd_counts(answer: httpx2.Response) -> None:
    """A response hook: makes the answer one without odd counts, as it is read."""
    if answer.is_success and isinstance(answer.stream, httpx2.AsyncByteStream):
        is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        answer.stream = _WithoutOddCounts(answer.stream, b"\n" if is_stream else None)


class _WithoutOddCounts(httpx2.AsyncByteStream):
    """A body read line by line, or as a whole where `end` is None."""

    def __init__(self, source: httpx2.AsyncByteStream, end: bytes | None) -> None:
        self._source, self._end = source, end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        async for piece in self._source:
            rest += piece
            if self._end and self._end in piece:
                *lines, rest = rest.split(self._end)
                yield b"".join(mended(line) + self._end for line in lines)
        if rest:
            yield mended(rest)

    async def aclose(self) -> None:
        await self._source.aclose()


def mended(line: bytes) -> bytes:
    """A JSON text, or a line of an event that carries one, without odd counts. Whatever else comes
    back as it is.
    """
    if not any(name in line for name in PLACES):
        return line
    prefix = DATA if line.startswith(DATA) else b""
    try:
        found = parse_json(line.removeprefix(prefix))
    except ValueError:
        return line
    if not isinstance(found, dict):
        return line
    usage = {USAGE: _kept(found[USAGE])} if USAGE in found else {}
    kept = _without_statistics(found | usage)
    if kept == found:
        return line
    return (prefix and b"data: ") + json.dumps(kept).encode()


def _kept(usage: Any) -> dict[str, Any] | None:
    """The counts that are some, and words such as `trafficType`."""
    if not isinstance(usage, dict):
        return None
    kept = {
        name: token_count(one) if name.endswith("TokenCount") else one
        for name, one in usage.items()
        if name.endswith("TokenCount") or isinstance(one, str)
    }
    return {name: one for name, one in kept.items() if one is not None}


def _without_statistics(found: dict[str, Any]) -> dict[str, Any]:
    """Embeddings without their own counts, which nobody reads here."""
    rows = found.get("embeddings")
    if not isinstance(rows, list):
        return found
    plain = [
        {name: one for name, one in row.items() if name != STATISTICS}
        if isinstance(row, dict)
        else row
        for row in rows
    ]
    return found | {"embeddings": plain}
