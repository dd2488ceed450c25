"""A server that streams what a test gives it, byte for byte, and a few words for tests that ask in
an event loop.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from providers.core.base import Provider
from providers.core.chat import ChatRequest
from providers.core.results import ChatAnswer, ChatChunk
from tests.upstreams import ROOT

STORIES = ROOT / "tests" / "fixtures" / "aimock" / "vendors.json"  # what aimock answers here
WEATHER = {
    "name": "weather",
    "description": "Tells it.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TOOLS = [{"type": "function", "function": WEATHER}]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Streamed:
    """The running server. `ended` is set once the caller hung up."""

    def __init__(self, pieces: Iterable[bytes], ending: str) -> None:
        self._pieces, self._ending, self.ended, self.url = list(pieces), ending, asyncio.Event(), ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answer to one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        writer.write(HEAD)
        for piece in self._pieces:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if self._ending == "clean":
            writer.write(b"0\r\n\r\n")
        if self._ending != "abrupt":
            await writer.drain()
            await reader.read()
            self.ended.set()
        writer.close()


@asynccontextmanager
async def streaming(*pieces: bytes, ending: str = "clean") -> AsyncIterator[Streamed]:
    """A server that answers with these pieces.

    `ending`: clean, abrupt (the connection dies), hang (nothing more comes).
    """
    streamed = Streamed(pieces, ending)
    server = await asyncio.start_server(streamed.answer, "127.0.0.1", 0)
    streamed.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield streamed
    finally:
        server.close()


def request(*messages: dict[str, Any] | str, **fields: Any) -> ChatRequest:
    """A request; a text stands for a message of the user."""
    given = [
        {"role": "user", "content": one} if isinstance(one, str) else one
        for one in messages or ("hello",)
    ]
    return ChatRequest.model_validate({"model": "made-up", "messages": given, **fields})


async def asked(provider: Provider[Any], given: ChatRequest) -> ChatAnswer:
    """One answer, the client closed behind it."""
    try:
        return await provider.chat(given)
    finally:
        await provider.aclose()


async def streamed(provider: Provider[Any], given: ChatRequest) -> list[ChatChunk]:
    """Every piece of a stream, the client closed behind it."""
    try:
        return [chunk async for chunk in provider.stream_chat(given)]
    finally:
        await provider.aclose()


def arguments(chunks: list[ChatChunk]) -> dict[int, tuple[str, str, str]]:
    """The tool calls of a stream, put together: index -> (id, name, arguments)."""
    found: dict[int, tuple[str, str, str]] = {}
    for piece in (one for chunk in chunks for one in chunk.tool_calls):
        before = found.get(piece.index, ("", "", ""))
        found[piece.index] = (
            before[0] + (piece.id or ""),
            before[1] + (piece.name or ""),
            before[2] + piece.arguments,
        )
    return found
