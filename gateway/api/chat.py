"""`/chat...` and `/embeddings...` for signed-in browsers, and their description in OpenAPI.

A request with a token never gets here when it is served by ASGI (gateway/doors/asgi.py). Both ways
lead into gateway.doors.management_api.
"""

from collections.abc import Coroutine
from typing import Any, ClassVar, TypeAlias

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from connections import services
from connections.api.base import ApiView
from connections.api.components import AT
from connections.api.openapi import problem_answers
from connections.bodies import BoundedStream
from connections.services import Caller, Scope

from ..core.errors import GatewayError
from ..doors import management_api
from ..doors.django_responses import respond, to_django
from ..doors.endpoint import DoorRequest, DoorResponse, find_caller, too_large
from ..routing.gateway import Gateway

Endpoint: TypeAlias = (
    "staticmethod[[Gateway, Caller, DoorRequest], Coroutine[Any, Any, DoorResponse]]"
)
PROBLEMS = problem_answers(400, 401, 403, 404, 409, 413, 415, 429, 502, 503, 504)
IN_PATH = OpenApiParameter(
    "profile_id_or_alias", {"type": "string", "maxLength": 100}, OpenApiParameter.PATH
)
PROFILE = OpenApiParameter(
    "profileIdOrAlias",
    {"type": "string", "maxLength": 300},
    OpenApiParameter.HEADER,
    description=(
        "The profile, where the path names none. It wins over the body's field; without either the "
        "default profile answers."
    ),
)


def _operation(
    name: str, profile: OpenApiParameter, request: str, answer: str, media: str = "application/json"
) -> Any:
    """Describe a view. `request`, `answer`: names of components."""
    return extend_schema_view(
        post=extend_schema(
            operation_id=name,
            parameters=[profile],
            request={"application/json": {"$ref": AT + request}},
            responses={(200, media): {"$ref": AT + answer}} | PROBLEMS,
        )
    )


CHAT = ("ChatRequest", "ChatAnswer")
STREAM = ("ChatRequest", "ChatStream", "text/event-stream")
EMBEDDINGS = ("EmbeddingsRequest", "EmbeddingsAnswer")


class AnyAccept(BaseContentNegotiation):
    """Ignores `Accept`: a client of a stream asks for text/event-stream, and a refusal is JSON."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, _request: Request, renderers: Any, _format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class GatewayView(ApiView):
    """Hands the request to its endpoint as it came."""

    access = {"POST": (Scope.GATEWAY_USE.value, "connections.use_profile")}
    content_negotiation_class = AnyAccept
    endpoint: ClassVar[Endpoint]

    def post(self, request: Request, profile_id_or_alias: str = "") -> HttpResponseBase:
        http = request._request  # noqa: SLF001 Django's own, whose body DRF has not read
        remote = http.META.get("REMOTE_ADDR") or ""
        person = None if request.auth else services.caller_of(request.user)
        try:
            # Not `request.body`, which allows 1 MB at most.
            body = BoundedStream(http, settings.GATEWAY_MAX_BODY, too_large()).read()
            incoming = DoorRequest("POST", request.path, _headers(http), body, profile_id_or_alias)
        except GatewayError as error:
            return to_django(management_api.refusal(error, request.path))

        async def ask(gateway: Gateway) -> DoorResponse:
            try:
                caller = person or await find_caller(gateway, incoming.headers, remote)
                return await type(self).endpoint(gateway, caller, incoming)
            except GatewayError as error:
                return management_api.refusal(error, request.path)

        return respond(http, ask)


def _headers(request: HttpRequest) -> dict[bytes, bytes]:
    return {
        name.lower().encode("latin-1"): value.encode("latin-1", "replace")
        for name, value in request.headers.items()
    }


@_operation("completeChat", PROFILE, *CHAT)
class ChatCompleteView(GatewayView):
    """A chat with the default profile, or the one in header or body."""

    endpoint = staticmethod(management_api.chat)


@_operation("completeChatByProfile", IN_PATH, *CHAT)
class ProfileChatCompleteView(GatewayView):
    """A chat with the profile in the path."""

    endpoint = staticmethod(management_api.chat)


@_operation("streamChat", PROFILE, *STREAM)
class ChatStreamView(GatewayView):
    """A chat with the default profile, or the one in header or body, as server-sent events."""

    endpoint = staticmethod(management_api.stream)


@_operation("streamChatByProfile", IN_PATH, *STREAM)
class ProfileChatStreamView(GatewayView):
    """A chat with the profile in the path, as server-sent events."""

    endpoint = staticmethod(management_api.stream)


@_operation("generateEmbeddings", PROFILE, *EMBEDDINGS)
class EmbeddingsView(GatewayView):
    """Vectors by the default profile, or the one in header or body."""

    endpoint = staticmethod(management_api.embeddings)


@_operation("generateEmbeddingsByProfile", IN_PATH, *EMBEDDINGS)
class ProfileEmbeddingsView(GatewayView):
    """Vectors by the profile in the path."""

    endpoint = staticmethod(management_api.embeddings)
