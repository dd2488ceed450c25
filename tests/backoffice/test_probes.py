"""The probes in front of Django: by any host name, while everything else hangs, without a thread of
the pages.
"""

import asyncio
import json
import threading
from typing import Any

import pytest

from backoffice import alive
from backoffice.alive import LIVE, READY, STARTUP, ProbesFirst
from backoffice.health import Report


async def elsewhere(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """An application that answers 404, and whose start succeeds."""
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.complete"})
    else:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"elsewhere"})


async def asked(
    probes: ProbesFirst, path: str, method: str = "GET", host: str = "10.0.0.7:8000"
) -> tuple[int, bytes]:
    """The status and the body of an answer."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", host.encode())]
    scope = {"type": "http", "path": path, "method": method, "headers": headers}
    await probes(scope, None, send)  # type: ignore[arg-type]
    return sent[0]["status"], sent[1]["body"]


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reports, without what they ask."""
    monkeypatch.setattr(alive, "readiness", lambda: Report(200, "ok", {}))
    monkeypatch.setattr(alive, "startup", lambda begun: Report(200 if begun else 503, "so", {}))


@pytest.mark.parametrize("path", [LIVE, READY])
def test_a_probe_is_answered_whatever_host_it_names(reports: None, path: str):
    status, body = asyncio.run(asked(ProbesFirst(elsewhere), path))
    assert (status, json.loads(body)["status"]) == (200, "ok")


@pytest.mark.parametrize("path", [LIVE, READY])
def test_head_has_the_status_and_no_body(reports: None, path: str):
    assert asyncio.run(asked(ProbesFirst(elsewhere), path, "HEAD")) == (200, b"")


@pytest.mark.parametrize("path", [LIVE, READY, STARTUP])
def test_no_probe_takes_a_post_and_each_says_what_it_takes(path: str):
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "method": "POST", "headers": []}
    asyncio.run(ProbesFirst(elsewhere)(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 405 and (b"allow", b"GET, HEAD") in sent[0]["headers"]


def test_everything_else_goes_on(reports: None):
    for path, method in (("/health/none", "GET"), ("/health/none", "POST"), ("/", "GET")):
        assert asyncio.run(asked(ProbesFirst(elsewhere), path, method))[0] == 404, path


def test_a_worker_has_started_when_the_application_says_so(reports: None):
    async def both() -> tuple[int, int]:
        probes = ProbesFirst(elsewhere)
        before, _ = await asked(probes, STARTUP)
        await probes({"type": "lifespan"}, None, lambda _: asyncio.sleep(0))  # type: ignore[arg-type]
        return before, (await asked(probes, STARTUP))[0]

    assert asyncio.run(both()) == (503, 200)


def test_checks_that_hang_are_told_and_asked_once(monkeypatch: pytest.MonkeyPatch):
    going_on, calls = threading.Event(), []

    def hanging() -> Report:
        calls.append(1)
        going_on.wait(10)
        return Report(200, "ok", {})

    async def three() -> list[tuple[int, bytes]]:
        probes = ProbesFirst(elsewhere)
        found = await asyncio.gather(*[asked(probes, READY) for _ in range(3)])
        going_on.set()
        return [*found, await asked(probes, READY)]

    monkeypatch.setattr(alive, "readiness", hanging)
    monkeypatch.setattr(alive, "ANSWER_WITHIN", 0.2)
    answers = asyncio.run(three())
    assert [status for status, _ in answers] == [503, 503, 503, 200] and len(calls) == 1
    assert "hangs" in json.loads(answers[0][1])["reasons"]["database"]
