"""What the endpoints of both protocols share: what comes in, what goes out, and the door in
between.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from pydantic_core import from_json

from connections import services
from connections.bodies import at_most
from connections.services import Caller
from providers.core.base import Capability
from providers.core.chat import ChatRequest

from ..core.errors import GatewayError, invalid
from ..core.requests import Call
from ..routing.gateway import Answered, Worker

JSON = (b"content-type", b"application/json")
# no-transform and x-accel-buffering: proxies (nginx) would otherwise collect a stream before they
# pass it on
SSE = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
UNKNOWN_TOKEN = (
    "This token is unknown, expired or revoked. Send Authorization: Bearer and a token of "  # noqa: S105
    "Switchboard."
)
# Asking again changes nothing. The official SDKs of OpenAI would, for 409 and every 5xx, unless
# this header says not to.
PERMANENT = frozenset(
    {
        "unauthorized",
        "forbidden",
        "quota",
        "tls",
        "blocked_address",
        "not_installed",
        "bad_response",
    }
)
Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Incoming:
    """A request whose body has been read.

    `profile`: from the path, or what the rest of the request names once that is known.
    """

    method: str
    path: str
    headers: dict[bytes, bytes]
    body: bytes = field(repr=False)
    profile: str = ""

    def json(self) -> dict[str, Any]:
        """The body. Raises GatewayError."""
        if (
            self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
            != b"application/json"
        ):
            raise GatewayError(
                415, "unsupported_media_type", "The body is sent as Content-Type: application/json."
            )
        try:
            found = from_json(self.body, allow_inf_nan=False)
        except ValueError:
            raise invalid("parse_error", "The body is not valid JSON.") from None
        if not isinstance(found, dict):
            raise invalid("parse_error", "The body is a JSON object.")
        return found

    def text_of(self, header: bytes) -> str:
        """A header as text, empty when it was not sent."""
        return unquote(self.headers.get(header, b"").decode("latin-1")).strip()


@dataclass(slots=True)
class Outgoing:
    """An answer.

    `pieces` of a stream, else `body`. `answered` is told when a stream that was never begun is
    given up.
    """

    status: int
    headers: Headers
    body: bytes = b""
    pieces: AsyncIterator[bytes] | None = None
    answered: Answered | None = None


async def find_caller(worker: Worker, headers: dict[bytes, bytes]) -> Caller:
    """Who asks, by the token in `Authorization`.

    Raises GatewayError 401, or 403 when its scopes do not reach here.
    """
    kind, _, token = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"bearer" or not token.strip():
        raise GatewayError(
            401, "missing_token", "Send Authorization: Bearer and a token of Switchboard."
        )
    caller = await worker.snapshot.caller(token.strip().decode("latin-1"))
    if caller is None:
        raise GatewayError(401, "invalid_token", UNKNOWN_TOKEN)
    if not services.allows(caller, services.Scope.GATEWAY_USE):
        raise GatewayError(
            403, "missing_scope", f"This token lacks the scope {services.Scope.GATEWAY_USE}."
        )
    return caller


@contextmanager
def judging(
    worker: Worker, endpoint: str, capability: Capability, caller: Caller, incoming: Incoming
) -> Iterator[None]:
    """Around making a call of what came in: a request that is refused before it is a call leaves
    its usage record too.
    """
    try:
        yield
    except GatewayError as error:
        nothing = ChatRequest.model_construct(messages=[])
        trace = worker.recorder.begin(
            Call(endpoint, capability, caller, incoming.profile, {}, nothing)
        )
        worker.recorder.take(trace, error.code)
        raise


def too_large() -> GatewayError:
    """A 413."""
    said = at_most("A request body", settings.GATEWAY_MAX_BODY)
    return GatewayError(413, "too_large", f"{said} here.")


def headers_of(error: GatewayError) -> Headers:
    """The headers of a refusal beside its content type."""
    found = list(error.headers)
    if error.retry_after is not None:
        found.append((b"retry-after", str(ceil(error.retry_after)).encode()))
    if error.status == 409 or error.code in PERMANENT:
        found.append((b"x-should-retry", b"false"))
    if error.status == 401:
        found.append((b"www-authenticate", b"Bearer"))
    return found
