"""Requests and responses of the gateway's doors, the endpoints of both protocols: reading them,
finding the caller, and the headers of a refusal.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol
from urllib.parse import unquote

from django.conf import settings
from pydantic_core import from_json

from connections import services
from connections.api.problem_bodies import MALFORMED
from connections.audit.services import Origin, Subject, come_from, origin
from connections.bodies import at_most
from connections.services import Caller
from connections.telemetry.about import tell
from providers.core.base import Capability
from providers.core.chat import ChatRequest

from ..core.db_threads import from_here, in_thread
from ..core.errors import GatewayError, invalid
from ..core.requests import GatewayRequest
from ..routing.gateway import Gateway

JSON = (b"content-type", b"application/json")
# no-transform and x-accel-buffering: proxies (nginx) would otherwise collect a stream before they
# pass it on
SSE = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
UNKNOWN_TOKEN = (
    "This token is unknown, expired or revoked. Send Authorization: Bearer and a token of "  # noqa: S105 words for people
    "Switchboard."
)
# Codes of errors that asking again does not change. The official SDKs of OpenAI would ask again,
# for 409 and every 5xx, unless the header x-should-retry says not to.
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
RawHeaders = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class DoorRequest:
    """A request whose body has been read.

    `profile`: the one in the path, then the one that the rest of the request names.
    """

    method: str
    path: str
    headers: dict[bytes, bytes]
    body: bytes = field(repr=False)
    profile: str = ""

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises GatewayError 415 or 400."""
        content_type = self.headers.get(b"content-type", b"").partition(b";")[0]
        if content_type.strip().lower() != b"application/json":
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

    def header_text(self, name: bytes) -> str:
        """A header as text, empty when it was not sent."""
        return unquote(self.headers.get(name, b"").decode("latin-1")).strip()


class Stream(Protocol):
    """The pieces of a response that is a stream."""

    async def send_to(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Sends the pieces as they come. Raises what `send` raises."""

    def abandon(self) -> None:
        """Ends the response, also before its first piece, unless it has ended already."""


@dataclass(slots=True)
class DoorResponse:
    """A response: `body`, or a `stream`, which is abandoned when it is given up."""

    status: int
    headers: RawHeaders
    body: bytes = b""
    stream: Stream | None = None


def token_in(headers: dict[bytes, bytes]) -> str:
    """The token that a request carries: in `Authorization: Bearer`, or, without that header, in
    `api-key`, where clients of Azure OpenAI send it. Empty for none.
    """
    given = headers.get(b"authorization")
    if given is None:
        return headers.get(b"api-key", b"").strip().decode("latin-1")
    kind, _, token = given.partition(b" ")
    return token.strip().decode("latin-1") if kind.lower() == b"bearer" else ""


async def find_caller(gateway: Gateway, headers: dict[bytes, bytes], remote: str) -> Caller:
    """The caller whose token is in `Authorization` or `api-key`. `remote`: the address that is
    connected to us.

    Raises GatewayError 401, 403 for a token without the scope or from an address it is not for, or
    503 while nothing can be confirmed.
    """
    token = token_in(headers)
    forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1")
    come_from(Origin("gateway", {"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": forwarded}))
    try:
        caller = await gateway.config.caller(token) if token else None
    except GatewayError as error:
        if error.status == 401:
            gateway.recorder.note_unknown_caller()
        raise
    if caller is None:
        gateway.recorder.note_unknown_caller()
        if len(token.split()) > 1:
            raise GatewayError(401, "authentication_failed", MALFORMED)
        if token:
            raise GatewayError(401, "invalid_token", UNKNOWN_TOKEN)
        raise GatewayError(
            401, "missing_token", "Send Authorization: Bearer and a token of Switchboard."
        )
    tell(person=caller.user_name, token=caller.shown_token)
    if caller.networks and (refusal := services.refused_address(caller, origin().address)):
        _tell_refused(caller, "address_not_allowed")
        raise GatewayError(403, "address_not_allowed", refusal)
    if not services.allows(caller, services.Scope.GATEWAY_USE):
        raise GatewayError(
            403, "missing_scope", f"This token lacks the scope {services.Scope.GATEWAY_USE}."
        )
    return caller


def _tell_refused(caller: Caller, why: str) -> None:
    """Leaves an event, for which nobody waits."""
    token = Subject("api_token", str(caller.token_id), caller.shown_token)
    if times := services.refusals_due(token, why):
        telling = in_thread(from_here(services.note_refused_token), token, why, times)
        task = asyncio.ensure_future(telling)
        _telling.add(task)  # or it may be forgotten before its end
        task.add_done_callback(_telling.discard)


_telling: set["asyncio.Future[None]"] = set()


@dataclass(slots=True)
class RecordingRefusals:
    """A block that parses a request. One that it refuses leaves a usage record too."""

    gateway: Gateway
    endpoint: str
    capability: Capability
    caller: Caller
    door_request: DoorRequest

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, GatewayError):
            empty, profile = ChatRequest.model_construct(messages=[]), self.door_request.profile
            request = GatewayRequest(
                self.endpoint, self.capability, self.caller, profile, {}, empty
            )
            self.gateway.recorder.finish(self.gateway.recorder.begin(request), error.code)


def too_large() -> GatewayError:
    """A 413."""
    said = at_most("A request body", settings.GATEWAY_MAX_BODY)
    return GatewayError(413, "too_large", f"{said} here.")


def refusal_headers(error: GatewayError) -> RawHeaders:
    """The headers of a refusal beside its content type."""
    found = list(error.headers)
    if error.retry_after is not None:
        found.append((b"retry-after", str(ceil(error.retry_after)).encode()))
    if error.status == 409 or error.code in PERMANENT:
        found.append((b"x-should-retry", b"false"))
    if error.status == 401:
        found.append((b"www-authenticate", b"Bearer"))
    return found
