"""What a worker loads before it says that it is ready."""

import asyncio
from typing import Any

import pytest

from connections import services
from gateway.doors import asgi
from gateway.routing import warming
from providers.core.registry import get_provider
from tests.providers.samples import sample


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
    profile(claude, "two")
    profile(connection("anthropic", "claude-2", api_key="$Env:ANTHROPIC_API_KEY"), "three")
    unused = profile(connection("google", "gemini", api_key="one-key-for-all"), "four")
    services.set_profile_active(unused, False, actor=None)
    profile(connection("openai", "gpt", api_key="one-key-for-all"), "five")  # asked as bytes
    profile(connection("echo", "echo"), "six")  # has no client
    found = warming._used_providers()
    assert [type(one).id for one in found] == ["anthropic"]


def test_an_sdk_that_is_missing_does_not_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    first, second = sample(get_provider("anthropic")), sample(get_provider("amazon"))
    monkeypatch.setattr(warming, "_used_providers", lambda: [first, second])
    monkeypatch.setattr(type(first), "async_client", property(lambda _: 1 / 0))
    asyncio.run(warming.warm_up())
    assert "anthropic cannot be loaded: ZeroDivisionError" in caplog.text
    assert "async_client" in second.__dict__


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

    asyncio.run(asgi._run_lifespan(receive, send))
    assert steps[:3] == ["start_gateway", "warm_up", "lifespan.startup.complete"]
