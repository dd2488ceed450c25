"""The span of each request, around the whole application; and the export of spans and metrics,
which starts and stops with a worker.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from connections.telemetry import exporting, tracing
from connections.telemetry.about import ABOUT

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]

LEFT_OUT = ("/health/", "/metrics", "/static/")  # asked all the time, and always the same
CLIENT_CLOSED = 499


class Traced:
    """Hands everything on. It is there only where the settings name a collector."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, _exporting(send))
        elif scope["type"] != "http" or not tracing.is_on() or scope["path"].startswith(LEFT_OUT):
            await self._application(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        parent, state = b"", b""
        for name, value in scope["headers"]:
            if name == b"traceparent":
                parent = b"," + value if parent else value  # of two none is valid
            elif name == b"tracestate":
                state = state + b"," + value if state else value
        span = tracing.begin_request(
            scope["method"], parent.decode("latin-1"), state.decode("latin-1")
        )
        if not span.is_recording():
            await self._application(scope, receive, send)
            return
        if ABOUT.get() is None:
            ABOUT.set({})
        status = 0

        async def noting(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._application(scope, receive, noting)
        finally:
            _end(span, status)


def _end(span: Any, status: int) -> None:
    """Ends the span of a request. `status`: 0 for one that got no answer."""
    about = ABOUT.get() or {}
    if not status or about.get("outcome") == "client_closed":
        status = CLIENT_CLOSED
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("switchboard.request_id", about.get("request_id", ""))
    if token := about.get("token"):
        span.set_attribute("switchboard.token", token)
    if status >= 500:
        tracing.fail(span, str(about.get("outcome") or status))
    span.end()


def _exporting(send: Send) -> Send:
    """Starts the export before the server is told that all has started, and ends it when all else
    has ended.
    """

    async def sent(message: dict[str, Any]) -> None:
        if message["type"] == "lifespan.startup.complete":
            exporting.start()
        elif message["type"] == "lifespan.shutdown.complete":
            exporting.stop()
        await send(message)

    return sent
