"""The gateway's part of the OpenAPI document. Registered by being imported."""

import json
from pathlib import Path

from connections.api.components import AT, Schema, register_components
from connections.api.openapi import read_data, register_operations
from providers.core.chat import EmbeddingRequest
from providers.core.open_chat import OpenChatRequest
from providers.core.results import FinishReason

from ..doors.management_api import CHAT_FIELDS, FINISH_REASONS

COMPONENTS = Path(__file__).with_name("components.yaml")
OPERATIONS = Path(__file__).with_name("operations.yaml")
PREFIX = "Chat"  # before the names of components that are classes of providers.core.open_chat
OTHERWISE = ("Message", "OtherPart")  # classes whose shape is another in this API


def components() -> dict[str, Schema]:
    """The bodies of chats and embeddings, by name: the rules of providers.core.open_chat, and over
    them components.yaml.
    """
    written = json.dumps(
        OpenChatRequest.model_json_schema(by_alias=True, ref_template=f"{AT}{PREFIX}{{model}}")
    )
    chat = json.loads(written.replace(f"{AT}{PREFIX}Open", f"{AT}{PREFIX}"))
    named = {name.removeprefix("Open"): one for name, one in chat["$defs"].items()}
    rules = {
        PREFIX + name: _without_titles(one) | {"title": name}
        for name, one in named.items()
        if name not in OTHERWISE
    }
    asked = _without_titles(chat)["properties"]
    fields = {outer: asked[inner] for outer, inner in CHAT_FIELDS.items() if inner in asked}
    vectors = _without_titles(EmbeddingRequest.model_json_schema())["properties"]
    reasons = [FINISH_REASONS.get(one, one.value) for one in FinishReason]
    rules["ChatRequest"] = {"properties": fields}
    rules["EmbeddingsRequest"] = {"properties": {"dimensions": vectors["dimensions"]}}
    rules["ChatAnswer"] = {"properties": {"finishReason": {"enum": reasons}}}
    return _laid_over(rules, read_data(COMPONENTS)["components"])


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
