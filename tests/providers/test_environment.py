"""SDKs read the environment for whatever is left out.

Nothing of it may leave, and nothing may go elsewhere.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from providers.core.base import Provider
from providers.core.chat import ChatRequest
from providers.core.errors import ProviderError
from tests.upstreams import Upstream

from .samples import CHATTING, NETWORK, checked, sample

LEAK = "leaked-from-the-environment"
KEYS = {
    "OPENAI": "API_KEY ADMIN_KEY ORG_ID PROJECT_ID WEBHOOK_SECRET API_VERSION",
    "ANTHROPIC": "API_KEY AUTH_TOKEN IDENTITY_TOKEN PROFILE",
    "AZURE": "OPENAI_API_KEY OPENAI_AD_TOKEN CLIENT_SECRET CLIENT_ID TENANT_ID",
    "GOOGLE": "API_KEY CLOUD_PROJECT CLOUD_LOCATION GENAI_API_VERSION",
    "AWS": (
        "ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN BEARER_TOKEN_BEDROCK PROFILE "
        "DEFAULT_PROFILE REGION"
    ),
    "GEMINI": "API_KEY",
    "MISTRAL": "API_KEY",
    "OLLAMA": "API_KEY",
    "AZURE_SEARCH": "API_KEY",
    "AZURE_AI": "SERVICES_KEY CHAT_KEY",
    "CONTENT_SAFETY": "KEY",
    "DOCUMENTINTELLIGENCE": "API_KEY",
    "SERPAPI": "API_KEY",
    "QDRANT": "API_KEY",
    "WEAVIATE": "API_KEY",
}
ADDRESSES = {
    "OPENAI": "BASE_URL",
    "ANTHROPIC": "BASE_URL",
    "AZURE": "OPENAI_ENDPOINT AUTHORITY_HOST",
    "GOOGLE": "GEMINI_BASE_URL VERTEX_BASE_URL",
    "OLLAMA": "HOST",
    "AZURE_SEARCH": "SERVICE_ENDPOINT",
    "AZURE_AI": "SERVICES_ENDPOINT CHAT_ENDPOINT",
    "CONTENT_SAFETY": "ENDPOINT",
    "DOCUMENTINTELLIGENCE": "ENDPOINT",
    "QDRANT": "URL",
    "WEAVIATE": "URL",
    "AWS": "ENDPOINT_URL ENDPOINT_URL_BEDROCK",
    "HTTP": "PROXY",
    "HTTPS": "PROXY",
    "ALL": "PROXY",
    "http": "proxy",
    "https": "proxy",
    "all": "proxy",
}
HEADERS = ("ANTHROPIC_CUSTOM_HEADERS", "OPENAI_CUSTOM_HEADERS")


def names(groups: dict[str, str]) -> list[str]:
    return [f"{vendor}_{name}" for vendor, known in groups.items() for name in known.split()]


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Upstream]:
    """A host that every variable an SDK knows points at, with keys and headers to carry along."""
    with Upstream(keys=None) as running:
        values = {
            **dict.fromkeys(names(KEYS), LEAK),
            **dict.fromkeys(names(ADDRESSES), running.url),
        }
        values |= dict.fromkeys(
            HEADERS, f"X-Extra: {LEAK}\nAuthorization: Bearer {LEAK}\nx-api-key: {LEAK}"
        )
        values |= {
            "GOOGLE_GENAI_USE_VERTEXAI": "true",
            "GOOGLE_GENAI_USE_ENTERPRISE": "true",
            "NO_PROXY": "",
            "no_proxy": "",
        }
        (tmp_path / "aws").write_text(
            f"[default]\nendpoint_url = {running.url}\naws_access_key_id = {LEAK}\n"
        )
        for name, value in {**values, "AWS_CONFIG_FILE": str(tmp_path / "aws")}.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def before(request: pytest.FixtureRequest) -> list[str]:
    """What the provider asks for in a bare environment; named before `trap`, so it runs before
    it.
    """
    with Upstream() as running:
        checked(sample(request.getfixturevalue("provider"), running.url))
        return [one.path for one in running.requests]


@pytest.mark.parametrize("provider", NETWORK.values(), ids=NETWORK)
def test_nothing_of_the_environment_leaves(
    provider: type[Provider], before: list[str], trap: Upstream, upstream: Upstream
):
    checked(sample(provider, upstream.url))
    assert before and [one.path for one in upstream.requests] == before
    assert trap.requests == []
    assert not any(LEAK in request for request in upstream.requests)


async def used(made: Provider) -> None:
    """A chat, as far as it gets: these upstreams answer in no protocol."""
    with suppress(ProviderError):
        await made.chat(
            ChatRequest.model_validate(
                {"model": "any", "messages": [{"role": "user", "content": "Hi"}]}
            )
        )
    await made.aclose()


@pytest.mark.parametrize(
    "provider", [NETWORK[one] for one in CHATTING if one in NETWORK], ids=lambda one: one.id
)
def test_nothing_of_the_environment_leaves_with_a_chat(
    provider: type[Provider], trap: Upstream, upstream: Upstream
):
    upstream.mode = "json_object"
    asyncio.run(used(sample(provider, upstream.url)))
    assert trap.requests == [] and [one.method for one in upstream.requests] == ["POST"]
    assert not any(LEAK in request for request in upstream.requests)


def test_without_a_key_no_authorization_is_sent_with_a_chat(trap: Upstream):
    with Upstream(mode="json_object", keys=None) as upstream:
        for one, nothing in (("openai-compatible", {"extra_headers": None}), ("ollama", {})):
            asyncio.run(used(sample(NETWORK[one], upstream.url, api_key="", **nothing)))
    names = {name for request in upstream.requests for name in request.headers}
    assert len(upstream.requests) == 2 and not {"authorization", "x-api-key", "api-key"} & names


def test_without_a_key_no_authorization_is_sent(trap: Upstream):
    with Upstream(keys=None) as upstream:
        for one, nothing in (("openai-compatible", {"extra_headers": None}), ("ollama", {})):
            sample(NETWORK[one], upstream.url, api_key="", **nothing).check()
    names = {name for request in upstream.requests for name in request.headers}
    assert len(upstream.requests) == 2 and not {"authorization", "x-api-key", "api-key"} & names
