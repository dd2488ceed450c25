"""OpenAI's Responses API: a chat as its request, its answer as a chat's.

https://developers.openai.com/api/reference, responses. Nothing is stored at the service, as with a
chat.
"""

import json
from collections.abc import AsyncGenerator
from typing import Any

from providers.core.errors import bad_response
from providers.core.messages import FunctionCall, ToolCall, Unsupported
from providers.core.results import ChatAnswer, ChatChunk, FinishReason, ToolCallDelta

from .parameters import without
from .response import broken_off, failed, usage_of

SAME = (
    "model",
    "temperature",
    "top_p",
    "parallel_tool_calls",
    "user",
    "metadata",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
)
TRANSLATED = (
    *(
        "messages",
        "tools",
        "tool_choice",
        "response_format",
        "max_tokens",
        "max_completion_tokens",
        "reasoning_effort",
        "verbosity",
    ),
    *("stream", "stream_options", "store"),
)
ENDS = ("response.completed", "response.incomplete")
REASONS = {"max_output_tokens": FinishReason.LENGTH, "content_filter": FinishReason.CONTENT_FILTER}


def request_of(body: dict[str, Any]) -> dict[str, Any]:
    """The request for the body of a chat.

    Raises Unsupported for what the Responses API does not know.
    """
    unknown = [name for name in body if name not in SAME and name not in TRANSLATED]
    body = without(body, unknown, "{} is not known to the Responses API.")
    made = {name: body[name] for name in SAME if name in body} | {"store": bool(body.get("store"))}
    made["input"] = [item for message in body["messages"] for item in _items(message)]
    if longest := body.get("max_completion_tokens") or body.get("max_tokens"):
        made["max_output_tokens"] = longest
    if effort := body.get("reasoning_effort"):
        made["reasoning"] = {"effort": effort}
    if tools := body.get("tools"):
        made["tools"] = [_tool(tool["function"]) for tool in tools]
    if choice := body.get("tool_choice"):
        made["tool_choice"] = (
            choice
            if isinstance(choice, str)
            else {"type": "function", "name": choice["function"]["name"]}
        )
    if text := _text_format(body):
        made["text"] = text
    return made


def _text_format(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if wanted := body.get("response_format"):
        found["format"] = {"type": wanted["type"], **wanted.get("json_schema", {})}
    if "verbosity" in body:
        found["verbosity"] = body["verbosity"]
    return found


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    """A tool. Unlike a chat, the Responses API is strict about arguments when nothing is said."""
    parameters = {
        "parameters": function.get("parameters") or {"type": "object", "properties": {}},
        "strict": bool(function.get("strict")),
    }
    return {
        "type": "function",
        **{name: function[name] for name in ("name", "description") if name in function},
        **parameters,
    }


def _items(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message as the items that stand for it: an assistant's calls and their results are items of
    their own.
    """
    role, content = message["role"], message.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    if role == "tool":
        output = "\n".join(
            part["text"] if part["type"] == "text" else json.dumps(part) for part in parts
        )
        call = message.get("tool_call_id", "")
        return [{"type": "function_call_output", "call_id": call, "output": output}]
    kind = "output_text" if role == "assistant" else "input_text"
    made: list[dict[str, Any]] = (
        [{"role": role, "content": [_part(part, kind) for part in parts]}] if parts else []
    )
    calls = [(call["id"], call["function"]) for call in message.get("tool_calls") or ()]
    return made + [
        {
            "type": "function_call",
            "call_id": one,
            "name": call["name"],
            "arguments": call.get("arguments", ""),
        }
        for one, call in calls
    ]


def _part(part: dict[str, Any], kind: str) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": kind, "text": part["text"]}
    if part["type"] == "image_url" and kind == "input_text":
        image = part["image_url"]
        return {
            "type": "input_image",
            "image_url": image["url"],
            "detail": image.get("detail") or "auto",
        }
    if part["type"] == "file" and kind == "input_text" and isinstance(part.get("file"), dict):
        known = ("filename", "file_data", "file_id")
        return {"type": "input_file"} | {
            name: value for name, value in part["file"].items() if name in known
        }
    raise Unsupported(
        part["type"],
        f"A message of the Responses API takes no part of the type {part['type']} here. Leave it "
        "out.",
    )


def answer_of(found: Any, address: str) -> ChatAnswer:
    """A whole answer. `address` names the service in an error."""
    output = getattr(found, "output", None)
    if not isinstance(output, list):
        raise bad_response(address)
    if found.status not in ("completed", "incomplete"):
        raise failed(getattr(found, "error", None), address)
    parts = [part for item in output if item.type == "message" for part in item.content]
    texts = [part.text for part in parts if part.type == "output_text"]
    refusals = [part.refusal for part in parts if part.type == "refusal"]
    calls = tuple(
        ToolCall(id=item.call_id, function=FunctionCall(name=item.name, arguments=item.arguments))
        for item in output
        if item.type == "function_call"
    )
    content, refusal = "".join(texts) if texts else None, "".join(refusals) or None
    return ChatAnswer(
        str(found.model), content, calls, _finish(found, bool(calls)), usage_of(found), refusal
    )


def _finish(found: Any, called: bool) -> FinishReason:
    if found.status == "incomplete":
        return REASONS.get(getattr(found.incomplete_details, "reason", ""), FinishReason.STOP)
    return FinishReason.TOOL_CALLS if called else FinishReason.STOP


async def chunks_of(stream: Any, address: str) -> AsyncGenerator[ChatChunk, None]:
    """The pieces of a stream. Raises ProviderError when it ends before its end."""
    calls: dict[int, int] = {}  # an item's place in the output -> the call's number
    seen, model = False, ""
    async for event in stream:
        kind, seen = str(getattr(event, "type", "")), True
        model = str(getattr(getattr(event, "response", None), "model", None) or model)
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            yield ChatChunk(str(event.delta), model=model)
        elif kind == "response.output_item.added" and event.item.type == "function_call":
            calls[event.output_index] = number = len(calls)
            begun = ToolCallDelta(number, event.item.call_id, event.item.name)
            yield ChatChunk(tool_calls=(begun,), model=model)
        elif kind == "response.function_call_arguments.delta":
            piece = ToolCallDelta(calls[event.output_index], arguments=str(event.delta))
            yield ChatChunk(tool_calls=(piece,), model=model)
        elif kind in ENDS:
            found = event.response
            yield ChatChunk(
                finish_reason=_finish(found, bool(calls)),
                usage=usage_of(found),
                model=str(found.model),
            )
            return
        elif kind == "response.failed":
            raise failed(getattr(event.response, "error", None), address)
        elif kind == "error":
            raise failed(event, address)
    raise broken_off(address) if seen else bad_response(address)
