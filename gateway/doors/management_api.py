"""`/api/v1/chat...` and `/embeddings...`: the contract of Umbraco.AI, with streams.

The profile is in the path, in the header `profileIdOrAlias` or in the body; named nowhere, the
default answers.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import to_json

from connections.api.camelcase import NAME
from connections.api.problems import problem
from connections.services import Caller
from providers.core.base import Capability
from providers.core.results import ChatAnswer, FinishReason, Usage

from ..core import sse
from ..core.errors import GatewayError, invalid
from ..core.requests import Call, new_call
from ..routing.gateway import Answered, Worker
from .endpoint import JSON, SSE, Incoming, Outgoing, headers_of, judging

ENDPOINT = "api"
PROBLEM = (b"content-type", b"application/problem+json")
# The body's names, and OpenAI's for them
CHAT_FIELDS = {
    "messages": "messages",
    "temperature": "temperature",
    "maxTokens": "max_tokens",
    "topP": "top_p",
    "stop": "stop",
    "seed": "seed",
    "tools": "tools",
    "toolChoice": "tool_choice",
    "responseFormat": "response_format",
    "streamOptions": "stream_options",
    "variables": "variables",
}
MESSAGE_FIELDS = {"role", "content", "contentParts", "name", "toolCalls", "toolCallId"}
PART_FIELDS = {"type", "$type", "text", "mimeType", "data", "filename"}
OUTER = {inner: outer for outer, inner in CHAT_FIELDS.items()} | {
    "input": "values",
    "model": "profileIdOrAlias",
}
OUTER |= {"tool_calls": "toolCalls", "tool_call_id": "toolCallId"}
IMAGE_TYPE, BASE64 = re.compile(r"image/[a-zA-Z0-9.+-]+"), re.compile(r"[A-Za-z0-9+/]+={0,2}")
FINISH = {FinishReason.CONTENT_FILTER: "contentFilter", FinishReason.TOOL_CALLS: "toolCalls"}


def refusal(error: GatewayError, path: str = "") -> Outgoing:
    """An error as a problem (RFC 9457)."""
    return Outgoing(error.status, [PROBLEM, *headers_of(error)], to_json(_problem(error, path)))


def _problem(error: GatewayError, path: str) -> dict[str, Any]:
    if error.param is None:
        return problem(error.status, error.message, error.code, path)
    place, message = _place(error), error.message
    if message.startswith(f"{error.param}: "):
        message = f"{place}{message[len(error.param) :]}"
    errors = [{"pointer": "/" + place.replace(".", "/"), "code": error.code, "detail": message}]
    return problem(error.status, message, error.code, path, errors=errors)


def _place(error: GatewayError) -> str:
    """The field an error is about, by this API's names."""
    param = error.param or ""
    if error.code == "unknown_field":
        return param
    if error.code in ("missing_variable", "invalid_variable") and param != "variables":
        return f"variables.{param}"
    steps = param.split(".")
    named = (
        3 if steps[0] == "messages" else 1
    )  # what is deeper (tools, formats) has OpenAI's names here too
    return ".".join([*(OUTER.get(one, one) for one in steps[:named]), *steps[named:]])


async def chat(worker: Worker, caller: Caller, incoming: Incoming) -> Outgoing:
    """POST /chat/complete, /chat/{profile}/complete"""
    call = _chat_call(worker, caller, incoming, stream=False)
    answered = await worker.answer(call)
    with answered.whole() as whole:
        answer: ChatAnswer = whole.answer()
        answered.note(answer.content)
    message: dict[str, Any] = {"role": "assistant", "content": answer.content}
    if answer.tool_calls:
        message["toolCalls"] = [one.model_dump() for one in answer.tool_calls]
    body = {
        "message": message,
        "finishReason": _finish(answer.finish_reason),
        "usage": _usage(answer.usage),
    }
    return Outgoing(200, [JSON, *answered.headers], to_json(body))


async def stream(worker: Worker, caller: Caller, incoming: Incoming) -> Outgoing:
    """POST /chat/stream, /chat/{profile}/stream"""
    call = _chat_call(worker, caller, incoming, stream=True)
    answered = await worker.answer(call)

    def broken(error: GatewayError) -> bytes:
        return sse.event({"error": _problem(error, incoming.path)})

    return Outgoing(
        200,
        [*SSE, *answered.headers],
        pieces=answered.stream(_frames(answered, call.wants_usage), broken),
        answered=answered,
    )


async def _frames(answered: Answered, wants_usage: bool) -> AsyncIterator[bytes]:
    """`{"content": ...}` as it comes, then `{"finishReason": ...}`, with the usage where
    `streamOptions` asks for it, then `[DONE]`.
    """
    reason = FinishReason.STOP
    chunks = answered.answer.chunks()
    try:
        async for chunk in chunks:
            reason = chunk.finish_reason or reason
            if chunk.content:
                answered.note(chunk.content)
                yield sse.event({"content": chunk.content})
            if chunk.tool_calls:
                calls = [
                    {"index": one.index, "id": one.id, "name": one.name, "arguments": one.arguments}
                    for one in chunk.tool_calls
                ]
                yield sse.event({"toolCalls": calls})
    finally:
        await chunks.aclose()
    usage = {"usage": _usage(answered.answer.usage)} if wants_usage else {}
    yield sse.event({"finishReason": _finish(reason), **usage})
    yield sse.DONE


async def embeddings(worker: Worker, caller: Caller, incoming: Incoming) -> Outgoing:
    """POST /embeddings/generate, /embeddings/{profile}/generate"""
    with judging(worker, ENDPOINT, Capability.EMBEDDING, caller, incoming):
        call = _embedding_call(caller, incoming)
    answered = await worker.answer(call)
    with answered.whole() as whole:
        vectors = whole.vectors()
    found = {
        "embeddings": [{"index": index, "vector": vector} for index, vector in enumerate(vectors)]
    }
    return Outgoing(200, [JSON, *answered.headers], to_json(found))


def _embedding_call(caller: Caller, incoming: Incoming) -> Call:
    body = incoming.json()
    profile = _named(incoming, body)
    _refuse_unknown(body, {"values", "dimensions"}, "")
    values = body.get("values")
    if (
        not isinstance(values, list)
        or not values
        or not all(isinstance(one, str) for one in values)
    ):
        raise invalid("invalid_request", "values: a list of one text or more.", "values")
    return new_call(
        ENDPOINT,
        Capability.EMBEDDING,
        caller,
        profile,
        {"input": values, "dimensions": _whole(body.get("dimensions"))},
    )


def _chat_call(worker: Worker, caller: Caller, incoming: Incoming, *, stream: bool) -> Call:
    with judging(worker, ENDPOINT, Capability.CHAT, caller, incoming):
        body = incoming.json()
        profile = _named(incoming, body)
        _refuse_unknown(body, set(CHAT_FIELDS), "")
        sent = {
            CHAT_FIELDS[name]: _whole(value) for name, value in body.items() if value is not None
        }
        messages = sent.get("messages")
        if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
            raise invalid(
                "invalid_request",
                'messages: a list such as [{"role": "user", "content": "Hello"}].',
                "messages",
            )
        sent["messages"] = [
            _message(one, f"messages.{index}") for index, one in enumerate(messages)
        ]
        call = new_call(ENDPOINT, Capability.CHAT, caller, profile, sent | {"stream": stream})
        if not stream:
            call.body.pop(
                "stream_options", None
            )  # a whole answer tells its usage anyway, and services refuse the field there
        return call


def _whole(value: Any) -> Any:
    """1.0 is an integer: https://json-schema.org/draft/2020-12/json-schema-validation#section-6.1.1"""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _named(incoming: Incoming, body: dict[str, Any]) -> str:
    """The profile: by path, header, body, in this order.

    Umbraco's client sends the header for chats and the field for embeddings.
    """
    field = body.pop("profileIdOrAlias", None)
    if field is not None and not isinstance(field, str):
        raise invalid("invalid_request", "profileIdOrAlias: a text.", "profileIdOrAlias")
    incoming.profile = incoming.profile or incoming.text_of(b"profileidoralias") or field or ""
    return incoming.profile


def _refuse_unknown(body: dict[str, Any], known: set[str], where: str) -> None:
    for name in body:
        if name not in known:
            there = f"There are {', '.join(sorted(known))}."
            if not NAME.fullmatch(
                name
            ):  # not repeated: it may be a secret that got into the wrong place
                raise invalid(
                    "unknown_field",
                    f"{where or 'body'}: there is a field of an unknown name. {there}",
                    where or None,
                )
            param = f"{where}.{name}" if where else name
            raise invalid("unknown_field", f"{param}: there is no such field. {there}", param)


def _message(message: dict[str, Any], where: str) -> dict[str, Any]:
    """A message in OpenAI's format. `contentParts` win over `content`, as in Umbraco.AI."""
    _refuse_unknown(message, MESSAGE_FIELDS, where)
    content, parts = message.get("content"), message.get("contentParts")
    if parts is not None and not (
        isinstance(parts, list) and all(isinstance(one, dict) for one in parts)
    ):
        raise invalid(
            "invalid_request", f"{where}.contentParts: a list of parts.", f"{where}.contentParts"
        )
    if parts and not isinstance(content, str | None):
        raise invalid(
            "invalid_request",
            f"{where}.content: a text, or nothing, beside contentParts.",
            f"{where}.content",
        )
    found = {
        "role": message.get("role"),
        "content": [_part(one, where) for one in parts] if parts else content,
    }
    names = {"name": "name", "toolCalls": "tool_calls", "toolCallId": "tool_call_id"}
    return found | {
        inner: message[name] for name, inner in names.items() if message.get(name) is not None
    }


def _part(part: dict[str, Any], where: str) -> dict[str, Any]:
    """A part as Umbraco.AI has it: `text`, or `mimeType` and base64 `data`.

    Its discriminator is `type`, in newer ones `$type`.
    """
    _refuse_unknown(part, PART_FIELDS, f"{where}.contentParts")
    given = {name: value for name, value in part.items() if value is not None}
    if all(isinstance(value, str) for value in given.values()):
        found = given.keys() - {"type", "$type", "filename"}
        if found == {"text"}:
            return {"type": "text", "text": given["text"]}
        if (
            found == {"mimeType", "data"}
            and IMAGE_TYPE.fullmatch(given["mimeType"])
            and BASE64.fullmatch(given["data"])
        ):
            return {
                "type": "image_url",
                "image_url": {"url": f"data:{given['mimeType']};base64,{given['data']}"},
            }
    message = (
        f"{where}.contentParts: a part is {{text}}, or {{mimeType, data}} of an image in base64."
    )
    raise invalid("invalid_request", message, f"{where}.contentParts")


def _finish(reason: FinishReason) -> str:
    return FINISH.get(reason, reason.value)


def _usage(usage: Usage | None) -> dict[str, int] | None:
    if usage is None:
        return None
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.total_tokens,
    }
