"""Anthropic's answers in the vendor-neutral types: https://platform.claude.com/docs/en/api/messages

The SDK does not check what it was sent: whatever is not of this protocol raises a ProviderError, a
TypeError or an AttributeError here.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from providers.core.errors import bad_response
from providers.core.messages import FunctionCall, ToolCall
from providers.core.results import (
    ChatAnswer,
    ChatChunk,
    FinishReason,
    ToolCallDelta,
    Usage,
    token_count,
)

from ..openai.response import broken_off

FINISH = {  # platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "pause_turn": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}
# The whole input is their sum: platform.claude.com/docs/en/build-with-claude/prompt-caching
INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def usage_of(*reports: Any) -> Usage | None:
    """The tokens, None when no report tells them. A later report wins: it counts from the start
    too.
    """
    told = {
        name: count
        for report in reports
        for name in (*INPUT, "output_tokens")
        if (count := _count(getattr(report, name, None))) is not None
    }
    return Usage.told(
        # Without the fresh tokens nobody knows the sum.
        sum(told.get(name, 0) for name in INPUT) if "input_tokens" in told else None,
        told.get("output_tokens"),
        None,
        cached=told.get("cache_read_input_tokens"),
        written=told.get("cache_creation_input_tokens"),
    )


def _count(told: Any) -> int | None:
    """A count, where true is 1: the SDK (anthropic 2.11) reads it so in a stream, and in a whole
    answer it does not.
    """
    return token_count(int(told) if isinstance(told, bool) else told)


def _text(told: Any) -> str:
    return told if isinstance(told, str) else ""


def answer_of(message: Any, address: str) -> ChatAnswer:
    """A whole answer, without the model's thoughts.

    `address` names the service in an error.
    """
    if getattr(message, "type", None) != "message" or not isinstance(message.content, list):
        raise bad_response(address)
    calls = tuple(
        ToolCall(
            id=block.id, function=FunctionCall(name=block.name, arguments=json.dumps(block.input))
        )
        for block in message.content
        if block.type == "tool_use"
    )
    text = "".join(block.text for block in message.content if block.type == "text")
    finish = FINISH.get(message.stop_reason, FinishReason.STOP)
    said = getattr(getattr(message, "stop_details", None), "explanation", None)
    refusal = _text(said) or None
    return ChatAnswer(
        _text(message.model), text or None, calls, finish, usage_of(message.usage), refusal
    )


async def chunks_of(stream: Any, address: str) -> AsyncIterator[ChatChunk]:
    """The pieces of a stream.

    Raises ProviderError when it ends before its end:
    platform.claude.com/docs/en/build-with-claude/streaming
    """
    reader = EventReader()
    async for event in stream:
        for chunk in reader.take(event):
            yield chunk
    if not reader.started:
        raise bad_response(address)
    if not reader.stopped:
        raise broken_off(address)


class EventReader:
    """Reads the events of one stream into pieces of the answer."""

    def __init__(self) -> None:
        self.started = self.stopped = self._told = False
        self._model, self._finish, self._reports = "", FinishReason.STOP, list[Any]()
        self._calls: dict[
            int, ToolCallDelta
        ] = {}  # the block's place: the piece that opened its call
        self._filled: set[int] = set()  # places of the calls whose arguments came

    def take(self, event: Any) -> list[ChatChunk]:
        """The pieces of the answer in one event.

        Events and blocks of kinds that came later are passed over, as Anthropic asks of its
        clients. The first piece tells the tokens of the input, for whom it is the last, too.
        """
        pieces = self._read(event)
        if pieces and not self._told:
            self._told = True
            pieces[0] = replace(pieces[0], usage=usage_of(*self._reports))
        return pieces

    def _read(self, event: Any) -> list[ChatChunk]:
        match getattr(event, "type", None):
            case "message_start":
                self.started, self._model = True, _text(event.message.model)
                self._reports.append(event.message.usage)
            case "content_block_start":
                return self._open(event.index, event.content_block)
            case "content_block_delta":
                return self._go_on(event.index, event.delta)
            case "content_block_stop":
                return self._close(event.index)
            case "message_delta":
                self._finish = FINISH.get(event.delta.stop_reason, FinishReason.STOP)
                self._reports.append(event.usage)
            case "message_stop":
                self.stopped = True
                return [
                    ChatChunk(
                        finish_reason=self._finish,
                        usage=usage_of(*self._reports),
                        model=self._model,
                    )
                ]
        return []

    def _open(self, place: int, block: Any) -> list[ChatChunk]:
        if block.type == "text" and block.text:
            return [ChatChunk(block.text, model=self._model)]
        if block.type != "tool_use":
            return []
        self._calls[place] = ToolCallDelta(len(self._calls), block.id, block.name)
        return [ChatChunk(tool_calls=(self._calls[place],), model=self._model)]

    def _go_on(self, place: int, delta: Any) -> list[ChatChunk]:
        if delta.type == "text_delta":
            return [ChatChunk(delta.text, model=self._model)]
        if delta.type != "input_json_delta" or not delta.partial_json or place not in self._calls:
            return []
        self._filled.add(place)
        return [self._arguments(place, delta.partial_json)]

    def _close(self, place: int) -> list[ChatChunk]:
        """The end of a call. One without arguments streams none; their JSON is an empty object."""
        return (
            [self._arguments(place, "{}")]
            if place in self._calls and place not in self._filled
            else []
        )

    def _arguments(self, place: int, text: str) -> ChatChunk:
        return ChatChunk(
            tool_calls=(ToolCallDelta(self._calls[place].index, arguments=text),), model=self._model
        )
