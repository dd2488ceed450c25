"""What every provider that chats promises.

Where aimock, which nobody here wrote, speaks the protocol of its service, whole conversations are
played. Any other service is at least one that fails, and one that notes what it is asked.
"""

import asyncio
import json
import re
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from providers.core.base import Capability, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported
from providers.core.results import ChatAnswer, ChatChunk, FinishReason, ToolCallDelta, Usage
from tests.upstreams import AIMOCK_PLAYS, GOOD_KEY, NONSENSE, Relay, Upstream, aimock

from .samples import (
    CHATTING,
    NETWORK,
    PLAYED,
    SHORT,
    WRONG_KEY,
    protocol,
    sample,
    served_settings,
)

ANSWER, COST = "Fine, thanks, and how are you today?", Usage(11, 9)
SERVED = [one for one in CHATTING if one in NETWORK]
LOCAL = [one for one in CHATTING if one not in NETWORK]
VECTORS = [
    one
    for one in PLAYED
    if Capability.EMBEDDING in CHATTING[one].capabilities
    and Capability.EMBEDDING in AIMOCK_PLAYS[protocol(CHATTING[one])]
]

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SHAPE = {"type": "object", "properties": {"shade_9": {"type": "string"}}, "required": ["shade_9"]}
# What a request asks for -> how that looks in whatever is sent.
ASKED: dict[str, tuple[Any, str]] = {
    "temperature": (0.125, "0.125"),
    "top_p": (0.875, "0.875"),
    "max_tokens": (4321, "4321"),
    "stop": (["HALT-9"], "HALT-9"),
    "seed": (73911, "73911"),
    "presence_penalty": (0.375, "0.375"),
    "tools": ([TOOL], "get_weather"),
    "response_format": (
        {"type": "json_schema", "json_schema": {"name": "shade", "schema": SHAPE}},
        "shade_9",
    ),
    "user": ("person-42", "person-42"),
}
STATUSES = {"401": "unauthorized", "403": "forbidden", "429": "rate_limited", "500": "error"}

every = pytest.mark.parametrize("one", CHATTING)
every_served = pytest.mark.parametrize("one", SERVED)
every_played = pytest.mark.parametrize("one", PLAYED)


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with aimock(options=("--chunk-size", "5")) as url:
        yield url


@pytest.fixture(scope="module")
def slow_mock() -> Iterator[str]:
    with aimock(options=("--chunk-size", "5", "--latency", "400")) as url:
        yield url


def made(one: str, url: str = "http://127.0.0.1:1", **changes: Any) -> Provider[Any]:
    return sample(CHATTING[one], url, **{**served_settings(CHATTING[one], url), **changes})


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


# Whatever its protocol is


@both
@every
def test_more_answers_than_one_are_refused_by_name_before_anything_is_sent(
    one: str, how: Callable[..., Any], upstream: Upstream
):
    error = failure(made(one, upstream.url), request(n=2), how)
    assert isinstance(error, Unsupported) and error.feature == "n"
    assert re.search(r"\bn\b", error.message)
    assert upstream.requests == []


KNOW_USERS = ("anthropic", "azure-openai", "microsoft-foundry", "ollama", "openai")


@pytest.mark.parametrize("name", ASKED)
@every_served
def test_what_is_asked_for_is_sent_or_refused_by_name(one: str, name: str):
    value, trace = ASKED[name]
    with Upstream(mode="500") as upstream:
        error = failure(made(one, upstream.url), request(**{name: value}))
    if isinstance(error, Unsupported):
        assert error.feature == name and upstream.requests == []
    elif name != "user" or one in KNOW_USERS:  # it only identifies, so others may leave it out
        assert trace in upstream.requests[0]


@every_served
def test_an_image_is_sent_or_refused_by_name(one: str):
    asked = request([{"type": "text", "text": "What is this?"}, IMAGE])
    with Upstream(mode="500") as upstream:
        error = failure(made(one, upstream.url), asked)
    if isinstance(error, Unsupported):
        assert "image_url" in error.message and upstream.requests == []
    else:
        assert "iVBORw0KGgo" in upstream.requests[0]


@pytest.mark.parametrize("one", LOCAL)
def test_a_provider_of_text_refuses_an_image(one: str):
    error = failure(made(one), request([{"type": "text", "text": "What is this?"}, IMAGE]))
    assert isinstance(error, Unsupported) and error.feature == "image_url"


@both
@pytest.mark.parametrize("status", STATUSES)
@every_served
def test_a_service_that_refuses_is_an_error_that_tells_no_key(
    one: str, status: str, how: Callable[..., Any]
):
    with Upstream(mode=status) as upstream:  # its answer repeats every header that it got
        provider = made(one, upstream.url)
        error = failure(provider, request(), how)
    assert error.code == STATUSES[status]
    shown = f"{''.join(traceback.format_exception(error))} {error!r} {error.said} {provider!r}"
    assert GOOD_KEY not in shown and "header-secret" not in shown


@both
@every_served
def test_a_closed_port_is_refused(one: str, how: Callable[..., Any]):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert failure(made(one, address), request(), how).code == "refused"


@every_served
def test_a_service_that_does_not_answer_is_given_up(one: str):
    with Upstream(mode="hang") as upstream:
        assert failure(made(one, upstream.url, limits=SHORT), request()).code == "timeout"


@both
@every_served
def test_a_page_of_html_is_no_answer(one: str, how: Callable[..., Any]):
    with Upstream(mode="html") as upstream:
        assert failure(made(one, upstream.url), request(), how).code == "bad_response"


@both
@pytest.mark.parametrize("mode", NONSENSE)
@every_served
def test_other_json_is_no_answer(one: str, mode: str, how: Callable[..., Any]):
    with Upstream(mode=mode) as upstream:
        assert failure(made(one, upstream.url), request(), how).code == "bad_response"


@both
@every_served
def test_a_name_that_leads_to_the_metadata_service_is_blocked(
    one: str, how: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    assert failure(made(one, "http://innocent.example"), request(), how).code == "blocked_address"


# Answers: of aimock, and of a provider that needs no service


@pytest.fixture
def url(one: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the service of the provider is; one that needs none may not reach for any."""
    if one in LOCAL:
        monkeypatch.setattr(socket.socket, "connect", unreachable)
        return ""
    found: str = request.getfixturevalue("mock")
    return found


def unreachable(*_: object) -> None:
    raise AssertionError("It has no address among its settings, so it asks nobody.")


answering = pytest.mark.parametrize("one", [*PLAYED, *LOCAL])


@answering
def test_a_chat_is_answered_and_counted(one: str, url: str):
    answer = chat(made(one, url), request())
    assert answer.finish_reason is FinishReason.STOP
    assert answer.content and not answer.tool_calls and answer.refusal is None
    assert one in LOCAL or (answer.content, answer.usage) == (ANSWER, COST)


@answering
def test_a_stream_says_the_same_in_pieces(one: str, url: str):
    provider = made(one, url)
    whole, chunks = chat(provider, request()), stream(made(one, url), request())
    texts = [chunk.content for chunk in chunks if chunk.content]
    assert "".join(texts) == whole.content
    assert len(texts) > 2 if provider.implements("stream_chat") else len(chunks) == 1
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [FinishReason.STOP]
    # a service that must not be asked for the usage of a stream may keep it to itself
    if getattr(provider, "asks_usage", True):
        assert chunks[-1].usage == whole.usage


@every_played
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


@every_played
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
@every_played
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
@every_played
def test_too_many_requests_say_when_to_come_again(one: str, how: Callable[..., Any], mock: str):
    error = failure(made(one, mock), request("Too many requests"), how)
    assert (error.code, error.retry_after, error.permanent) == ("rate_limited", 7, False)


@both
@every_played
def test_a_service_that_fails_is_an_error(one: str, how: Callable[..., Any], mock: str):
    error = failure(made(one, mock), request("Break"), how)
    assert (error.code, error.permanent) == ("error", False) and "made up" not in error.message


@every_played
def test_a_stream_that_dies_is_no_end(one: str, mock: str):
    heard: list[str] = []

    async def listen(provider: Provider[Any]) -> None:
        async for chunk in provider.stream_chat(request("Die")):
            heard.append(chunk.content)

    provider = made(one, mock)
    with pytest.raises(ProviderError) as caught:
        run(provider, lambda: listen(provider))
    assert "".join(heard) and caught.value.code in ("error", "bad_response")


@every_played
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


@pytest.mark.parametrize("one", VECTORS)
def test_texts_become_vectors_in_their_order(one: str, mock: str):
    provider = made(one, mock)
    asked = EmbeddingRequest(model="any-model", input=["embed this", "and embed that"])
    answer = run(provider, lambda: provider.embed(asked))
    assert answer.vectors == ((0.25, -0.5, 1.0),) * 2


@answering
def test_many_at_once_each_get_their_own(one: str, url: str):
    async def ask(provider: Provider[Any]) -> list[ChatAnswer]:
        return await asyncio.gather(
            *(provider.chat(request(f"How are you? {n}")) for n in range(10))
        )

    provider = made(one, url)
    answers = [answer.content for answer in run(provider, lambda: ask(provider))]
    if one in LOCAL:
        assert len(set(answers)) == 10
    else:
        assert answers == [ANSWER] * 10
