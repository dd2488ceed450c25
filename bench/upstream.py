"""An AI service that costs nothing: constant answers in OpenAI's chat format.

`python -m bench.upstream` prints its port.

A body with `"stream": true` is answered with server-sent events, everything else with one plain
completion.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .processes import Running

WORD = "word "
LENGTH = b"content-length:"
ASKED = b"GET /answered "  # how many chats were asked for
ASKS_FOR_A_STREAM = (b'"stream":true', b'"stream": true')
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def document(kind: str, **choice: object) -> dict[str, object]:
    """One completion, or one chunk of it."""
    choices = [{"index": 0, "logprobs": None, "finish_reason": None} | choice] if choice else []
    return {
        "id": "chatcmpl-bench",
        "object": kind,
        "created": 1700000000,
        "model": "stub",
        "choices": choices,
    }


def usage(chunks: int) -> dict[str, object]:
    """Tokens, as OpenAI counts them."""
    return {"usage": {"prompt_tokens": 9, "completion_tokens": chunks, "total_tokens": 9 + chunks}}


def plain(chunks: int) -> bytes:
    """The whole HTTP answer that is not streamed."""
    message = {"role": "assistant", "content": WORD * chunks, "refusal": None}
    completion = document("chat.completion", message=message, finish_reason="stop")
    return document_answer(completion | usage(chunks))


def document_answer(content: dict[str, object]) -> bytes:
    """A whole HTTP answer."""
    body = json.dumps(content).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def event(data: str) -> bytes:
    """One server-sent event in one HTTP chunk."""
    line = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(line), line)


def events(chunks: int) -> list[bytes]:
    """The events of a stream: `chunks` words, then how it ended."""
    kind = "chat.completion.chunk"
    words = [
        event(json.dumps(document(kind, delta={"role": "assistant", "content": WORD})))
        for _ in range(chunks)
    ]
    end = event(json.dumps(document(kind, delta={}, finish_reason="stop"))) + event(
        json.dumps(document(kind) | usage(chunks))
    )
    return [*words, end + event("[DONE]") + b"0\r\n\r\n"]


class Upstream(asyncio.Protocol):
    """One kept connection. Requests that come before the answer is out wait in the buffer."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.buffer, self.busy = options, b"", False
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.timer:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        if not self.busy:
            self.take()

    def take(self) -> None:
        """Answers the first request in the buffer, if all of it is there."""
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        names = self.buffer[:head].lower()
        at = names.find(LENGTH)
        end = head + 4 + (int(names[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
        if len(self.buffer) < end:
            return
        body, is_question = self.buffer[head:end], self.buffer.startswith(ASKED)
        self.buffer = self.buffer[end:]
        pieces = (
            self.options.events
            if any(mark in body for mark in ASKS_FOR_A_STREAM)
            else [self.options.plain]
        )
        if is_question:
            pieces = [document_answer({"answered": self.options.answered})]
        else:
            self.options.answered += b"POST" in names[:4].upper()
        self.busy = True
        self.later(
            self.options.first_byte, self.write_head if len(pieces) > 1 else self.write, pieces, 0
        )

    def later(self, seconds: float, step, *arguments: object) -> None:  # type: ignore[no-untyped-def]
        """Takes the next step now or after some seconds."""
        if seconds:
            self.timer = asyncio.get_running_loop().call_later(seconds, step, *arguments)
        else:
            step(*arguments)

    def write_head(self, pieces: list[bytes], at: int) -> None:
        """The head of a stream together with its first chunk, as vendors do."""
        self.transport.write(STREAM_HEAD + pieces[at])
        self.later(self.options.per_chunk, self.write, pieces, at + 1)

    def write(self, pieces: list[bytes], at: int) -> None:
        """The next piece, each in a packet of its own."""
        self.transport.write(pieces[at])
        if at + 1 < len(pieces):
            self.later(self.options.per_chunk, self.write, pieces, at + 1)
        else:
            self.busy = False
            if self.buffer:
                self.take()


def arguments() -> argparse.Namespace:
    """The arguments on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--chunks", type=int, default=20, help="words of the answer, and chunks of a stream"
    )
    parser.add_argument(
        "--first-byte", type=float, default=0, help="seconds before the answer begins"
    )
    parser.add_argument("--per-chunk", type=float, default=0, help="seconds between two chunks")
    options = parser.parse_args()
    options.answered = 0
    options.plain, options.events = plain(options.chunks), events(options.chunks)
    return options


async def serve(options: argparse.Namespace) -> None:
    """Serves until it is killed; prints the port first."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Upstream(options), "127.0.0.1", options.port, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def upstream(*options: str) -> Iterator[Running]:
    """The stub as a process of its own, with options of the command line."""
    command = [sys.executable, "-m", "bench.upstream", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Running(int(process.stdout.readline()), process.pid)  # type: ignore[union-attr]
        finally:
            process.terminate()


if __name__ == "__main__":
    with suppress(ImportError):
        import uvloop  # twice as fast, if it is there

        uvloop.install()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments()))
