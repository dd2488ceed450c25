"""Answers in OpenAI's protocol, as the official SDK hands them over, in the vendor-neutral types.

The SDK does not check what it was sent: whatever is not of this protocol raises a ProviderError or
a TypeError here.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from providers.core.error_bodies import status_in
from providers.core.errors import ProviderError, bad_response, from_error_body
from providers.core.openai_usage import read_usage
from providers.core.results import (
    ChatAnswer,
    ChatChunk,
    EmbeddingAnswer,
    FinishReason,
    Usage,
)
from providers.core.tool_calls import CallNumbers, tool_call

FINISH = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,  # Mistral: the model's context is full
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,  # what OpenAI's first tools were called
    "content_filter": FinishReason.CONTENT_FILTER,
}


def broken_off(address: str) -> ProviderError:
    """The error for an answer that ends before its end."""
    return ProviderError(
        f"The answer of {urlsplit(address).netloc or address} broke off. Try again.", "error"
    )


def failed(error: Any, address: str) -> ProviderError:
    """The ProviderError for an error that came inside an answer of status 200, as JSON or as an
    object of the SDK. One that does not tell its kind is an answer that broke off.
    """
    told = error.model_dump(warnings=False) if isinstance(error, BaseModel) else error
    if status_in(told) == 500:
        return broken_off(address)
    return from_error_body(told, urlsplit(address).netloc or address)


def answer_of(found: Any, address: str) -> ChatAnswer:
    """A whole answer. `address` names the service in an error."""
    _refuse_error(found, address)
    choices = getattr(found, "choices", None)
    if not isinstance(choices, list) or not choices:
        raise bad_response(address)
    message = choices[0].message
    calls = tuple(tool_call(_told_call(one)) for one in message.tool_calls or ())
    content, refusal = text_of(message.content), _optional(getattr(message, "refusal", None), str)
    return ChatAnswer(
        _model(found),
        content,
        calls,
        _finish(choices[0].finish_reason, bool(calls), address),
        usage_of(found),
        refusal,
    )


def _refuse_error(found: Any, address: str) -> None:
    """Raises ProviderError for an answer or a chunk of status 200 that is an error: OpenRouter and
    others tell one beside choices.
    """
    choices = getattr(found, "choices", None) or []
    first = choices[0] if isinstance(choices, list) and choices else None
    error = getattr(found, "error", None) or getattr(first, "error", None)
    if error:
        raise failed(error, address)


def text_of(content: Any) -> str | None:
    """The text of a message.

    Mistral's reasoning models answer with a list of parts, of which only the text is the answer.
    """
    if isinstance(content, list):
        parts = [part if isinstance(part, dict) else dict(part) for part in content]
        return "".join(_checked(part["text"], str) for part in parts if part.get("type") == "text")
    text: str | None = _optional(content, str)
    return text


def usage_of(found: Any) -> Usage | None:
    """The tokens of an answer or a chunk, None when it does not say."""
    usage = getattr(found, "usage", None)
    return read_usage(usage.model_dump(warnings=False) if isinstance(usage, BaseModel) else usage)


def vectors_of(found: Any, count: int, address: str) -> EmbeddingAnswer:
    """The vectors for `count` inputs, in their order."""
    rows = getattr(found, "data", None)
    if not isinstance(rows, list) or len(rows) != count:
        raise bad_response(address)
    if all(isinstance(row.index, int) for row in rows):
        rows = sorted(rows, key=lambda row: row.index)
    vectors = tuple(
        tuple(float(number) for number in _checked(row.embedding, list)) for row in rows
    )
    return EmbeddingAnswer(_model(found), vectors, usage_of(found))


class Ending:
    """The SDK's reader of a stream, with a note whether its last line, `[DONE]`, came: the SDK
    keeps that to itself.
    """

    def __init__(self, decoder: Any) -> None:
        self._decoder, self.done = decoder, False

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """The SDK's name for it: bytes in, events out."""
        async for event in self._decoder.aiter_bytes(iterator):
            self.done = self.done or event.data.startswith("[DONE]")
            yield event


async def chunks_of(stream: Any, address: str) -> AsyncGenerator[ChatChunk, None]:
    """The pieces of a stream; the usage, wherever it came, is the last.

    Raises ProviderError when the stream ends before its end.
    """
    stream._decoder = ending = Ending(
        stream._decoder
    )  # no public name for it; test_openai_chat.py fails if this stops working
    usage, finished, called, seen, model = None, False, False, False, ""
    numbers = CallNumbers()
    async for found in stream:
        chunk = _chunk(found, finished, numbers, address)
        called, seen = called or bool(chunk.tool_calls), True
        finished, usage, model = (
            finished or chunk.finish_reason is not None,
            usage_of(found) or usage,
            chunk.model or model,
        )
        if chunk.content or chunk.tool_calls or chunk.finish_reason:
            yield chunk
    if not seen:
        raise bad_response(address)
    if not finished and not ending.done:
        raise broken_off(address)
    last = None if finished else _finish(None, called, address)
    if usage or last:
        yield ChatChunk(finish_reason=last, usage=usage, model=model)


def _chunk(found: Any, finished: bool, numbers: CallNumbers, address: str) -> ChatChunk:
    """One piece. A refusal is told as text: a stream has no other place for it."""
    choices, model = getattr(found, "choices", None), _model(found)
    _refuse_error(found, address)
    if not isinstance(choices, list):
        raise bad_response(address)
    if not choices:
        return ChatChunk(model=model)
    choice, delta = choices[0], choices[0].delta
    content = (
        ""
        if delta is None
        else (text_of(delta.content) or "") + (_optional(delta.refusal, str) or "")
    )
    told = delta.tool_calls or () if delta else ()
    calls = tuple(numbers.delta(_told_call(one)) for one in told)
    reason = choice.finish_reason and not finished
    return ChatChunk(
        content,
        calls,
        _finish(choice.finish_reason, numbers.called, address) if reason else None,
        model=model,
    )


def _told_call(found: Any) -> dict[str, Any]:
    """A call of the SDK's, whole or a piece, as the service wrote it."""
    function = found.function
    told = {name: getattr(function, name, None) for name in ("name", "arguments")}
    index = getattr(found, "index", None)
    return {"index": index, "id": found.id, "function": told if function else {}}


def _finish(reason: Any, called: bool, address: str) -> FinishReason:
    """The reason that ended an answer; an unknown one is judged by the content.

    Mistral's `error` is one.
    """
    if reason == "error":
        raise broken_off(address)
    return FINISH.get(reason) or (FinishReason.TOOL_CALLS if called else FinishReason.STOP)


def _model(found: Any) -> str:
    """The model's name, empty where the service tells none, or an object."""
    told = getattr(found, "model", None)
    return told if isinstance(told, str) else ""


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _optional(value: Any, kind: type) -> Any:
    return None if value is None else _checked(value, kind)
