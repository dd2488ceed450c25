"""Answers of services with a protocol of their own, which their SDKs gave as objects; here they are
written in OpenAI's format.
"""

import base64
import struct
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from pydantic_core import to_json

from providers.core.errors import ProviderError
from providers.core.messages import ToolCall
from providers.core.openai_usage import usage_json
from providers.core.results import ChatAnswer, ChatChunk, EmbeddingAnswer, ToolCallDelta, Usage
from providers.core.texts import HalfJoiner, has_half, mended, mended_tree

from ..core import sse
from ..core.estimates import counted_by_service, text_tokens


def _new_id() -> str:
    """A new id of an answer, as OpenAI's look."""
    return f"chatcmpl-{uuid4().hex}"


@dataclass(slots=True)
class SDKChat:
    """A whole answer. `model`: the one that was asked, for the caller where the service tells none.

    Half characters in it are mended.
    """

    answer: ChatAnswer
    model: str

    def __post_init__(self) -> None:
        self.answer = _mended_answer(self.answer)

    @property
    def usage(self) -> Usage | None:
        """The tokens as the service counted them."""
        return self.answer.usage

    @property
    def counted(self) -> int:
        """The tokens of the answer as they are estimated from its text."""
        calls = (one.function.arguments for one in self.answer.tool_calls)
        text = "".join((self.answer.content or "", self.answer.refusal or "", *calls))
        return text_tokens(len(text.encode(errors="replace")))

    def to_openai(self) -> bytes:
        """The answer in OpenAI's format."""
        answer = self.answer
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.content,
            "refusal": answer.refusal,
        }
        if answer.tool_calls:
            message["tool_calls"] = [one.model_dump() for one in answer.tool_calls]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": answer.finish_reason.value,
        }
        body = {
            "id": _new_id(),
            "object": "chat.completion",
            "created": int(time.time()),
            "model": answer.model or self.model,
            "choices": [choice],
        }
        usage = counted_by_service(self)
        return to_json(body | {"usage": usage_json(usage) if usage else None})

    def chat_answer(self) -> ChatAnswer:
        """The answer as it came."""
        return self.answer


@dataclass(slots=True)
class SDKStream:
    """A stream, read once: by `chunks`, or by `blocks`. `usage` is known when it has been read.

    `model`: the one that was asked, until the service tells its own name of it. `is_finished`: the
    answer is whole. `counted`: the tokens so far, as they are estimated; `is_usage_old`: text
    came after the usage. Characters whose halves
    come in two pieces are joined.
    """

    source: AsyncIterator[ChatChunk]
    model: str
    wants_usage: bool
    usage: Usage | None = None
    first: list[ChatChunk] = field(default_factory=list)
    is_finished: bool = False
    counted: int = 0
    is_usage_old: bool = False
    _halves: HalfJoiner = field(default_factory=HalfJoiner)

    async def open(self) -> None:
        """Waits for the first chunk that says something: until then nothing is lost if another
        service is asked. Raises ProviderError for a stream without a chunk.
        """
        while chunk := await anext(self.source, None):
            self.first.append(chunk)
            if chunk.content or chunk.tool_calls or chunk.finish_reason:
                break
        if not self.first:
            raise ProviderError(
                "The service began to answer and said nothing. Try again.", "bad_response"
            )

    async def close(self) -> None:
        """Ends the request to the service."""
        await self.source.aclose()  # type: ignore[attr-defined]  # providers write generators

    async def chunks(self) -> AsyncGenerator[ChatChunk, None]:
        """The chunks as they come. Raises ProviderError."""
        try:
            for chunk in self.first:
                self._count(chunk)
                yield self._whole(chunk)
            async for chunk in self.source:
                self._count(chunk)
                yield self._whole(chunk)
            if self._halves.holds:
                yield self._flushed(ChatChunk())
        except ProviderError:
            if self._halves.holds:
                yield self._flushed(ChatChunk())
            raise
        finally:
            await self.close()

    def _count(self, chunk: ChatChunk) -> None:
        self.usage = chunk.usage or self.usage
        self.model = chunk.model or self.model
        self.is_finished = self.is_finished or chunk.finish_reason is not None
        text = chunk.content + "".join(one.arguments for one in chunk.tool_calls)
        self.counted += text_tokens(len(text.encode(errors="replace")))
        self.is_usage_old = not chunk.usage and (self.is_usage_old or bool(text and self.usage))

    def _whole(self, chunk: ChatChunk) -> ChatChunk:
        """The chunk with whole characters; a first half at its end is held for the next one."""
        if not (self._halves.holds or has_half([chunk.content, *_call_texts(chunk)])):
            return chunk
        calls = [
            replace(
                one,
                name=one.name and mended(one.name),
                id=one.id and mended(one.id),
                arguments=self._halves.join(one.index, one.arguments),
            )
            for one in chunk.tool_calls
        ]
        content = self._halves.join(None, chunk.content)
        whole = replace(chunk, content=content, tool_calls=tuple(calls))
        return self._flushed(whole) if chunk.finish_reason else whole

    def _flushed(self, chunk: ChatChunk) -> ChatChunk:
        """The chunk with U+FFFD behind it for each half that is held."""
        content = chunk.content + self._halves.flush(None)
        calls = [
            ToolCallDelta(index, arguments=self._halves.flush(index)) for index in self._halves.held
        ]
        return replace(chunk, content=content, tool_calls=(*chunk.tool_calls, *calls))

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """The stream in OpenAI's format, `[DONE]` included. Raises ProviderError."""
        frame: dict[str, Any] = {
            "id": _new_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
        }
        role = {"role": "assistant"}
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                # a chunk may tell the usage only, which has an event of its own
                if chunk.content or chunk.tool_calls or chunk.finish_reason or role:
                    frame["model"] = self.model
                    yield sse.event(frame | {"choices": [choice_of(chunk, role)]})
                    role = {}
        if self.wants_usage and (usage := counted_by_service(self)):
            yield sse.event(frame | {"choices": [], "usage": usage_json(usage)})
        yield sse.DONE


def _call_texts(chunk: ChatChunk) -> list[str]:
    return [text for one in chunk.tool_calls for text in (one.id, one.name, one.arguments) if text]


def _mended_answer(answer: ChatAnswer) -> ChatAnswer:
    calls = [one.model_dump() for one in answer.tool_calls]
    if not has_half([answer.content, answer.refusal, calls]):
        return answer
    return replace(
        answer,
        content=mended_tree(answer.content),
        refusal=mended_tree(answer.refusal),
        tool_calls=tuple(ToolCall.model_validate(mended_tree(one)) for one in calls),
    )


def choice_of(chunk: ChatChunk, role: dict[str, str]) -> dict[str, Any]:
    """A chunk as a choice in OpenAI's format; `role` is written into the first one of a stream."""
    delta: dict[str, Any] = dict(role)
    if chunk.content:
        delta["content"] = chunk.content
    if chunk.tool_calls:
        delta["tool_calls"] = []
        for call in chunk.tool_calls:
            function: dict[str, str] = {"arguments": call.arguments}
            first: dict[str, Any] = {}
            if call.name is not None:
                function = {"name": call.name, **function}
                first = {"id": call.id, "type": "function"}
            delta["tool_calls"].append(
                {"index": call.index, **first, "function": function, **call.extra}
            )
    return {
        "index": 0,
        "delta": delta,
        "logprobs": None,
        "finish_reason": chunk.finish_reason.value if chunk.finish_reason else None,
    }


@dataclass(slots=True)
class SDKEmbeddings:
    """Vectors. `encoding`: float, or base64 of little-endian 32-bit floats. `asked`: the tokens of
    the input as they are estimated, for a caller to whom the service tells none.
    """

    answer: EmbeddingAnswer
    model: str
    encoding: str
    asked: int
    counted: int = 0  # an embedding has no output

    @property
    def usage(self) -> Usage | None:
        """The tokens as the service counted them."""
        return self.answer.usage

    def to_openai(self) -> bytes:
        """The vectors in OpenAI's format, which demands a usage."""
        rows = []
        for index, vector in enumerate(self.answer.vectors):
            numbers: Any = vector
            if self.encoding == "base64":
                numbers = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
            rows.append({"object": "embedding", "index": index, "embedding": numbers})
        usage = usage_json(self.answer.usage or Usage(self.asked))
        del usage["completion_tokens"]
        model = self.answer.model or self.model
        return to_json({"object": "list", "data": rows, "model": model, "usage": usage})

    def vectors(self) -> list[list[float]]:
        """The numbers, in the order of the input."""
        return [list(vector) for vector in self.answer.vectors]
