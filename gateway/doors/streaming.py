"""Streams to callers: comments while a service has nothing to say, and a head that goes out before
the first piece where that piece takes long.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

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
Send = Callable[[bytes], Awaitable[None]]


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
        self._heard = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._send: Send | None = None  # of the caller, once it has the head
        self._is_sending = False
        self._comment = b""  # goes out before the pieces
        self._commenting: asyncio.Future[None] | None = None
        self._spoken = 0.0  # the loop's time at which the caller got something last
        self._timer: asyncio.TimerHandle | None = None
        request.hear = self._hear
        self._answering = asyncio.create_task(gateway.answer(request))

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
        else:
            self._comment = self._comment or KEEP_ALIVE
        return DoorResponse(200, headers, stream=self)

    def abandon(self) -> None:
        """Ends a response that nobody listens to, also before its first piece."""
        if not self._answering.done():
            self._answering.cancel()
        elif not self._answering.cancelled() and self._answering.exception() is None:
            self._answering.result().abandon()

    async def send_to(self, send: Send) -> None:
        """Sends the pieces as they come, with a comment whenever there was none for
        GATEWAY_KEEPALIVE_SECONDS. A slow caller slows the service down, and fills no memory.

        Raises what `send` raises.
        """
        if self._comment:
            await send(self._comment)
        self._send, self._spoken = send, self._loop.time()
        self._keep_alive()
        try:
            await self._send_pieces(send)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if self._commenting is not None:
                await _end(self._commenting)

    async def _send_pieces(self, send: Send) -> None:
        try:
            pending = await self._answering
        except GatewayError as error:
            await send(self._broken(error))
            return
        async with aclosing(pending.stream(self._events(pending), self._broken)) as pieces:
            async for piece in pieces:
                if self._commenting is not None:
                    await self._commenting
                self._spoken, self._is_sending = self._loop.time(), True
                await send(piece)
                self._is_sending = False

    def _hear(self, comment: bytes) -> None:
        """Passes a comment of the service on."""
        self._heard.set()
        self._say(comment)

    def _say(self, comment: bytes) -> None:
        """Sends a comment, unless something is on its way: then it is worth nothing."""
        if self._send is None:
            self._comment = comment
        elif not self._is_sending and (self._commenting is None or self._commenting.done()):
            self._commenting = asyncio.ensure_future(self._send(comment))

    def _keep_alive(self) -> None:
        """Says something where nothing came for too long, and looks again when that may be next.

        One timer for the whole stream: one for each piece would cost more than the piece.
        """
        seconds = settings.GATEWAY_KEEPALIVE_SECONDS
        if not seconds:
            return
        left = self._spoken + seconds - self._loop.time()
        if left <= 0:
            left = seconds
            self._say(KEEP_ALIVE)
        self._timer = self._loop.call_later(left, self._keep_alive)


async def _end(task: asyncio.Future[Any]) -> None:
    """Cancels a task, and returns when it has ended."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
