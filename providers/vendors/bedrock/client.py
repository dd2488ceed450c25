"""boto3, which is synchronous, for asynchronous callers: its requests go through the guarded
clients, and it waits in threads beside the event loop.
"""

import asyncio
import io
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import aclosing, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from threading import Lock, Thread
from typing import Any, TypeVar

import httpx2

from providers.core.errors import bad_response
from providers.core.network_faults import network_fault
from providers.core.texts import MOST_DIGITS, parse_json

LONG_NUMBER = re.compile(rb"\d{%d}" % MOST_DIGITS)
EVENTS = "application/vnd.amazon.eventstream"

Result = TypeVar("Result")


class BedrockRuntime:
    """boto3's client of the models, for asynchronous callers.

    `make` makes it, `http` is what its requests go through.

    boto3 signs, repeats and reads in a thread of its own for each request; asyncio's few threads
    would be a limit. The bytes go through `http` on the caller's event loop: so a caller who hangs
    up ends the request at once, and the thread with it.
    """

    def __init__(self, make: Callable[[], Any], http: httpx2.AsyncClient) -> None:
        self._make, self._http, self._lock = make, http, Lock()
        self._boto: Any = None

    @property
    def boto(self) -> Any:
        """The client, made when it is first used: importing boto3 takes a third of a second, and
        looking for credentials may too.
        """
        with self._lock:
            if self._boto is None:
                self._boto = self._make()
                self._boto.meta.events.register("before-send", _send_on_loop)
            return self._boto

    async def call(self, ask: Callable[[Any], Result]) -> Result:
        """Calls `ask` with boto3's client in a thread and returns its result.

        Raises what it raises. Cancelling ends the request.
        """
        async with aclosing(self.each(lambda boto: iter([ask(boto)]))) as found:
            return await anext(found)

    async def each(self, ask: Callable[[Any], Iterable[Result]]) -> AsyncGenerator[Result, None]:
        """Yields the items of the iterable that `ask` returns, as they come.

        Raises as `call`. Closing ends the request.
        """
        exchange = _Exchange(self._http)
        exchange.start(lambda: ask(self.boto))
        try:
            async for item in exchange.items():
                yield item
        finally:
            await exchange.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


@dataclass(frozen=True)
class _End:
    """The last item of an exchange. `error`: the exception that ended the thread."""

    error: BaseException | None = None


class _Exchange:
    """One call of boto3.

    Its thread hands items over to the loop; the loop sends and reads for the thread, one step at a
    time.
    """

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http, self._loop = http, asyncio.get_running_loop()
        self._items: asyncio.Queue[Any] = asyncio.Queue()
        self._step: asyncio.Task[Any] | None = None
        self._response: httpx2.Response | None = None
        self._closed = False

    def start(self, ask: Callable[[], Iterable[Any]]) -> None:
        context = copy_context()
        context.run(_current.set, self)
        # daemon: a thread that waits for credentials (auth_mode "default") must not keep the
        # process from ending
        Thread(target=context.run, args=(self._run, ask), name="bedrock", daemon=True).start()

    async def items(self) -> AsyncIterator[Any]:
        while not isinstance(item := await self._items.get(), _End):
            yield item
            self._items.task_done()
        if item.error is not None:
            raise item.error

    async def aclose(self) -> None:
        self._closed = True
        if self._step is not None and not self._step.done():
            self._step.cancel()
            await asyncio.wait([self._step])
        if self._response is not None:
            await self._response.aclose()

    # In the thread

    def _run(self, ask: Callable[[], Iterable[Any]]) -> None:
        end = _End()
        try:
            for item in ask():
                self._hand_over(item)
        except BaseException as error:  # noqa: BLE001 carried over to whoever waits
            end = _End(error)
        with suppress(RuntimeError):  # the loop is gone, and everybody who waited with it
            self._hand_over(end)

    def _hand_over(self, item: Any) -> None:
        self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    def wait(self, step: Callable[[], Awaitable[Result]]) -> Result:
        """Runs `step` on the loop and returns its result.

        Raises concurrent.futures.CancelledError once the exchange is closed.
        """
        if self._closed:  # the loop may be gone by now
            raise CancelledError
        return asyncio.run_coroutine_threadsafe(self._do(step), self._loop).result()

    def send(self, request: Any, streamed: bool) -> Any:
        """botocore's answer to its request.

        Faults that may pass are raised as botocore's own, the only ones it repeats.
        """
        from botocore.exceptions import HTTPClientError

        try:
            return self.wait(partial(self._send, request, streamed))
        except Exception as error:
            fault = network_fault(error, "")
            if fault is None or fault.permanent:
                raise
            raise HTTPClientError(error=type(error).__name__) from error

    # On the loop

    async def _do(self, step: Callable[[], Awaitable[Result]]) -> Result:
        if self._closed:
            raise asyncio.CancelledError
        self._step = asyncio.current_task()
        return await step()

    async def _send(self, request: Any, streamed: bool) -> Any:
        made = self._http.build_request(
            request.method, request.url, headers=_text_headers(request), content=request.body
        )
        self._response = found = await self._http.send(made, stream=streamed)
        if (
            streamed
            and found.is_success
            and not found.headers.get("content-type", "").startswith(EVENTS)
        ):
            raise bad_response(request.url)  # botocore waits for events in whatever it is
        return _aws_response(
            request, found, _Stream(self, found) if streamed else _Whole(found.content)
        )

    async def read(self, chunks: AsyncIterator[bytes]) -> bytes:
        """The next bytes, b"" at the end.

        Only once all items are taken: a slow caller slows the service down, and fills no memory.
        """
        await self._items.join()
        return await anext(chunks, b"")


_current: ContextVar[_Exchange] = ContextVar("bedrock_exchange")


class _Whole(io.BytesIO):
    """The answer's bytes, where botocore expects a urllib3 response. A number of thousands of
    digits, for which botocore would lose the whole answer, is null; in a stream it loses but the
    event.
    """

    def __init__(self, content: bytes) -> None:
        if LONG_NUMBER.search(content):
            with suppress(ValueError):  # whoever reads it refuses it
                content = json.dumps(parse_json(content)).encode()
        super().__init__(content)

    def stream(self) -> Iterator[bytes]:
        yield self.getvalue()


class _Stream:
    """As `_Whole`, read as they come."""

    def __init__(self, exchange: _Exchange, response: httpx2.Response) -> None:
        self._exchange, self._chunks = exchange, response.aiter_raw()

    def stream(self) -> Iterator[bytes]:
        while chunk := self._exchange.wait(partial(self._exchange.read, self._chunks)):
            yield chunk


def send(http: httpx2.Client, request: Any) -> Any:
    """Sends what botocore has signed through the guarded client."""
    found = http.request(
        request.method, request.url, headers=_text_headers(request), content=request.body
    )
    return _aws_response(request, found, _Whole(found.content))


def _send_on_loop(request: Any, event_name: str, **_: Any) -> Any:
    return _current.get().send(
        request, streamed=event_name.endswith("Stream")
    )  # before-send.bedrock-runtime.ConverseStream


def _text_headers(request: Any) -> dict[str, str]:
    return {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }


def _aws_response(request: Any, found: httpx2.Response, body: Any) -> Any:
    from botocore.awsrequest import AWSResponse

    return AWSResponse(request.url, found.status_code, found.headers, body)
