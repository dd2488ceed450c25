"""Against aimock, which nobody here wrote.

What it cannot play (Gemini's, Mistral's, Azure's and Bedrock's lists) is in test_vendors.py.
"""

import asyncio
from collections.abc import Iterator

import pytest

from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from providers.core.results import Usage
from tests.providers.samples import WRONG_KEY, sample
from tests.providers.streams import request, streamed
from tests.upstreams import aimock

TROUBLE = [
    ("--chaos-disconnect", "error"),
    ("--chaos-ratelimit", "rate_limited"),
    ("--chaos-drop", "error"),
]
PLAYED = ("openai", "openai-compatible", "anthropic", "ollama")


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with aimock(keys="good-key,other-key") as url:
        yield url


def address(provider_id: str, url: str) -> str:
    return f"{url}/v1" if provider_id == "openai-compatible" else url


@pytest.mark.parametrize("provider_id", PLAYED)
def test_a_right_key_passes(provider_id: str, mock: str):
    result = sample(get_provider(provider_id), address(provider_id, mock)).check()
    assert result.model_count and result.asked.startswith(f"GET {mock}")


@pytest.mark.parametrize("provider_id", [*PLAYED, "mistral", "azure-openai", "microsoft-foundry"])
def test_a_wrong_key_is_unauthorized(provider_id: str, mock: str):
    with pytest.raises(ProviderError) as caught:
        sample(get_provider(provider_id), address(provider_id, mock), key=WRONG_KEY).check()
    assert caught.value.code == "unauthorized"


def test_an_azure_client_chats_with_a_deployment(mock: str):
    made = sample(get_provider("azure-openai"), mock)
    answer = made.client.chat.completions.create(
        model="my-deployment", messages=[{"role": "user", "content": "hello"}]
    )
    assert answer.choices[0].message.content == "Hello from aimock."


def test_azure_tells_the_usage_of_a_stream_where_its_version_can(mock: str):
    made = sample(get_provider("azure-openai"), mock, api_version="2024-10-21")
    chunks = asyncio.run(streamed(made, request("How are you?")))
    assert [one.usage for one in chunks if one.usage] == [chunks[-1].usage] == [Usage(11, 9)]


@pytest.mark.parametrize("provider_id", ["openai", "mistral", "openai-compatible"])
def test_a_client_chats(provider_id: str, mock: str):
    made = sample(get_provider(provider_id), address(provider_id, mock))
    answer = made.client.chat.completions.create(
        model="any", messages=[{"role": "user", "content": "hello"}]
    )
    assert answer.choices[0].message.content == "Hello from aimock."


def test_an_anthropic_client_chats(mock: str):
    made = sample(get_provider("anthropic"), mock)
    answer = made.client.messages.create(
        model="any", max_tokens=9, messages=[{"role": "user", "content": "hello"}]
    )
    assert answer.content[0].text == "Hello from aimock."


def test_a_gemini_client_chats(mock: str):
    made = sample(get_provider("google"), mock)
    assert (
        made.client.models.generate_content(model="any", contents="hello").text
        == "Hello from aimock."
    )


@pytest.mark.parametrize(("trouble", "code"), TROUBLE)
def test_trouble_in_any_act_has_its_code(trouble: str, code: str):
    with aimock(options=(trouble, "1")) as url, pytest.raises(ProviderError) as caught:
        made = sample(get_provider("openai"), url)
        with made.translated(url):
            made.client.chat.completions.create(
                model="any", messages=[{"role": "user", "content": "hello"}]
            )
    assert caught.value.code == code
