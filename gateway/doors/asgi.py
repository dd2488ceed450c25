"""The gateway's own small ASGI application, in front of Django: a request that is its own meets no
middleware and no database.

What is not its own goes on to Django, also the calls of a signed-in browser under /api/v1: their
session and CSRF token are Django's to judge (gateway/api/chat.py).
"""

import asyncio
import gc
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from connections.bodies import BoundedBody
from connections.services import Caller

from ..core.errors import GatewayError
from ..routing.gateway import Worker, start_worker, stop_worker
from . import management_api, openai_api
from .endpoint import Incoming, Outgoing, find_caller, too_large

WATCHED_AFTER = 0.25  # seconds; a shorter call is over before anybody could hang up

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Any], Awaitable[None]]
Endpoint = Callable[[Worker, Caller, Incoming], Awaitable[Outgoing]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its method, what answers, and the shape of its refusals."""

    method: str
    endpoint: Endpoint
    is_openai: bool

    def refuse(self, error: GatewayError, path: str) -> Outgoing:
        """The error in this endpoint's shape."""
        return openai_api.refusal(error) if self.is_openai else management_api.refusal(error, path)

    def other_method(self) -> GatewayError:
        """A 405, which has to name the method that there is."""
        error = GatewayError(405, "method_not_allowed", f"This address takes {self.method}.")
        error.headers = [(b"allow", self.method.encode())]
        return error


OPENAI = {
    "/v1/chat/completions": Route("POST", openai_api.chat, True),
    "/v1/embeddings": Route("POST", openai_api.embeddings, True),
    "/v1/models": Route("GET", openai_api.models, True),
}
ONE_MODEL = "/v1/models/"
MANAGEMENT = {
    ("chat", "complete"): Route("POST", management_api.chat, False),
    ("chat", "stream"): Route("POST", management_api.stream, False),
    ("embeddings", "generate"): Route("POST", management_api.embeddings, False),
}
UNKNOWN = Route("", openai_api.models, True)


class GatewayApplication:
    """Answers what is the gateway's, and hands everything else to `django`."""

    def __init__(self, django: Application) -> None:
        self._django = django
        prefixes = "|".join(
            re.escape(prefix) for prefix in ["api/v1", *settings.API_EXTRA_PREFIXES]
        )
        self._management = re.compile(
            rf"/(?:{prefixes})/(chat|embeddings)(?:/([^/]+))?/(complete|stream|generate)"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            route, profile = self._route(scope)
            if route is None:
                await self._django(scope, receive, send)
            else:
                await _Exchange(route, profile, scope, receive, send).run()
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await self._django(scope, receive, send)

    def _route(self, scope: Scope) -> tuple[Route | None, str]:
        """The route and the profile that the path names. None: Django's."""
        path = scope["path"]
        if path.startswith("/v1/"):
            if path.startswith(ONE_MODEL):
                return OPENAI["/v1/models"], path[len(ONE_MODEL) :]
            return OPENAI.get(path, UNKNOWN), ""
        found = (
            self._management.fullmatch(path)
            if path.endswith(("/complete", "/stream", "/generate"))
            else None
        )
        route = MANAGEMENT.get((found[1], found[3])) if found else None
        if route is None or not any(name == b"authorization" for name, _ in scope["headers"]):
            return None, ""
        return route, found[2] or "" if found else ""


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, route: Route, profile: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._route, self._profile, self._scope, self._receive, self._send = (
            route,
            profile,
            scope,
            receive,
            send,
        )
        self._later: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._hung_up = False

    async def run(self) -> None:
        try:
            outgoing = await self._answer()
            await self._write(outgoing)
        except asyncio.CancelledError:
            if not self._hung_up:
                raise
        finally:
            if self._later is not None:
                self._later.cancel()
            if self._watcher is not None:
                self._watcher.cancel()

    def _watch(self, task: asyncio.Task[Any] | None) -> None:
        """From now on, a caller who hangs up ends the call, and with it the request to the
        service.
        """

        async def wait() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self._hung_up = True
            if task is not None:
                task.cancel()

        self._watcher = asyncio.create_task(wait())

    async def _answer(self) -> Outgoing:
        path = self._scope["path"]
        try:
            return await self._answer_or_raise(path)
        except GatewayError as error:
            return self._route.refuse(error, path)
        except Exception:
            logger.exception("The gateway failed")
            return self._route.refuse(
                GatewayError(500, "error", "This is a fault of ours; the log says more."), path
            )

    async def _answer_or_raise(self, path: str) -> Outgoing:
        headers = dict(self._scope["headers"])
        worker = await start_worker()
        caller = await find_caller(worker, headers)
        if not self._route.method:
            raise GatewayError(404, "not_found", "There is no such address.")
        if self._scope["method"] != self._route.method:
            raise self._route.other_method()
        body = await self._read(headers)
        # Not before the body is read: the watcher would take the body for itself.
        self._later = asyncio.get_running_loop().call_later(
            WATCHED_AFTER, self._watch, asyncio.current_task()
        )
        return await self._route.endpoint(
            worker, caller, Incoming(self._scope["method"], path, headers, body, self._profile)
        )

    async def _read(self, headers: dict[bytes, bytes]) -> bytes:
        """The body. Raises GatewayError 413, before it is read where its length is told."""
        body = BoundedBody(self._receive, headers, settings.GATEWAY_MAX_BODY)
        if await body.refuse_announced():
            raise _too_large()
        pieces, more = [], self._route.method == "POST"
        while more:
            message = await body.receive()
            if body.is_too_large:
                raise _too_large()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _write(self, outgoing: Outgoing) -> None:
        if outgoing.pieces is None:
            headers = [*outgoing.headers, (b"content-length", str(len(outgoing.body)).encode())]
            await self._send(
                {"type": "http.response.start", "status": outgoing.status, "headers": headers}
            )
            await self._send({"type": "http.response.body", "body": outgoing.body})
            return
        try:
            await self._send(
                {
                    "type": "http.response.start",
                    "status": outgoing.status,
                    "headers": outgoing.headers,
                }
            )
            async for piece in outgoing.pieces:
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await self._send({"type": "http.response.body", "body": b""})
        finally:
            await outgoing.pieces.aclose()  # type: ignore[attr-defined]
            if outgoing.answered is not None:
                outgoing.answered.abandon()


def _too_large() -> GatewayError:
    error = too_large()
    error.headers = [(b"connection", b"close")]  # what is left of the body is not read
    return error


async def _lifespan(receive: Receive, send: Send) -> None:
    """The server's start and stop."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await start_worker()
            gc.collect()
            # what is loaded stays: to look through it again and again took 4 % of a busy worker's
            # time (make bench)
            gc.freeze()
            await send({"type": "lifespan.startup.complete"})
        else:
            await stop_worker()
            await send({"type": "lifespan.shutdown.complete"})
            return
