"""What drf-spectacular cannot read off the code: problems as answers, headers, examples, every
provider's settings by `providerId`.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from . import examples
from .camelcase import camel
from .components import SECURITY, Schema
from .problems import ProblemSerializer

ALWAYS = (401, 403, 406, 429)
TEXTS = {
    400: "The request is not valid; `errors` points to each field.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "The person or the token may not do this.",
    404: "There is nothing of this id or alias.",
    406: "Only JSON is to be had here.",
    409: (
        "It conflicts with what is stored: an alias that is taken, a row that is in use, a "
        "connection that cannot be used."
    ),
    412: "If-Match does not name the current version.",
    413: "The body is larger than 1 MB.",
    415: "The body is not JSON.",
    429: "Too many requests; Retry-After says when to try again.",
    502: "The provider did not answer as it should; `code` says how.",
}
DONE = {200: "The answer.", 201: "Created; Location says where."}
SUMMARIES = {
    "getAllConnections": "List connections",
    "createConnection": "Create a connection",
    "getConnectionByIdOrAlias": "Get a connection",
    "updateConnection": "Replace name, state, tags and settings of a connection",
    "patchConnection": "Change parts of a connection (JSON merge patch)",
    "deleteConnection": "Delete a connection that no profile needs",
    "connectionAliasExists": "Whether a connection has this alias",
    "duplicateConnection": "Make an inactive copy of a connection",
    "testConnection": "Test a saved connection",
    "testConnectionSettings": "Test settings that are not saved",
    "getModels": "List the models a connection can use",
    "getConnectionReferences": "What the references of a connection stand for, never the value",
    "getConnectionUsages": "List the profiles that need a connection",
    "getAllCapabilities": "The capabilities of all connections together",
    "getConnectionsByCapability": "List the connections with a capability",
    "exportPackage": "Export connections as one file, without secrets or with sealed ones",
    "importPackage": "Import a package, or plan it",
    "getAllProfiles": "List profiles",
    "createProfile": "Create a profile",
    "getProfileByIdOrAlias": "Get a profile",
    "updateProfile": "Replace a profile",
    "patchProfile": "Change parts of a profile (JSON merge patch)",
    "deleteProfile": "Delete a profile that nothing needs",
    "duplicateProfile": "Make an inactive copy of a profile",
    "profileAliasExists": "Whether a profile has this alias",
    "getAllProviders": "List the installed providers",
    "getProviderById": "Get a provider with its settings",
    "getSettings": "Which profile answers when none is named",
    "updateSettings": "Choose which profile answers when none is named",
}
PATHS: dict[str, dict[str, Any]] = {
    "idOrAlias": {
        "schema": {"type": "string", "minLength": 1, "maxLength": 100},
        "example": "openai-production",
    },
    "alias": {"schema": {"type": "string", "minLength": 1}, "example": "openai-production"},
    "providerId": {
        "schema": {"type": "string", "minLength": 1, "maxLength": 100},
        "example": "openai",
    },
    "capability": {
        "schema": {"type": "string", "minLength": 1, "maxLength": 50},
        "example": "Chat",
    },
}
IF_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "description": (
        "The ETag of the version that the change is meant for; 412 when the row has another by now."
    ),
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[^"]*"( *, *(W/)?"[^"]*")*)$'},
    "examples": {
        "any": {"summary": "Whatever is there", "value": "*"},
        "first": {"summary": "The first version", "value": '"1"'},
    },
}
TEXT_HEADER = {"required": True, "schema": {"type": "string"}}
ETAG = {
    "ETag": TEXT_HEADER
    | {
        "description": "The version, for If-Match.",
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    }
}
LOCATION = {
    "Location": TEXT_HEADER
    | {
        "description": "Where the new thing is.",
        "schema": {"type": "string", "format": "uri-reference"},
    }
}
HEADERS: dict[str, dict[str, Any]] = {
    "201": LOCATION | ETAG,
    "401": {"WWW-Authenticate": TEXT_HEADER | {"description": "Bearer."}},
    "429": {
        "Retry-After": {
            "required": True,
            "description": "Seconds.",
            "schema": {"type": "integer", "minimum": 1},
        }
    },
}


def answers(success: int, body: Any, *problems: int) -> dict[Any, Any]:
    """The answers of an operation: its success, the problems named, and those that every operation
    can give.
    """
    done = (
        OpenApiResponse(description="Done.")
        if body is None
        else OpenApiResponse(body, description=DONE[success])
    )
    found: dict[Any, Any] = {success: done}
    for status in sorted({*problems, *ALWAYS}):
        found[(status, "application/problem+json")] = OpenApiResponse(
            ProblemSerializer, description=TEXTS[status]
        )
    return found


@cache
def items_of(serializer: Any, total: bool = True) -> Any:
    """`{total, items}`, or `{items}` alone."""
    is_field = issubclass(serializer, serializers.Field) and not issubclass(
        serializer, serializers.BaseSerializer
    )
    items = serializers.ListField(child=serializer()) if is_field else serializer(many=True)
    name = serializer.__name__.removesuffix("Serializer").removesuffix("Field").removesuffix("Item")
    fields: dict[str, Any] = {"total": serializers.IntegerField(min_value=0)} if total else {}
    return inline_serializer(f"{name}{'Page' if total else 'List'}", fields | {"items": items})


def only_v1(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """A preprocessing hook: the document describes /api/v1, not the prefixes that mirror it."""
    return [one for one in endpoints if one[0].startswith("/api/v1/")]


def complete_operations(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A postprocessing hook: path parameters in camelCase, summaries, headers and examples."""
    result["paths"] = {
        _camel_path(path): operations for path, operations in result["paths"].items()
    }
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            _name(operation, path)
            _add_headers(operation, path, method)
            if operation["operationId"] in SUMMARIES:
                add_examples(operation, examples.REQUESTS, examples.ANSWERS)
    return result


def _camel_path(path: str) -> str:
    return "/".join(
        f"{{{camel(one[1:-1])}}}" if one.startswith("{") else one for one in path.split("/")
    )


def _name(operation: Schema, path: str) -> None:
    operation["summary"] = (
        SUMMARIES.get(operation["operationId"]) or operation["summary"]
    )  # that of an app above
    operation.pop("description", None)
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True  # no body is not an empty object: ApiView.valid
    operation["security"] = [{name: []} for name in SECURITY]
    for parameter in operation.get("parameters", []):
        parameter["name"] = camel(parameter["name"])
        if parameter["in"] == "path":
            parameter |= PATHS.get(parameter["name"], {})  # an app above describes its own
            if path.startswith("/api/v1/profiles"):
                parameter["example"] = "support-answers"


def _add_headers(operation: Schema, path: str, method: str) -> None:
    is_row = path.endswith("/{idOrAlias}")
    if is_row and method != "get":
        operation["parameters"].append(IF_MATCH)
    for status, answer in operation["responses"].items():
        headers = HEADERS.get(status, {}) | (ETAG if is_row and status == "200" else {})
        if headers:
            answer["headers"] = headers | answer.get("headers", {})


def add_examples(
    operation: Schema, requests: dict[str, examples.Examples], answers: dict[str, examples.Examples]
) -> None:
    """Puts the examples of an operation into its bodies. Every body that is sent has some."""
    name = operation["operationId"]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        media["examples"] = _shown(requests[name])
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values():
            if status.startswith("2") and name in answers:
                media["examples"] = _shown(answers[name])


def _shown(named: examples.Examples) -> Schema:
    return {name: {"summary": summary, "value": value} for name, (summary, value) in named.items()}


def operations_of(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Path, method and description of every operation of a document."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation
