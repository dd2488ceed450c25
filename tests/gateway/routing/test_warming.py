"""What a worker loads before it says that it is ready."""

import asyncio
import importlib.util
import sys
from typing import Any

import pytest
from django.db import OperationalError

from connections import services
from gateway.doors import asgi
from gateway.routing import warming
from providers.core.registry import all_providers


def connection(provider: str, alias: str, **settings: Any) -> Any:
    return services.create_connection(
        provider, actor=None, name=alias, alias=alias, settings=settings
    ).row


def profile(row: Any, alias: str) -> Any:
    values = {"capability": "Chat", "name": alias, "alias": alias, "model": "m"}
    return services.create_profile(row, actor=None, **values).row


@pytest.mark.django_db
def test_the_sdks_of_active_profiles_are_loaded():
    claude = connection("anthropic", "claude", api_key="one-key-for-all")
    profile(claude, "one")
    unused = profile(connection("google", "gemini", api_key="one-key-for-all"), "two")
    services.set_profile_active(unused, False, actor=None)
    profile(connection("openai", "gpt", api_key="one-key-for-all"), "three")  # asked as bytes
    profile(connection("echo", "echo"), "four")  # has none
    assert warming._used_sdks() == ["anthropic"]


def test_an_sdk_is_named_as_it_is_imported():
    named = [provider.sdk for provider in all_providers() if provider.sdk]
    assert "anthropic" in named and all(map(importlib.util.find_spec, named))


def test_an_sdk_that_is_missing_does_not_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(warming, "_used_sdks", lambda: ["no_such_sdk", "colorsys"])
    sys.modules.pop("colorsys", None)
    asyncio.run(warming.warm_up())
    assert "no_such_sdk cannot be loaded: ModuleNotFoundError" in caplog.text
    assert "colorsys" in sys.modules


def test_a_database_that_is_away_does_not_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def away() -> list[str]:
        raise OperationalError

    closed: list[bool] = []
    monkeypatch.setattr(warming, "_used_sdks", away)
    monkeypatch.setattr(warming, "close_connections", lambda: closed.append(True))
    warming.load_sdks()
    asyncio.run(warming.warm_up())
    assert caplog.text.count("OperationalError") == 2 and closed == [True]


def test_a_start_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def never(*_: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(warming, "in_thread", never)
    monkeypatch.setattr(warming, "LONGEST", 0.05)
    asyncio.run(warming.warm_up())
    assert "the start goes on" in caplog.text


def test_a_worker_is_ready_when_it_is_warm(monkeypatch: pytest.MonkeyPatch):
    steps: list[str] = []

    def step(name: str) -> Any:
        async def done(*_: Any) -> None:
            steps.append(name)

        return done

    for name in ("start_gateway", "warm_up", "stop_gateway"):
        monkeypatch.setattr(asgi, name, step(name))
    monkeypatch.setattr(asgi.gc, "freeze", lambda: None)
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: dict[str, Any]) -> None:
        steps.append(message["type"])

    asyncio.run(asgi._run_lifespan(receive, send, None))
    assert steps[:3] == ["start_gateway", "warm_up", "lifespan.startup.complete"]
