"""Whether the client of a page or of the API is still there: the server tells it to Django alone,
and what counts requests runs in a thread.
"""

from collections.abc import Awaitable, Callable
from typing import Any

HUNG_UP = "switchboard.hung_up"  # in the scope of a request whose client is gone

Receive = Callable[[], Awaitable[dict[str, Any]]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]


class NotingHangUps:
    """Hands everything on, and notes in the scope that the client hung up."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Any) -> None:
        async def noting() -> dict[str, Any]:
            message = await receive()
            if message["type"] == "http.disconnect":
                scope[HUNG_UP] = True
            return message

        await self._application(scope, noting, send)
