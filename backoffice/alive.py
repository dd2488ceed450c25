"""The probes in front of everything: whoever asks waits for no thread of the pages, no session and
no page, by any host name. `/health/live` is answered by the event loop itself, the others by a
thread of their own.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections, connection

from gateway.core.keys import begin_request_id
from providers.core.request_id import HEADER

from . import draining
from .health import DRAINING, NO_ANSWER, Report, readiness, startup

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]

LIVE, READY, STARTUP = "/health/live", "/health/ready", "/health/startup"
ALIVE = b'{"status": "ok"}'
REFUSED = b'{"status": "method_not_allowed"}'
ANSWER_WITHIN = 0.9  # seconds; a little more than the checks take together


class ProbesFirst:
    """Answers these addresses, which take GET and HEAD; hands everything else on."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._thread = ThreadPoolExecutor(1, "probes")
        self._asking: dict[str, asyncio.Future[Report]] = {}
        self._has_begun = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, self._noting(send))
        elif scope["type"] != "http" or scope["path"] not in (LIVE, READY, STARTUP):
            await self._application(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await _send(scope, send, 405, REFUSED, ((b"allow", b"GET, HEAD"),))
        elif scope["path"] == LIVE:
            await _send(scope, send, 200, ALIVE)
        else:
            report = await self._report(scope["path"])
            await _send(scope, send, report.status, json.dumps(report.body).encode())

    def _noting(self, send: Send) -> Send:
        async def sent(message: dict[str, Any]) -> None:
            self._has_begun |= message["type"] == "lifespan.startup.complete"
            await send(message)

        return sent

    async def _report(self, path: str) -> Report:
        """The report, asked once for all who wait for it. Whatever hangs, it is there in time."""
        if draining.is_draining() and path == READY:
            return DRAINING
        asking = self._asking.get(path)
        if asking is None or asking.done():
            begun = self._has_begun
            ask = readiness if path == READY else lambda: startup(begun)
            asking = asyncio.get_running_loop().run_in_executor(self._thread, _asked, ask)
            self._asking[path] = asking
        done, _ = await asyncio.wait([asking], timeout=ANSWER_WITHIN)
        return asking.result() if done else NO_ANSWER


def _asked(ask: Callable[[], Report]) -> Report:
    """The report, with this thread's connection to a server given back."""
    try:
        return ask()
    finally:
        if connection.vendor != "sqlite":
            connection.close()
        elif connection.errors_occurred:
            close_old_connections()


async def _send(
    scope: dict[str, Any],
    send: Send,
    status: int,
    body: bytes,
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (HEADER.lower().encode(), begin_request_id(given, "").encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    sent = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": sent})
