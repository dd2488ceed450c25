"""Answers that SDKs gave, in OpenAI's format."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.upstreams.sdk_responses import SDKChat, SDKEmbeddings, SDKStream
from providers.core.errors import ProviderError
from providers.core.messages import FunctionCall, ToolCall
from providers.core.results import (
    ChatAnswer,
    ChatChunk,
    EmbeddingAnswer,
    FinishReason,
    ToolCallDelta,
    Usage,
)

END = ChatChunk(finish_reason=FinishReason.STOP)


def events(*chunks: ChatChunk, model: str = "asked") -> list[dict[str, Any]]:
    async def source() -> AsyncIterator[ChatChunk]:
        for one in chunks:
            yield one

    async def run() -> bytes:
        stream = SDKStream(source(), model, True)
        await stream.open()
        return b"".join([block async for block in stream.blocks()])

    lines = asyncio.run(run()).decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


def deltas(*chunks: ChatChunk) -> list[dict[str, Any]]:
    return [one["choices"][0]["delta"] for one in events(*chunks)]


HALVES: dict[str, tuple[list[str], str]] = {
    "in two pieces": (["Hi ", "\ud83d", "\ude00", " end"], "Hi 😀 end"),
    "alone": (["Hi \ud83d", " end"], "Hi \ufffd end"),
    "at the end": (["Hi \ud83d"], "Hi \ufffd"),
    "the second": (["\ude00"], "\ufffd"),
}


@pytest.mark.parametrize(("pieces", "expected"), HALVES.values(), ids=HALVES)
def test_half_characters_are_joined(pieces: list[str], expected: str):
    found = deltas(*(ChatChunk(one) for one in pieces), END)
    assert "".join(one.get("content", "") for one in found) == expected


@pytest.mark.parametrize("last", ['\ude00"}', ""])
def test_half_characters_of_arguments_are_joined(last: str):
    calls = (ToolCallDelta(0, "a", "f", '{"a": "\ud83d'), ToolCallDelta(0, arguments=last))
    found = deltas(*(ChatChunk(tool_calls=(one,)) for one in calls), END)
    text = "".join(
        call["function"]["arguments"] for one in found for call in one.get("tool_calls", ())
    )
    assert text == ('{"a": "😀"}' if last else '{"a": "\ufffd')


def test_a_half_character_before_a_cut_is_told_of():
    async def source() -> AsyncIterator[ChatChunk]:
        yield ChatChunk("Hi \ud83d")
        raise ProviderError("Cut off.", "error")

    async def run() -> str:
        text, stream = "", SDKStream(source(), "asked", True)
        await stream.open()
        with pytest.raises(ProviderError):
            async for one in stream.chunks():
                text += one.content
        return text

    assert asyncio.run(run()) == "Hi \ufffd"


def test_half_characters_of_a_whole_answer_are_mended():
    call = ToolCall(id="a", function=FunctionCall(name="f", arguments="\ud83d"))
    answer = ChatAnswer("m", "\ud83d\ude00\ud83d", (call,), refusal="\ude00")
    message = json.loads(SDKChat(answer, "asked").to_openai())["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == ("😀\ufffd", "\ufffd")
    assert message["tool_calls"][0]["function"]["arguments"] == "\ufffd"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (["claude-4", "claude-4", ""], ["claude-4"] * 4),
        (["", "claude-4", ""], ["asked"] + ["claude-4"] * 3),
        (["", "", ""], ["asked"] * 4),
    ],
)
def test_every_event_names_the_model(told: list[str], expected: list[str]):
    first, second, last = told
    found = events(
        ChatChunk("a", model=first),
        ChatChunk("b", model=second),
        ChatChunk(finish_reason=FinishReason.STOP, usage=Usage(1, 1), model=last),
    )
    assert [one["model"] for one in found] == expected


def test_an_error_before_the_first_word_is_no_stream():
    async def source() -> AsyncIterator[ChatChunk]:
        yield ChatChunk(usage=Usage(9, 0), model="claude")
        raise ProviderError("Overloaded.", "rate_limited")

    with pytest.raises(ProviderError):
        asyncio.run(SDKStream(source(), "asked", True).open())


@pytest.mark.parametrize("last", [None, Usage(9, 40)])
def test_a_usage_that_was_told_before_the_text_is_known_as_such(last: Usage | None):
    async def read() -> SDKStream:
        async def source() -> AsyncIterator[ChatChunk]:
            yield ChatChunk(usage=Usage(9, 1))
            yield ChatChunk("x" * 80)
            yield ChatChunk(finish_reason=FinishReason.STOP, usage=last)

        stream = SDKStream(source(), "claude", True)
        await stream.open()
        _ = [one async for one in stream.chunks()]
        return stream

    stream = asyncio.run(read())
    assert (stream.counted, stream.is_usage_old) == (20, last is None)


def test_a_half_character_before_a_quiet_end_is_told_of():
    found = deltas(ChatChunk("Hi"), ChatChunk("\ud83d"))
    assert "".join(one.get("content", "") for one in found) == "Hi\ufffd"


UNTOLD: dict[str, Usage | None] = {
    "nothing": None,
    "no input": Usage(0, 5),
    "no output": Usage(5, 0),
    "the sum alone": Usage(10, is_estimated=True),
}


@pytest.mark.parametrize("usage", UNTOLD.values(), ids=UNTOLD)
def test_a_usage_that_was_not_told_is_not_zero(usage: Usage | None):
    whole = json.loads(SDKChat(ChatAnswer("m", "Hi", usage=usage), "asked").to_openai())
    assert whole["usage"] is None
    told = events(ChatChunk("Hi"), ChatChunk(finish_reason=FinishReason.STOP, usage=usage))
    assert all("usage" not in one for one in told)


@pytest.mark.parametrize(("usage", "tokens"), [(None, 7), (Usage(3), 3)])
def test_vectors_always_have_a_usage_since_clients_demand_it(usage: Usage | None, tokens: int):
    answer = SDKEmbeddings(EmbeddingAnswer("m", ((1.0,),), usage), "asked", "float", 7)
    told = json.loads(answer.to_openai())["usage"]
    assert told == {"prompt_tokens": tokens, "total_tokens": tokens}
