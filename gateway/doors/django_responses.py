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
from .endpoint import DoorResponse

Ask = Callable[[Gateway], Awaitable[DoorResponse]]


def respond(request: HttpRequest, ask: Ask) -> HttpResponse | StreamingHttpResponse:
    """The response that `ask` returns.

    A stream is sent as it comes, on the server's event loop; under WSGI, which has none, it is
    gathered first. No database connection is held meanwhile. Raises what `ask` raises.
    """
    if not isinstance(request, ASGIRequest):
        return to_django(gather(ask))

    async def begin() -> "tuple[DoorResponse, _Stream | None]":
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(current_gateway())
            response = await ask(gateway)
            if response.pieces is None:
                return response, None
            # pop_all: from here on the stream keeps the gateway, until it is closed
            return response, _Stream(response, response.pieces, stack.pop_all())

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
            if response.pieces is not None:
                response.body = b"".join([piece async for piece in response.pieces])
            return response

    close_old_connections()
    return async_to_sync(gathered)()


def to_django(response: DoorResponse) -> HttpResponse:
    """A response that is not a stream."""
    return HttpResponse(response.body, status=response.status, headers=_decoded_headers(response))


def _decoded_headers(response: DoorResponse) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}


class _Stream:
    """The pieces of a stream.

    Django calls `close` from a thread when it has sent them, or gives them up.
    """

    def __init__(
        self, response: DoorResponse, pieces: AsyncGenerator[bytes, None], stack: AsyncExitStack
    ) -> None:
        self._response, self._pieces, self._stack = response, pieces, stack
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Ends the stream. Returns at once."""

        async def end() -> None:
            async with self._stack:
                await self._pieces.aclose()
                if self._response.pending is not None:
                    self._response.pending.abandon()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
