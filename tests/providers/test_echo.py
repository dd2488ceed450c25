"""The built-in provider, to the word."""

import asyncio

import pytest

from providers.core.messages import Unsupported
from providers.core.registry import get_provider
from providers.core.results import Usage
from tests.providers.samples import sample
from tests.providers.streams import asked, request, streamed

ECHO = get_provider("echo")
TOOL = {"type": "function", "function": {"name": "f"}}


def test_it_answers_with_what_it_was_asked_and_counts_words():
    answer = asyncio.run(asked(sample(ECHO), request("How are you?")))
    assert (answer.content, answer.usage) == ("Echo: How are you?", Usage(3, 4))


def test_it_streams_a_word_at_a_time_and_counts_at_the_end():
    chunks = asyncio.run(streamed(sample(ECHO), request("How are you?")))
    assert [one.content for one in chunks] == ["Echo:", " How", " are", " you?", ""]
    assert chunks[-1].usage == Usage(3, 4)


def test_it_calls_no_tools():
    with pytest.raises(Unsupported) as caught:
        asyncio.run(asked(sample(ECHO), request("How are you?", tools=[TOOL])))
    assert caught.value.feature == "tools"
