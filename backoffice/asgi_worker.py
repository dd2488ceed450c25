"""gunicorn's asgi worker with bounds for what a client may hold open: its own has none for a head,
for a body or for the number of sockets (gunicorn 27, gunicorn/asgi/protocol.py).
"""

import asyncio
import resource
import time
from contextvars import ContextVar
from ipaddress import IPv4Address, ip_address
from typing import Any

from django.conf import settings
from gunicorn.asgi import protocol  # type: ignore[import-untyped]
from gunicorn.asgi.protocol import ASGIProtocol, ASGIResponseInfo  # type: ignore[import-untyped]
from gunicorn.workers import gasgi  # type: ignore[import-untyped]

from connections.telemetry import metrics
from connections.telemetry.about import ABOUT

from . import draining
from .accepting import Listener
from .access_log import is_left_out
from .early_refusals import body_of, head_of, in_origin_form, path_so_far
from .request_heads import RequestHeads
from .sockets import Bounds, OpenSockets, Phase, Reason

SWEEP_EVERY = 0.5  # seconds
# Seconds that a client of a worker that ends may take to ask once more on a connection that was
# promised to stay: one that is closed while the next request is under way fails.
LINGER, LINGER_EVERY = 1.0, 0.1
MOST_DESCRIPTORS = 65536
OWN_DESCRIPTORS = 100  # of a worker for files, the database and the rest
REQUEST_TIMEOUT = 408
CLIENT_CLOSED = 499  # nginx's status for a client that hung up before there was an answer
NO_ROOM = "This server has no room for another connection. Try again shortly."
NO_WEBSOCKETS = "There are no WebSockets here. Ask by HTTP; answers can be streamed."
TOO_SLOW = "The request did not arrive in time. Send it again."

# What gunicorn resolves when the whole answer to the request of this task is on its way.
_whole: "ContextVar[asyncio.Future[bool] | None]" = ContextVar("whole", default=None)


class BoundedProtocol(ASGIProtocol):  # type: ignore[misc]
    """One connection."""

    def __init__(self, worker: "BoundedWorker") -> None:
        super().__init__(worker)
        self._sockets = worker.open_sockets
        self.client = ""
        self.phase, self.since = Phase.HEAD, time.monotonic()
        self.unread_since: float | None = None
        self._early_status: int | None = None
        self._has_bytes = self._is_answering = self._is_lost = False
        self._status = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.client = client_of(transport.get_extra_info("peername"))
        self._sockets.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sockets.remove(self)
        if not self._is_answering and self._early_status is None:
            self._early_status = CLIENT_CLOSED
        self._is_lost = True
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_since = time.monotonic()
        self._sockets.place_unread(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unread_since = None
        self._sockets.place_unread(self)

    def is_held_back(self) -> bool:
        """True while the client is kept from sending, because the application is behind."""
        return bool(self._reading_paused)

    def is_silent(self) -> bool:
        """True if the client has not sent a single byte."""
        return not self._has_bytes

    def end(self, reason: Reason) -> None:
        """Closes the connection, with 408 or 503 where the client waits for an answer."""
        if reason is Reason.FULL:
            self._refuse(503, NO_ROOM, (("Retry-After", "1"),))
        elif reason in (Reason.HEAD, Reason.BODY) and not self._is_answering:
            self._refuse(REQUEST_TIMEOUT, TOO_SLOW)
        elif reason is Reason.STOPPED:
            self._close_transport()
        else:
            self._closed = True
            self.transport.abort()
        if self._request_ready is not None:
            self._request_ready.set()  # ends the task that waits for a request

    def _refuse(self, status: int, message: str, headers: tuple[Any, ...] = ()) -> None:
        self._early_status = status
        self._send_error_response(status, message, headers)
        self._close_transport()

    # gunicorn's own methods, to answer as the gateway does

    def _send_error_response(
        self, status: int, message: str, extra_headers: tuple[Any, ...] = ()
    ) -> None:
        """Refuses what no application is asked about, such as a line that is too long."""
        kind, body = body_of(status, message, path_so_far(self._callback_parser))
        own = (("Content-Type", kind), ("Content-Length", str(len(body))))
        self._safe_write(head_of(status, (*own, *extra_headers)))
        self._safe_write(body)

    def _build_http_scope(self, *arguments: Any) -> dict[str, Any]:
        scope: dict[str, Any] = super()._build_http_scope(*arguments)
        return scope if scope["path"].startswith("/") else in_origin_form(scope)

    async def _handle_websocket(self, *_arguments: Any) -> None:
        self._refuse(400, NO_WEBSOCKETS)

    # gunicorn's own methods, to know how far a request is

    def _feed_callback_parser(self, data: bytes) -> bool:
        if self._current_request is None and self.phase is not Phase.HEAD:
            self.phase, self.since = Phase.HEAD, time.monotonic()
        self._has_bytes = True
        is_readable: bool = super()._feed_callback_parser(data)
        self._sockets.place(self)
        return is_readable

    def _on_headers_complete(self) -> Any:
        self.phase, self.since = Phase.BODY, time.monotonic()
        self._is_answering = False
        return super()._on_headers_complete()

    def _on_message_complete(self) -> None:
        self.phase = Phase.NONE
        super()._on_message_complete()

    def _will_close(self, *arguments: Any) -> bool:
        is_last = self.worker.is_ending or draining.is_draining()
        return is_last or bool(super()._will_close(*arguments))

    def _arm_keepalive_timer(self) -> None:
        super()._arm_keepalive_timer()
        if self.phase is Phase.NONE:
            self.phase, self.since = Phase.IDLE, time.monotonic()
            self._sockets.place(self)

    def _send_response_start(self, status: int, *arguments: Any, **named: Any) -> None:
        self._is_answering, self._status = True, status
        super()._send_response_start(status, *arguments, **named)

    def _close_transport(self) -> None:
        was_closed = self._closed
        super()._close_transport()
        # close() first sends what is buffered, for which a client may never make room
        if not was_closed and self.transport and self.transport.get_write_buffer_size():
            self.worker.loop.call_later(settings.SEND_TIMEOUT, self.transport.abort)

    async def _handle_http_request(
        self, request: Any, sockname: Any, peername: Any, complete: Any = None
    ) -> bool:
        ABOUT.set({})  # each request has a task of its own
        _whole.set(complete)
        kept: bool = await super()._handle_http_request(request, sockname, peername, complete)
        return kept

    def _build_environ(self, request: Any, *arguments: Any) -> dict[str, Any]:
        whole = _whole.get()
        is_cut = self._is_lost and whole is not None and (not whole.done() or whole.cancelled())
        if self._is_answering and not is_cut and is_left_out(self._status, request.path):
            return {"PATH_INFO": request.path}  # nobody reads the rest of it
        environ: dict[str, Any] = super()._build_environ(request, *arguments)
        status, body = self._early_status, self._body_receiver
        # gunicorn's, after its own timeout
        if status is None and body is not None and body._body_wait_expired:  # noqa: SLF001
            status = REQUEST_TIMEOUT
        if is_cut and (self._is_answering or status is None):
            status = CLIENT_CLOSED
        if status is not None and (is_cut or not self._is_answering):
            environ["switchboard.status"] = status  # for the access log
        return environ


class ToldResponse(ASGIResponseInfo):  # type: ignore[misc]
    """What the access log is told of a response. Its headers are decoded when a line names one, and
    most calls leave no line.
    """

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], sent: int) -> None:
        self.status, self.sent, self._headers = status, sent, headers

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers as texts."""
        found: list[tuple[str, str]] = ASGIResponseInfo(self.status, self._headers, 0).headers
        return found


class BoundedWorker(gasgi.ASGIWorker):  # type: ignore[misc]
    """A worker process."""

    is_ending = False
    _serving: "asyncio.Task[None] | None" = None

    def init_process(self) -> None:
        self.open_sockets = OpenSockets(bounds_of_this_process())
        # the names that the worker makes connections by, and these their parsers
        gasgi.ASGIProtocol, protocol.PythonProtocol = BoundedProtocol, RequestHeads
        protocol.ASGIResponseInfo = ToldResponse
        super().init_process()

    def handle_exit_signal(self) -> None:
        """Begins to end. The worker stays `alive`, which is gunicorn's word for leaving connections
        open after an answer that promised it; other answers say `Connection: close`.
        """
        if self.is_ending:
            return
        self.is_ending = True
        if self._serving is None or len(self.servers) < len(self.sockets):
            self.alive = False  # it has not begun
        else:
            self._serving.cancel()  # gunicorn's loop ends by it, and looks only once a second

    async def _serve(self) -> None:
        self._serving = asyncio.current_task()
        self.loop.create_server = self._listen  # by which gunicorn begins to listen
        self._sweep()
        if metrics.is_on():
            from .telemetry.worker import WorkerFigures  # Django is set up by now

            WorkerFigures(lambda: len(self.open_sockets)).note()
        await super()._serve()

    async def _listen(self, protocol: Any, *, sock: Any, ssl: Any, **_of_asyncio: bool) -> Listener:
        bound = settings.HEAD_TIMEOUT
        return Listener(protocol, sock, ssl, bound, lambda: len(self.open_sockets))

    def _sweep(self) -> None:
        self.open_sockets.sweep()
        self.loop.call_later(SWEEP_EVERY, self._sweep)

    async def _shutdown(self) -> None:
        if self._quick_shutdown:
            await super()._shutdown()
            return
        self.is_ending = True
        for one in self.servers:  # first nothing more is taken
            one.close()
        await asyncio.sleep(LINGER_EVERY / 2)
        quiet = asyncio.create_task(self._end_quiet())
        await super()._shutdown()
        quiet.cancel()

    async def _end_quiet(self) -> None:
        while True:
            self.notify()
            self.open_sockets.end_quiet(LINGER)
            await asyncio.sleep(LINGER_EVERY)


def client_of(peer: object) -> str:
    """The client that a socket's address stands for, empty for a Unix socket. Of IPv6 it is the
    network of 64 bits, since one machine has all of its addresses (RFC 4291, section 2.5.1).
    """
    if not isinstance(peer, tuple):
        return ""
    address = ip_address(str(peer[0]).partition("%")[0])
    if isinstance(address, IPv4Address) or address.ipv4_mapped:
        return str(getattr(address, "ipv4_mapped", None) or address)
    return address.exploded[:19]


def bounds_of_this_process() -> Bounds:
    """The bounds that the settings name.

    As many sockets as there are descriptors for, with one more for each, because a call to a
    service needs its own. The soft limit of descriptors is raised to the hard one.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    room = max(8, (most - OWN_DESCRIPTORS) // 2)
    return Bounds(
        head=settings.HEAD_TIMEOUT,
        body=settings.BODY_TIMEOUT,
        send=settings.SEND_TIMEOUT,
        per_client=settings.SOCKETS_PER_CLIENT,
        total=min(settings.SOCKETS_PER_WORKER, room),
    )
