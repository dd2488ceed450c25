"""`/chat...` and `/embeddings...` for signed-in browsers, and their description for everybody.

A request with a token never gets here when it is served by ASGI (gateway/doors/asgi.py). Both ways
lead into gateway.doors.management_api.
"""

from collections.abc import Coroutine
from typing import Any, ClassVar, TypeAlias

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from connections import services
from connections.api.base import ApiView
from connections.api.openapi import TEXTS
from connections.api.problems import ProblemSerializer
from connections.bodies import BoundedStream
from connections.services import Caller, Scope

from ..core.errors import GatewayError
from ..doors import management_api
from ..doors.django_responses import respond, to_django
from ..doors.endpoint import DoorRequest, DoorResponse, find_caller, too_large
from ..routing.gateway import Gateway
from .chat_schemas import AT

Endpoint: TypeAlias = (
    "staticmethod[[Gateway, Caller, DoorRequest], Coroutine[Any, Any, DoorResponse]]"
)
STATUSES = {
    400: (
        "The request is not valid, or asks for what the provider or the profile does not do; "
        "`code` says which."
    ),
    404: "There is no such profile, or none is named and there is no default.",
    409: (
        "The profile or its connection cannot be used: it is switched off, a reference is missing, "
        "a secret cannot be decrypted."
    ),
    413: "The body is larger than GATEWAY_MAX_BODY_MB, which is 8 MB unless the server sets it.",
    429: "Too many requests or tokens, by the token's own limits or the provider's.",
    503: (
        "The database does not answer, or the configuration changes too fast to be read. Try again."
    ),
    504: "The provider did not answer in time.",
}
PROBLEMS = (400, 401, 403, 404, 409, 413, 415, 429, 502, 503, 504)
PROFILE = OpenApiParameter(
    "profileIdOrAlias",
    {"type": "string", "maxLength": 300},
    OpenApiParameter.HEADER,
    description=(
        "The profile, where the path names none. It wins over the body's field; without either the "
        "default profile answers."
    ),
)


def _answers(success: str, schema: str, media: str = "application/json") -> dict[Any, Any]:
    found: dict[Any, Any] = {
        (200, media): OpenApiResponse({"$ref": AT + schema}, description=success)
    }
    for status in PROBLEMS:
        text = STATUSES.get(status) or TEXTS[status]
        found[(status, "application/problem+json")] = OpenApiResponse(
            ProblemSerializer, description=text
        )
    return found


def _described(
    name: str, request: str, success: str, schema: str, media: str = "application/json"
) -> Any:
    body = {"application/json": {"$ref": AT + request}}
    answers = _answers(success, schema, media)
    return extend_schema_view(
        post=extend_schema(operation_id=name, request=body, responses=answers)
    )


CHAT = ("ChatRequest", "The whole answer.", "ChatAnswer")
STREAM = ("ChatRequest", "The answer as it comes.", "ChatStream", "text/event-stream")
EMBEDDINGS = ("EmbeddingsRequest", "A vector for each text.", "Embeddings")
named_elsewhere = extend_schema_view(post=extend_schema(parameters=[PROFILE]))


class AnyAccept(BaseContentNegotiation):
    """Whatever `Accept` says: a client of a stream asks for text/event-stream, and is refused in
    JSON.
    """

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class GatewayView(ApiView):
    """Hands the request to its endpoint as it came."""

    access = {"POST": (Scope.GATEWAY_USE.value, "connections.use_profile")}
    content_negotiation_class = AnyAccept
    endpoint: ClassVar[Endpoint]

    def post(self, request: Request, profile_id_or_alias: str = "") -> HttpResponseBase:
        http = request._request
        person = None if request.auth else services.caller_of(request.user)
        try:
            incoming = DoorRequest(
                "POST", request.path, _headers(http), _body(http), profile_id_or_alias
            )
        except GatewayError as error:
            return to_django(management_api.refusal(error, request.path))

        async def ask(gateway: Gateway) -> DoorResponse:
            try:
                caller = person or await find_caller(gateway, incoming.headers)
                return await type(self).endpoint(gateway, caller, incoming)
            except GatewayError as error:
                return management_api.refusal(error, request.path)

        return respond(http, ask)


def _headers(request: HttpRequest) -> dict[bytes, bytes]:
    return {
        name.lower().encode("latin-1"): value.encode("latin-1", "replace")
        for name, value in request.headers.items()
    }


def _body(request: HttpRequest) -> bytes:
    """The body, past `request.body`, which takes 1 MB at most. Raises GatewayError 413."""
    return BoundedStream(request, settings.GATEWAY_MAX_BODY, too_large()).read()


@named_elsewhere
@_described("completeChat", *CHAT)
class ChatCompleteView(GatewayView):
    """A chat with the default profile, or the one in header or body."""

    endpoint = staticmethod(management_api.chat)


@_described("completeChatByProfile", *CHAT)
class ProfileChatCompleteView(GatewayView):
    """A chat with the profile in the path."""

    endpoint = staticmethod(management_api.chat)


@named_elsewhere
@_described("streamChat", *STREAM)
class ChatStreamView(GatewayView):
    """The same, as server-sent events."""

    endpoint = staticmethod(management_api.stream)


@_described("streamChatByProfile", *STREAM)
class ProfileChatStreamView(GatewayView):
    """The same, as server-sent events."""

    endpoint = staticmethod(management_api.stream)


@named_elsewhere
@_described("generateEmbeddings", *EMBEDDINGS)
class EmbeddingsView(GatewayView):
    """Vectors by the default profile, or the one in header or body."""

    endpoint = staticmethod(management_api.embeddings)


@_described("generateEmbeddingsByProfile", *EMBEDDINGS)
class ProfileEmbeddingsView(GatewayView):
    """Vectors by the profile in the path."""

    endpoint = staticmethod(management_api.embeddings)
