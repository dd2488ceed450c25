"""Streams to callers: comments while a service has nothing to say, and a head that goes out before
the first piece where that piece takes long.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from django.conf import settings

from ..core.errors import GatewayError
from ..core.requests import GatewayRequest
from ..routing.gateway import Gateway, PendingResponse
from .endpoint import SSE, DoorResponse

# A comment: https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes
KEEP_ALIVE = b": keep-alive\n\n"
# Seconds after a comment of the service. What fails at once after it (OpenRouter's errors of a
# model behind it do) is still refused with a status.
AFTER_COMMENT = 0.5

Events = Callable[[PendingResponse], AsyncGenerator[bytes, None]]
Broken = Callable[[GatewayError], bytes]


async def stream_response(
    gateway: Gateway, request: GatewayRequest, events: Events, broken: Broken
) -> DoorResponse:
    """The response to a request for a stream. `events` makes the pieces of an answer, `broken` the
    piece that ends a stream which failed.

    A request that fails within GATEWAY_FIRST_WAIT_SECONDS raises GatewayError. After that, and soon
    after a comment of the service, the head goes out: targets are asked on, and a failure of the
    last is told in the stream.
    """
    call = StreamedCall(gateway, request, events, broken)
    return await call.begin()


class StreamedCall:
    """One call whose answer is a stream."""

    def __init__(
        self, gateway: Gateway, request: GatewayRequest, events: Events, broken: Broken
    ) -> None:
        self._events, self._broken = events, broken
        # of one piece: a slow caller slows the service down, and fills no memory
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._heard = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._spoken = 0.0  # the loop's time at which the caller got something last
        self._timer: asyncio.TimerHandle | None = None
        request.hear = self._hear
        self._answering = asyncio.create_task(gateway.answer(request))

    def _hear(self, comment: bytes) -> None:
        self._heard.set()
        if self._pieces.empty():  # else something is on its way, and a comment is worth nothing
            self._pieces.put_nowait(comment)

    async def begin(self) -> DoorResponse:
        """The head, with the pieces to come. Raises GatewayError."""
        heard = asyncio.create_task(self._heard.wait())
        try:
            await asyncio.wait(
                {self._answering, heard},
                timeout=settings.GATEWAY_FIRST_WAIT_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if heard.done():
                await asyncio.wait({self._answering}, timeout=AFTER_COMMENT)
        except asyncio.CancelledError:
            await _end(self._answering)
            raise
        finally:
            heard.cancel()
        headers = [*SSE]
        if self._answering.done():
            headers += (await self._answering).headers
        elif self._pieces.empty():
            self._pieces.put_nowait(KEEP_ALIVE)
        return DoorResponse(200, headers, pieces=self._kept_alive(), pending=self)

    def abandon(self) -> None:
        """Ends a response that nobody listens to, also before its first piece."""
        if not self._answering.done():
            self._answering.cancel()
        elif not self._answering.cancelled() and self._answering.exception() is None:
            self._answering.result().abandon()

    async def _kept_alive(self) -> AsyncGenerator[bytes, None]:
        """The pieces, with a comment whenever there was none for GATEWAY_KEEPALIVE_SECONDS."""
        pump = asyncio.create_task(self._pump())
        self._spoken = self._loop.time()
        self._keep_alive()
        try:
            while (piece := await self._pieces.get()) is not None:
                self._spoken = self._loop.time()
                yield piece
            await pump
        finally:
            if self._timer is not None:
                self._timer.cancel()
            await _end(pump)

    def _keep_alive(self) -> None:
        """Puts a comment where nothing came for too long, and looks again when that may be next.

        One timer for the whole stream: one for each piece would cost more than the piece.
        """
        seconds = settings.GATEWAY_KEEPALIVE_SECONDS
        if not seconds:
            return
        left = self._spoken + seconds - self._loop.time()
        if left <= 0:
            left = seconds
            if self._pieces.empty():
                self._pieces.put_nowait(KEEP_ALIVE)
        self._timer = self._loop.call_later(left, self._keep_alive)

    async def _pump(self) -> None:
        """Puts the pieces into the queue as they come, None behind the last."""
        try:
            async with aclosing(self._answered()) as pieces:
                async for piece in pieces:
                    await self._pieces.put(piece)
        except Exception:
            await self._pieces.put(None)
            raise
        await self._pieces.put(None)

    async def _answered(self) -> AsyncGenerator[bytes, None]:
        try:
            pending = await self._answering
        except GatewayError as error:
            yield self._broken(error)
            return
        async with aclosing(pending.stream(self._events(pending), self._broken)) as pieces:
            async for piece in pieces:
                yield piece


async def _end(task: asyncio.Task[object]) -> None:
    """Cancels a task, and returns when it has ended."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
