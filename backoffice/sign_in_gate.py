"""A bound for sign-ins that are answered at once by a worker, in front of Django: each that waits
would have a thread, and thousands of threads would leave nothing for the requests of all others.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from .content_policy import POLICY
from .people.hashing import AT_ONCE, MOST_WAITING, Busy

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]

PATH, MOST = "/sign-in/", AT_ONCE + MOST_WAITING


class SignInGate:
    """Lets so many POSTs of the sign-in page through at a time as hashes may wait; the others get
    503, uncounted and at once.
    """

    def __init__(self, application: Application) -> None:
        self._application, self._inside = application, 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        is_attempt = scope["type"] == "http" and scope["path"] == PATH
        if not is_attempt or scope["method"] != "POST":
            await self._application(scope, receive, send)
            return
        if self._inside >= MOST:
            await _refuse(send)
            return
        self._inside += 1
        try:
            await self._application(scope, receive, send)
        finally:
            self._inside -= 1


async def _refuse(send: Send) -> None:
    detail = _("Too many people sign in at this moment. Try again in some seconds.")
    body = render_to_string("503.html", {"detail": detail}).encode()
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(body)),
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "retry-after": str(Busy.seconds),
        "connection": "close",
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
