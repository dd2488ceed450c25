"""Answering a request by the first target of its route that can, and cool-downs for targets that
failed.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError

from providers.core.base import Capability, Provider, WireTarget
from providers.core.chat import EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported
from providers.http.retries import counting_retries

from ..core.clients import PooledProvider
from ..core.config_cache import ConfigCache, Route, Target
from ..core.cooldowns import cooldown_for, cooling_code, store_cooldowns
from ..core.db_threads import in_thread
from ..core.errors import from_provider, text_for_record
from ..core.estimates import body_tokens
from ..core.requests import GatewayRequest, body_for, leave_out, translatable
from ..upstreams.passthrough import Upstream
from ..upstreams.passthrough_embeddings import PassthroughEmbeddings
from ..upstreams.passthrough_responses import (
    PassthroughChat,
    PassthroughStream,
)
from ..upstreams.sdk_responses import (
    SDKChat,
    SDKEmbeddings,
    SDKStream,
)
from ..upstreams.wire import WireRequest
from ..usage.pending import Attempt, PendingRecord

LONGEST_PAUSE = 5.0  # seconds between two tries; a service that asks for more is not waited for
REPEATED = frozenset({"rate_limited", "error", "refused"})  # codes of errors that may pass

logger = logging.getLogger(__name__)
Answer = (
    PassthroughChat
    | PassthroughStream
    | PassthroughEmbeddings
    | SDKChat
    | SDKStream
    | SDKEmbeddings
)


@dataclass(slots=True)
class TargetAnswer:
    """An answer and the target that gave it.

    It owns one use of `pooled`, whose provider may be closed after `pooled.release()`: once the
    answer has been given, of a stream at its end. `left_out`: settings that the model does not
    take.
    """

    answer: Any
    pooled: PooledProvider
    left_out: list[str]


async def answer_by_route(
    request: GatewayRequest,
    route: Route,
    record: PendingRecord,
    config: ConfigCache,
    upstream: Upstream,
) -> TargetAnswer:
    """The answer of the first target that gives one. `record` learns which targets were asked.

    Raises GatewayError, that of the target that was asked last.
    """
    cooldowns = config.invalidation.cooldowns
    cooling = {
        id(one): cooling_code(cooldowns, one.connection_id, one.profile.model)
        for one in route.targets
    }
    targets = _in_order(route, cooling)
    for position, target in enumerate(targets):
        _pass_over_before(target, route, record, cooling)
        attempt = record.begin_attempt(target, is_cooling=bool(cooling[id(target)]))
        if target.pooled is None:
            assert target.refusal is not None  # noqa: S101 one of the two is there
            attempt.fail(target.refusal.code, target.refusal.message, is_about_request=True)
            raise target.refusal.again()
        try:
            return await _ask(request, route, attempt, target.pooled, upstream)
        except ProviderError as error:
            moves_on = route.profile.settings.moves_on(error.code)
            refusal = from_provider(error, target.profile.model, target.pooled.secrets)
            text = text_for_record(error, refusal, target.pooled.secrets)
            attempt.fail(error.code, text, error.status, is_about_request=error.is_about_request)
            record.told_in_vain = error.usage or record.told_in_vain
            if moves_on and len(route.targets) > 1:
                attempt.rests_until = await cool_down(config, target, error)
            if not moves_on or position + 1 == len(targets):
                raise refusal from None
    raise AssertionError("a route has a target")


def _pass_over_before(
    target: Target, route: Route, record: PendingRecord, cooling: Mapping[int, str]
) -> None:
    """Notes the targets that stand before this one and are not asked before it."""
    for one in route.targets:
        if one is target:
            return
        if all(attempt.target is not one for attempt in record.attempts):
            code = one.refusal.code if one.refusal else cooling[id(one)]
            record.pass_over(one, code, is_cooling=bool(cooling[id(one)]))


def _in_order(route: Route, cooling: Mapping[int, str]) -> list[Target]:
    """The targets to ask. Those in a cool-down come last, so that one is asked when no other is
    left; one that cannot be used is not asked.

    A profile that cannot be used itself moves on where its settings say so. Else it is the only
    target: its refusal says what is wrong, and a connection that is switched off is not bypassed.
    """
    first = route.targets[0]
    if first.refusal is not None and not route.profile.settings.moves_on(first.refusal.code):
        return [first]
    usable = [target for target in route.targets if target.pooled is not None]
    return sorted(usable, key=lambda target: bool(cooling[id(target)])) or [first]


async def cool_down(config: ConfigCache, target: Target, error: ProviderError) -> datetime | None:
    """Begins the cool-down of the target's model, or of its whole connection, in every worker.
    Returns its end, None where there is none.
    """
    begun = cooldown_for(target.connection_id, target.profile.model, error)
    if not begun:
        return None
    config.invalidation.cooldowns.update(begun)
    try:
        await in_thread(store_cooldowns, begun)
    except DatabaseError as failure:
        logger.error(
            "The cool-down of %s is known to this worker only: %s",
            target.connection_alias,
            type(failure).__name__,
        )
    return max(until for until, _ in begun.values())


async def _ask(
    request: GatewayRequest,
    route: Route,
    attempt: Attempt,
    pooled: PooledProvider,
    upstream: Upstream,
) -> TargetAnswer:
    """The answer of one target. Raises ProviderError, GatewayError."""
    provider, target = pooled.acquire(), attempt.target
    try:
        body, left_out = body_for(request, route.profile, target.profile, provider)
        while True:
            try:
                answer = await _ask_provider(request, body, provider, attempt, upstream)
            except Unsupported as error:
                left_out.append(leave_out(body, error, route.profile, target.profile))
            else:
                return TargetAnswer(answer, pooled, left_out)
    except BaseException:
        pooled.release()
        raise


async def _ask_provider(
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
            pause = error.retry_after
            if pause is None:
                pause = 0.5 * 2**attempt.retries * random.uniform(0.75, 1)  # noqa: S311
            if (
                attempt.retries == provider.max_retries
                or error.permanent
                or error.may_be_read
                or error.code not in REPEATED
                or pause > LONGEST_PAUSE
            ):
                raise
        attempt.retries += 1
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
