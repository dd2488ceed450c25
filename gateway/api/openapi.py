"""The gateway's part of the OpenAPI document: what its operations are called, and their
examples.
"""

from typing import Any

from connections.api.components import Schema
from connections.api.openapi import add_examples, operations_of

from . import chat_examples, chat_schemas, examples

PROFILE: Schema = {"type": "string", "minLength": 1, "maxLength": 100}
RETRY: Schema = {
    "Retry-After": {
        "description": "Seconds, where they are known.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
SERVED: Schema = {
    f"X-Switchboard-{name}": {"description": text, "schema": schema}
    for name, text, schema in (
        (
            "Profile",
            "The profile that was asked last: another than the one that was named when a fallback "
            "answered.",
            {"type": "string"},
        ),
        ("Connection", "Its connection.", {"type": "string"}),
        (
            "Attempts",
            "How many profiles of the chain were asked.",
            {"type": "integer", "minimum": 1},
        ),
        ("Left-Out", "Settings of the profile that its model does not take.", {"type": "string"}),
    )
}


def describe_operations(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A postprocessing hook, to be run before that of connections.api, which completes what every
    operation has.
    """
    for _, _, operation in operations_of(result):
        if operation["operationId"] in examples.SUMMARIES:
            operation["summary"] = examples.SUMMARIES[operation["operationId"]]
            add_examples(operation, examples.REQUESTS, examples.ANSWERS)
        if operation["operationId"] in chat_examples.SUMMARIES:
            _describe_chat(operation)
    schemas = result["components"]["schemas"] | chat_schemas.components()
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def _describe_chat(operation: Schema) -> None:
    """The profile in the path and the headers of answers."""
    is_chat = "Chat" in operation["operationId"]
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter |= {"schema": PROFILE, "example": "support-answers" if is_chat else "search"}
    for status, answer in operation["responses"].items():
        answer["headers"] = SERVED | (RETRY if status == "429" else {})
