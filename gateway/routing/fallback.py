"""Answering a request by the first target of its route that can, and cool-downs for targets that
failed.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from connections.change_counter import CHANNEL
from providers.core.base import Capability, Provider, WireTarget
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError

from ..core.clients import PooledProvider
from ..core.config_cache import ConfigCache, Route, Target
from ..core.db_threads import in_thread
from ..core.errors import from_provider
from ..core.invalidation import Cooldowns
from ..core.requests import GatewayRequest, body_for
from ..models import Cooldown
from ..upstreams.passthrough import Upstream
from ..upstreams.passthrough_responses import (
    PassthroughChat,
    PassthroughEmbeddings,
    PassthroughStream,
)
from ..upstreams.sdk_responses import (
    SDKChat,
    SDKEmbeddings,
    SDKStream,
)
from ..usage.pending import Attempt, PendingRecord

LONGEST_COOLDOWN = 300.0  # seconds
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
    cooling = _cooling(config.invalidation.cooldowns)
    targets = _in_order(route, cooling)
    for position, target in enumerate(targets):
        _pass_over_before(target, route, record, cooling)
        attempt = record.begin_attempt(target, is_cooling=target.connection_id in cooling)
        if target.pooled is None:
            assert target.refusal is not None  # noqa: S101 one of the two is there
            attempt.fail(target.refusal.code, target.refusal.message)
            raise target.refusal.again()
        try:
            return await _ask(request, route, attempt, target.pooled, upstream)
        except ProviderError as error:
            moves_on = route.profile.settings.moves_on(error.code)
            refusal = from_provider(error, target.pooled.secrets)
            attempt.fail(error.code, refusal.message, error.status)
            if moves_on and len(route.targets) > 1:
                await cool_down(config, target, error)
            if not moves_on or position + 1 == len(targets):
                raise refusal from None
    raise AssertionError("a route has a target")


def _pass_over_before(
    target: Target, route: Route, record: PendingRecord, cooling: Mapping[UUID, str]
) -> None:
    """Notes the targets that stand before this one and are not asked before it."""
    for one in route.targets:
        if one is target:
            return
        if all(attempt.target is not one for attempt in record.attempts):
            code = one.refusal.code if one.refusal else cooling.get(one.connection_id, "")
            record.pass_over(one, code, is_cooling=one.connection_id in cooling)


def _cooling(cooldowns: Cooldowns) -> dict[UUID, str]:
    """The connections that are in a cool-down, with the code of the error that began it."""
    now = timezone.now()
    return {pk: code for pk, (until, code) in cooldowns.items() if until > now}


def _in_order(route: Route, cooling: Mapping[UUID, str]) -> list[Target]:
    """The targets to ask. Those in a cool-down come last, so that one is asked when no other is
    left; one that cannot be used is not asked.

    A profile that cannot be used itself moves on where its settings say so. Else it is the only
    target: its refusal says what is wrong, and a connection that is switched off is not bypassed.
    """
    first = route.targets[0]
    if first.refusal is not None and not route.profile.settings.moves_on(first.refusal.code):
        return [first]
    usable = [target for target in route.targets if target.pooled is not None]
    return sorted(usable, key=lambda target: target.connection_id in cooling) or [first]


async def cool_down(config: ConfigCache, target: Target, error: ProviderError) -> None:
    """Begins a cool-down of the target's connection, in every worker: for as long as the service
    asked for, else for GATEWAY_COOLDOWN_SECONDS.
    """
    seconds = min(error.retry_after or settings.GATEWAY_COOLDOWN_SECONDS, LONGEST_COOLDOWN)
    until = timezone.now() + timedelta(seconds=seconds)

    def store() -> None:
        with transaction.atomic():
            Cooldown.objects.update_or_create(
                connection_id=target.connection_id, defaults={"until": until, "code": error.code}
            )
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(f"NOTIFY {CHANNEL}")

    config.invalidation.cooldowns[target.connection_id] = (until, error.code)
    try:
        await in_thread(store)
    except DatabaseError as failure:
        logger.error(
            "The cool-down of %s is known to this worker only: %s",
            target.connection_alias,
            type(failure).__name__,
        )


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
        wire_target = await provider.wire_target(request.capability, target.profile.model)
        if wire_target is None:
            answer = await _ask_sdk(request, body, provider)
        else:
            asked = PassthroughRequest(request, provider, wire_target, attempt)
            answer = await _ask_upstream(asked, body, upstream)
    except BaseException:
        pooled.release()
        raise
    return TargetAnswer(answer, pooled, left_out)


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
    body = provider.wire_body(request.capability, body)
    if request.is_stream and asked.wire_target.asks_usage:
        body["stream_options"] = {**body.get("stream_options", {}), "include_usage": True}
    while True:
        try:
            return await _ask_once(request, upstream, asked.wire_target, body, provider.timeout)
        except ProviderError as error:
            pause = error.retry_after
            if pause is None:
                pause = 0.5 * 2**attempt.retries * random.uniform(0.75, 1)  # noqa: S311
            if (
                attempt.retries == provider.max_retries
                or error.permanent
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
    body: dict[str, Any],
    timeout: float,
) -> Answer:
    response = await upstream.ask(wire_target, body, timeout, stream=request.is_stream)
    if not request.is_stream:
        raw = await response.read()
        if request.capability == Capability.CHAT:
            return PassthroughChat(raw, response.host)
        return PassthroughEmbeddings(raw, response.host)
    stream = PassthroughStream(response.pieces(), response.host, request.wants_usage)
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
        return SDKEmbeddings(vectors, request.profile_ref, encoding)
    chat_request = ChatRequest.model_validate(body)
    if not request.is_stream:
        return SDKChat(await provider.chat(chat_request), request.profile_ref)
    stream = SDKStream(provider.stream_chat(chat_request), request.profile_ref, request.wants_usage)
    try:
        await stream.open()
    except BaseException:
        await stream.close()
        raise
    return stream
