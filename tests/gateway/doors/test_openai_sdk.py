"""OpenAI's own SDK as the caller: base_url and api_key are all that differs from OpenAI."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from providers.core.registry import get_provider
from tests.gateway.serving import HELLO, Gateway
from tests.gateway.upstream import SAID, VECTOR
from tests.providers.samples import PLAYED, served_settings
from tests.providers.test_chat_contract import ANSWER
from tests.upstreams import aimock

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture(scope="module")
def sdk(gate: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gate.url}/v1", api_key=gate.token, max_retries=0) as client:
        yield client


def an_async(gate: Gateway, **more: Any) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{gate.url}/v1", api_key=gate.token, max_retries=0, **more)


def text_of(stream: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


BY_WIRE = ("openai-compatible", "openai")


@pytest.mark.parametrize("provider", BY_WIRE)
def test_a_chat_is_answered(gate: Gateway, sdk: OpenAI, provider: str):
    answer = sdk.chat.completions.create(
        model=gate.profile(connection=gate.connection(provider)), messages=HELLO
    )
    assert answer.choices[0].message.content == SAID
    assert (
        answer.choices[0].finish_reason == "stop"
        and answer.usage
        and answer.usage.total_tokens == 13
    )


@pytest.mark.parametrize("provider", BY_WIRE)
def test_a_stream_is_answered_and_tells_no_usage_unless_asked(
    gate: Gateway, sdk: OpenAI, provider: str
):
    chunks = list(
        sdk.chat.completions.create(
            model=gate.profile(connection=gate.connection(provider)), messages=HELLO, stream=True
        )
    )
    assert text_of(chunks) == SAID
    assert [chunk.usage for chunk in chunks if chunk.usage] == [] and all(
        chunk.choices for chunk in chunks
    )


def test_a_stream_tells_its_usage_at_its_end_when_asked(gate: Gateway, sdk: OpenAI):
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    chunks: Any = list(
        sdk.chat.completions.create(model=gate.known("words"), messages=HELLO, **asked)
    )  # type: ignore[call-overload]
    assert text_of(chunks) == SAID
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 13


def test_an_odd_stream_is_read_to_its_end(gate: Gateway, sdk: OpenAI):
    for cut in (1, 7, 64):
        assert (
            text_of(
                sdk.chat.completions.create(
                    model=gate.known(f"odd?cut={cut}"), messages=HELLO, stream=True
                )
            )
            == SAID
        )


def test_tool_calls_are_the_sdks_objects(gate: Gateway, sdk: OpenAI):
    answer = sdk.chat.completions.create(
        model=gate.known("tools"), messages=HELLO, tools=[WEATHER], tool_choice="required"
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    call: Any = (answer.choices[0].message.tool_calls or [])[0]
    assert (call.id, call.function.name, json.loads(call.function.arguments)) == (
        "call_1",
        "weather",
        {"city": "Århus"},
    )


def test_tool_calls_come_in_pieces_of_a_stream(gate: Gateway, sdk: OpenAI):
    with sdk.chat.completions.stream(
        model=gate.known("tools"), messages=HELLO, tools=[WEATHER]
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    call: Any = (message.tool_calls or [])[0]
    assert json.loads(call.function.arguments) == {"city": "Århus"}


def test_tools_and_their_answers_arrive_at_the_service_as_they_were_sent(
    gate: Gateway, sdk: OpenAI
):
    profile = gate.profile("words?tools=arrive")
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages: Any = [
        *HELLO,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Sun."},
    ]
    sdk.chat.completions.create(model=profile, messages=messages, tools=[WEATHER])
    body = gate.upstream.of("words?tools=arrive")[-1].body
    assert (body["messages"], body["tools"]) == (messages, [WEATHER])


@pytest.mark.parametrize("asked", [{}, {"encoding_format": "float"}], ids=["base64", "float"])
def test_vectors_are_numbers_in_both_formats(gate: Gateway, sdk: OpenAI, asked: Any):
    answer = sdk.embeddings.create(
        model=gate.known("words", "Embedding"), input=["one", "two"], **asked
    )
    assert [one.embedding for one in answer.data] == [
        VECTOR,
        VECTOR,
    ] and answer.usage.prompt_tokens == 5


@pytest.mark.parametrize("asked", [{}, {"encoding_format": "float"}], ids=["base64", "float"])
def test_vectors_of_a_provider_that_is_no_openai_are_numbers_too(
    gate: Gateway, sdk: OpenAI, asked: Any
):
    answer = sdk.embeddings.create(model=gate.echo("Embedding"), input="one", dimensions=4, **asked)
    assert len(answer.data[0].embedding) == 4
    assert sum(one * one for one in answer.data[0].embedding) == pytest.approx(1, abs=1e-5)


def test_models_are_the_active_profiles(gate: Gateway, sdk: OpenAI):
    profile, off = gate.profile(), gate.profile()
    gate.office.switch_profile(off, False)
    names = [one.id for one in sdk.models.list()]
    assert profile in names and off not in names


def test_one_model_is_found(gate: Gateway, sdk: OpenAI):
    profile = gate.known("words")
    found = sdk.models.retrieve(profile)
    assert (found.id, found.object, found.owned_by) == (
        profile,
        "model",
        "openai-compatible",
    ) and found.created > 1_700_000_000


def test_a_model_that_is_not_there_is_not_found(sdk: OpenAI):
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("nobody-made-this")


@pytest.mark.parametrize("stream", [False, True])
def test_echo_answers(gate: Gateway, sdk: OpenAI, stream: bool):
    found: Any = sdk.chat.completions.create(model=gate.echo(), messages=HELLO, stream=stream)
    assert (text_of(found) if stream else found.choices[0].message.content) == "Echo: How are you?"


# The asynchronous SDK


def test_the_asynchronous_sdk_chats_streams_and_embeds(gate: Gateway):
    async def all_three() -> tuple[Any, str, Any]:
        async with an_async(gate) as sdk:
            whole = await sdk.chat.completions.create(model=gate.known("words"), messages=HELLO)
            stream = await sdk.chat.completions.create(
                model=gate.known("words"), messages=HELLO, stream=True
            )
            text = "".join(
                [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
            )
            vectors = await sdk.embeddings.create(
                model=gate.known("words", "Embedding"), input="one"
            )
            return whole.choices[0].message.content, text, vectors.data[0].embedding

    assert asyncio.run(all_three()) == (SAID, SAID, VECTOR)


def test_the_asynchronous_sdk_raises_its_errors(gate: Gateway):
    async def ask() -> None:
        async with an_async(gate) as sdk:
            await sdk.chat.completions.create(model="nobody-made-this", messages=HELLO)

    with pytest.raises(openai.NotFoundError):
        asyncio.run(ask())


# Errors


def refused(gate: Gateway, kind: type[openai.APIStatusError], profile: str, **changes: Any) -> Any:
    """The error of the SDK, which asks as often as it does by itself."""
    more = {name: changes.pop(name) for name in ("api_key", "max_retries") if name in changes}
    with (
        OpenAI(base_url=f"{gate.url}/v1", **{"api_key": gate.token, **more}) as sdk,
        pytest.raises(kind) as caught,
    ):
        sdk.chat.completions.create(model=profile, **{"messages": HELLO, **changes})
    return caught.value


def test_a_wrong_token_is_an_authentication_error(gate: Gateway):
    error = refused(
        gate, openai.AuthenticationError, gate.known("words"), api_key="sb_nobody-has-this"
    )
    assert (error.code, error.type) == ("invalid_token", "authentication_error")


def test_an_unknown_profile_is_a_not_found_error(gate: Gateway):
    assert refused(gate, openai.NotFoundError, "nobody-made-this").code == "profile_not_found"


def test_a_bad_request_is_a_bad_request_error(gate: Gateway):
    error = refused(gate, openai.BadRequestError, gate.known("words"), temperature=9)
    assert (error.code, error.param) == ("invalid_request", "temperature")


def test_a_token_without_the_scope_is_a_permission_error(gate: Gateway):
    token = gate.office.token(scopes=["profiles:read"])
    assert (
        refused(gate, openai.PermissionDeniedError, gate.known("words"), api_key=token).code
        == "missing_scope"
    )


def test_an_inactive_connection_is_a_conflict_and_not_asked_again(gate: Gateway):
    connection = gate.connection()
    profile = gate.profile(connection=connection)
    gate.office.switch_connection(connection, False)
    error = refused(gate, openai.ConflictError, profile)
    assert error.code == "connection_inactive" and connection in error.message
    assert error.response.headers["x-should-retry"] == "false"
    assert len(gate.records(profile, 1)) == 1


def test_a_rate_limit_carries_the_time_to_wait(gate: Gateway):
    error = refused(
        gate, openai.RateLimitError, gate.profile("status?code=429&after=7"), max_retries=0
    )
    assert (error.code, error.response.headers["retry-after"]) == ("rate_limited", "7")


def test_an_answer_names_who_served_it(gate: Gateway, sdk: OpenAI):
    connection = gate.connection()
    profile = gate.profile(connection=connection)
    headers = sdk.chat.completions.with_raw_response.create(model=profile, messages=HELLO).headers
    names = ("x-switchboard-profile", "x-switchboard-connection", "x-switchboard-attempts")
    assert [headers[name] for name in names] == [profile, connection, "1"]


@pytest.mark.parametrize("model", ["dies", "stops", "error-event?delay=0.05"])
def test_a_stream_that_breaks_raises_after_what_came(gate: Gateway, sdk: OpenAI, model: str):
    pieces = []
    with pytest.raises(openai.APIError) as caught:
        for chunk in sdk.chat.completions.create(
            model=gate.known(model), messages=HELLO, stream=True
        ):
            pieces.append(chunk.choices[0].delta.content)
    assert pieces == ["Grüße", " aus"]
    assert caught.value.code == "error"


# Services of other protocols, played by aimock, which nobody here wrote


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with aimock(options=("--chunk-size", "5")) as url:
        yield url


@pytest.fixture(scope="module")
def played(gate: Gateway, mock: str) -> dict[str, str]:
    """Profiles on connections to aimock, by provider."""
    found = {}
    for one in PLAYED:
        settings = {**served_settings(get_provider(one), mock), "max_retries": 0}
        found[one] = gate.profile("model-1", gate.connection(one, **settings))
    return found


@pytest.mark.parametrize("provider", PLAYED)
def test_every_provider_chats(sdk: OpenAI, played: dict[str, str], provider: str):
    answer = sdk.chat.completions.create(model=played[provider], messages=HELLO)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (
        ANSWER,
        "stop",
    )
    assert answer.usage and (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 9)


@pytest.mark.parametrize("provider", PLAYED)
def test_every_provider_streams(sdk: OpenAI, played: dict[str, str], provider: str):
    chunks = list(sdk.chat.completions.create(model=played[provider], messages=HELLO, stream=True))
    assert text_of(chunks) == ANSWER
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) > 1


TOOL: Any = {**WEATHER, "function": {**WEATHER["function"], "name": "get_weather"}}


@pytest.mark.parametrize("provider", PLAYED)
def test_every_provider_calls_tools(sdk: OpenAI, played: dict[str, str], provider: str):
    messages: Any = [{"role": "user", "content": "weather"}]
    answer = sdk.chat.completions.create(model=played[provider], messages=messages, tools=[TOOL])
    call: Any = (answer.choices[0].message.tool_calls or [])[0]
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "get_weather",
        {"city": "Oslo"},
    )
    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("provider", PLAYED)
def test_every_provider_says_that_it_is_rate_limited(
    sdk: OpenAI, played: dict[str, str], provider: str
):
    with pytest.raises(openai.RateLimitError) as caught:
        sdk.chat.completions.create(
            model=played[provider], messages=[{"role": "user", "content": "Too many"}]
        )
    assert caught.value.code == "rate_limited"
