"""What every provider that chats promises, asked of an upstream that nobody here wrote (aimock), or
in process.

A new provider gets a row in PLAYED, or a line in EXEMPT that says where it is tested instead.
"""

import asyncio
import json
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest

from providers.core.base import Capability, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest, Unsupported
from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from providers.core.results import ChatAnswer, ChatChunk, FinishReason, ToolCallDelta, Usage
from tests.upstreams import ROOT, Relay, Upstream, aimock

from .samples import PROVIDERS, WRONG_KEY, sample

ANSWER, COST = "Fine, thanks, and how are you today?", Usage(11, 9)


@dataclass(frozen=True)
class Played:
    """How a provider is tested: what is behind its upstream's address, settings, what it cannot do,
    and what it says.

    `refused`: (field, a request that asks for it). `counts_streams`, `vectors`: whether its
    upstream plays that.
    """

    refused: tuple[str, dict[str, Any]]
    path: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    answer: str = ANSWER
    usage: Usage = COST
    network: bool = True
    reads_images: bool = True
    counts_streams: bool = True
    vectors: bool = True


REASONING = ("temperature", {"model": "o4-mini", "temperature": 0.5})
PLAYED = {
    "openai": Played(REASONING),
    "azure-openai": Played(REASONING, changes={"api_version": "2024-10-21"}),
    "microsoft-foundry": Played(REASONING),
    "mistral": Played(("logit_bias", {"logit_bias": {"1": 5}}), counts_streams=False),
    "ollama": Played(("tool_choice", {"tool_choice": "required"})),
    "openai-compatible": Played(("n", {"n": 2}), path="/v1"),
    "serverless": Played(("n", {"n": 2}), vectors=False),
    "anthropic": Played(("logit_bias", {"logit_bias": {"1": 5}}), vectors=False),
    "google": Played(("logit_bias", {"logit_bias": {"1": 5}}), vectors=False),
    "echo": Played(
        ("tools", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        answer="Echo: How are you?",
        usage=Usage(3, 4),
        network=False,
        reads_images=False,
    ),
}
EXEMPT = {
    "amazon": "test_amazon_chat.py"
}  # Bedrock speaks a binary protocol that aimock does not play: a botocore Stubber does

NETWORK = {one: row for one, row in PLAYED.items() if row.network}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}

every = pytest.mark.parametrize("one", PLAYED)
every_network = pytest.mark.parametrize("one", NETWORK)


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with aimock(options=("--chunk-size", "5")) as url:
        yield url


@pytest.fixture(scope="module")
def slow_mock() -> Iterator[str]:
    with aimock(options=("--chunk-size", "5", "--latency", "400")) as url:
        yield url


def made(one: str, url: str = "http://127.0.0.1:1", **changes: Any) -> Provider[Any]:
    return sample(
        get_provider(one),
        url + PLAYED[one].path if url else url,
        **{**PLAYED[one].changes, **changes},
    )


def request(text: str = "How are you?", **more: Any) -> ChatRequest:
    return ChatRequest.model_validate(
        {"model": "any-model", "messages": [{"role": "user", "content": text}], **more}
    )


def run(provider: Provider[Any], act: Callable[[], Awaitable[Any]]) -> Any:
    """What `act` gives, in an event loop of its own, at whose end the provider's client is
    closed.
    """

    async def within() -> Any:
        try:
            return await act()
        finally:
            await provider.aclose()

    return asyncio.run(within())


def chat(provider: Provider[Any], asked: ChatRequest) -> ChatAnswer:
    return run(provider, lambda: provider.chat(asked))


def stream(provider: Provider[Any], asked: ChatRequest) -> list[ChatChunk]:
    async def collected() -> list[ChatChunk]:
        return [chunk async for chunk in provider.stream_chat(asked)]

    return run(provider, collected)


def failure(
    provider: Provider[Any], asked: ChatRequest, how: Callable[..., Any] = chat
) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        how(provider, asked)
    return caught.value


both = pytest.mark.parametrize("how", [chat, stream], ids=["whole", "stream"])


def test_every_provider_that_chats_is_tested():
    chatting = {
        one for one, provider in PROVIDERS.items() if Capability.CHAT in provider.capabilities
    }
    assert chatting == {*PLAYED, *EXEMPT} and not set(PLAYED) & set(EXEMPT)


@pytest.mark.parametrize("file", EXEMPT.values())
def test_who_is_exempt_is_tested_elsewhere(file: str):
    assert "def test_" in (ROOT / "tests" / "providers" / file).read_text()


@every
def test_a_chat_is_answered_and_counted(one: str, mock: str):
    answer = chat(made(one, mock), request())
    assert (answer.content, answer.finish_reason, answer.usage) == (
        PLAYED[one].answer,
        FinishReason.STOP,
        PLAYED[one].usage,
    )
    assert not answer.tool_calls and answer.refusal is None


@every
def test_a_stream_says_the_same_in_pieces(one: str, mock: str):
    chunks = stream(made(one, mock), request())
    texts = [chunk.content for chunk in chunks if chunk.content]
    assert "".join(texts) == PLAYED[one].answer and len(texts) > 2
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [FinishReason.STOP]
    if PLAYED[one].counts_streams:
        assert (
            [chunk.usage for chunk in chunks if chunk.usage]
            == [chunks[-1].usage]
            == [PLAYED[one].usage]
        )


@every_network
def test_a_tool_is_called_and_its_result_is_read(one: str, mock: str):
    asked = request("What is the weather?", tools=[TOOL])
    answer = chat(made(one, mock), asked)
    assert [(call.function.name, call.function.parsed()) for call in answer.tool_calls] == [
        ("get_weather", {"city": "Oslo"})
    ]
    assert answer.finish_reason is FinishReason.TOOL_CALLS
    assert chat(made(one, mock), _answered(asked, answer)).content == "It is sunny in Oslo."


def _answered(asked: ChatRequest, answer: ChatAnswer) -> ChatRequest:
    called = {"role": "assistant", "tool_calls": [call.model_dump() for call in answer.tool_calls]}
    result = {"role": "tool", "tool_call_id": answer.tool_calls[0].id, "content": "sunny"}
    return ChatRequest.model_validate(
        {**asked.body(), "messages": [*asked.body()["messages"], called, result]}
    )


@every_network
def test_a_tool_call_comes_in_pieces_that_fit(one: str, mock: str):
    chunks = stream(made(one, mock), request("What is the weather?", tools=[TOOL]))
    pieces: list[ToolCallDelta] = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert {piece.index for piece in pieces} == {0}
    assert [piece.name for piece in pieces if piece.name] == ["get_weather"] and pieces[0].id
    assert json.loads("".join(piece.arguments for piece in pieces)) == {"city": "Oslo"}
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [
        FinishReason.TOOL_CALLS
    ]


@both
@every
def test_what_it_cannot_do_is_refused_by_name_before_anything_is_sent(
    one: str, how: Callable[..., Any], upstream: Upstream
):
    name, asks = PLAYED[one].refused
    error = failure(made(one, upstream.url), request(**asks), how)
    assert isinstance(error, Unsupported) and error.feature == name and name in error.message
    assert upstream.requests == []


@pytest.mark.parametrize("one", [one for one, row in PLAYED.items() if not row.reads_images])
def test_a_provider_of_text_refuses_an_image(one: str):
    error = failure(made(one), request([{"type": "text", "text": "What is this?"}, IMAGE]))
    assert isinstance(error, Unsupported) and error.feature == "image_url"


@pytest.mark.parametrize("one", [one for one, row in PLAYED.items() if row.reads_images])
def test_an_image_is_sent(one: str, mock: str):
    assert (
        chat(made(one, mock), request([{"type": "text", "text": "How are you?"}, IMAGE])).content
        == ANSWER
    )


@both
@every_network
def test_a_wrong_key_is_unauthorized_and_kept_to_itself(
    one: str, how: Callable[..., Any], mock: str
):
    provider = made(one, mock, api_key=WRONG_KEY)
    error = failure(provider, request(), how)
    assert (error.code, error.permanent) == ("unauthorized", True)
    shown = (
        f"{''.join(traceback.format_exception(error))} {error!r} {error.said} {provider!r} "
        f"{provider.settings!r}"
    )
    assert WRONG_KEY not in shown


@both
@every_network
def test_too_many_requests_say_when_to_come_again(one: str, how: Callable[..., Any], mock: str):
    error = failure(made(one, mock), request("Too many requests"), how)
    assert (error.code, error.retry_after, error.permanent) == ("rate_limited", 7, False)


@both
@every_network
def test_a_service_that_fails_is_an_error(one: str, how: Callable[..., Any], mock: str):
    error = failure(made(one, mock), request("Break"), how)
    assert (error.code, error.permanent) == ("error", False) and "made up" not in error.message


@both
@every_network
def test_a_page_of_html_is_no_answer(one: str, how: Callable[..., Any]):
    with Upstream(mode="html") as upstream:
        assert failure(made(one, upstream.url), request(), how).code == "bad_response"


@both
@pytest.mark.parametrize("mode", ["json_object", "json_list", "json_null"])
@every_network
def test_other_json_is_no_answer(one: str, mode: str, how: Callable[..., Any]):
    with Upstream(mode=mode) as upstream:
        assert failure(made(one, upstream.url), request(), how).code == "bad_response"


@every_network
def test_a_stream_that_dies_is_no_end(one: str, mock: str):
    heard: list[str] = []

    async def listen(provider: Provider[Any]) -> None:
        async for chunk in provider.stream_chat(request("Die")):
            heard.append(chunk.content)

    provider = made(one, mock)
    with pytest.raises(ProviderError) as caught:
        run(provider, lambda: listen(provider))
    assert "".join(heard) and caught.value.code in ("error", "bad_response")


@every_network
def test_closing_a_stream_ends_the_request(one: str, slow_mock: str):
    async def leave(provider: Provider[Any], relay: Relay) -> bool:
        async with aclosing(provider.stream_chat(request())) as chunks:
            async for chunk in chunks:
                if chunk.content:
                    break
        return await asyncio.to_thread(relay.hung_up.wait, 1.5)

    with Relay(slow_mock) as relay:
        provider = made(one, relay.url)
        assert run(provider, lambda: leave(provider, relay))


@both
@every_network
def test_a_name_that_leads_to_the_metadata_service_is_blocked(
    one: str, how: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    assert failure(made(one, "http://innocent.example"), request(), how).code == "blocked_address"


@pytest.mark.parametrize("one", [one for one, row in PLAYED.items() if row.vectors])
def test_texts_become_vectors_in_their_order(one: str, mock: str):
    provider = made(one, mock)
    asked = EmbeddingRequest(model="any-model", input=["embed this", "and embed that"])
    answer = run(provider, lambda: provider.embed(asked))
    assert len(answer.vectors) == 2 and len(set(map(len, answer.vectors))) == 1
    assert not PLAYED[one].network or answer.vectors == ((0.25, -0.5, 1.0),) * 2


@every
def test_many_at_once_each_get_their_own(one: str, mock: str):
    async def ask(provider: Provider[Any]) -> list[ChatAnswer]:
        return await asyncio.gather(*(provider.chat(request()) for _ in range(10)))

    provider = made(one, mock)
    assert [answer.content for answer in run(provider, lambda: ask(provider))] == [
        PLAYED[one].answer
    ] * 10
