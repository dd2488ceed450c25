"""The gateway's ASGI application, in front of Django: its requests pass no middleware and need no
database.

Every other request goes on to Django. So do the requests of a signed-in browser under /api/v1,
whose session and CSRF token Django has to check (gateway/api/chat.py).
"""

import asyncio
import gc
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from django.conf import settings

from connections.bodies import BoundedBody
from connections.telemetry import metrics
from connections.telemetry.declared import RESPONSES

from ..core.errors import GatewayError
from ..core.keys import begin_request_id
from ..routing.gateway import running_gateway, start_gateway, stop_gateway
from ..routing.warming import warm_up
from .cors import Cors
from .endpoint import DoorRequest, DoorResponse, find_caller, token_in, too_large
from .operations import MANAGEMENT, ONE_MODEL, OPENAI, UNKNOWN, Operation

# After so many new objects Python looks for rings among them, and each tenth time among those that
# were left. More, and one look takes longer than /health/live may.
YOUNG_OBJECTS, YOUNG_LOOKS = 10_000, 10
WATCHED_AFTER = 0.25  # seconds; a shorter request is over before anybody could hang up

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Any], Awaitable[None]]

logger = logging.getLogger(__name__)


class Beside(Protocol):
    """Something that works beside the requests, in threads of its own."""

    def start(self) -> None:
        """Begins. Called once, in the process that answers."""

    def stop(self) -> None:
        """Ends it. May take some seconds."""


class GatewayApplication:
    """Answers the gateway's requests, and hands all others to `django`. `beside`: starts and stops
    with the server.
    """

    def __init__(self, django: Application, beside: Beside | None = None) -> None:
        self._django, self._beside = django, beside
        prefixes = "|".join(
            re.escape(prefix) for prefix in ["api/v1", *settings.API_EXTRA_PREFIXES]
        )
        self._management = re.compile(
            rf"/(?:{prefixes})/(chat|embeddings)(?:/([^/]+))?/(complete|stream|generate)"
        )
        self._cors = Cors(settings.GATEWAY_CORS_ORIGINS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _run_lifespan(receive, send, self._beside)
        else:  # a WebSocket, of a server that lets it come this far: closed before it is accepted
            await receive()
            await send({"type": "websocket.close"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation, profile = self._operation(scope)
        if operation is None:
            await self._django(scope, receive, send)
            return
        headers = dict(scope["headers"])
        send = self._cors.opened(headers, send)
        exchange = _Exchange(operation, profile, scope, headers, receive, send)
        if self._cors.is_preflight(scope["method"], headers):
            await exchange.answer_preflight(self._cors)
        elif operation.is_openai or token_in(headers):
            await exchange.run()
        else:
            await self._django(scope, receive, send)

    def _operation(self, scope: Scope) -> tuple[Operation | None, str]:
        """The operation and the profile that the path names; None for a request of Django's.

        A slash too many, between or after, changes nothing.
        """
        path = scope["path"]
        if "//" in path or path.endswith("/"):
            path = re.sub("/+", "/", path).rstrip("/")
        if path == "/v1" or path.startswith("/v1/"):
            if path.startswith(ONE_MODEL):
                return OPENAI["/v1/models"], path[len(ONE_MODEL) :]
            return OPENAI.get(path, UNKNOWN), ""
        if not path.endswith(("/complete", "/stream", "/generate")):
            return None, ""
        found = self._management.fullmatch(path)
        if found is None:
            return None, ""
        return MANAGEMENT.get((found[1], found[3])), found[2] or ""


class _Exchange:
    """One request and its response."""

    def __init__(
        self,
        operation: Operation,
        profile: str,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        send: Send,
    ) -> None:
        self._operation, self._profile, self._scope = operation, profile, scope
        self._headers, self._receive, self._send = headers, receive, send
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._hung_up = False
        self._request_id = begin_request_id(
            _header(scope, headers, b"x-request-id"), _header(scope, headers, b"traceparent")
        ).encode()

    async def run(self) -> None:
        """Answers the request."""
        try:
            await self._send_response(await self._answer())
        except asyncio.CancelledError:
            if not self._hung_up:
                raise
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if self._watcher is not None:
                self._watcher.cancel()

    async def answer_preflight(self, cors: Cors) -> None:
        """Answers the question of a browser, which carries no token."""
        try:
            response = cors.preflight(self._headers)
        except GatewayError as error:
            response = self._operation.refuse(error, self._scope["path"])
        await self._send_response(response)

    def _watch(self, task: asyncio.Task[Any] | None) -> None:
        """Cancels the task, and with it the request to the service, as soon as the caller hangs
        up.
        """

        async def wait() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self._hung_up = True
            if task is not None:
                task.cancel()

        self._watcher = asyncio.create_task(wait())

    async def _answer(self) -> DoorResponse:
        scope, operation, headers = self._scope, self._operation, self._headers
        is_read = False
        try:
            gateway = running_gateway() or await start_gateway()
            caller = await find_caller(gateway, headers, (scope.get("client") or ("",))[0])
            if not operation.method:
                raise GatewayError(404, "not_found", "There is no such address.")
            if scope["method"] not in operation.methods:
                error = GatewayError(
                    405, "method_not_allowed", f"This address takes {operation.method}."
                )
                error.headers = [(b"allow", ", ".join(operation.methods).encode())]
                raise error
            body = await self._read_body(headers)
            is_read = True
            # Not before the body is read: the watcher would receive the body's messages.
            self._timer = asyncio.get_running_loop().call_later(
                WATCHED_AFTER, self._watch, asyncio.current_task()
            )
            request = DoorRequest(scope["method"], scope["path"], headers, body, self._profile)
            return await operation.handler(gateway, caller, request)
        except GatewayError as error:
            if not is_read and scope["method"] not in ("GET", "HEAD"):
                # The server closes a connection whose body is not read, and a client that was not
                # told would send its next request into it (RFC 9112, section 9.6).
                error.headers = [*error.headers, (b"connection", b"close")]
            return operation.refuse(error, scope["path"])
        except Exception:
            logger.exception("The gateway failed")
            return operation.refuse(
                GatewayError(500, "error", "This is a fault of ours; the log says more."),
                scope["path"],
            )

    async def _read_body(self, headers: dict[bytes, bytes]) -> bytes:
        """The body. Raises GatewayError 413, before reading where the length is announced."""
        body = BoundedBody(self._receive, headers, settings.GATEWAY_MAX_BODY)
        if await body.refuse_announced():
            raise too_large()
        pieces, more = [], self._operation.method == "POST"
        while more:
            message = await body.receive()
            if body.is_too_large:
                raise too_large()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _send_response(self, response: DoorResponse) -> None:
        metrics.add(RESPONSES, (self._operation.name, str(response.status)))
        headers = [*response.headers, (b"x-request-id", self._request_id)]
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        if response.stream is None:
            headers.append((b"cache-control", b"no-store"))  # of a stream it says so itself
            if response.status != 204:  # RFC 9110, section 8.6: it has no length
                headers.append((b"content-length", str(len(response.body)).encode()))
            await self._send(start)
            body = b"" if self._scope["method"] == "HEAD" else response.body
            await self._send({"type": "http.response.body", "body": body})
            return
        try:
            await self._send(start)
            await response.stream.send_to(self._send_piece)
            await self._send({"type": "http.response.body", "body": b""})
        finally:
            response.stream.abandon()

    def _send_piece(self, piece: bytes) -> Awaitable[None]:
        return self._send({"type": "http.response.body", "body": piece, "more_body": True})


def _header(scope: Scope, headers: dict[bytes, bytes], name: bytes) -> str:
    """A header as text, of one that was sent twice both, as Django joins them."""
    if name not in headers:
        return ""
    return b",".join([value for sent, value in scope["headers"] if sent == name]).decode("latin-1")


async def _run_lifespan(receive: Receive, send: Send, beside: Beside | None) -> None:
    """Starts and stops the gateway with the server:
    https://asgi.readthedocs.io/en/latest/specs/lifespan.html
    """
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await start_gateway()
            await warm_up()
            gc.collect()
            # Modules and settings stay for good: to look through them at each collection took 4 %
            # of a busy worker's time (make bench). What a request makes goes by itself; to look for
            # rings among it every 700 objects took another 5 %.
            gc.freeze()
            gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS)
            if beside is not None:
                beside.start()
            await send({"type": "lifespan.startup.complete"})
        else:
            if beside is not None:
                await asyncio.to_thread(beside.stop)
            await stop_gateway()
            await send({"type": "lifespan.shutdown.complete"})
            return
