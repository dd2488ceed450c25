"""The gateway's answers as Django's responses: for signed-in browsers, whose session and CSRF token
are Django's to judge.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from ..routing.gateway import Worker, this_worker
from .endpoint import Outgoing

Ask = Callable[[Worker], Awaitable[Outgoing]]


def respond(request: HttpRequest, ask: Ask) -> HttpResponse | StreamingHttpResponse:
    """What `ask` answers.

    A stream is sent as it comes, on the server's event loop; under WSGI, which has none, it is
    gathered first.

    No database connection is held meanwhile. Raises what `ask` raises.
    """
    if not isinstance(request, ASGIRequest):
        return response_of(gathered(ask))
    close_old_connections()
    outgoing, stream = async_to_sync(_begun)(ask)
    return (
        response_of(outgoing)
        if stream is None
        else StreamingHttpResponse(stream, status=outgoing.status, headers=_headers(outgoing))
    )


def gathered(ask: Ask) -> Outgoing:
    """What `ask` answers, the pieces of a stream put together.

    No database connection is held meanwhile. Raises what `ask` raises.
    """
    close_old_connections()
    return async_to_sync(_gathered)(ask)


def response_of(outgoing: Outgoing) -> HttpResponse:
    """An answer that is no stream."""
    return HttpResponse(outgoing.body, status=outgoing.status, headers=_headers(outgoing))


def _headers(outgoing: Outgoing) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in outgoing.headers}


async def _gathered(ask: Ask) -> Outgoing:
    async with this_worker() as worker:
        outgoing = await ask(worker)
        if outgoing.pieces is not None:
            outgoing.body = b"".join([piece async for piece in outgoing.pieces])
        return outgoing


async def _begun(ask: Ask) -> "tuple[Outgoing, _Stream | None]":
    stack = AsyncExitStack()
    worker = await stack.enter_async_context(this_worker())
    try:
        outgoing = await ask(worker)
        if outgoing.pieces is not None:
            return outgoing, _Stream(outgoing, outgoing.pieces, stack.pop_all())
        return outgoing, None
    finally:
        await stack.aclose()


class _Stream:
    """The pieces of a stream.

    Django calls `close` from a thread when it is done with them, or gives them up.
    """

    def __init__(
        self, outgoing: Outgoing, pieces: AsyncIterator[bytes], stack: AsyncExitStack
    ) -> None:
        self._outgoing, self._pieces, self._stack = outgoing, pieces, stack
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Ends what is left of it. Returns at once."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)

    async def _end(self) -> None:
        async with self._stack:
            await self._pieces.aclose()  # type: ignore[attr-defined]
            if self._outgoing.answered is not None:
                self._outgoing.answered.abandon()
