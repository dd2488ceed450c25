"""Asking one provider: as bytes where it speaks OpenAI's protocol, else through its SDK."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from providers.core.base import Capability, Provider, WireTarget
from providers.core.chat import EmbeddingRequest
from providers.core.errors import ProviderError
from providers.http.retries import counting_retries

from ..core.estimates import body_tokens
from ..core.requests import GatewayRequest, translatable
from ..upstreams.passthrough import Upstream
from ..upstreams.passthrough_embeddings import PassthroughEmbeddings
from ..upstreams.passthrough_responses import PassthroughChat, PassthroughStream
from ..upstreams.sdk_responses import SDKChat, SDKEmbeddings, SDKStream
from ..upstreams.wire import WireRequest
from ..usage.pending import Attempt
from ..usage.spans import note_retry

LONGEST_PAUSE = 5.0  # seconds between two tries; a service that asks for more is not waited for
REPEATED = frozenset({"rate_limited", "error", "refused"})  # codes of errors that may pass

Answer = (
    PassthroughChat
    | PassthroughStream
    | PassthroughEmbeddings
    | SDKChat
    | SDKStream
    | SDKEmbeddings
)


async def ask_provider(
    request: GatewayRequest,
    body: dict[str, Any],
    provider: Provider[Any],
    attempt: Attempt,
    upstream: Upstream,
) -> Answer:
    """The answer to this body. Raises ProviderError, of these Unsupported for a field of it."""
    model = attempt.target.profile.model
    wire_target = await provider.wire_target(request.capability, model)
    if wire_target is None:
        with counting_retries() as sent:
            try:
                return await _ask_sdk(request, body, provider)
            finally:
                attempt.retries = sent.retries
    asked = PassthroughRequest(request, provider, wire_target, attempt)
    return await _ask_upstream(asked, body, upstream)


@dataclass(slots=True)
class PassthroughRequest:
    """A request, the provider of a service that speaks OpenAI's protocol, and its address."""

    request: GatewayRequest
    provider: Provider[Any]
    wire_target: WireTarget
    attempt: Attempt


async def _ask_upstream(
    asked: PassthroughRequest, body: dict[str, Any], upstream: Upstream
) -> Answer:
    """The answer of a service that speaks OpenAI's protocol, as bytes.

    Errors that may pass are repeated as the official SDKs do: after half a second, then twice as
    long each time, or when the service says.
    """
    request, provider, attempt = asked.request, asked.provider, asked.attempt
    asks_usage = request.is_stream and asked.wire_target.asks_usage
    wire = WireRequest(provider, request.capability, body, asks_usage)
    while True:
        try:
            return await _ask_once(request, upstream, asked.wire_target, wire, provider.timeout)
        except ProviderError as error:
            if wire.learns(error):
                continue
            pause, code = error.retry_after, error.code
            if pause is None:
                pause = 0.5 * 2**attempt.retries * random.uniform(0.75, 1)  # noqa: S311 no secret
            if (
                attempt.retries == provider.max_retries
                or error.permanent
                or error.may_be_read
                or error.code not in REPEATED
                or pause > LONGEST_PAUSE
            ):
                raise
        attempt.retries += 1
        note_retry(attempt, code)
        await asyncio.sleep(pause)


async def _ask_once(
    request: GatewayRequest,
    upstream: Upstream,
    wire_target: WireTarget,
    wire: WireRequest,
    timeout: float,
) -> Answer:
    response = await upstream.ask(wire_target, wire.body, timeout, stream=request.is_stream)
    model = str(wire.asked.get("model", ""))
    if not request.is_stream:
        raw = wire.restored(await response.read())
        if request.capability == Capability.CHAT:
            return PassthroughChat(raw, response.host, model)
        return PassthroughEmbeddings(raw, response.host, model)
    pieces = wire.restored_pieces(response.pieces())
    stream = PassthroughStream(pieces, response.host, request.wants_usage, model, request.hear)
    try:
        await stream.open()
    except BaseException:
        response.close()
        raise
    return stream


async def _ask_sdk(
    request: GatewayRequest, body: dict[str, Any], provider: Provider[Any]
) -> Answer:
    """The answer of a service with a protocol of its own, which its SDK repeats where it may."""
    if isinstance(request.parsed, EmbeddingRequest):
        vectors = await provider.embed(EmbeddingRequest.model_validate(body))
        encoding = request.parsed.encoding_format or "float"
        asked = 0 if vectors.usage else body_tokens(body)
        return SDKEmbeddings(vectors, body["model"], encoding, asked)
    chat_request = translatable(body, provider)
    if not request.is_stream:
        return SDKChat(await provider.chat(chat_request), chat_request.model)
    chunks = provider.stream_chat(chat_request)
    stream = SDKStream(chunks, chat_request.model, request.wants_usage)
    try:
        await stream.open()
    except BaseException:
        await stream.close()
        raise
    return stream
