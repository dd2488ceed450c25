"""A page or a request to the API whose client hung up is counted as 499."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from backoffice.telemetry.hang_ups import HUNG_UP, NotingHangUps
from backoffice.telemetry.middleware import MetricsMiddleware
from connections.telemetry import metrics
from connections.telemetry.declared import HTTP_REQUESTS


@pytest.fixture(autouse=True)
def counted() -> Iterator[None]:
    metrics.open_slab(1)
    yield
    metrics.open_slab(0)


def statuses() -> list[str]:
    return [one[1][-1] for one in metrics.slab().totals() if one[0] == HTTP_REQUESTS.name]


def answer(response: HttpResponseBase, scope: dict[str, Any]) -> None:
    request = RequestFactory().get("/")
    request.scope = scope  # type: ignore[attr-defined]
    MetricsMiddleware(lambda _: response)(request)


def test_the_scope_says_that_the_client_has_gone():
    scope: dict[str, Any] = {}

    async def application(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        assert HUNG_UP not in scope
        await receive()

    messages = iter(({"type": "http.request"}, {"type": "http.disconnect"}))

    async def receive() -> dict[str, Any]:
        return next(messages)

    asyncio.run(NotingHangUps(application)(scope, receive, None))
    assert scope[HUNG_UP] is True


@pytest.mark.parametrize(("scope", "status"), [({}, "2xx"), ({HUNG_UP: True}, "499")])
def test_whoever_hangs_up_before_the_answer(scope: dict[str, Any], status: str):
    answer(HttpResponse(), scope)
    assert statuses() == [status]


@pytest.mark.django_db
def test_a_stream_is_counted_when_it_ends():
    response = StreamingHttpResponse(iter(()))
    scope: dict[str, Any] = {}
    answer(response, scope)
    assert statuses() == []
    scope[HUNG_UP] = True
    response.close()
    assert statuses() == ["499"]
