"""Answers of Bedrock's Converse and ConverseStream in OpenAI's chat format.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

import json
from typing import Any

from providers.core.errors import ProviderError
from providers.core.messages import FunctionCall, ToolCall
from providers.core.results import (
    ChatAnswer,
    ChatChunk,
    FinishReason,
    ToolCallDelta,
    Usage,
    token_count,
)

FINISHED = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "guardrail_intervened": FinishReason.CONTENT_FILTER,
    "content_filtered": FinishReason.CONTENT_FILTER,
}


def chat_answer(model: str, answer: dict[str, Any], host: str) -> ChatAnswer:
    """The answer of Converse.

    Raises ProviderError, and KeyError for a response of another shape.
    """
    blocks = answer["output"]["message"]["content"]
    texts = [block["text"] for block in blocks if "text" in block]
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    calls = tuple(
        ToolCall(
            id=use["toolUseId"],
            function=FunctionCall(name=use["name"], arguments=json.dumps(use.get("input") or {})),
        )
        for use in uses
    )
    content = "".join(texts) if texts or not calls else None
    usage = _usage(answer.get("usage"))
    try:
        finish = _finish(answer["stopReason"], host)
    except ProviderError as error:
        error.usage = usage
        raise
    return ChatAnswer(model, content, calls, finish, usage)


def _finish(reason: str, host: str) -> FinishReason:
    if reason.startswith("malformed_"):
        raise ProviderError(
            f"The model at {host} gave an answer that cannot be read. Try again.", "error"
        )
    return FINISHED.get(reason, FinishReason.STOP)


def _usage(found: Any) -> Usage | None:
    """inputTokens are those that no cache was involved with:
    docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    if not isinstance(found, dict):
        return None
    names = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    fresh, cached, written = (token_count(found.get(name)) for name in names)
    return Usage.told(
        None if fresh is None else fresh + (cached or 0) + (written or 0),
        token_count(found.get("outputTokens")),
        token_count(found.get("totalTokens")),
        cached=cached,
        written=written,
    )


class ConverseStream:
    """Reads the events of one ConverseStream.

    `ended`: the model has finished, so that the stream may end. What it spoiled is an error once
    the usage is there, which comes last.
    """

    def __init__(self, model: str, host: str) -> None:
        self.ended = False
        self._model, self._host = model, host
        self._calls: dict[int, int] = {}  # contentBlockIndex -> index of the tool call
        self._without_arguments: set[int] = set()
        self._spoiled: ProviderError | None = None

    def chunk(self, event: dict[str, Any]) -> ChatChunk | None:
        """The piece of the answer that an event carries, None for an event without any.

        Raises ProviderError.
        """
        match event:
            case {"contentBlockDelta": {"delta": {"text": str(text)}}} if text:
                return ChatChunk(content=text, model=self._model)
            case {
                "contentBlockStart": {
                    "contentBlockIndex": index,
                    "start": {"toolUse": {"toolUseId": call, "name": name}},
                }
            }:
                self._calls[index] = len(self._calls)
                self._without_arguments.add(index)
                return self._of_call(ToolCallDelta(self._calls[index], call, name))
            case {
                "contentBlockDelta": {
                    "contentBlockIndex": index,
                    "delta": {"toolUse": {"input": str(piece)}},
                }
            } if piece:
                self._without_arguments.discard(index)
                return self._of_call(ToolCallDelta(self._calls[index], arguments=piece))
            case {"contentBlockStop": {"contentBlockIndex": index}} if (
                index in self._without_arguments
            ):
                return self._of_call(ToolCallDelta(self._calls[index], arguments="{}"))
            case {"messageStop": {"stopReason": reason}}:
                return self._stopped(reason)
            case {"metadata": {"usage": found}}:
                return self._counted(found)
        return None

    def _stopped(self, reason: str) -> ChatChunk | None:
        self.ended = True
        try:
            finish = _finish(reason, self._host)
        except ProviderError as error:
            self._spoiled = error
            return None
        return ChatChunk(finish_reason=finish, model=self._model)

    def _counted(self, told: Any) -> ChatChunk:
        usage = _usage(told)
        if self._spoiled is not None:
            self._spoiled.usage = usage
            raise self._spoiled
        return ChatChunk(usage=usage, model=self._model)

    def _of_call(self, delta: ToolCallDelta) -> ChatChunk:
        return ChatChunk(tool_calls=(delta,), model=self._model)

    def end(self) -> None:
        """To be called when the events end. Raises ProviderError when the answer has not, or cannot
        be read.
        """
        if self._spoiled is not None:
            raise self._spoiled
        if not self.ended:
            raise ProviderError(
                f"{self._host} broke off in the middle of its answer. Try again.", "error"
            )
