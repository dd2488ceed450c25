"""`/api/v1/chat...` and `/embeddings...`: the contract of Umbraco.AI, with streams.

The profile is in the path, in the header `profileIdOrAlias` or in the body; where none is named,
the default profile answers.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from pydantic_core import to_json

from connections.api.camelcase import NAME, no_such
from connections.api.problem_bodies import problem
from connections.services import Caller
from providers.core.base import Capability
from providers.core.results import ChatAnswer, FinishReason

from ..core import sse
from ..core.errors import GatewayError, invalid
from ..core.estimates import Answer, counted_by_service
from ..core.requests import GatewayRequest, parse_request
from ..routing.gateway import Gateway, PendingResponse
from .endpoint import (
    JSON,
    DoorRequest,
    DoorResponse,
    RecordingRefusals,
    refusal_headers,
)
from .streaming import stream_response

ENDPOINT = "api"
PROBLEM = (b"content-type", b"application/problem+json")
# This API's names of fields, and OpenAI's names of the same
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
# OpenAI's names, and this API's
API_NAMES = {openai: api for api, openai in CHAT_FIELDS.items()} | {
    "input": "values",
    "model": "profileIdOrAlias",
    "tool_calls": "toolCalls",
    "tool_call_id": "toolCallId",
}
OF_FORM = ("invalid_request", "unknown_field")  # what the rest of the API answers as `invalid`
PDF = "application/pdf"
IMAGE_TYPE, BASE64 = re.compile(r"image/[a-zA-Z0-9.+-]+"), re.compile(r"[A-Za-z0-9+/]+={0,2}")
FINISH_REASONS = {
    FinishReason.CONTENT_FILTER: "contentFilter",
    FinishReason.TOOL_CALLS: "toolCalls",
}


def refusal(error: GatewayError, path: str = "") -> DoorResponse:
    """An error as a problem (RFC 9457). `path`: the address that was asked."""
    body = to_json(_problem(error, path))
    return DoorResponse(error.status, [PROBLEM, *refusal_headers(error)], body)


def _problem(error: GatewayError, path: str) -> dict[str, Any]:
    told = {"serviceCode": error.service_code, "serviceParam": error.service_param}
    more = {name: value for name, value in told.items() if value} | error.service_details
    code = "invalid" if error.code in OF_FORM else error.code
    if error.param is None and error.code not in OF_FORM:
        return problem(error.status, error.message, code, path, **more)
    field, message = "", error.message
    if error.param:
        field = _api_field(error.param, error.code)
        if message.startswith(named := f"{error.param}: "):
            message = f"{field}: {message.removeprefix(named)}"
    pointer = "/" + field.replace(".", "/") if field else ""
    errors = [{"pointer": pointer, "code": error.field_code, "detail": message}]
    return problem(error.status, message, code, path, errors=errors, **more)


def _api_field(param: str, code: str) -> str:
    """The path of the field that an error is about, by this API's names."""
    if code == "unknown_field":
        return param
    if code in ("missing_variable", "invalid_variable") and param != "variables":
        return f"variables.{param}"
    path = param.split(".")
    # Only messages have names of this API inside; tools and formats are OpenAI's in both.
    named = 3 if path[0] == "messages" else 1
    return ".".join([*(API_NAMES.get(one, one) for one in path[:named]), *path[named:]])


async def chat(gateway: Gateway, caller: Caller, request: DoorRequest) -> DoorResponse:
    """POST /chat/complete, /chat/{profile}/complete. Raises GatewayError."""
    pending = await gateway.answer(_parse_chat(gateway, caller, request, stream=False))

    def body(whole: Any) -> bytes:
        answer: ChatAnswer = whole.chat_answer()
        pending.record_text(answer.content)
        message: dict[str, Any] = {"role": "assistant", "content": answer.content}
        if answer.tool_calls:
            message["toolCalls"] = [one.model_dump(warnings=False) for one in answer.tool_calls]
        reason, usage = _finish_reason(answer.finish_reason), _usage_object(whole)
        return to_json({"message": message, "finishReason": reason, "usage": usage})

    return DoorResponse(200, [JSON, *pending.headers], await pending.given(body))


async def stream(gateway: Gateway, caller: Caller, request: DoorRequest) -> DoorResponse:
    """POST /chat/stream, /chat/{profile}/stream. Raises GatewayError."""
    gateway_request = _parse_chat(gateway, caller, request, stream=True)

    def events(pending: PendingResponse) -> AsyncGenerator[bytes, None]:
        return _events(pending, gateway_request.wants_usage)

    def broken(error: GatewayError) -> bytes:
        return sse.event({"error": _problem(error, request.path)})

    return await stream_response(gateway, gateway_request, events, broken)


async def _events(pending: PendingResponse, wants_usage: bool) -> AsyncGenerator[bytes, None]:
    """`{"content": ...}` as it comes, then `{"finishReason": ...}`, with the usage where
    `streamOptions` asks for it, then `[DONE]`.
    """
    reason = FinishReason.STOP
    async with aclosing(pending.answer.chunks()) as chunks:
        async for chunk in chunks:
            reason = chunk.finish_reason or reason
            if chunk.content:
                pending.record_text(chunk.content)
                yield sse.event({"content": chunk.content})
            if chunk.tool_calls:
                calls = [
                    {"index": one.index, "id": one.id, "name": one.name, "arguments": one.arguments}
                    for one in chunk.tool_calls
                ]
                yield sse.event({"toolCalls": calls})
    usage = {"usage": _usage_object(pending.answer)} if wants_usage else {}
    yield sse.event({"finishReason": _finish_reason(reason), **usage})
    yield sse.DONE


async def embeddings(gateway: Gateway, caller: Caller, request: DoorRequest) -> DoorResponse:
    """POST /embeddings/generate, /embeddings/{profile}/generate. Raises GatewayError."""
    with RecordingRefusals(gateway, ENDPOINT, Capability.EMBEDDING, caller, request):
        body = request.json()
        profile = _pop_profile(request, body)
        _refuse_unknown(body, {"values", "dimensions"}, "")
        values = body.get("values")
        if (
            not isinstance(values, list)
            or not values
            or not all(isinstance(one, str) for one in values)
        ):
            raise _wrong("values", "a list of one text or more.", body)
        fields = {"input": values, "dimensions": _integer(body.get("dimensions"))}
        gateway_request = parse_request(ENDPOINT, Capability.EMBEDDING, caller, profile, fields)
    pending = await gateway.answer(gateway_request)
    vectors = await pending.given(lambda whole: whole.vectors())
    found = [{"index": index, "vector": vector} for index, vector in enumerate(vectors)]
    return DoorResponse(200, [JSON, *pending.headers], to_json({"embeddings": found}))


def _parse_chat(
    gateway: Gateway, caller: Caller, request: DoorRequest, *, stream: bool
) -> GatewayRequest:
    with RecordingRefusals(gateway, ENDPOINT, Capability.CHAT, caller, request):
        body = request.json()
        profile = _pop_profile(request, body)
        _refuse_unknown(body, set(CHAT_FIELDS), "")
        fields = {
            CHAT_FIELDS[name]: _integer(value) for name, value in body.items() if value is not None
        }
        messages = fields.get("messages")
        if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
            text = 'a list such as [{"role": "user", "content": "Hello"}].'
            raise _wrong("messages", text, body)
        if not request.path.startswith("/api/v1/"):  # clients of Umbraco.AI may write `User`
            messages = [{**one, "role": str(one.get("role", "")).lower()} for one in messages]
        fields["messages"] = [
            _openai_message(one, f"messages.{index}") for index, one in enumerate(messages)
        ]
        fields["stream"] = stream
        gateway_request = parse_request(ENDPOINT, Capability.CHAT, caller, profile, fields)
        if not stream:
            # A whole answer tells its usage anyway, and services refuse the field there.
            gateway_request.body.pop("stream_options", None)
        return gateway_request


def _wrong(field: str, what: str, body: Mapping[str, Any] | None = None) -> GatewayError:
    """A 400 for a field that is not `what`, or that `body` lacks."""
    refused = invalid("invalid_request", f"{field}: Send {what}", field)
    if body is not None and body.get(field) is None:
        refused.field_code = "required"
    return refused


def _integer(value: Any) -> Any:
    """1.0 as 1, any other value as it is.

    https://json-schema.org/draft/2020-12/json-schema-validation#section-6.1.1
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _pop_profile(request: DoorRequest, body: dict[str, Any]) -> str:
    """The profile by path, header or body, in this order; it is taken out of the body.

    Umbraco's client sends the header for chats and the field for embeddings.
    """
    field = body.pop("profileIdOrAlias", None)
    if field is not None and not isinstance(field, str):
        raise _wrong("profileIdOrAlias", "a text.")
    request.profile = request.profile or request.header_text(b"profileidoralias") or field or ""
    return request.profile


def _refuse_unknown(body: dict[str, Any], known: set[str], where: str) -> None:
    """Raises GatewayError 400 for an unknown field. `where`: the path of `body`, empty for all."""
    for name in body:
        if name not in known:
            # A name in another form is not repeated: it may be a secret in the wrong place.
            told = name if NAME.fullmatch(name) else ""
            param = ".".join(filter(None, (where, told)))
            text = f"{param or 'body'}: {no_such('field', told, sorted(known))}"
            raise invalid("unknown_field", text, param or None)


def _openai_message(message: dict[str, Any], where: str) -> dict[str, Any]:
    """A message in OpenAI's format. `contentParts` win over `content`, as in Umbraco.AI."""
    _refuse_unknown(message, MESSAGE_FIELDS, where)
    content, parts = message.get("content"), message.get("contentParts")
    if parts is not None and not (
        isinstance(parts, list) and all(isinstance(one, dict) for one in parts)
    ):
        raise _wrong(f"{where}.contentParts", "a list of parts.")
    if parts and not isinstance(content, str | None):
        raise _wrong(f"{where}.content", "a text, or nothing, beside contentParts.")
    found = {
        "role": message.get("role"),
        "content": [_openai_part(one, where) for one in parts] if parts else content,
    }
    names = {"name": "name", "toolCalls": "tool_calls", "toolCallId": "tool_call_id"}
    return found | {
        openai: message[api] for api, openai in names.items() if message.get(api) is not None
    }


def _openai_part(part: dict[str, Any], where: str) -> dict[str, Any]:
    """A content part in OpenAI's format. In Umbraco.AI's it has `text`, or `mimeType` and base64
    `data` of an image or a PDF; its discriminator is `type`, in newer versions `$type`.
    """
    _refuse_unknown(part, PART_FIELDS, f"{where}.contentParts")
    given = {name: value for name, value in part.items() if value is not None}
    if all(isinstance(value, str) for value in given.values()):
        found = given.keys() - {"type", "$type", "filename"}
        if found == {"text"}:
            return {"type": "text", "text": given["text"]}
        if found == {"mimeType", "data"} and BASE64.fullmatch(given["data"]):
            kind, url = given["mimeType"], f"data:{given['mimeType']};base64,{given['data']}"
            if IMAGE_TYPE.fullmatch(kind):
                return {"type": "image_url", "image_url": {"url": url}}
            if kind == PDF:
                name = given.get("filename") or "document.pdf"
                return {"type": "file", "file": {"filename": name, "file_data": url}}
    message = (
        f"{where}.contentParts: a part is {{text}}, or {{mimeType, data}} of an image or a PDF in "
        "base64."
    )
    raise invalid("invalid_request", message, f"{where}.contentParts")


def _finish_reason(reason: FinishReason) -> str:
    return FINISH_REASONS.get(reason, reason.value)


def _usage_object(answer: Answer) -> dict[str, int] | None:
    usage = counted_by_service(answer)
    if usage is None:
        return None
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.total_tokens,
    }
