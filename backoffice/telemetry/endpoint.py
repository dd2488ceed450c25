"""`/metrics` in front of everything: who asks needs no session, and waits for no page."""

import asyncio
import gzip
import hmac
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from pydantic_core import to_json

from connections.api.problem_bodies import CONTENT_TYPE, problem
from connections.client_ip import is_within, source_address
from connections.telemetry import metrics

from .exposition import exposition

PATH = "/metrics"
CODES = {
    401: "unauthorized",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
}
SLOW = 5.0  # seconds: nothing takes so long, or a fault has made it
READING = ThreadPoolExecutor(1, "metrics")  # one at a time, beside the pages' threads

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


class MetricsFirst:
    """Answers GET and HEAD of the one address; hands everything else on."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._application(scope, receive, send)
            return
        status, headers, body = await _answer(scope)
        headers += [
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )


async def _answer(scope: dict[str, Any]) -> tuple[int, Headers, bytes]:
    """The status, the headers and the body of the response."""
    sent: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        sent[name] = sent[name] + b"," + value if name in sent else value
    if not metrics.is_on():
        return _refused(404, "There is no such address.")
    if scope["method"] not in ("GET", "HEAD"):
        return _refused(405, "This address takes GET.", (b"allow", b"GET, HEAD"))
    remote = (scope.get("client") or ("",))[0]
    forwarded = sent.get(b"x-forwarded-for", b"").decode("latin-1")
    address = source_address(remote, forwarded, settings.TRUSTED_PROXIES)
    if not is_within(address, settings.METRICS_ALLOW):
        return _refused(403, "Metrics are not for this address. METRICS_ALLOW names those.")
    if not _has_token(sent.get(b"authorization", b"")):
        message = "Metrics need the token METRICS_TOKEN, as Authorization: Bearer."
        return _refused(401, message, (b"www-authenticate", b"Bearer"))
    accept = sent.get(b"accept", b"").decode("latin-1")
    is_small = b"gzip" in sent.get(b"accept-encoding", b"")
    loop = asyncio.get_running_loop()
    kind, body = await asyncio.wait_for(
        loop.run_in_executor(READING, _read, accept, is_small), SLOW
    )
    encoding = [(b"content-encoding", b"gzip")] if is_small else []
    return 200, [(b"content-type", kind.encode()), (b"vary", b"accept-encoding"), *encoding], body


def _read(accept: str, is_small: bool) -> tuple[str, bytes]:
    kind, body = exposition(accept)
    return kind, gzip.compress(body, 1) if is_small else body


def _has_token(sent: bytes) -> bool:
    """True where the right token was sent, or none is needed."""
    wanted = settings.METRICS_TOKEN
    scheme, _, token = sent.partition(b" ")
    is_right = hmac.compare_digest(token.strip(), wanted.encode())
    return not wanted or (scheme.lower() == b"bearer" and is_right)


def _refused(
    status: int, message: str, *headers: tuple[bytes, bytes]
) -> tuple[int, Headers, bytes]:
    body = to_json(problem(status, message, CODES[status], PATH))
    return status, [(b"content-type", CONTENT_TYPE.encode()), *headers], body
