"""Claude and Gemini, which speak protocols of their own, played by a service that nobody here
wrote.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.anthropic import Anthropic
from providers.core.base import Provider
from providers.core.errors import ProviderError
from providers.core.results import FinishReason, Usage
from providers.google import Google
from tests.providers.samples import WRONG_KEY, sample
from tests.providers.streams import STORIES, TOOLS, arguments, asked, request, streamed
from tests.upstreams import aimock

pytestmark = [
    pytest.mark.parametrize("vendor", [Anthropic, Google], ids=lambda one: one.id),
    pytest.mark.filterwarnings(
        "ignore:FUNCTION_CALL is not a valid FinishReason"
    ),  # a word of aimock's own
]
Vendor = type[Provider[Any]]


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with aimock(fixtures=STORIES) as url:
        yield url


def test_an_answer_and_its_stream_say_the_same(mock: str, vendor: Vendor):
    given = request("tell me a saga")
    answer, chunks = (
        asyncio.run(asked(sample(vendor, mock), given)),
        asyncio.run(streamed(sample(vendor, mock), given)),
    )
    assert (
        answer.content
        == "".join(chunk.content for chunk in chunks)
        == "Once upon a time there was a"
    )
    assert answer.finish_reason == chunks[-1].finish_reason == FinishReason.LENGTH
    assert answer.usage == chunks[-1].usage == Usage(5, 8)


def test_tools_are_called_and_answered(mock: str, vendor: Vendor):
    question: list[Any] = [{"role": "user", "content": "weather in Paris and Rome"}]
    answer = asyncio.run(asked(sample(vendor, mock), request(*question, tools=TOOLS)))
    assert [one.function.parsed()["city"] for one in answer.tool_calls] == ["Paris", "Rome"]
    assert answer.finish_reason == FinishReason.TOOL_CALLS
    called = {
        "role": "assistant",
        "content": answer.content,
        "tool_calls": [one.model_dump() for one in answer.tool_calls],
    }
    results = [
        {"role": "tool", "tool_call_id": one.id, "content": "Sun"} for one in answer.tool_calls
    ]
    assert (
        asyncio.run(
            asked(sample(vendor, mock), request(*question, called, *results, tools=TOOLS))
        ).content
        == "Sun in both."
    )


def test_streamed_tool_calls_are_put_together_by_their_index(mock: str, vendor: Vendor):
    chunks = asyncio.run(
        streamed(sample(vendor, mock), request("weather in Paris and Rome", tools=TOOLS))
    )
    found = {
        index: (key, name, json.loads(text))
        for index, (key, name, text) in arguments(chunks).items()
    }
    assert found == {
        0: ("call_paris", "weather", {"city": "Paris"}),
        1: ("call_rome", "weather", {"city": "Rome"}),
    }


def test_a_wrong_key_is_told_and_not_repeated(mock: str, vendor: Vendor):
    with pytest.raises(ProviderError) as caught:
        asyncio.run(asked(sample(vendor, mock, key=WRONG_KEY), request()))
    assert (
        caught.value.code == "unauthorized"
        and WRONG_KEY not in f"{caught.value!r} {caught.value.said}"
    )
