"""What a service of OpenAI's protocol answered: bytes, handed on as they came and read only as far
as somebody needs it.
"""

import base64
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from providers.core.chat import ToolCall
from providers.core.errors import ProviderError, bad_response
from providers.core.results import ChatAnswer, ChatChunk, FinishReason, ToolCallDelta, Usage

from ..core import sse

CUT_OFF = "{} ended in the middle of an answer. Ask again."


def usage_of(found: Any) -> Usage | None:
    """The usage of an answer in OpenAI's format, None when it has none."""
    usage = found.get("usage") if isinstance(found, dict) else None
    if not isinstance(usage, dict):
        return None
    asked, answered = usage.get("prompt_tokens"), usage.get("completion_tokens", 0)
    return (
        Usage(asked, answered)
        if isinstance(asked, int) and isinstance(answered, int) and min(asked, answered) >= 0
        else None
    )


def finish_of(word: Any) -> FinishReason:
    """A finish reason by the protocol's word; an unknown one is a stop."""
    return (
        FinishReason(word)
        if word in set(FinishReason)
        else FinishReason.TOOL_CALLS
        if word == "function_call"
        else FinishReason.STOP
    )


@dataclass(slots=True)
class RawChat:
    """A whole answer as a service of OpenAI's protocol sent it."""

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
        """As the service told."""
        return usage_of(self.found)

    def openai(self, alias: str) -> bytes:
        """As it came."""
        return self.raw

    def answer(self) -> ChatAnswer:
        """The first choice."""
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
class RawStream:
    """A stream of OpenAI's protocol.

    `blocks()` gives bytes as they came, whole events at a time, and learns the usage.
    """

    source: AsyncIterator[bytes]
    host: str
    wants_usage: bool
    usage: Usage | None = None
    first: bytes = b""

    async def open(self) -> None:
        """Waits for the first event.

        Raises ProviderError when it is an error, or when there is none.
        """
        self.source = sse.blocks(self.source)
        async for block in self.source:
            self.first += block
            if b"data:" in block:
                break
        if sse.ERROR.search(self.first) or not self.first.strip():
            raise ProviderError(f"{self.host} began to answer and failed. Try again.", "error")

    async def blocks(self) -> AsyncIterator[bytes]:
        """The stream, `[DONE]` included.

        Raises ProviderError when it ends too early; an error event of the service is one too.
        """
        finished, block = False, self.first
        try:
            while True:
                if broken := sse.ERROR.search(block):
                    if whole := sse.end_of_last(block[: broken.start() + 1]):
                        yield block[:whole]
                    raise ProviderError(CUT_OFF.format(self.host), "error")
                finished = finished or b"[DONE]" in block or sse.FINISHED.search(block) is not None
                if passed := self._counted(block) if sse.USAGE.search(block) else block:
                    yield passed
                block = await anext(self.source)
        except StopAsyncIteration:
            if not finished:
                raise ProviderError(CUT_OFF.format(self.host), "error") from None
        except sse.EventTooLong:
            raise bad_response(self.host) from None
        finally:
            await self.source.aclose()  # type: ignore[attr-defined]

    def _counted(self, block: bytes) -> bytes:
        """The block without the event that only tells the usage, unless the caller asked for it."""
        kept = []
        for one in sse.events(block):
            try:
                found = sse.json_of(one)
            except ValueError:
                raise bad_response(self.host) from None
            self.usage = usage_of(found) or self.usage
            if self.wants_usage or found is None or found.get("choices") or not found.get("usage"):
                kept.append(one)
        return b"".join(kept)

    async def chunks(self) -> AsyncIterator[ChatChunk]:
        """The stream as objects."""
        blocks = self.blocks()
        try:
            async for block in blocks:
                for one in sse.events(block):
                    if chunk := self._chunk(one):
                        yield chunk
        finally:
            await blocks.aclose()  # type: ignore[attr-defined]

    def _chunk(self, one: bytes) -> ChatChunk | None:
        try:
            found = sse.json_of(one)
            choice = (found.get("choices") or [None])[0] if found else None
            if not choice:
                return None
            delta, reason = choice.get("delta") or {}, choice.get("finish_reason")
            calls = tuple(_delta(call) for call in delta.get("tool_calls") or ())
            return ChatChunk(
                delta.get("content") or "", calls, finish_of(reason) if reason else None
            )
        except (ValueError, LookupError, TypeError, AttributeError):
            raise bad_response(self.host) from None


def _delta(call: dict[str, Any]) -> ToolCallDelta:
    function = call.get("function") or {}
    return ToolCallDelta(
        call["index"], call.get("id"), function.get("name"), function.get("arguments") or ""
    )


@dataclass(slots=True)
class RawVectors:
    """Vectors as a service of OpenAI's protocol sent them; large, so not read unless somebody wants
    the numbers.
    """

    raw: bytes
    host: str

    def __post_init__(self) -> None:
        if b'"embedding"' not in self.raw or not self.raw.lstrip().startswith(b"{"):
            raise bad_response(self.host)

    @property
    def usage(self) -> Usage | None:
        """As the service told, which it does at the end, or at the beginning."""
        for found in list(sse.USAGE.finditer(self.raw))[-1:]:
            end = self.raw.find(b"}", found.end())
            try:
                return usage_of({"usage": from_json(self.raw[found.end() - 1 : end + 1])})
            except ValueError:
                return None
        return None

    def openai(self, alias: str, encoding: str) -> bytes:
        """As it came."""
        return self.raw

    def vectors(self) -> list[list[float]]:
        """The numbers, in the order of the input."""
        try:
            rows = sorted(from_json(self.raw)["data"], key=lambda row: row["index"])
            return [_numbers(row["embedding"]) for row in rows]
        except (ValueError, LookupError, TypeError, struct.error):
            raise bad_response(self.host) from None


def _numbers(embedding: Any) -> list[float]:
    if isinstance(embedding, str):
        data = base64.b64decode(embedding)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    return [float(one) for one in embedding]
