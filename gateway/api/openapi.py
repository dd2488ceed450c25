"""The gateway's part of the OpenAPI document. Registered by being imported."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from connections.api.components import AT, Schema, register_components
from connections.api.openapi import read_data, register_operations
from providers.core.chat import EmbeddingRequest
from providers.core.open_chat import OpenChatRequest
from providers.core.results import FinishReason

from ..doors.management_api import CHAT_FIELDS, FINISH_REASONS

COMPONENTS = Path(__file__).with_name("components.yaml")
OPERATIONS = Path(__file__).with_name("operations.yaml")
V1 = Path(__file__).with_name("v1.yaml")
PREFIX = "Chat"  # before the names of components that are classes of providers.core.open_chat
OTHERWISE = ("Message", "OtherPart")  # classes whose shape is another in this API
OPENAI = "V1"  # before those names in /v1, which has them as they are


def components() -> dict[str, Schema]:
    """The bodies of chats and embeddings, by name: the rules of providers.core.open_chat, and over
    them components.yaml.
    """
    written = json.dumps(
        OpenChatRequest.model_json_schema(by_alias=True, ref_template=f"{AT}{PREFIX}{{model}}")
    )
    written = written.replace(f"{AT}{PREFIX}Open", f"{AT}{PREFIX}")
    chat = json.loads(written)
    for name in OTHERWISE:
        written = written.replace(f'{AT}{PREFIX}{name}"', f'{AT}{OPENAI}{name}"')
    openai = json.loads(written)
    named = {name.removeprefix("Open"): one for name, one in chat["$defs"].items()}
    rules = {
        PREFIX + name: _without_titles(one) | {"title": name}
        for name, one in named.items()
        if name not in OTHERWISE
    }
    asked = _without_titles(chat)["properties"]
    own = {name.removeprefix("Open"): one for name, one in openai["$defs"].items()}
    rules |= {OPENAI + name: _without_titles(own[name]) for name in OTHERWISE}
    parts = rules["V1Message"]["properties"]["content"]["anyOf"][1]["items"]
    parts["anyOf"] = parts.pop("oneOf")  # a part of another kind is one of any
    rules["V1ChatRequest"] = {"properties": _without_titles(openai)["properties"]}
    vectors = _without_titles(EmbeddingRequest.model_json_schema())["properties"]
    rules["V1EmbeddingRequest"] = {"properties": vectors}
    fields = {outer: asked[inner] for outer, inner in CHAT_FIELDS.items() if inner in asked}
    reasons = [FINISH_REASONS.get(one, one.value) for one in FinishReason]
    rules["ChatRequest"] = {"properties": fields}
    rules["EmbeddingsRequest"] = {"properties": {"dimensions": vectors["dimensions"]}}
    rules["ChatAnswer"] = {"properties": {"finishReason": {"enum": reasons}}}
    above = read_data(COMPONENTS)["components"] | read_data(V1)["components"]
    return _laid_over(rules, above)


def add_v1(result: Schema, **_kwargs: Any) -> Schema:
    """A postprocessing hook, after the others: adds `/v1`, which no view of Django's serves."""
    v1 = deepcopy(read_data(V1))
    for path in v1["paths"].values():
        for operation in path.values():
            operation["responses"] = dict(sorted(operation["responses"].items()))
    result["paths"] |= v1["paths"]
    chat = next(i for i, one in enumerate(result["tags"]) if one["name"] == "chat")
    result["tags"] = [*result["tags"][:chat], v1["tag"], *result["tags"][chat:]]
    return result


def _without_titles(schema: Schema) -> Schema:
    """An object's schema, its properties without the titles and defaults that pydantic writes."""
    properties = {
        name: {key: value for key, value in one.items() if key not in ("default", "title")}
        for name, one in schema["properties"].items()
    }
    return schema | {"properties": properties}


def _laid_over(below: Schema, above: Schema) -> Schema:
    return {name: one for name, one in below.items() if name not in above} | {
        name: _laid_over(below[name], one) if name in below and isinstance(one, dict) else one
        for name, one in above.items()
    }


register_operations(OPERATIONS)
register_components(components)
