"""`/v1`: OpenAI's own protocol, so that its SDKs work by changing base_url and api_key alone.

The model is a profile's alias or id.

https://platform.openai.com/docs/api-reference
"""

from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import to_json

from connections.services import Caller
from providers.core.base import Capability
from providers.core.chat import EmbeddingRequest

from ..core import sse
from ..core.config_cache import ListedProfile
from ..core.errors import GatewayError, invalid
from ..core.requests import Call, new_call
from ..routing.gateway import Answered, Worker
from .endpoint import JSON, SSE, Incoming, Outgoing, headers_of, judging

ENDPOINT = "v1"
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}


def refusal(error: GatewayError) -> Outgoing:
    """An error in OpenAI's shape: https://platform.openai.com/docs/guides/error-codes"""
    return Outgoing(error.status, [JSON, *headers_of(error)], to_json({"error": _error(error)}))


def _error(error: GatewayError) -> dict[str, Any]:
    kind = TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    return {"message": error.message, "type": kind, "param": error.param, "code": error.code}


def broken(error: GatewayError) -> bytes:
    """The event that ends a stream which failed in its middle: the official SDKs raise an APIError
    for it.
    """
    return sse.event({"error": _error(error)})


def _call(worker: Worker, capability: Capability, caller: Caller, incoming: Incoming) -> Call:
    with judging(worker, ENDPOINT, capability, caller, incoming):
        body = incoming.json()
        model = body.get("model", "")
        if not isinstance(model, str):
            raise invalid("invalid_request", "model: the alias of a profile, as a text.", "model")
        incoming.profile = model
        return new_call(ENDPOINT, capability, caller, model, body)


async def chat(worker: Worker, caller: Caller, incoming: Incoming) -> Outgoing:
    """POST /v1/chat/completions"""
    call = _call(worker, Capability.CHAT, caller, incoming)
    answered = await worker.answer(call)
    if call.is_stream:
        blocks = _noted(answered) if answered.wants_text else answered.answer.blocks()
        return Outgoing(
            200,
            [*SSE, *answered.headers],
            pieces=answered.stream(blocks, broken),
            answered=answered,
        )
    with answered.whole() as answer:
        raw = answer.openai(call.profile_ref)
        if answered.wants_text:
            answered.note(answer.answer().content)
    return Outgoing(200, [JSON, *answered.headers], raw)


async def _noted(answered: Answered) -> AsyncIterator[bytes]:
    """The blocks of a stream, with its text noted."""
    blocks = answered.answer.blocks()
    try:
        async for block in blocks:
            for one in sse.events(block):
                choices = (sse.json_of(one) or {}).get("choices") or [{}]
                answered.note((choices[0].get("delta") or {}).get("content"))
            yield block
    finally:
        await blocks.aclose()


async def embeddings(worker: Worker, caller: Caller, incoming: Incoming) -> Outgoing:
    """POST /v1/embeddings"""
    call = _call(worker, Capability.EMBEDDING, caller, incoming)
    answered = await worker.answer(call)
    encoding = call.request.encoding_format if isinstance(call.request, EmbeddingRequest) else None
    with answered.whole() as answer:
        raw = answer.openai(call.profile_ref, encoding or "float")
    return Outgoing(200, [JSON, *answered.headers], raw)


async def models(worker: Worker, caller: Caller, incoming: Incoming) -> Outgoing:
    """GET /v1/models, GET /v1/models/{alias}: the active profiles this caller may use."""
    found = [
        one
        for one in await worker.snapshot.models()
        if caller.profile_ids is None or one.id in caller.profile_ids
    ]
    if not caller.may_use_profiles:
        found = []
    if not incoming.profile:
        return Outgoing(
            200, [JSON], to_json({"object": "list", "data": [_model(one) for one in found]})
        )
    for one in found:
        if incoming.profile.lower() in (one.alias, str(one.id)):
            return Outgoing(200, [JSON], to_json(_model(one)))
    raise GatewayError(
        404, "profile_not_found", f"There is no profile {incoming.profile[:100]!r}.", "model"
    )


def _model(profile: ListedProfile) -> dict[str, Any]:
    created = int(profile.date_created.timestamp())
    return {
        "id": profile.alias,
        "object": "model",
        "created": created,
        "owned_by": profile.provider_id,
    }
