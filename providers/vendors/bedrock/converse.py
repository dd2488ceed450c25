"""OpenAI's chat format in the words of Bedrock's Converse.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import json
from typing import Any

from providers.core.chat import ChatRequest, NamedTool, Tool
from providers.core.messages import (
    ImagePart,
    Message,
    OtherPart,
    TextPart,
    Unsupported,
)

from ..messages import INSTRUCTIONS, answered_call, refusal_in, refuse_extras, turns

SAYS = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
)
IMAGES = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}


def converse(request: ChatRequest) -> dict[str, Any]:
    """The arguments of Converse and ConverseStream. Raises Unsupported for what they cannot say."""
    refuse_extras(request, "Amazon Bedrock")
    body = {
        "modelId": request.model,
        "messages": _messages(request),
        "system": [
            {"text": text}
            for one in request.messages
            if one.role in INSTRUCTIONS and (text := one.text())
        ],
        "inferenceConfig": _inference(request),
        "toolConfig": _tools(request),
        "outputConfig": _output(request),
    }
    return {name: value for name, value in body.items() if value}


def _inference(request: ChatRequest) -> dict[str, Any]:
    found: dict[str, Any] = {
        "maxTokens": request.longest,
        "temperature": request.temperature,
        "topP": request.top_p,
        "stopSequences": request.stops or None,
    }
    return {name: value for name, value in found.items() if value is not None}


# Messages


def _messages(request: ChatRequest) -> list[dict[str, Any]]:
    """User and assistant in turn, as Converse wants them; what a tool answered is the user's."""
    found: list[dict[str, Any]] = []
    for message in turns(request.messages):
        role = "assistant" if message.role == "assistant" else "user"
        if not found or found[-1]["role"] != role:
            found.append({"role": role, "content": []})
        found[-1]["content"] += _content(message)
    return found


def _content(message: Message) -> list[dict[str, Any]]:
    blocks = [
        _block(part) for part in message.parts() if not isinstance(part, TextPart) or part.text
    ]
    if message.role == "tool":
        return [{"toolResult": {"toolUseId": answered_call(message), "content": blocks}}]
    if refused := refusal_in(message):
        blocks.append({"text": refused})
    for call in message.tool_calls or ():
        blocks.append(
            {
                "toolUse": {
                    "toolUseId": call.id,
                    "name": call.function.name,
                    "input": call.function.parsed(),
                }
            }
        )
    if not blocks:
        raise Unsupported(
            "messages",
            f"Amazon Bedrock takes no empty message. Leave the empty {message.role} message out.",
        )
    return blocks


def _block(part: TextPart | ImagePart | OtherPart) -> dict[str, Any]:
    if isinstance(part, OtherPart):
        raise Unsupported(
            "messages", f"Amazon Bedrock is asked with text and images here, not with {part.type}."
        )
    return {"text": part.text} if isinstance(part, TextPart) else {"image": _image(part)}


def _image(part: ImagePart) -> dict[str, Any]:
    found = part.data()
    if found is None:
        raise Unsupported(
            "image_url",
            "Amazon Bedrock fetches no images. Give the image itself, as data:image/png;base64,...",
        )
    kind, data = found
    if kind.lower() not in IMAGES:
        raise Unsupported(
            "image_url", f"Amazon Bedrock takes images of png, jpeg, gif and webp, not {kind}."
        )
    return {"format": IMAGES[kind.lower()], "source": {"bytes": data}}


# Tools and the shape of the answer


def _tools(request: ChatRequest) -> dict[str, Any] | None:
    if not request.tools:
        _refuse_use_of_tools(request)
        return None
    if request.tool_choice == "none":
        raise Unsupported(
            "tool_choice",
            "Amazon Bedrock cannot be forbidden to call tools. Leave tools and tool_choice out.",
        )
    config: dict[str, Any] = {"tools": [{"toolSpec": _tool(tool)} for tool in request.tools]}
    if request.tool_choice == "required":
        config["toolChoice"] = {"any": {}}
    elif isinstance(request.tool_choice, NamedTool):
        config["toolChoice"] = {"tool": {"name": request.tool_choice.function.name}}
    return config


def _refuse_use_of_tools(request: ChatRequest) -> None:
    if request.tool_choice not in (None, "auto", "none"):
        raise Unsupported("tool_choice", "tool_choice demands a tool, and there are none in tools.")
    if any(message.tool_calls or message.role == "tool" for message in request.messages):
        raise Unsupported(
            "tools",
            "Amazon Bedrock wants to know the tools that earlier "
            "messages call. Give them in tools.",
        )


def _tool(tool: Tool) -> dict[str, Any]:
    function = tool.function
    spec = {
        "name": function.name,
        "description": function.description,
        "inputSchema": {
            "json": {"type": "object", "properties": {}, **(function.parameters or {})}
        },
        "strict": function.strict,
    }
    return {name: value for name, value in spec.items() if value}


def _output(request: ChatRequest) -> dict[str, Any] | None:
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.json_schema is None or wanted.json_schema.schema_ is None:
        raise Unsupported(
            "response_format",
            "Amazon Bedrock answers JSON only of a schema. Give response_format a json_schema with "
            "one.",
        )
    shape = {
        "name": wanted.json_schema.name,
        "description": wanted.json_schema.description,
        "schema": json.dumps(wanted.json_schema.schema_),
    }
    given = {name: value for name, value in shape.items() if value}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": given}}}
