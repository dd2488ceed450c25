"""A route whose target is refused before anybody is asked."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from connections.profile_settings import ChatSettings
from connections.runtime import StoredProfile
from connections.services import Caller
from gateway.core.config_cache import Route, Target
from gateway.core.errors import GatewayError
from gateway.core.requests import GatewayRequest, parse_request
from gateway.routing.fallback import answer_by_route
from gateway.usage.recording import PendingRecord
from providers.core.base import Capability


class NoCooldowns:
    """As much of a configuration as an order of targets needs."""

    invalidation: Any = type("Invalidation", (), {"cooldowns": {}})


def refused(route: Route, request: GatewayRequest) -> GatewayError:
    record = PendingRecord(request)
    with pytest.raises(GatewayError) as caught:
        asyncio.run(answer_by_route(request, route, record, NoCooldowns(), None))  # type: ignore[arg-type]  # nobody is asked
    return caught.value


def test_a_refusal_that_is_remembered_keeps_nothing_of_the_requests_it_met():
    remembered = GatewayError(409, "connection_inactive", "The connection openai is switched off.")
    profile = StoredProfile(
        uuid4(), "writer", "Writer", 1, Capability.CHAT, uuid4(), "m", True, ChatSettings(), ()
    )
    route = Route((Target(profile, uuid4(), "openai", 1, "openai", refusal=remembered),))
    request = parse_request(
        "v1",
        Capability.CHAT,
        Caller(1, "ada"),
        "writer",
        {"messages": [{"role": "user", "content": "Hello"}]},
    )
    first, second = refused(route, request), refused(route, request)
    assert (
        (first.code, first.message)
        == (second.code, second.message)
        == (remembered.code, remembered.message)
    )
    assert first is not second and remembered.__traceback__ is None
