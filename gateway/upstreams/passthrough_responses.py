"""Answers of services that speak OpenAI's protocol: bytes that are passed on as they came, and
parsed only as far as somebody needs them.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from providers.core.error_bodies import error_in, status_in
from providers.core.errors import ProviderError, bad_response, from_error_body
from providers.core.openai_usage import usage_in
from providers.core.results import ChatAnswer, ChatChunk, Usage
from providers.core.texts import mended_tree, parse_json
from providers.core.tool_calls import CallNumbers, tool_call
from providers.vendors.openai.response import text_of

from ..core import sse
from ..core.estimates import text_tokens
from .half_characters import EventMender
from .model_names import has_model, with_model
from .wire_events import (
    chunk_of,
    finish_of,
    is_plain,
    says_something,
    until_broken,
    until_failure,
    usage_of_first,
)

CUT_OFF = "{} ended in the middle of an answer. Ask again."
FAILED = "{} answered with an error. Ask again."
FAILED_LATER = "{} told of an error in the middle of an answer. Ask again."


@dataclass(slots=True)
class PassthroughChat:
    """A whole answer. `model`: the one that was asked, for an answer that names none.

    Raises ProviderError when it is made of bytes that are not an answer.
    """

    raw: bytes
    host: str
    model: str
    found: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        try:
            try:
                self.found = from_json(self.raw)
            except ValueError:  # perhaps half a character, or bytes that are not UTF-8
                self.found = mended_tree(parse_json(self.raw))
                self.raw = to_json(self.found)
            error = error_in(self.found)
            if error is not None or self.found["choices"] == []:
                raise failed(error or {}, self.host, FAILED, usage_in(self.found))
            self.found["choices"][0]["message"]["role"]
            if not has_model(self.found):
                self.found["model"] = self.model
                self.raw = to_json(self.found)
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
            calls = tuple(tool_call(one) for one in message.get("tool_calls") or ())
            content, refusal = text_of(message.get("content")), message.get("refusal")
        except (ValueError, LookupError, AttributeError, TypeError):
            raise bad_response(self.host) from None
        return ChatAnswer(
            self.found["model"],
            content,
            calls,
            finish_of(choice.get("finish_reason")),
            self.usage,
            refusal,
        )


@dataclass(slots=True)
class PassthroughStream:
    """A stream of OpenAI's protocol, read once: by `blocks`, or by `chunks`.

    `hear` gets the comments before the first event, and of `chunks` all. `usage` is known when all
    is read, `is_finished` when the answer is whole. `counted`: the tokens so far, as they are
    estimated; `is_usage_old`: text came after the usage.
    """

    source: AsyncGenerator[bytes, None]
    host: str
    wants_usage: bool
    model: str
    hear: Callable[[bytes], None] | None = None
    usage: Usage | None = None
    first: bytes = b""
    is_finished: bool = False
    counted: int = 0
    is_usage_old: bool = False
    _is_done: bool = False
    _is_broken: bool = False
    _mender: EventMender = field(default_factory=EventMender)

    async def open(self) -> None:
        """Waits for the first event that says something: until then nothing is lost if another
        service is asked.

        Raises ProviderError for an error event, and for a stream that ends without saying anything:
        services also tell of a failure by `[DONE]` alone, or by JSON of their own.
        """
        self.source = sse.blocks(self.source)
        usage: Usage | None = None
        try:
            async for block in self.source:
                if self.hear is not None and sse.is_comment(block):
                    self.hear(block)
                    continue
                self.first += block
                events = sse.events(block)
                for one in events:
                    usage = usage_of_first(one) or usage
                    if (error := sse.failure(one)) is not None:
                        raise failed(error, self.host, FAILED, usage)
                if any(map(says_something, events)):
                    return
                if len(self.first) > sse.LONGEST_EVENT:
                    raise bad_response(self.host)
        except sse.EventTooLongError:
            raise bad_response(self.host) from None
        except ValueError:  # of what is not JSON
            await self.source.aclose()
        error = ProviderError(f"{self.host} began to answer and failed. Try again.", "error")
        error.usage = usage
        raise error

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """The bytes as they came, whole events at a time, `[DONE]` included.

        Raises ProviderError for a stream that ends too early, sends an error event or one whose
        data is not JSON.
        """
        block: bytes | None = self.first
        try:
            while block is not None:
                before, error = until_failure(block)
                if passed := self._passed(before):
                    yield passed
                self._refuse(error, block[len(before) :])
                block = await anext(self.source, None)
            if not self.is_finished:
                raise ProviderError(CUT_OFF.format(self.host), "error")
            if rest := self._mender.rest():
                yield rest
            if not self._is_done:  # some services leave it out
                yield sse.DONE
        except ProviderError:
            if rest := self._mender.rest():
                yield rest
            raise
        except sse.EventTooLongError:
            raise bad_response(self.host) from None
        finally:
            await self.source.aclose()

    def _refuse(self, error: Any, events: bytes) -> None:
        """Raises ProviderError where the block that was passed on ended with an event that is not
        JSON, or where there is an error, which is told by the first of these events.
        """
        if self._is_broken:
            raise bad_response(self.host)
        if error is not None and not self._is_done:
            self.usage = usage_of_first(events) or self.usage
            raise failed(error, self.host)

    def _passed(self, block: bytes) -> bytes:
        """The block as it is passed on, from which is learned what it tells of the answer."""
        if self._is_done:  # nothing counts behind it; it is read, so that the connection is kept
            return b""
        if is_done := sse.is_done(block):
            block = sse.until_done(block)
        block = self._mender.mend(block)
        if not is_plain(block):
            block, self._is_broken = until_broken(block)
            block = with_model(block, self.model)
        size = sse.text_size(block)
        self.counted += max(1, text_tokens(size))
        self.is_usage_old = self.is_usage_old or bool(size and self.usage)
        self._is_done = is_done and not self._is_broken
        if self._is_done or sse.FINISHED.search(block) is not None:
            self.is_finished = True
        return self._read_usage(block) if sse.USAGE.search(block) else block

    def _read_usage(self, block: bytes) -> bytes:
        """Learns the usage from a block. Returns the block, without the event that tells only the
        usage unless the caller asked for it.
        """
        kept = []
        for one in sse.events(block):
            if not sse.USAGE.search(one):
                kept.append(one)
                self.is_usage_old = self.is_usage_old or bool(self.usage and sse.text_size(one))
                continue
            found = sse.json_of(one)
            if (usage := usage_in(found)) is not None:
                self.usage, self.is_usage_old = usage, False
            if self.wants_usage or found is None or found.get("choices") or not found.get("usage"):
                kept.append(one)
        return b"".join(kept)

    async def chunks(self) -> AsyncGenerator[ChatChunk, None]:
        """The stream as objects. Raises as `blocks`, and for a malformed chunk."""
        numbers = CallNumbers()
        async with aclosing(self.blocks()) as blocks:
            async for block in blocks:
                for one in sse.events(block):
                    if self.hear is not None and sse.is_comment(one):
                        self.hear(one)
                        continue
                    try:
                        chunk = chunk_of(sse.json_of(one), numbers)
                    except (ValueError, LookupError, TypeError, AttributeError):
                        raise bad_response(self.host) from None
                    if chunk is not None:
                        yield chunk


def failed(
    error: Any, host: str, otherwise: str = FAILED_LATER, usage: Usage | None = None
) -> ProviderError:
    """The ProviderError for an error that a service tells of in an answer of status 200.

    `otherwise`: the sentence where it does not tell why. `usage`: what it counted all the same.
    """
    found = from_error_body(error, host)
    found.usage = usage
    if status_in(error) == 500:
        found.message = otherwise.format(host)
    return found
