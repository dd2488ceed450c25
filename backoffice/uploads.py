"""The refusal of bodies that are too large for every page and address, while they arrive."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from connections.api.problem_bodies import CONTENT_TYPE, problem
from connections.bodies import BoundedBody, at_most, form_limit
from connections.courtesy import answering

from .content_policy import POLICY

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]


class BoundedBodies:
    """Stands before Django, which writes a body to disk until it ends: one that no page and no
    address would take is refused first.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        body = BoundedBody(receive, dict(scope["headers"]), form_limit())
        if not await body.refuse_announced():
            with answering():
                await self._application(scope, body.receive, send)
        if body.is_too_large:
            await _refuse(scope["path"], send)


async def _refuse(path: str, send: Send) -> None:
    detail = f"That is too large. {at_most('A file', settings.UPLOAD_MAX_BYTES)} here."
    if path.startswith(tuple(f"/{prefix}/" for prefix in ["api", *settings.API_EXTRA_PREFIXES])):
        kind, text = CONTENT_TYPE, json.dumps(problem(413, detail, "too_large", path))
    else:
        kind, text = "text/html; charset=utf-8", render_to_string("413.html", {"detail": detail})
    headers = [
        (b"content-type", kind.encode()),
        (b"content-security-policy", POLICY.encode()),
        (b"cache-control", b"no-store"),
    ]
    headers.append((b"connection", b"close"))
    await send(
        {
            "type": "http.response.start",
            "status": 413,
            "headers": [*headers, (b"content-length", b"%d" % len(text.encode()))],
        }
    )
    await send({"type": "http.response.body", "body": text.encode()})
