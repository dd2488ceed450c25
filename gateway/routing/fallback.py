"""Answering a request by the first target of its route that can, and cool-downs for targets that
failed.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError

from connections.replacement.services import (
    are_both_refused,
    go_back_by_itself,
    is_refusal,
    note_both_refused,
)
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported

from ..core.clients import PooledProvider
from ..core.config_cache import ConfigCache, Route, Target
from ..core.cooldowns import cooldown_for, cooling_code, store_cooldowns
from ..core.db_threads import in_thread
from ..core.errors import GatewayError, from_provider, text_for_record
from ..core.requests import GatewayRequest, body_for, leave_out
from ..upstreams.passthrough import Upstream
from ..usage.pending import Attempt, PendingRecord
from ..usage.spans import begin_attempt_span, note_retry
from .asking import ask_provider
from .permitted import refusal_of

logger = logging.getLogger(__name__)


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
            raise _refused(attempt, refusal_of(target, request.caller))
        begin_attempt_span(attempt, record)
        try:
            return await _ask_watched(request, route, attempt, upstream)
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
        except GatewayError as refused:
            raise _refused(attempt, refused) from None
    raise AssertionError("a route has a target")


def _refused(attempt: Attempt, refusal: GatewayError) -> GatewayError:
    """Ends an attempt that was refused by us, so that no service is at fault."""
    attempt.fail(refusal.code, refusal.detail, is_about_request=True)
    return refusal


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


async def _ask_watched(
    request: GatewayRequest, route: Route, attempt: Attempt, upstream: Upstream
) -> TargetAnswer:
    """As `_ask`. Where the service refuses a key that was just replaced, the one before it is asked
    for the same request; if that answers, the connection goes back to it.

    A refusal comes before any answer, so nothing is answered or billed twice.
    """
    pooled, previous = attempt.target.pooled, attempt.target.previous
    assert pooled is not None  # noqa: S101 looked at before
    try:
        return await _ask(request, route, attempt, pooled, upstream)
    except ProviderError as refused:
        is_about_key = is_refusal(refused.code) and not refused.is_about_request
        if previous is None or not is_about_key:
            raise
        note_retry(attempt, refused.code)
        try:
            answer = await _ask(request, route, attempt, previous.pooled, upstream)
        except ProviderError as error:
            if are_both_refused(refused.code, error.code):
                await _tell(note_both_refused, previous.replacement_id)
            raise refused from None
    attempt.retries += 1
    await _tell(go_back_by_itself, previous.replacement_id)
    return answer


async def _tell(what: Callable[[UUID], object], replacement_id: UUID) -> None:
    """Tells the watch of a new key what a service said. A database that is away is told by the next
    request.
    """
    try:
        await in_thread(what, replacement_id)
    except DatabaseError as failure:
        logger.error("A replaced key is refused, which is not noted: %s", type(failure).__name__)


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
                answer = await ask_provider(request, body, provider, attempt, upstream)
            except Unsupported as error:
                left_out.append(leave_out(body, error, route.profile, target.profile))
            else:
                return TargetAnswer(answer, pooled, left_out)
    except BaseException:
        pooled.release()
        raise
