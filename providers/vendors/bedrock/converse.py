"""OpenAI's chat format in the words of Bedrock's Converse.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import json
import re
from typing import Any

from providers.core.chat import ChatRequest, FunctionDefinition, NamedTool, Tool
from providers.core.messages import (
    ImagePart,
    Message,
    OtherPart,
    TextPart,
    Unsupported,
    Wire,
)

from ..anthropic.request import sampling_of
from ..documents import Document, document_in
from ..messages import (
    INSTRUCTIONS,
    answered_call,
    cache_mark,
    is_blank,
    refusal_in,
    refuse_extras,
    turns,
)
from ..tool_names import TextRule

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

# Media types of documents, and Bedrock's words for them
DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
DOCUMENT_NAME = TextRule(r"a-zA-Z0-9 ()\[\]-", 200, filler="-")
BESIDE_DOCUMENTS = "See the document."  # a message with a document needs a text too
# By the models' ids; behind the ARN of a profile may be any model.
CACHING, CACHING_TOOLS = re.compile("claude|nova|arn:"), re.compile("claude|arn:")
CACHE_TIMES = ("5m", "1h")


def converse(request: ChatRequest) -> dict[str, Any]:
    """The arguments of Converse and ConverseStream. Raises Unsupported for what they cannot say."""
    refuse_extras(request, "Amazon Bedrock")
    body = {
        "modelId": request.model,
        "messages": _messages(request),
        "system": [
            block
            for one in request.messages
            if one.role in INSTRUCTIONS
            for block in _system(one, request.model)
        ],
        "inferenceConfig": _inference(request),
        "toolConfig": _tools(request),
        "outputConfig": _output(request),
    }
    return {name: value for name, value in body.items() if value}


def _inference(request: ChatRequest) -> dict[str, Any]:
    sampling = sampling_of(request)
    found: dict[str, Any] = {
        "maxTokens": request.longest,
        "temperature": sampling.get("temperature"),
        "topP": sampling.get("top_p"),
        "stopSequences": request.stops or None,
    }
    return {name: value for name, value in found.items() if value is not None}


# Messages


def _system(message: Message, model: str) -> list[dict[str, Any]]:
    message.text()  # raises Unsupported for parts that are not text
    return _blocks(message, model, set()) + _cache_point(message, model)


def _messages(request: ChatRequest) -> list[dict[str, Any]]:
    """User and assistant in turn, as Converse wants them; what a tool answered is the user's."""
    found: list[dict[str, Any]] = []
    documents: set[str] = set()  # the names of those that came before: each needs its own
    for message in turns(request.messages):
        role = "assistant" if message.role == "assistant" else "user"
        if not found or found[-1]["role"] != role:
            found.append({"role": role, "content": []})
        found[-1]["content"] += _content(message, request.model, documents)
    for one in found:
        if not any("text" in block or "toolResult" in block for block in one["content"]) and any(
            "document" in block for block in one["content"]
        ):
            one["content"].append({"text": BESIDE_DOCUMENTS})
    texts = [block for block in found[-1]["content"] if "cachePoint" not in block]
    if found[-1]["role"] == "assistant" and "text" in texts[-1]:
        texts[-1]["text"] = texts[-1]["text"].rstrip()  # as Claude wants it
    return found


def _content(message: Message, model: str, documents: set[str]) -> list[dict[str, Any]]:
    blocks = _blocks(message, model, documents)
    if message.role == "tool":
        blocks = [one for one in blocks if "cachePoint" not in one]
        result = {"toolUseId": answered_call(message), "content": blocks}
        return [{"toolResult": result}, *_cache_point(message, model)]
    if not is_blank(refused := refusal_in(message)):
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
    return blocks + _cache_point(message, model)


def _blocks(message: Message, model: str, documents: set[str]) -> list[dict[str, Any]]:
    """The parts, without blank texts, which Bedrock refuses, and a cache point where a part is
    marked.
    """
    found = []
    for part in message.parts():
        if not isinstance(part, TextPart) or not is_blank(part.text):
            found += [_block(part, documents), *_cache_point(part, model)]
    return found


def _cache_point(given: Wire, model: str) -> list[dict[str, Any]]:
    """The point up to which the prompt is cached, for models that can.

    docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    mark = cache_mark(given)
    able = CACHING_TOOLS if isinstance(given, Tool | FunctionDefinition) else CACHING
    if mark is None or not able.search(model):
        return []
    ttl = {"ttl": mark["ttl"]} if mark.get("ttl") in CACHE_TIMES else {}
    return [{"cachePoint": {"type": "default", **ttl}}]


def _block(part: TextPart | ImagePart | OtherPart, documents: set[str]) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"text": part.text}
    if isinstance(part, ImagePart):
        return {"image": _image(part)}
    if document := document_in(part, "Amazon Bedrock"):
        return {"document": _document(document, documents)}
    raise Unsupported(
        "messages",
        f"Amazon Bedrock is asked with text, images and documents here, not with {part.type}.",
    )


def _document(document: Document, names: set[str]) -> dict[str, Any]:
    """docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html

    `names`: those of other documents of the conversation, which must differ; this one is added.
    """
    form = DOCUMENTS.get(document.kind)
    if document.url or form is None:
        given = "one behind an address" if document.url else document.kind
        raise Unsupported(
            "file",
            f"Amazon Bedrock takes documents of {', '.join(sorted(set(DOCUMENTS.values())))} that "
            f"come along, not {given}.",
        )
    base = document.name.rpartition(".")[0] or document.name or "Document"
    name = " ".join(re.sub(f"[^{DOCUMENT_NAME.characters}]", "-", base).split())
    if name in names or not DOCUMENT_NAME.takes(name):
        name = DOCUMENT_NAME.other(name, names)
    names.add(name)
    return {"format": form, "name": name, "source": {"bytes": document.data}}


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
    tools: list[dict[str, Any]] = []
    for tool in request.tools:
        point = _cache_point(tool, request.model) or _cache_point(tool.function, request.model)
        tools += [{"toolSpec": _tool(tool)}, *point]
    config: dict[str, Any] = {"tools": tools}
    if request.tool_choice == "required":
        config["toolChoice"] = {"any": {}}
    elif isinstance(request.tool_choice, NamedTool):
        config["toolChoice"] = {"tool": {"name": request.tool_choice.function.name}}
    return config


def _refuse_use_of_tools(request: ChatRequest) -> None:
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
