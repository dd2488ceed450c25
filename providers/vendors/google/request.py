"""OpenAI's chat format in Gemini's words: https://ai.google.dev/api/generate-content"""

import base64
import binascii
import json
import mimetypes
import re
from typing import Any

from providers.core.chat import ChatRequest, NamedTool, Tool
from providers.core.messages import ImagePart, Message, TextPart, ToolCall, Unsupported

from ..documents import document_in
from ..messages import (
    answered_call,
    extra_field,
    is_blank,
    refusal_in,
    refuse_extras,
    schema_for,
    system_text,
    turns,
)

SUPPORTED = (
    *(
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "presence_penalty",
        "frequency_penalty",
    ),
    *("tools", "tool_choice", "response_format", "reasoning_effort"),
)
# gemini-2.5-flash, models/gemini-3-pro-preview; gemini-flash-latest tells no version and is the
# newest
GEMINI = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?![\d.])")
NEWEST = (99, 0)
# "Penalty is not enabled": Gemini 2.0 was the last to take them:
# github.com/google-gemini/cookbook/issues/1290 (2026-07)
PENALTIES, WITHOUT_PENALTIES = frozenset({"presence_penalty", "frequency_penalty"}), (2, 5)
# Accepted and ignored from Gemini 3.6 and 3.5 Flash-Lite on:
# ai.google.dev/gemini-api/docs/latest-model (2026-07)
SAMPLING, WITHOUT_SAMPLING = frozenset({"temperature", "top_p"}), (3, 6)
# ai.google.dev/gemini-api/docs/openai, "Thinking": a number of tokens for Gemini 2.5, a level from
# Gemini 3 on
BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
LEVELS = ("minimal", "low", "medium", "high", "xhigh")
# From Gemini 3 on a call that goes back must be signed. This stands for a signature that got lost
# on the way, or a call of another house's model: ai.google.dev/gemini-api/docs/thought-signatures,
# FAQ
WITH_SIGNATURES, NO_SIGNATURE = (3, 0), b"skip_thought_signature_validator"


def version_of(model: str) -> tuple[int, int] | None:
    """The version of a Gemini model, the newest when its name tells none; None for other models
    (Gemma).
    """
    found = GEMINI.search(model)
    if found:
        return int(found[1]), int(found[2] or 0)
    return NEWEST if "gemini" in model else None


def refused_by(model: str) -> frozenset[str]:
    """The sampling parameters that a model refuses or ignores."""
    version = version_of(model) or (0, 0)
    refused = PENALTIES if version >= WITHOUT_PENALTIES else frozenset()
    return (
        refused | SAMPLING
        if version >= WITHOUT_SAMPLING or "gemini-3.5-flash-lite" in model
        else refused
    )


def config_for(request: ChatRequest) -> dict[str, Any]:
    """The arguments of GenerateContentConfig for a request. Raises Unsupported."""
    refuse_extras(request, "Google")
    wanted = request.response_format
    optional = {
        "system_instruction": system_text(request.messages) or None,
        "max_output_tokens": request.longest,
        "stop_sequences": request.stops or None,
        "tools": [{"function_declarations": [_declaration(one) for one in request.tools]}]
        if request.tools
        else None,
        "tool_config": _tool_config(request),
        "response_mime_type": "application/json" if wanted and wanted.type != "text" else None,
        "response_json_schema": schema_for(request),
        "thinking_config": _thinking(request),
        **{
            name: getattr(request, name)
            for name in ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")
            if name not in refused_by(request.model)  # then it says just the default
        },
    }
    # The SDK would look for Python functions to call by itself.
    return {"automatic_function_calling": {"disable": True}} | {
        name: value for name, value in optional.items() if value is not None
    }


def _declaration(tool: Tool) -> dict[str, Any]:
    function = tool.function
    optional = {"description": function.description, "parameters_json_schema": function.parameters}
    return {"name": function.name} | {name: value for name, value in optional.items() if value}


def _tool_config(request: ChatRequest) -> dict[str, Any] | None:
    """ai.google.dev/gemini-api/docs/function-calling, "Function calling modes": VALIDATED is AUTO
    that keeps to the schemas.
    """
    mode: dict[str, Any]
    if not request.tools:
        return None
    match request.tool_choice:
        case NamedTool():
            mode = {"mode": "ANY", "allowed_function_names": [request.tool_choice.function.name]}
        case "required":
            mode = {"mode": "ANY"}
        case "none":
            mode = {"mode": "NONE"}
        case _ if any(tool.function.strict for tool in request.tools or ()):
            mode = {"mode": "VALIDATED"}
        case "auto":
            mode = {"mode": "AUTO"}
        case _:
            return None
    return {"function_calling_config": mode}


def _thinking(request: ChatRequest) -> dict[str, Any] | None:
    effort = extra_field(request, "reasoning_effort", str, "a word")
    if effort is None:
        return None
    version = version_of(request.model)
    if version and version >= WITH_SIGNATURES and effort in LEVELS:
        return {"thinking_level": effort.upper()}
    if version == (2, 5) and effort in BUDGETS:
        return {"thinking_budget": BUDGETS[effort]}
    raise Unsupported(
        "reasoning_effort",
        f"The model {request.model} does not take the reasoning_effort {effort}. Leave it out.",
    )


def contents_for(request: ChatRequest) -> list[dict[str, Any]]:
    """The conversation as arguments of Content; the results of the tools that one message called go
    together. Raises Unsupported.
    """
    found: list[dict[str, Any]] = []
    names: dict[str, str] = {}  # of the functions, by the id of the call
    signed = (version_of(request.model) or (0, 0)) >= WITH_SIGNATURES
    previous = ""
    for message in turns(request.messages):
        names |= {call.id: call.function.name for call in message.tool_calls or ()}
        parts = _parts(message, names, signed)
        if message.role == previous == "tool":
            found[-1]["parts"] += parts
        else:
            found.append(
                {"role": "model" if message.role == "assistant" else "user", "parts": parts}
            )
        previous = message.role
    return found


def _parts(message: Message, names: dict[str, str], signed: bool) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [_result(message, names)]
    if message.role == "assistant":
        texts = (message.text(), refusal_in(message))
        parts = [{"text": text} for text in texts if not is_blank(text)]
        parts += _calls(message.tool_calls or [], signed)
    else:
        parts = [found for part in message.parts() if (found := _part(part))]
        # a blank text is taken, and it is nothing beside others
        parts = [one for one in parts if not is_blank(one.get("text", "-"))] or parts
    if not parts:
        raise Unsupported(
            "messages",
            f"Google takes no empty message. Leave the {message.role} message without content out.",
        )
    return parts


def _part(part: Any) -> dict[str, Any] | None:
    match part:
        case TextPart():
            return {"text": part.text} if part.text else None
        case ImagePart():
            return _image(part)
    if document := document_in(part, "Google"):
        if document.url:
            return {"file_data": {"file_uri": document.url, "mime_type": document.kind}}
        return {"inline_data": {"mime_type": document.kind, "data": document.data}}
    raise Unsupported(part.type, f"Google takes text, images and documents, not {part.type}.")


def _image(part: ImagePart) -> dict[str, Any]:
    """ai.google.dev/gemini-api/docs/file-input-methods: the bytes, or an address that Google
    fetches (from Gemini 2.5 on).
    """
    url = part.image_url.url
    if image := part.data():
        return {"inline_data": {"mime_type": image[0], "data": image[1]}}
    if not url.startswith(("https://", "http://")):
        raise Unsupported(
            "image_url",
            "An image is an http address, or data:image/...;base64, with the image itself.",
        )
    kind = mimetypes.guess_type(url.partition("?")[0])[0]
    return {"file_data": {"file_uri": url} | ({"mime_type": kind} if kind else {})}


def _calls(calls: list[ToolCall], signed: bool) -> list[dict[str, Any]]:
    """The calls of a message as parts; of several at once, the first one carries the signature."""
    found = []
    for place, call in enumerate(calls):
        signature = _signature(call) or (NO_SIGNATURE if signed and place == 0 else None)
        part: dict[str, Any] = {
            "function_call": {
                "id": call.id,
                "name": call.function.name,
                "args": call.function.parsed(),
            }
        }
        found.append(part | ({"thought_signature": signature} if signature else {}))
    return found


def _signature(call: ToolCall) -> bytes | None:
    """The signature, from the place where Google's own compatible API puts it:
    `extra_content.google.thought_signature`.
    """
    found: Any = (call.model_extra or {}).get("extra_content")
    for name in ("google", "thought_signature"):
        found = found.get(name) if isinstance(found, dict) else None
    try:
        return base64.b64decode(found, validate=True) if isinstance(found, str) else None
    except binascii.Error:
        raise Unsupported(
            "messages", f"The thought_signature of the tool call {call.id} is not valid base64."
        ) from None


def _result(message: Message, names: dict[str, str]) -> dict[str, Any]:
    call = answered_call(message)
    name = names.get(call) or message.name
    if not name:
        raise Unsupported(
            "messages", f"The tool message for {call} answers no tool call of an earlier message."
        )
    return {"function_response": {"id": call, "name": name, "response": _as_object(message.text())}}


def _as_object(text: str) -> dict[str, Any]:
    """A tool's result as an object, which the API demands; any other text becomes its `output`."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"output": text}
