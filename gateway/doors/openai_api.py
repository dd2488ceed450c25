"""`/v1`: OpenAI's own protocol, so that its SDKs work with another base_url and api_key alone.

The model is a profile's alias or id. https://platform.openai.com/docs/api-reference
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from pydantic_core import to_json

from connections.services import Caller
from providers.core.base import Capability
from providers.core.errors import ProviderError

from ..core import sse
from ..core.errors import GatewayError, invalid
from ..core.profiles import ListedProfile, no_profile
from ..core.requests import GatewayRequest, parse_request
from ..routing.gateway import Gateway, PendingResponse
from ..routing.permitted import permitted_models
from ..upstreams.wire_events import text_in
from .endpoint import (
    JSON,
    DoorRequest,
    DoorResponse,
    RecordingRefusals,
    refusal_headers,
)
from .streaming import stream_response

ENDPOINT = "v1"
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}


def refusal(error: GatewayError) -> DoorResponse:
    """An error in OpenAI's shape: https://platform.openai.com/docs/guides/error-codes"""
    body = to_json({"error": _error_object(error)})
    return DoorResponse(error.status, [JSON, *refusal_headers(error)], body)


def _error_object(error: GatewayError) -> dict[str, Any]:
    """The error in OpenAI's form. Where the service refused the request, its own code and field
    are told, because clients act on `context_length_exceeded` and the like.
    """
    other = "invalid_request_error" if error.status < 500 else "api_error"
    kind = ERROR_TYPES.get(error.status, other)
    code, param = error.service_code or error.code, error.param or error.service_param or None
    found = {"message": error.message, "type": kind, "param": param, "code": code}
    return found | error.service_details


def broken(error: GatewayError) -> bytes:
    """The event that ends a stream which failed in its middle: the official SDKs raise an APIError
    for it.
    """
    return sse.event({"error": _error_object(error)})


def _parse(
    gateway: Gateway, capability: Capability, caller: Caller, request: DoorRequest
) -> GatewayRequest:
    with RecordingRefusals(gateway, ENDPOINT, capability, caller, request):
        body = request.json()
        model = "" if body.get("model") is None else body["model"]
        if not isinstance(model, str):
            raise invalid(
                "invalid_request", "model: Send the alias of a profile, as a text.", "model"
            )
        request.profile = model
        return parse_request(ENDPOINT, capability, caller, model, body)


async def chat(gateway: Gateway, caller: Caller, request: DoorRequest) -> DoorResponse:
    """POST /v1/chat/completions. Raises GatewayError."""
    gateway_request = _parse(gateway, Capability.CHAT, caller, request)
    if gateway_request.is_stream:
        return await stream_response(gateway, gateway_request, _blocks, broken)
    pending = await gateway.answer(gateway_request)

    def as_it_came(answer: Any) -> bytes:
        if pending.records_text:
            with suppress(ProviderError):  # of an odd shape, which goes on to the caller as it is
                pending.record_text(answer.chat_answer().content)
        found: bytes = answer.to_openai()
        return found

    body = await pending.given(as_it_came)
    return DoorResponse(200, [JSON, *pending.headers], body)


def _blocks(pending: PendingResponse) -> AsyncGenerator[bytes, None]:
    """The blocks of a stream."""
    if pending.records_text:
        return _recorded_blocks(pending)
    blocks: AsyncGenerator[bytes, None] = pending.answer.blocks()
    return blocks


async def _recorded_blocks(pending: PendingResponse) -> AsyncGenerator[bytes, None]:
    """The blocks of a stream, whose text is recorded as they pass."""
    async with aclosing(pending.answer.blocks()) as blocks:
        async for block in blocks:
            for one in sse.events(block):
                pending.record_text(text_in(one))
            yield block


async def embeddings(gateway: Gateway, caller: Caller, request: DoorRequest) -> DoorResponse:
    """POST /v1/embeddings. Raises GatewayError."""
    pending = await gateway.answer(_parse(gateway, Capability.EMBEDDING, caller, request))
    body: bytes = await pending.given(lambda answer: answer.to_openai())
    return DoorResponse(200, [JSON, *pending.headers], body)


async def models(gateway: Gateway, caller: Caller, request: DoorRequest) -> DoorResponse:
    """GET /v1/models, GET /v1/models/{alias}: the active profiles that this caller may use.

    Raises GatewayError 404 for another alias.
    """
    found = await permitted_models(gateway.config, caller)
    if not request.profile:
        data = [_model_object(one) for one in found]
        return DoorResponse(200, [JSON], to_json({"object": "list", "data": data}))
    for one in found:
        if request.profile.lower() in (one.alias, str(one.id), *one.former_aliases):
            return DoorResponse(200, [JSON], to_json(_model_object(one)))
    raise no_profile(request.profile)


def _model_object(profile: ListedProfile) -> dict[str, Any]:
    return {
        "id": profile.alias,
        "object": "model",
        "created": int(profile.date_created.timestamp()),
        "owned_by": profile.provider_id,
    }
