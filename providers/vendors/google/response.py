"""Gemini's answers, as the official SDK hands them over, in the vendor-neutral types:
https://ai.google.dev/api/generate-content
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

from providers.core.errors import ProviderError, bad_response
from providers.core.messages import FunctionCall, ToolCall
from providers.core.results import (
    ChatAnswer,
    ChatChunk,
    EmbeddingAnswer,
    FinishReason,
    ToolCallDelta,
    Usage,
    token_count,
)

from ..openai.response import broken_off

FINISH = {
    "STOP": FinishReason.STOP,
    "FUNCTION_CALL": FinishReason.TOOL_CALLS,  # not Google's own, but of services that imitate it
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
}
# The model made a mistake, so this is not an answer. Whatever else ends one is a filter.
FAILED = (
    *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"),
    *("TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
)


def answer_of(found: Any, model: str, address: str) -> ChatAnswer:
    """A whole answer, without the model's thoughts.

    `model`: the one that was asked; `address` names the service in an error.
    """
    reader = AnswerReader(model, address)
    text = reader.take(found).content
    finish = reader.finish()
    calls = tuple(
        ToolCall(
            id=one.id or "",
            function=FunctionCall(name=one.name or "", arguments=one.arguments),
            **one.extra,
        )
        for one in reader.calls
    )
    return ChatAnswer(reader.model, text or None, calls, finish, reader.usage)


async def chunks_of(
    stream: AsyncIterator[Any], model: str, address: str
) -> AsyncIterator[ChatChunk]:
    """The pieces of a stream. Raises ProviderError when it ends before its end."""
    reader = AnswerReader(model, address)
    async for found in stream:
        chunk = reader.take(found)
        if chunk.content or chunk.tool_calls:
            yield chunk
    yield ChatChunk(finish_reason=reader.finish(), usage=reader.usage, model=reader.model)


class AnswerReader:
    """Reads the pieces of one answer."""

    def __init__(self, model: str, address: str) -> None:
        self.model, self._address = model, address
        self.usage: Usage | None = None
        self.calls: list[ToolCallDelta] = []
        self._reason, self._seen, self._blocked = "", False, False

    def take(self, found: Any) -> ChatChunk:
        """The text and the calls of one piece.

        Raises ProviderError for a piece that cannot be passed on.
        """
        self.model = found.model_version or self.model
        self.usage = usage_of(found.usage_metadata) or self.usage
        self._blocked = self._blocked or bool(
            found.prompt_feedback and found.prompt_feedback.block_reason
        )
        candidate = found.candidates[0] if found.candidates else None
        if candidate is None:
            return ChatChunk()
        self._seen = True
        self._reason = candidate.finish_reason.name if candidate.finish_reason else self._reason
        parts = [
            part
            for part in (candidate.content.parts if candidate.content else None) or ()
            if not part.thought
        ]
        before = len(self.calls)
        return ChatChunk(
            "".join(self._text_of(part, found.response_id) for part in parts),
            tuple(self.calls[before:]),
            model=self.model,
        )

    def _text_of(self, part: Any, response_id: str | None) -> str:
        """The text of a part. A call is noted instead."""
        if part.inline_data:
            message = (
                f"The model {self.model} answered with {part.inline_data.mime_type}, not with "
                "text. Choose a model that writes."
            )
            raise ProviderError(message, "bad_response", True)
        if call := part.function_call:
            arguments = json.dumps(call.args or {})
            # older models give no id, and OpenAI's format needs one, the same for the same call
            made_of = json.dumps([response_id, len(self.calls), call.name, arguments])
            made_up = "call_" + hashlib.sha256(made_of.encode()).hexdigest()[:24]
            self.calls.append(
                ToolCallDelta(
                    len(self.calls),
                    call.id or made_up,
                    call.name,
                    arguments,
                    _signed(part.thought_signature),
                )
            )
        return part.text or ""

    def finish(self) -> FinishReason:
        """The reason that ended the answer. Raises ProviderError when it did not end, or was not an
        answer.
        """
        if self._blocked and not self._reason:
            return FinishReason.CONTENT_FILTER
        if not self._seen:
            raise bad_response(self._address)
        if not self._reason:
            raise broken_off(self._address)
        if self._reason in FAILED:
            message = (
                f"The model {self.model} at {self._address} made a mistake and ended with "
                f"{self._reason}. Try again."
            )
            error = ProviderError(message, "error")
            error.usage = self.usage
            raise error
        found = FINISH.get(self._reason, FinishReason.CONTENT_FILTER)
        return FinishReason.TOOL_CALLS if found == FinishReason.STOP and self.calls else found


def usage_of(told: Any) -> Usage | None:
    """The tokens, None when the service does not say. Thoughts are output, and what was cached is
    part of the prompt: ai.google.dev/api/generate-content#UsageMetadata.
    """
    names = ("prompt", "tool_use_prompt", "candidates", "thoughts", "cached_content", "total")
    counts = [token_count(getattr(told, f"{name}_token_count", None)) for name in names]
    prompt, tools, candidates, thoughts, cached, total = counts
    return Usage.told(
        _sum(prompt, tools), _sum(candidates, thoughts), total, cached=cached, reasoning=thoughts
    )


def _sum(*counts: int | None) -> int | None:
    """The sum of the counts that were told, None where none was."""
    told = [count for count in counts if count is not None]
    return sum(told) if told else None


def vectors_of(pages: list[Any], count: int, model: str, address: str) -> EmbeddingAnswer:
    """The vectors for `count` texts, over several answers, in their order."""
    rows = [row.values for page in pages for row in page.embeddings or ()]
    if len(rows) != count or not all(rows):
        raise bad_response(address)
    told = [token_count(getattr(page.usage_metadata, "prompt_token_count", None)) for page in pages]
    counted = [count for count in told if count]
    usage = Usage(sum(counted)) if len(counted) == len(pages) else None
    return EmbeddingAnswer(model, tuple(map(tuple, rows)), usage)


def _signed(signature: bytes | None) -> dict[str, Any]:
    """A call's signature, where Google's own compatible API puts it."""
    return (
        {"extra_content": {"google": {"thought_signature": base64.b64encode(signature).decode()}}}
        if signature
        else {}
    )
