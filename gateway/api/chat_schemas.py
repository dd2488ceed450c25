"""The bodies of chats and embeddings for the OpenAPI document.

What providers.core.chat judges is read from it; the rest is said here.
"""

from typing import Any

from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.results import FinishReason

from ..doors.management_api import CHAT_FIELDS, FINISH_REASONS

AT = "#/components/schemas/"
PREFIX = "Chat"  # before the names of components that stem from a class of providers.core.chat
NULL: dict[str, Any] = {"type": "null"}
TEXT_OR_NOTHING: dict[str, Any] = {"anyOf": [{"type": "string"}, NULL]}
TEXTS = {
    "messages": "The conversation so far.",
    "temperature": "0 is most predictable, 2 most varied.",
    "maxTokens": "Longest answer, in tokens.",
    "topP": "Only the likeliest words, up to this sum of their chances.",
    "stop": "Texts before which an answer ends.",
    "seed": "The same number asks for the same answer, as far as a model can.",
    "tools": "Functions the model may call, as in OpenAI's API.",
    "toolChoice": "Whether it must call one, and which.",
    "responseFormat": "Text, a JSON object, or JSON of a schema.",
    "streamOptions": (
        "What a stream tells besides the answer: with `include_usage`, its tokens at the end."
    ),
    "variables": "A text or a number for each `{variable}` of the profile's system prompt.",
}
PROFILE: dict[str, Any] = TEXT_OR_NOTHING | {
    "description": "The profile, where neither path nor header names one."
}

Schema = dict[str, Any]


def _ref(name: str) -> Schema:
    return {"$ref": AT + name}


def _object(title: str, required: list[str], properties: Schema) -> Schema:
    return {
        "type": "object",
        "title": title,
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def components() -> dict[str, Schema]:
    """Every component, by name."""
    read = ChatRequest.model_json_schema(by_alias=True, ref_template=f"{AT}{PREFIX}{{model}}")
    outer = {
        name: _plain(read["properties"][inner])
        for name, inner in CHAT_FIELDS.items()
        if inner in read["properties"]
    }
    outer["messages"] = {"type": "array", "minItems": 1, "items": _ref("ChatMessage")}
    outer["variables"] = {"anyOf": [{"type": "object", "additionalProperties": True}, NULL]}
    outer = {name: schema | {"description": TEXTS[name]} for name, schema in outer.items()} | {
        "profileIdOrAlias": PROFILE
    }
    found = {"ChatRequest": _object("Chat", ["messages"], outer), "ChatMessage": _message()}
    tools = ("Tool", "FunctionDefinition", "NamedTool", "NamedFunction", "ToolCall", "FunctionCall")
    needed = (*tools, "ResponseFormat", "JsonSchema", "StreamOptions")
    parts = ("TextPart", "ImagePart", "ImageUrl")
    found |= {PREFIX + name: _component(read["$defs"][name]) for name in (*needed, *parts)}
    _complete(found)
    return found | _answers() | _embeddings()


def _plain(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name not in ("default", "title")}


def _component(schema: Schema) -> Schema:
    return schema | {
        "properties": {name: _plain(one) for name, one in schema["properties"].items()}
    }


def _complete(found: dict[str, Schema]) -> None:
    """What validators of providers.core.chat say, and its discriminator.

    A part's type is never left out.
    """
    for name in ("ChatTextPart", "ChatImagePart"):
        found[name]["required"] = ["type", *found[name]["required"]]
    described = {"type": "object", "additionalProperties": {"type": ["object", "boolean"]}}
    parameters = {
        "type": "object",
        "properties": {"type": {"const": "object"}, "properties": described},
    }
    found["ChatFunctionDefinition"]["properties"]["parameters"] = {"anyOf": [parameters, NULL]}


def _message() -> Schema:
    other = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string", "not": {"enum": ["text", "image_url"]}}},
    }
    parts = {
        "type": "array",
        "items": {"anyOf": [_ref("ChatTextPart"), _ref("ChatImagePart"), other]},
    }
    return _object(
        "A message",
        ["role"],
        {
            "role": {
                "type": "string",
                "enum": ["system", "developer", "user", "assistant", "tool"],
            },
            "content": {
                "anyOf": [{"type": "string"}, parts, NULL],
                "description": "A text, or parts as in OpenAI's API.",
            },
            "contentParts": {
                "anyOf": [{"type": "array", "items": {"anyOf": _content_parts()}}, NULL],
                "description": (
                    "Texts and images as in Umbraco.AI. They win over `content`, which is a text "
                    "then or nothing."
                ),
            },
            "name": TEXT_OR_NOTHING,
            "toolCalls": {
                "anyOf": [{"type": "array", "items": _ref("ChatToolCall")}, NULL],
                "description": "What an assistant called.",
            },
            "toolCallId": TEXT_OR_NOTHING
            | {"description": "Which call a message of the role `tool` answers."},
        },
    )


def _content_parts() -> list[Schema]:
    kind = {"type": TEXT_OR_NOTHING, "$type": TEXT_OR_NOTHING, "filename": TEXT_OR_NOTHING}
    image = {
        "mimeType": {"type": "string", "pattern": r"^image/[a-zA-Z0-9.+-]+$"},
        "data": {
            "type": "string",
            "pattern": "^[A-Za-z0-9+/]+={0,2}$",
            "contentEncoding": "base64",
        },
    }
    return [
        _object(
            "A text", ["text"], kind | {"text": {"type": "string"}, "mimeType": NULL, "data": NULL}
        ),
        _object("An image", ["mimeType", "data"], kind | image | {"text": NULL}),
    ]


def _answers() -> dict[str, Schema]:
    number = {"type": "integer", "minimum": 0}
    names = ["inputTokens", "outputTokens", "totalTokens"]
    usage = _object("Tokens", names, dict.fromkeys(names, number)) | {
        "description": "As the provider counted them."
    }
    message = {
        "role": {"type": "string", "const": "assistant"},
        "content": TEXT_OR_NOTHING,
        "toolCalls": {
            "type": "array",
            "items": _ref("ChatToolCall"),
            "description": "Left out when no tool is called.",
        },
    }
    reasons = {
        "type": "string",
        "enum": [FINISH_REASONS.get(one, one.value) for one in FinishReason],
    }
    frames = (
        'Frames of `data: ` and JSON, each followed by a blank line: `{"content": "..."}` as often '
        "as there is more, with tools "
        'also `{"toolCalls": [{"index", "id", "name", "arguments"}]}`, whose arguments are pieces '
        "of one text; then "
        '`{"finishReason": "stop"}`, with `usage` if `streamOptions` asked for it; then `data: '
        "[DONE]`. An answer that breaks off "
        'ends with `{"error": {...}}`, '
        "a problem, and nothing after it."
    )
    event = {
        "type": "object",
        "title": "One of them",
        "required": ["data"],
        "properties": {"data": {"type": "string"}},
    }
    return {
        "ChatUsage": usage,
        "ChatAnswer": _object(
            "Answer",
            ["message", "finishReason", "usage"],
            {
                "message": _object("Message", ["role", "content"], message),
                "finishReason": reasons,
                "usage": {
                    "anyOf": [_ref("ChatUsage"), NULL],
                    "description": "null when the provider does not say.",
                },
            },
        ),
        "ChatStream": {
            "title": "Server-sent events",
            "description": frames,
            "anyOf": [{"type": "string", "title": "All of them"}, event],
        },
    }


def _embeddings() -> dict[str, Schema]:
    dimensions = _plain(EmbeddingRequest.model_json_schema()["properties"]["dimensions"])
    numbers = {"type": "array", "items": {"type": "number"}}
    one = _object(
        "Vector",
        ["index", "vector"],
        {"index": {"type": "integer", "minimum": 0}, "vector": numbers},
    )
    texts = {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "minLength": 1},
        "description": "What to make vectors of.",
    }
    asked = {
        "values": texts,
        "dimensions": dimensions
        | {"description": "Length of a vector, where the model lets one choose."},
        "profileIdOrAlias": PROFILE,
    }
    return {
        "EmbeddingsRequest": _object("Embeddings", ["values"], asked),
        "Embeddings": _object(
            "Vectors", ["embeddings"], {"embeddings": {"type": "array", "items": one}}
        ),
    }
