"""`/health/live` in front of everything: who asks waits for no thread, no session and no page."""

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.core.keys import begin_request_id
from providers.core.request_id import HEADER

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]

PATH, BODY = "/health/live", b'{"status": "ok"}'
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(BODY)).encode()),
    (b"x-content-type-options", b"nosniff"),
]


class AliveFirst:
    """Answers GET and HEAD of the one address; hands everything else on."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        is_asked = scope["type"] == "http" and scope["path"] == PATH
        if not is_asked or scope["method"] not in ("GET", "HEAD"):
            await self._application(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        headers = [*HEADERS, (HEADER.lower().encode(), begin_request_id(given, "").encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = BODY if scope["method"] == "GET" else b""
        await send({"type": "http.response.body", "body": body})
