"""Answers to HEAD: Django leaves it to the server to drop their bodies, and gunicorn logs a warning
for each body that it drops (RFC 9110, section 9.3.2).
"""

from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]


class HeadAnswers:
    """Hands everything on, but the body of an answer to HEAD."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Any) -> None:
        async def without_body(message: dict[str, Any]) -> None:
            is_body = message["type"] == "http.response.body"
            await send(message | {"body": b""} if is_body else message)

        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self._application(scope, receive, without_body if is_head else send)
