"""What a chain of steps does before anybody is asked."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from connections.profile_settings import ChatSettings
from connections.services import Caller, StoredProfile
from gateway.core.config_cache import Plan, Step
from gateway.core.errors import GatewayError
from gateway.core.requests import Call, new_call
from gateway.routing.fallback import serve
from gateway.usage.recording import Trace
from providers.core.base import Capability


class Watching:
    """As much of a snapshot as an order of steps needs."""

    watch: Any = type("Watch", (), {"resting": {}})


def refused(plan: Plan, call: Call) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        asyncio.run(serve(call, plan, Trace(call), Watching(), None))  # type: ignore[arg-type]  # nobody is asked
    return caught.value


def test_a_refusal_that_is_remembered_keeps_nothing_of_the_requests_it_met():
    remembered = GatewayError(409, "connection_inactive", "The connection openai is switched off.")
    profile = StoredProfile(
        uuid4(), "writer", "Writer", 1, Capability.CHAT, uuid4(), "m", True, ChatSettings(), ()
    )
    plan = Plan((Step(profile, uuid4(), "openai", 1, "openai", refusal=remembered),))
    call = new_call(
        "v1",
        Capability.CHAT,
        Caller(1, "ada"),
        "writer",
        {"messages": [{"role": "user", "content": "Hello"}]},
    )
    first, second = refused(plan, call), refused(plan, call)
    assert (
        (first.code, first.message)
        == (second.code, second.message)
        == (remembered.code, remembered.message)
    )
    assert first is not second and remembered.__traceback__ is None
