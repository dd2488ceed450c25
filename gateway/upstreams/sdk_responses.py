"""What an SDK gave, and how it looks in OpenAI's format."""

import base64
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic_core import to_json

from providers.core.errors import ProviderError
from providers.core.results import ChatAnswer, ChatChunk, EmbeddingAnswer, ToolCallDelta, Usage

from ..core import sse


def usage_json(usage: Usage) -> dict[str, int]:
    """Usage in OpenAI's format."""
    tokens = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
    return {**tokens, "total_tokens": usage.total_tokens}


@dataclass(slots=True)
class MadeChat:
    """A whole answer that an SDK gave."""

    made: ChatAnswer

    @property
    def usage(self) -> Usage | None:
        """As the service told."""
        return self.made.usage

    def openai(self, alias: str) -> bytes:
        """In OpenAI's format."""
        made = self.made
        message: dict[str, Any] = {
            "role": "assistant",
            "content": made.content,
            "refusal": made.refusal,
        }
        if made.tool_calls:
            message["tool_calls"] = [one.model_dump() for one in made.tool_calls]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": made.finish_reason.value,
        }
        body = {
            "id": _id(),
            "object": "chat.completion",
            "created": int(time.time()),
            "model": made.model or alias,
            "choices": [choice],
        }
        return to_json(body | {"usage": usage_json(made.usage) if made.usage else None})

    def answer(self) -> ChatAnswer:
        """As it came."""
        return self.made


def _id() -> str:
    return f"chatcmpl-{uuid4().hex}"


@dataclass(slots=True)
class MadeStream:
    """A stream that an SDK gives."""

    source: AsyncIterator[ChatChunk]
    alias: str
    wants_usage: bool
    usage: Usage | None = None
    first: ChatChunk | None = None

    async def open(self) -> None:
        """Waits for the first piece. Raises ProviderError."""
        self.first = await anext(self.source, None)
        if self.first is None:
            raise ProviderError(
                "The service began to answer and said nothing. Try again.", "bad_response"
            )

    async def chunks(self) -> AsyncIterator[ChatChunk]:
        """As they come."""
        chunk = self.first
        try:
            while chunk is not None:
                self.usage = chunk.usage or self.usage
                yield chunk
                chunk = await anext(self.source, None)
        finally:
            await self.source.aclose()  # type: ignore[attr-defined]

    async def blocks(self) -> AsyncIterator[bytes]:
        """The stream in OpenAI's format, `[DONE]` included."""
        frame = {
            "id": _id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": self.alias,
        }
        chunks, role = self.chunks(), {"role": "assistant"}
        try:
            async for chunk in chunks:
                if choice := _choice(chunk, role):
                    yield sse.event(frame | {"choices": [choice]})
                    role = {}
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]
        if self.wants_usage and self.usage:
            yield sse.event(frame | {"choices": [], "usage": usage_json(self.usage)})
        yield sse.DONE


def _choice(chunk: ChatChunk, role: dict[str, str]) -> dict[str, Any] | None:
    """One choice of a chunk in OpenAI's format, None for a chunk that only tells the usage."""
    if not (chunk.content or chunk.tool_calls or chunk.finish_reason or role):
        return None
    delta: dict[str, Any] = dict(role)
    if chunk.content:
        delta["content"] = chunk.content
    if chunk.tool_calls:
        delta["tool_calls"] = [_call(one) for one in chunk.tool_calls]
    return {
        "index": 0,
        "delta": delta,
        "logprobs": None,
        "finish_reason": chunk.finish_reason.value if chunk.finish_reason else None,
    }


def _call(delta: ToolCallDelta) -> dict[str, Any]:
    function: dict[str, str] = {"arguments": delta.arguments}
    first: dict[str, Any] = {}
    if delta.name is not None:
        function = {"name": delta.name, **function}
        first = {"id": delta.id, "type": "function"}
    return {"index": delta.index, **first, "function": function, **delta.extra}


@dataclass(slots=True)
class MadeVectors:
    """Vectors that an SDK gave."""

    made: EmbeddingAnswer

    @property
    def usage(self) -> Usage | None:
        """As the service told."""
        return self.made.usage

    def openai(self, alias: str, encoding: str) -> bytes:
        """In OpenAI's format; `encoding`: float, or base64 of little-endian 32-bit floats."""
        rows = [
            {
                "object": "embedding",
                "index": index,
                "embedding": _packed(vector) if encoding == "base64" else vector,
            }
            for index, vector in enumerate(self.made.vectors)
        ]
        usage = usage_json(self.made.usage or Usage())
        del usage["completion_tokens"]
        return to_json(
            {"object": "list", "data": rows, "model": self.made.model or alias, "usage": usage}
        )

    def vectors(self) -> list[list[float]]:
        """The numbers, in the order of the input."""
        return [list(vector) for vector in self.made.vectors]


def _packed(vector: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
