"""completeChat, generateEmbeddings and the analytics as Umbraco.AI's client asks for them."""

from typing import Any

import pytest

from connections import services
from tests.connections.api.calls import Api, problem

from . import shapes
from .shapes import Shape, misfit
from .test_connections import fits

pytestmark = pytest.mark.django_db(transaction=True)  # the gateway reads in threads of its own
CHAT: Shape = {
    "message": {"role": str, "content": str},
    "finishReason?": str,
    "usage?": {"inputTokens?": int, "outputTokens?": int, "totalTokens?": int},
}
EMBEDDINGS: Shape = {"embeddings": [{"index": int, "vector": [float]}]}
SUMMARY: Shape = {
    **dict.fromkeys(("totalRequests", "inputTokens", "outputTokens", "totalTokens"), int),
    **dict.fromkeys(("successCount", "failureCount"), int),
    **dict.fromkeys(("successRate", "averageDurationMs"), float),
}
POINT: Shape = {
    "timestamp": str,
    **dict.fromkeys(("requestCount", "totalTokens", "inputTokens", "outputTokens"), int),
    **dict.fromkeys(("successCount", "failureCount"), int),
}
SHARE: Shape = {
    "dimension": str,
    "dimensionName?": str,
    "requestCount": int,
    "totalTokens": int,
    "percentage": float,
}
PERIOD = "from=2026-01-01T00:00:00.000Z&to=2026-01-02T00:00:00.000Z&granularity=hourly"


@pytest.fixture
def writer(umbraco: Api) -> Api:
    """The program, and the profiles writer and search of a provider that needs no network."""
    echo = services.create_connection("echo", actor=None, name="Echo", settings={}).row
    chosen = {}
    for alias, capability in (("writer", "Chat"), ("search", "Embedding")):
        row = services.create_profile(
            echo, actor=None, capability=capability, name=alias, alias=alias, model="echo-1"
        ).row
        chosen[capability] = row
    services.set_default_profiles(chosen, actor=None)
    return umbraco


@pytest.mark.parametrize("role", ["user", "User", "USER"])
@pytest.mark.parametrize("headers", [{}, {"profileIdOrAlias": "writer"}])
def test_a_chat(writer: Api, role: str, headers: dict[str, str]):
    body = {
        "messages": [{"role": "System", "content": "Be brief."}, {"role": role, "content": "a"}]
    }
    fits(writer("POST", "/chat/complete", body, **headers), CHAT)


def test_a_chat_in_parts(writer: Api):
    parts = [{"$type": "text", "text": "a"}]
    body = {"messages": [{"role": "User", "content": None, "contentParts": parts}]}
    fits(writer.post("/chat/complete", body), CHAT)


@pytest.mark.parametrize("kind", ["image/png", "application/pdf"])
def test_images_and_documents_reach_the_provider(writer: Api, kind: str):
    """Which does not read them here."""
    part = {"$type": "binary", "mimeType": kind, "data": "JVBERi0xLjQ=", "filename": None}
    body = {"messages": [{"role": "User", "content": None, "contentParts": [part]}]}
    refused = problem(writer.post("/chat/complete", body), 400)
    assert refused["code"] == "unsupported" and "Echo reads text only" in refused["detail"]


def test_roles_have_our_letter_case_at_our_own_address(api: Api, writer: Api):
    body = {"messages": [{"role": "User", "content": "a"}]}
    problem(api.post("/chat/complete", body), 400)
    unknown = {"messages": [{"role": "Robot", "content": "a"}]}
    assert misfit(problem(writer.post("/chat/complete", unknown), 400), shapes.PROBLEM) == []
    problem(writer("POST", "/chat/complete", body, profileIdOrAlias="nobody"), 404)


@pytest.mark.parametrize("more", [{}, {"profileIdOrAlias": None}, {"profileIdOrAlias": "search"}])
def test_embeddings(writer: Api, more: dict[str, Any]):
    fits(writer.post("/embeddings/generate", {"values": ["a", "b"], **more}), EMBEDDINGS)


def test_the_analytics(umbraco: Api):
    """getUsageSummary, getUsageTimeSeries and the breakdowns."""
    fits(umbraco.get(f"/analytics/usage-summary?{PERIOD}"), SUMMARY)
    fits(umbraco.get(f"/analytics/usage-time-series?{PERIOD}"), [POINT])
    for name in ("provider", "model", "profile", "user"):
        fits(umbraco.get(f"/analytics/usage-by-{name}?{PERIOD}"), [SHARE])
