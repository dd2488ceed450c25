"""Asking the steps of a chain, one after the other: who is asked, what moves on to the next, who
rests for a while.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from connections.services import CHANNEL
from providers.core.base import Capability, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError

from ..core.clients import Client
from ..core.config_cache import Plan, Snapshot, Step
from ..core.db_threads import in_thread
from ..core.errors import from_provider
from ..core.requests import Call, body_for
from ..models import Cooldown
from ..upstreams.passthrough import Upstream
from ..upstreams.passthrough_responses import RawChat, RawStream, RawVectors
from ..upstreams.sdk_responses import MadeChat, MadeStream, MadeVectors
from ..usage.recording import Trace

LONGEST_REST = 300.0  # seconds
LONGEST_PAUSE = (
    5.0  # seconds between two tries of one step; a service that asks for more is not waited for
)
AGAIN = frozenset({"rate_limited", "error", "refused"})

logger = logging.getLogger(__name__)
Answer = RawChat | MadeChat | RawStream | MadeStream | RawVectors | MadeVectors
Result = TypeVar("Result")


@dataclass(slots=True)
class Served:
    """An answer, and who gave it.

    The client is in use until `release` is called, which a stream does when it ends.
    """

    answer: Any
    step: Step
    client: Client
    left_out: list[str]

    def release(self) -> None:
        """The answer has been given, or will not be."""
        self.client.__exit__()


async def serve(
    call: Call, plan: Plan, trace: Trace, snapshot: Snapshot, upstream: Upstream
) -> Served:
    """The answer of the first step that gives one.

    Raises GatewayError, that of the last step that was asked.
    """
    steps = _in_order(plan, snapshot.watch.resting)
    for position, step in enumerate(steps):
        trace.step, trace.attempts = step, trace.attempts + 1
        if step.client is None:
            assert step.refusal is not None  # noqa: S101 one of the two is there
            raise step.refusal.again()
        has_next = position + 1 < len(steps)
        try:
            return await _ask(call, plan, step, step.client, upstream)
        except ProviderError as error:
            moves_on = plan.profile.settings.moves_on(error.code)
            if moves_on and len(plan.steps) > 1:
                await rest(snapshot, step, error)
            if not (has_next and moves_on):
                raise from_provider(error, step.client.secrets) from None
    raise AssertionError("a plan has a step")


def _in_order(plan: Plan, resting: dict[Any, tuple[datetime, str]]) -> list[Step]:
    """The steps to ask.

    Who rests comes last, so that it is asked when nobody else is left; a fallback that cannot be
    used, never.

    The profile that was asked for says itself what is wrong with it: a connection that is switched
    off is not gone round.
    """
    first = plan.steps[0]
    if len(plan.steps) == 1 or first.client is None:
        return [first]
    usable = [step for step in plan.steps if step.client is not None]
    now = timezone.now()
    awake = [
        step
        for step in usable
        if step.connection_id not in resting or resting[step.connection_id][0] <= now
    ]
    return awake + [step for step in usable if step not in awake]


async def rest(snapshot: Snapshot, step: Step, error: ProviderError) -> None:
    """Lets a connection rest, in every worker: for the time the service asked for, else for
    GATEWAY_COOLDOWN_SECONDS.
    """
    seconds = min(error.retry_after or settings.GATEWAY_COOLDOWN_SECONDS, LONGEST_REST)
    until = timezone.now() + timedelta(seconds=seconds)
    snapshot.watch.resting[step.connection_id] = (until, error.code)
    try:
        await in_thread(_rest, step, until, error.code)
    except DatabaseError as failure:
        logger.error(
            "That %s rests is known to this worker only: %s",
            step.connection_alias,
            type(failure).__name__,
        )


def _rest(step: Step, until: datetime, code: str) -> None:
    with transaction.atomic():
        Cooldown.objects.update_or_create(
            connection_id=step.connection_id, defaults={"until": until, "code": code}
        )
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"NOTIFY {CHANNEL}")


async def _ask(call: Call, plan: Plan, step: Step, client: Client, upstream: Upstream) -> Served:
    """One step, tried as often as its client does. Raises ProviderError, GatewayError."""
    provider = client.__enter__()
    try:
        body, left_out = body_for(call, plan.profile, step.profile, provider)
        target = await provider.wire_target(call.capability, step.profile.model)
        if target is None:
            answer = await _by_sdk(call, body, provider)
        else:
            body = provider.wire_body(call.capability, body)
            if call.is_stream and target.asks_usage:
                body["stream_options"] = {**body.get("stream_options", {}), "include_usage": True}
            answer = await _repeated(
                lambda: _by_wire(call, upstream, target, body, provider.timeout),
                provider.max_retries,
            )
        return Served(answer, step, client, left_out)
    except BaseException:
        client.__exit__()
        raise


async def _repeated(ask: Callable[[], Awaitable[Result]], tries: int) -> Result:
    """As the official SDKs repeat: after half a second, then twice as long each time, or when the
    service says.
    """
    for number in range(tries):
        try:
            return await ask()
        except ProviderError as error:
            pause = (
                error.retry_after
                if error.retry_after is not None
                else 0.5 * 2**number * random.uniform(0.75, 1)  # noqa: S311
            )
            if error.permanent or error.code not in AGAIN or pause > LONGEST_PAUSE:
                raise
            await asyncio.sleep(pause)
    return await ask()


async def _by_wire(
    call: Call, upstream: Upstream, target: Any, body: dict[str, Any], timeout: float
) -> Answer:
    reply = await upstream.ask(target, body, timeout, stream=call.is_stream)
    if not call.is_stream:
        raw = await reply.read()
        return (
            RawChat(raw, reply.host)
            if call.capability == Capability.CHAT
            else RawVectors(raw, reply.host)
        )
    stream = RawStream(reply.pieces(), reply.host, call.wants_usage)
    try:
        await stream.open()
    except BaseException:
        reply.close()
        raise
    return stream


async def _by_sdk(call: Call, body: dict[str, Any], provider: Provider[Any]) -> Answer:
    if call.capability == Capability.EMBEDDING:
        return MadeVectors(await provider.embed(EmbeddingRequest.model_validate(body)))
    request = ChatRequest.model_validate(body)
    if not call.is_stream:
        return MadeChat(await provider.chat(request))
    source = provider.stream_chat(request)
    stream = MadeStream(source, call.profile_ref, call.wants_usage)
    try:
        await stream.open()
    except BaseException:
        await source.aclose()  # type: ignore[attr-defined]
        raise
    return stream
