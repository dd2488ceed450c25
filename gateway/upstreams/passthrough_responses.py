"""Answers of services that speak OpenAI's protocol: bytes that are passed on as they came, and
parsed only as far as somebody needs them.
"""

import base64
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from json import JSONDecoder
from typing import Any

from pydantic_core import from_json, to_json

from providers.core.errors import ProviderError, bad_response
from providers.core.messages import ToolCall
from providers.core.openai_usage import read_usage, usage_in
from providers.core.results import ChatAnswer, ChatChunk, FinishReason, ToolCallDelta, Usage

from ..core import sse
from ..core.estimates import text_tokens

LONGEST_USAGE = 2000  # bytes
CUT_OFF = "{} ended in the middle of an answer. Ask again."


def finish_of(word: Any) -> FinishReason:
    """A finish reason by the protocol's word; an unknown one is a stop.

    `function_call` is the older word for `tool_calls`.
    """
    if word == "function_call":
        return FinishReason.TOOL_CALLS
    return FinishReason(word) if word in set(FinishReason) else FinishReason.STOP


@dataclass(slots=True)
class PassthroughChat:
    """A whole answer. Raises ProviderError when it is made of bytes that are not one."""

    raw: bytes
    host: str
    found: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        try:
            self.found = from_json(self.raw)
            self.found["choices"][0]["message"]["role"]
        except (ValueError, LookupError, TypeError):
            raise bad_response(self.host) from None

    @property
    def usage(self) -> Usage | None:
        """The tokens as the service counted them."""
        return usage_in(self.found)

    @property
    def counted(self) -> int:
        """The tokens of the answers as they are estimated from their text."""
        return sum(text_tokens(sse.text_size(to_json(one))) for one in self.found["choices"])

    def to_openai(self) -> bytes:
        """The answer as it came."""
        return self.raw

    def chat_answer(self) -> ChatAnswer:
        """The first choice as an object. Raises ProviderError for a malformed one."""
        choice = self.found["choices"][0]
        message = choice["message"]
        try:
            calls = tuple(ToolCall.model_validate(one) for one in message.get("tool_calls") or ())
            content, refusal = message.get("content"), message.get("refusal")
        except (ValueError, AttributeError, TypeError):
            raise bad_response(self.host) from None
        return ChatAnswer(
            str(self.found.get("model", "")),
            content,
            calls,
            finish_of(choice.get("finish_reason")),
            self.usage,
            refusal,
        )


@dataclass(slots=True)
class PassthroughStream:
    """A stream of OpenAI's protocol, read once: by `blocks`, or by `chunks`.

    `usage` is known when it has been read; `is_finished` when the answer is whole. `counted`: the
    tokens so far, as they are estimated from the text.
    """

    source: AsyncGenerator[bytes, None]
    host: str
    wants_usage: bool
    usage: Usage | None = None
    first: bytes = b""
    is_finished: bool = False
    counted: int = 0

    async def open(self) -> None:
        """Waits for the first event.

        Raises ProviderError for an error event, and for a stream that ends without an event.
        """
        self.source = sse.blocks(self.source)
        async for block in self.source:
            self.first += block
            if b"data:" in block:
                break
        if sse.ERROR.search(self.first) or not self.first.strip():
            raise ProviderError(f"{self.host} began to answer and failed. Try again.", "error")

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """The bytes as they came, whole events at a time, `[DONE]` included.

        Raises ProviderError for a stream that ends too early or sends an error event.
        """
        block = self.first
        try:
            while True:
                if broken := sse.ERROR.search(block):
                    if whole := sse.end_of_last(block[: broken.start() + 1]):
                        yield block[:whole]
                    raise ProviderError(CUT_OFF.format(self.host), "error")
                self.counted += max(1, text_tokens(sse.text_size(block)))
                if b"[DONE]" in block or sse.FINISHED.search(block) is not None:
                    self.is_finished = True
                if passed := self._read_usage(block) if sse.USAGE.search(block) else block:
                    yield passed
                block = await anext(self.source)
        except StopAsyncIteration:
            if not self.is_finished:
                raise ProviderError(CUT_OFF.format(self.host), "error") from None
        except sse.EventTooLongError:
            raise bad_response(self.host) from None
        finally:
            await self.source.aclose()

    def _read_usage(self, block: bytes) -> bytes:
        """Learns the usage from a block. Returns the block, without the event that tells only the
        usage unless the caller asked for it.
        """
        kept = []
        for one in sse.events(block):
            try:
                found = sse.json_of(one)
            except ValueError:
                raise bad_response(self.host) from None
            self.usage = usage_in(found) or self.usage
            if self.wants_usage or found is None or found.get("choices") or not found.get("usage"):
                kept.append(one)
        return b"".join(kept)

    async def chunks(self) -> AsyncGenerator[ChatChunk, None]:
        """The stream as objects. Raises as `blocks`, and for a malformed chunk."""
        async with aclosing(self.blocks()) as blocks:
            async for block in blocks:
                for one in sse.events(block):
                    try:
                        chunk = chunk_of(sse.json_of(one))
                    except (ValueError, LookupError, TypeError, AttributeError):
                        raise bad_response(self.host) from None
                    if chunk is not None:
                        yield chunk


def chunk_of(found: dict[str, Any] | None) -> ChatChunk | None:
    """The first choice of a chunk in OpenAI's format, None without one.

    Raises ValueError, LookupError, TypeError or AttributeError for a malformed chunk.
    """
    choice = (found.get("choices") or [None])[0] if found else None
    if not choice:
        return None
    delta, reason = choice.get("delta") or {}, choice.get("finish_reason")
    calls = []
    for call in delta.get("tool_calls") or ():
        function = call.get("function") or {}
        name, arguments = function.get("name"), function.get("arguments") or ""
        calls.append(ToolCallDelta(call["index"], call.get("id"), name, arguments))
    return ChatChunk(
        delta.get("content") or "", tuple(calls), finish_of(reason) if reason else None
    )


@dataclass(slots=True)
class PassthroughEmbeddings:
    """Vectors. They are large, so they are not parsed unless somebody wants the numbers.

    Raises ProviderError when it is made of bytes that hold none.
    """

    raw: bytes
    host: str

    def __post_init__(self) -> None:
        if b'"embedding"' not in self.raw or not self.raw.lstrip().startswith(b"{"):
            raise bad_response(self.host)

    counted = 0  # an embedding has no output

    @property
    def usage(self) -> Usage | None:
        """The tokens as the service counted them, which it tells before or after the vectors."""
        for found in list(sse.USAGE.finditer(self.raw))[-1:]:
            text = self.raw[found.end() - 1 : found.end() + LONGEST_USAGE].decode(errors="replace")
            try:
                return read_usage(JSONDecoder().raw_decode(text)[0])
            except ValueError:
                return None
        return None

    def to_openai(self) -> bytes:
        """The answer as it came."""
        return self.raw

    def vectors(self) -> list[list[float]]:
        """The numbers, in the order of the input. Raises ProviderError for malformed ones."""
        found = []
        try:
            rows = sorted(from_json(self.raw)["data"], key=lambda row: row["index"])
            for row in rows:
                numbers = row["embedding"]
                if isinstance(numbers, str):  # base64 of little-endian 32-bit floats
                    packed = base64.b64decode(numbers)
                    numbers = struct.unpack(f"<{len(packed) // 4}f", packed)
                found.append([float(one) for one in numbers])
        except (ValueError, LookupError, TypeError, struct.error):
            raise bad_response(self.host) from None
        return found
