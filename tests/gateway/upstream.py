"""An upstream of OpenAI's protocol that behaves as the model's name says:
`words?chunks=20&delay=0.1`, `status?code=429&after=7`, ...

with Upstream() as upstream: upstream.url, upstream.seen, upstream.of("words"); upstream.stop() and
upstream.start() for a restart.
"""

import asyncio
import base64
import json
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
USAGES: dict[str, Any] = {  # by the option `usage`
    "": USAGE,
    "none": None,
    "full": {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 3},
    },
    "sum": {"total_tokens": 40},
    "absurd": {"prompt_tokens": 10**20, "completion_tokens": 1},
}
WORDS = (
    "Grüße",
    " aus",
    " 世界",
    " ✓",
)  # more than one byte a character, so that cuts fall inside of them
SAID = "".join(WORDS)
VECTOR = [0.25, -0.5, 1.0]
SSE = {"Content-Type": "text/event-stream"}


@dataclass
class Seen:
    """One request that arrived.

    `hung_up` is set when the caller went away before the answer was over, `dropped` when this
    server has closed the connection after a whole answer (`drops`).
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    hung_up: threading.Event = field(default_factory=threading.Event)
    dropped: threading.Event = field(default_factory=threading.Event)
    at: float = field(default_factory=time.monotonic)


@dataclass
class Upstream:
    """The server, in a thread of its own.

    `behave` overrides what a model's name says: {"words": "status?code=500"}. `raw`: what `raw`
    answers to a model, in pieces.
    """

    seen: list[Seen] = field(default_factory=list)
    behave: dict[str, str] = field(default_factory=dict)
    raw: dict[str, list[str]] = field(default_factory=dict)
    port: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def of(self, model: str) -> list[Seen]:
        """The requests for one model."""
        return [one for one in self.seen if one.body.get("model") == model]

    def start(self) -> None:
        """Listens, after `stop` where it did before."""
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def stop(self) -> None:
        """Stops listening and drops every connection, as a server that is killed does."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)

    async def _start(self) -> None:
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=2**24, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _drop(self) -> None:
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        self._writers.discard(writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request. Whether the connection is kept."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:])
            if name
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        seen = Seen(head[0].split()[1], headers, json.loads(body or b"{}"))
        self.seen.append(seen)
        # It has no list of models, and says so to whoever tests a connection.
        model = str(seen.body.get("model", "status?code=404"))
        mode, _, options = self.behave.get(model, model).partition("?")
        answer = Answer(seen, writer, dict(parse_qsl(options)), self.raw.get(model, []))
        watching = asyncio.create_task(_watch(reader, seen))
        try:
            return await getattr(answer, "be_" + mode.replace("-", "_"))() is not False
        except ConnectionError:
            seen.hung_up.set()
            return False
        finally:
            watching.cancel()


async def _watch(reader: asyncio.StreamReader, seen: Seen) -> None:
    while not reader.at_eof():
        await asyncio.sleep(0.02)
    seen.hung_up.set()


@dataclass
class Answer:
    """How one request is answered. What returns False ends the connection."""

    seen: Seen
    writer: asyncio.StreamWriter
    options: dict[str, str]
    raw: list[str] = field(default_factory=list)

    def option(self, name: str, default: float = 0) -> float:
        return float(self.options.get(name, default))

    # The whole protocol, as it should be

    async def be_words(self) -> Any:
        """`delay` before each chunk, `first` before the answer, `chunks` of them."""
        await self.pause(self.option("first"))
        if self.seen.path.endswith("/embeddings"):
            return await self.send(200, self.vectors())
        if not self.seen.body.get("stream"):
            await self.pause(self.option("whole"))
            usage = USAGES[self.options.get("usage", "")]
            return await self.send(
                200, completion({"role": "assistant", "content": SAID}, "stop", usage=usage)
            )
        return await self.stream(self.events(self.words(int(self.option("chunks", len(WORDS))))))

    async def be_picky(self) -> Any:
        """Refuses the field `field`, or a message of the role `role`, with `code` and a FastAPI
        service's JSON; answers all else.
        """
        body, unwanted = self.seen.body, self.options.get("field", "")
        role = self.options.get("role", "")
        if unwanted in body or role in [one["role"] for one in body["messages"]]:
            place = ["body", "messages", 0, "role"] if role else ["body", unwanted]
            said = f"unknown variant {role}" if role else "Extra inputs are not permitted"
            detail = [{"type": "extra_forbidden", "loc": place, "msg": said, "input": body}]
            return await self.send(int(self.option("code", 422)), {"detail": detail})
        return await self.be_words()

    async def be_tools(self) -> Any:
        """Calls the first of the tools that it was told, else `weather`."""
        told = self.seen.body.get("tools") or [{"function": {"name": "weather"}}]
        call = {
            "id": "call_1",
            "type": "function",
            "function": {"name": told[0]["function"]["name"], "arguments": '{"city": "Århus"}'},
        }
        if not self.seen.body.get("stream"):
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            return await self.send(200, completion(message, "tool_calls", usage=USAGE))
        begun = {"index": 0, **call, "function": {**call["function"], "arguments": ""}}
        pieces = [
            {"index": 0, "function": {"arguments": text}} for text in ('{"city": ', '"Århus"}')
        ]
        deltas = [
            {"role": "assistant", "content": None, "tool_calls": [begun]},
            *({"tool_calls": [one]} for one in pieces),
        ]
        return await self.stream(self.events([chunk(delta) for delta in deltas], "tool_calls"))

    def words(self, number: int) -> list[dict[str, Any]]:
        return [
            chunk({"role": "assistant", "content": WORDS[place % len(WORDS)]})
            for place in range(number)
        ]

    def events(
        self, chunks: list[dict[str, Any]], finish: str = "stop", done: bool = True
    ) -> list[bytes]:
        usage = (
            [{**chunk(), "choices": [], "usage": USAGE}]
            if (self.seen.body.get("stream_options") or {}).get("include_usage")
            else []
        )
        return [event(one) for one in [*chunks, chunk({}, finish), *usage]] + (
            [b"data: [DONE]\n\n"] if done else []
        )

    def vectors(self) -> dict[str, Any]:
        given = self.seen.body["input"]
        number = 1 if isinstance(given, str) else len(given)
        packed = (
            base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
            if self.seen.body.get("encoding_format") == "base64"
            else VECTOR
        )
        rows = [
            {"object": "embedding", "index": index, "embedding": packed} for index in range(number)
        ]
        return {
            "object": "list",
            "model": "vectors-1",
            "data": rows,
            "usage": {"prompt_tokens": 5, "total_tokens": 5},
        }

    async def be_raw(self) -> Any:
        """The test's own pieces: of a stream with `sse`, `delay` before each, else of a body with
        the status `code`.
        """
        pieces = [one.encode() for one in self.raw]
        if "sse" in self.options:
            return await self.stream(pieces)
        after = {"Retry-After": self.options["after"]} if "after" in self.options else {}
        return await self.send(int(self.option("code", 200)), b"".join(pieces), after)

    # Refusals

    async def be_status(self) -> Any:
        """`code`, `after` as Retry-After, `reason` as the error's code.

        The message repeats the credentials where `echo` is set.
        """
        after = {"Retry-After": self.options["after"]} if "after" in self.options else {}
        message = (
            f"You sent {self.seen.headers}"
            if "echo" in self.options
            else self.options.get("message", "made up")
        )
        error = {"message": message, "type": "made_up", "code": self.options.get("reason")}
        return await self.send(int(self.options["code"]), {"error": error}, after)

    async def be_keys(self) -> Any:
        """Refuses every key that is not among `taken`, with commas between them: with `status`."""
        key = self.seen.headers.get("authorization", "").removeprefix("Bearer ")
        if key in self.options.get("taken", "").split(","):
            return await self.be_words()
        status, code = int(self.options.get("status", 401)), self.options.get("reason")
        error = {"message": "made up", "code": code or "invalid_api_key"}
        return await self.send(status, {"error": error})

    # Nonsense

    async def be_html(self) -> Any:
        return await self.send(
            200, b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"}
        )

    async def be_html_as_json(self) -> Any:
        return await self.send(200, b"<!doctype html>")

    async def be_wrong_shape(self) -> Any:
        return await self.send(200, {"hello": ["world"]})

    async def be_compressed(self) -> Any:
        return await self.send(200, b"\x1f\x8b", {"Content-Encoding": "gzip"})

    async def be_redirect(self) -> Any:
        return await self.send(307, b"", {"Location": "http://127.0.0.1:9/v1/chat/completions"})

    async def be_empty(self) -> Any:
        """A stream that ends before it began."""
        return await self.stream([])

    # Faults of the network

    async def be_closes(self) -> Any:
        """Nothing: the request is read, and the connection is closed."""
        return False

    async def be_silent(self) -> Any:
        await self.pause(600)

    async def be_drops(self) -> Any:
        """A good answer, then the kept connection is closed without a word, as servers do that were
        idle too long.
        """
        await self.be_words()
        self.writer.close()
        await self.writer.wait_closed()
        self.seen.dropped.set()
        return False

    async def be_dies(self) -> Any:
        """Two chunks, then nothing; of a plain answer its half."""
        if self.seen.body.get("stream"):
            await self.head(SSE)
            for one in self.words(2):
                await self.piece(event(one))
        else:
            self.writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
            )
        await self.pause(0.05)
        self.writer.transport.abort()
        return False

    async def be_stops(self) -> Any:
        """A stream that ends in good order before its answer did."""
        return await self.stream([event(one) for one in self.words(2)])

    async def be_error_event(self) -> Any:
        """`before` chunks, then an event that is an error and repeats the credentials."""
        error = event(
            {"error": {"message": f"You sent {self.seen.headers}", "type": "server_error"}}
        )
        return await self.stream(
            [*(event(one) for one in self.words(int(self.option("before", 2)))), error]
        )

    async def be_hangs(self) -> Any:
        """Two chunks, then silence."""
        await self.head(SSE)
        for one in self.words(2):
            await self.piece(event(one))
        await self.pause(600)

    async def be_odd(self) -> Any:
        """CRLF, comments between events, and cuts at every `cut` bytes, inside of characters and of
        line ends too.
        """
        events = [b": keep-alive\r\n\r\n"]
        for one in self.events(self.words(len(WORDS))):
            events += [one.replace(b"\n", b"\r\n"), b": keep-alive\r\n\r\n"]
        whole, cut = b"".join(events), int(self.option("cut", 7))
        return await self.stream(
            [whole[place : place + cut] for place in range(0, len(whole), cut)], 0.001
        )

    # How bytes leave

    async def pause(self, seconds: float) -> None:
        """Waits, until the caller has gone at the longest."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.seen.hung_up.is_set():
                raise ConnectionResetError
            await asyncio.sleep(min(left, 0.02))

    async def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = {
            "Content-Type": "application/json",
            **(headers or {}),
            "Content-Length": str(len(data)),
        }
        await self.head(lines, status)
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, headers: dict[str, str], status: int = 200) -> None:
        lines = [
            f"HTTP/1.1 {status} Made-Up",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        lines += [] if "Content-Length" in headers else ["Transfer-Encoding: chunked"]
        self.writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        await self.writer.drain()

    async def piece(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.writer.drain()

    async def stream(self, pieces: list[bytes], delay: float | None = None) -> None:
        await self.head(SSE)
        for one in pieces:
            await self.pause(self.option("delay") if delay is None else delay)
            await self.piece(one)
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()


def event(data: Any) -> bytes:
    """One event with this as JSON, its characters not escaped."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def completion(message: dict[str, Any], finish: str, **more: Any) -> dict[str, Any]:
    """A whole answer."""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "model-1",
        "choices": [choice],
        **more,
    }


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None) -> dict[str, Any]:
    """One chunk of a stream."""
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "model-1",
        "choices": [choice],
    }
