"""The gateway's responses as Django's: for signed-in browsers, whose session and CSRF token Django
has to check.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from ..routing.gateway import Gateway, current_gateway
from .endpoint import DoorResponse, Stream

Ask = Callable[[Gateway], Awaitable[DoorResponse]]


def respond(request: HttpRequest, ask: Ask) -> HttpResponse | StreamingHttpResponse:
    """The response that `ask` returns.

    A stream is sent as it comes, on the server's event loop; under WSGI, which has none, it is
    gathered first. No database connection is held meanwhile. Raises what `ask` raises.
    """
    if not isinstance(request, ASGIRequest):
        return to_django(gather(ask))

    async def begin() -> "tuple[DoorResponse, _Pieces | None]":
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(current_gateway())
            response = await ask(gateway)
            if response.stream is None:
                return response, None
            # pop_all: from here on the stream keeps the gateway, until it is closed
            return response, _Pieces(response.stream, stack.pop_all())

    close_old_connections()
    response, stream = async_to_sync(begin)()
    if stream is None:
        return to_django(response)
    return StreamingHttpResponse(stream, status=response.status, headers=_decoded_headers(response))


def gather(ask: Ask) -> DoorResponse:
    """The response that `ask` returns, with the pieces of a stream in its body.

    No database connection is held meanwhile. Raises what `ask` raises.
    """

    async def gathered() -> DoorResponse:
        async with current_gateway() as gateway:
            response = await ask(gateway)
            if response.stream is not None:
                pieces = list[bytes]()

                async def keep(piece: bytes) -> None:
                    pieces.append(piece)

                await response.stream.send_to(keep)
                response.body = b"".join(pieces)
            return response

    close_old_connections()
    return async_to_sync(gathered)()


def to_django(response: DoorResponse) -> HttpResponse:
    """A response that is not a stream."""
    return HttpResponse(response.body, status=response.status, headers=_decoded_headers(response))


def _decoded_headers(response: DoorResponse) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}


class _Pieces:
    """The pieces of a stream, for Django, which takes them.

    Django calls `close` from a thread when it has sent them, or gives them up.
    """

    def __init__(self, stream: Stream, stack: AsyncExitStack) -> None:
        self._stream, self._stack = stream, stack
        self._pieces = self._taken()
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def _taken(self) -> AsyncGenerator[bytes, None]:
        # of one piece: the stream goes on when a piece was taken
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue(1)

        async def send_all() -> None:
            try:
                await self._stream.send_to(pieces.put)
            except Exception:
                await pieces.put(None)
                raise
            await pieces.put(None)

        sending = asyncio.create_task(send_all())
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            await sending
        finally:
            sending.cancel()
            await asyncio.wait({sending})

    def close(self) -> None:
        """Ends the stream. Returns at once."""

        async def end() -> None:
            async with self._stack:
                await self._pieces.aclose()
                self._stream.abandon()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
