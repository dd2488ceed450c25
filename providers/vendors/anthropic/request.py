"""OpenAI's chat format in Anthropic's words: https://platform.claude.com/docs/en/api/messages"""

import re
from typing import Any

from providers.core.chat import ChatRequest, NamedTool, Tool
from providers.core.messages import ImagePart, Message, TextPart, ToolCall, Unsupported

from ..documents import PDF, Document, document_in
from ..messages import (
    INSTRUCTIONS,
    answered_call,
    cache_mark,
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
        "user",
        "reasoning_effort",
    ),
    *("tools", "tool_choice", "parallel_tool_calls", "response_format"),
)
EFFORTS = (
    "low",
    "medium",
    "high",
    "xhigh",
    "max",
)  # platform.claude.com/docs/en/build-with-claude/effort

# claude-3-5-sonnet-20241022, claude-opus-4-1, claude-sonnet-5: the version stands before or behind
# the family, and is not a date
CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")
NEWEST = (99, 0)
# A request has to say the longest answer. Every model of the generation can write these:
# platform.claude.com/docs/en/about-claude/models
LONGEST, LONGEST_BEFORE_4 = 32_000, 4096
LONGEST_TITLE = 500  # characters of a document's title

# "Sampling parameters", platform.claude.com/docs/en/build-with-claude/thinking (2026-11): Claude
# 4.7 and later refuse both,
# 4.1 to 4.6 take one of them. Every version of the API has seed and penalties for none.
REFUSED_BY_ALL = frozenset({"seed", "presence_penalty", "frequency_penalty"})
SAMPLING = ("temperature", "top_p")
WITHOUT_SAMPLING, ONE_SAMPLING = (4, 7), (4, 1)
# The API's version that the SDK speaks, 2026-10-21, refuses them for every model:
# platform.claude.com/docs/en/api/versioning
SAMPLING_VERSION = "2023-06-01"


def version_of(model: str) -> tuple[int, int] | None:
    """The version of a Claude model, the newest when its name tells none; None for models of other
    vendors behind this protocol.
    """
    found = CLAUDE.search(model)
    if found:
        return int(found[1]), int(found[2] or 0)
    return NEWEST if "claude" in model else None


def refused_by(model: str) -> frozenset[str]:
    """The sampling parameters that a model refuses."""
    version = version_of(model)
    return (
        REFUSED_BY_ALL | frozenset(SAMPLING)
        if version and version >= WITHOUT_SAMPLING
        else REFUSED_BY_ALL
    )


def arguments_for(request: ChatRequest) -> dict[str, Any]:
    """The arguments of `messages.create`. Raises Unsupported."""
    refuse_extras(request, "Anthropic")
    user = extra_field(request, "user", str, "a text")
    optional = {
        "system": _system(request.messages),
        "stop_sequences": request.stops,
        "tools": [_tool(one) for one in request.tools or ()],
        "tool_choice": _tool_choice(request),
        "output_config": _output_config(request),
        "metadata": {"user_id": user} if user else None,
    }
    version = version_of(request.model)
    longest = LONGEST if version and version >= (4, 0) else LONGEST_BEFORE_4
    required = {
        "model": request.model,
        "max_tokens": request.longest or longest,
        "messages": _messages(request.messages),
    }
    return (
        required
        | {name: value for name, value in optional.items() if value}
        | _sampling(request, version)
    )


def _system(messages: list[Message]) -> str | list[dict[str, Any]]:
    """The instructions as one text, or as blocks where one of them is marked for the cache."""
    given = [message for message in messages if message.role in INSTRUCTIONS]
    blocks = [block for message in given for block in _blocks(message)]
    return blocks if any("cache_control" in one for one in blocks) else system_text(given)


def _sampling(request: ChatRequest, version: tuple[int, int] | None) -> dict[str, Any]:
    given = sampling_of(request)
    if given.get("temperature", 0) > 1:
        raise Unsupported("temperature", "Anthropic takes a temperature from 0 to 1.")
    if len(given) > 1 and version and version >= ONE_SAMPLING:
        raise Unsupported(
            "top_p",
            f"The model {request.model} takes temperature or top_p, not both. Leave one out.",
        )
    return (
        {"extra_body": given, "extra_headers": {"anthropic-version": SAMPLING_VERSION}}
        if given
        else {}
    )


def sampling_of(request: ChatRequest) -> dict[str, Any]:
    """Temperature and top_p as the model may be told them.

    1 is the default of both, so it is left out where the model refuses the field, or takes one of
    the two only.
    """
    given = {name: value for name in SAMPLING if (value := getattr(request, name)) is not None}
    given = {
        name: value
        for name, value in given.items()
        if value != 1 or name not in refused_by(request.model)
    }
    if len(given) > 1 and (version_of(request.model) or (0, 0)) >= ONE_SAMPLING:
        idle = next((name for name in reversed(SAMPLING) if given[name] == 1), None)
        given.pop(str(idle), None)
    return given


def _messages(messages: list[Message]) -> list[dict[str, Any]]:
    """User and assistant in turn: what follows in the same role, such as the results of several
    tools, goes into one message.
    """
    found: list[dict[str, Any]] = []
    for message in turns(messages):
        role = "assistant" if message.role == "assistant" else "user"
        if found and found[-1]["role"] == role:
            found[-1]["content"] += _content(message)
        else:
            found.append({"role": role, "content": _content(message)})
    last = found[-1]["content"][-1]
    if found[-1]["role"] == "assistant" and last["type"] == "text":
        # "final assistant content cannot end with trailing whitespace"
        last["text"] = last["text"].rstrip()
    return found


def _content(message: Message) -> list[dict[str, Any]]:
    blocks = _blocks(message)
    if message.role == "tool":
        result = {"type": "tool_result", "tool_use_id": answered_call(message)}
        blocks = [result | ({"content": blocks} if blocks else {})]
    if message.role == "assistant":
        refused = refusal_in(message)
        blocks += [] if is_blank(refused) else [{"type": "text", "text": refused}]
        blocks += [_call(one) for one in message.tool_calls or ()]
    if not blocks:
        raise Unsupported(
            "messages",
            f"Anthropic takes no empty message. Leave the {message.role} message without content "
            "out.",
        )
    if mark := cache_mark(message):
        blocks[-1]["cache_control"] = mark
    return blocks


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": call.id,
        "name": call.function.name,
        "input": call.function.parsed(),
    }


def _blocks(message: Message) -> list[dict[str, Any]]:
    """The parts, without blank texts, which Anthropic refuses; each with its mark for the cache."""
    if message.role not in ("user", "tool"):
        message.text()  # raises Unsupported for parts that are not text
    found = []
    for part in message.parts():
        if isinstance(part, TextPart) and is_blank(part.text):
            continue
        mark = cache_mark(part)
        found.append(_block(part) | ({"cache_control": mark} if mark else {}))
    return found


def _block(part: Any) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            return {"type": "image", "source": _source(part)}
    if document := document_in(part, "Anthropic"):
        title = {"title": document.name[:LONGEST_TITLE]} if document.name else {}
        return {"type": "document", "source": _document_source(document), **title}
    raise Unsupported(part.type, f"Anthropic takes text, images and documents, not {part.type}.")


def _document_source(document: Document) -> dict[str, str]:
    """platform.claude.com/docs/en/build-with-claude/pdf-support: PDF, or plain text."""
    if document.url:
        return {"type": "url", "url": document.url}
    if document.kind == PDF:
        return {"type": "base64", "media_type": PDF, "data": document.base64}
    if not document.kind.startswith("text/"):
        raise Unsupported("file", f"Anthropic takes documents of PDF or text, not {document.kind}.")
    text = document.data.decode(errors="replace")
    return {"type": "text", "media_type": "text/plain", "data": text}


def _source(part: ImagePart) -> dict[str, str]:
    """platform.claude.com/docs/en/build-with-claude/vision: base64, or an address that Anthropic
    fetches.
    """
    url = part.image_url.url
    if image := part.data():
        return {"type": "base64", "media_type": image[0], "data": url.partition(",")[2]}
    if not url.startswith(("https://", "http://")):
        raise Unsupported(
            "image_url",
            "An image is an http address, or data:image/...;base64, with the image itself.",
        )
    return {"type": "url", "url": url}


def _tool(tool: Tool) -> dict[str, Any]:
    function = tool.function
    optional = {
        "description": function.description,
        "strict": function.strict,
        "cache_control": cache_mark(tool) or cache_mark(function),
    }
    schema = {"type": "object", **(function.parameters or {"properties": {}})}
    return {"name": function.name, "input_schema": schema} | {
        name: value for name, value in optional.items() if value
    }


def _tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    choice, parallel = (
        request.tool_choice,
        extra_field(request, "parallel_tool_calls", bool, "true or false"),
    )
    found: dict[str, Any]
    if not request.tools:
        return None  # refused without tools
    match choice:
        case NamedTool():
            found = {"type": "tool", "name": choice.function.name}
        case "none":
            return {"type": "none"}
        case "required":
            found = {"type": "any"}
        case _:
            found = {"type": "auto"}
    if parallel is False:
        return found | {"disable_parallel_tool_use": True}
    return found if choice else None


def _output_config(request: ChatRequest) -> dict[str, Any]:
    """platform.claude.com/docs/en/build-with-claude/structured-outputs and .../effort"""
    if request.response_format is not None and request.response_format.type == "json_object":
        raise Unsupported(
            "response_format",
            "Anthropic writes JSON to a schema only. Ask for json_schema instead of json_object.",
        )
    schema, effort = schema_for(request), extra_field(request, "reasoning_effort", str, "a word")
    if effort is not None and effort not in EFFORTS:
        raise Unsupported("reasoning_effort", f"Anthropic's efforts are {', '.join(EFFORTS)}.")
    return ({"format": {"type": "json_schema", "schema": schema}} if schema is not None else {}) | (
        {"effort": effort} if effort else {}
    )
