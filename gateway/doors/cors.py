"""CORS: which pages of other origins may read the gateway's answers in a browser.

The protocol: https://fetch.spec.whatwg.org/#http-cors-protocol. No answer allows credentials, so a
page has to send a token itself; a cookie of this server opens nothing to it.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from ..core.errors import GatewayError
from ..core.origins import ANY
from .endpoint import DoorResponse, RawHeaders

ASKED_METHOD = b"access-control-request-method"
MAX_AGE = 7200  # seconds, the most that Chromium keeps
METHODS = b"GET, HEAD, POST, OPTIONS"
USUAL_HEADERS = b"authorization, content-type"
HEADER_NAMES = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z, -]+")  # RFC 9110, section 5.6.2
LONGEST_LIST = 2000  # characters
EXPOSED = (b"x-request-id", b"retry-after", b"x-should-retry")
EXPOSED_PREFIXES = (b"x-ratelimit-", b"x-switchboard-")

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Cors:
    """The answers of one server to pages of `origins`: as the settings read them, empty for no page
    of another origin.
    """

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    @staticmethod
    def is_preflight(method: str, headers: dict[bytes, bytes]) -> bool:
        """True for the question of a browser whether a page may send a request."""
        return method == "OPTIONS" and b"origin" in headers and ASKED_METHOD in headers

    def preflight(self, headers: dict[bytes, bytes]) -> DoorResponse:
        """The answer to a browser's question. `Send` of `opened` adds the origin.

        Raises GatewayError 403 for an origin that is not listed.
        """
        if self._allowed(headers) is None:
            origin = headers[b"origin"].decode("latin-1")[:200]
            raise GatewayError(
                403,
                "origin_not_allowed",
                f"Pages of {origin} may not call this server. Add the origin to "
                "GATEWAY_CORS_ORIGINS, or call it from a server.",
            )
        asked = headers.get(b"access-control-request-headers", b"")
        is_list = len(asked) <= LONGEST_LIST and HEADER_NAMES.fullmatch(asked)
        return DoorResponse(
            204,
            [
                (b"access-control-allow-methods", METHODS),
                (b"access-control-allow-headers", asked if is_list else USUAL_HEADERS),
                (b"access-control-max-age", b"%d" % MAX_AGE),
                (b"vary", b"Access-Control-Request-Headers"),
            ],
        )

    def opened(self, headers: dict[bytes, bytes], send: Send) -> Send:
        """`send` for an answer that the page may read, where its origin is listed."""
        if not self._origins:
            return send

        async def opened(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                message = {**message, "headers": own + self._headers(headers, own)}
            await send(message)

        return opened

    def _headers(self, headers: dict[bytes, bytes], own: RawHeaders) -> RawHeaders:
        found = [(b"vary", b"Origin")]
        if (allowed := self._allowed(headers)) is not None:
            names = [name for name, _ in own if name.lower().startswith(EXPOSED_PREFIXES)]
            exposed = b", ".join(dict.fromkeys([*EXPOSED, *names]))
            found.append((b"access-control-allow-origin", allowed))
            found.append((b"access-control-expose-headers", exposed))
        return found

    def _allowed(self, headers: dict[bytes, bytes]) -> bytes | None:
        origin = headers.get(b"origin")
        if origin is None or not self._origins:
            return None
        if ANY in self._origins:
            return b"*"
        return origin if origin.decode("latin-1") in self._origins else None
