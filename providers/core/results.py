"""Answers of models, whole or in pieces, the same for every provider.

The words are those of OpenAI's chat format.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .messages import ToolCall


class FinishReason(StrEnum):
    """The reason that ended an answer."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


# The most that is believed of one count. No model reads or writes as much in a call, and a larger
# number would use up every limit, or not fit into a database.
MOST_TOKENS = 1_000_000_000
DIGITS = re.compile(r"\d{1,18}", re.ASCII)


def token_count(told: Any) -> int | None:
    """A number of tokens as a service told it, also as a text of digits (as Google's APIs write
    large numbers); None for whatever is not one, also an absurd one.
    """
    if type(told) is int or told is None:  # as most are
        return told if told is not None and 0 <= told <= MOST_TOKENS else None
    if isinstance(told, str) and DIGITS.fullmatch(told):
        told = int(told)
    if isinstance(told, float) and told.is_integer():
        told = int(told)
    if isinstance(told, bool) or not isinstance(told, int):
        return None
    return told if 0 <= told <= MOST_TOKENS else None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the service counted them.

    `cached_tokens` were read from a cache and `cache_write_tokens` written to one; both are part of
    the input. `reasoning_tokens` are part of the output. None: the service did not say.
    `is_estimated`: input or output was counted here, because the service did not say. Of a provider
    it means that the service told the sum alone, which is in `input_tokens` until it is divided.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    is_estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """The sum of input and output."""
        return self.input_tokens + self.output_tokens

    @classmethod
    def told(
        cls,
        sent: int | None,
        answered: int | None,
        total: int | None,
        *,
        cached: int | None = None,
        written: int | None = None,
        reasoning: int | None = None,
    ) -> "Usage | None":
        """The usage by the counts that a service told, one rule for all of them; None where it told
        neither input (`sent`) nor output nor their sum.

        What the total has beyond input and output is output that a service tells apart: Gemini and
        Grok do so with reasoning. Where only one of the two is told, the total tells the other.
        """
        if sent is None and answered is None and total is None:
            return None
        is_sum_only = sent is None and answered is None
        if sent is None:
            sent = 0 if total is None else max(0, total - (answered or 0))
        return cls(
            sent,
            max(answered or 0, (total or 0) - sent),
            cached_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=reasoning,
            is_estimated=is_sum_only,
        )


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A whole answer.

    `model`: as the service names what answered; `usage`: None when it does not say.
    """

    model: str
    content: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = FinishReason.STOP
    usage: Usage | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call.

    `id` and `name` come with its first piece; `arguments` are put together over all. `extra`:
    fields that the service wants back with the call, under the names that they have in OpenAI's
    format.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """A piece of a streamed answer; any of it may be empty.

    `finish_reason` comes once. `usage` comes at the end, and before it where a service tells what
    it knows at the beginning: a later one stands for the former.
    """

    content: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    model: str = ""


def whole_in_one(answer: ChatAnswer) -> ChatChunk:
    """A whole answer as the only piece of a stream. A refusal is told as text, as in any stream."""
    calls = (
        ToolCallDelta(
            index, call.id, call.function.name, call.function.arguments, call.model_extra or {}
        )
        for index, call in enumerate(answer.tool_calls)
    )
    text = f"{answer.content or ''}{answer.refusal or ''}"
    return ChatChunk(text, tuple(calls), answer.finish_reason, answer.usage, answer.model)


@dataclass(frozen=True, slots=True)
class EmbeddingAnswer:
    """Vectors in the order of the input."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None = None
