"""What drf-spectacular cannot read off the code: problems as answers, headers, examples, every provider's settings by `providerId`."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from providers.base import Capability, Provider
from providers.registry import all_providers

from ..profile_settings import profile_fields, profile_settings_class
from . import examples
from .camelcase import camel
from .settings_schema import SHARED, changed_settings, new_settings

ALWAYS = (401, 403, 406, 429)
TEXTS = {
    400: "The request is not valid; `errors` points to each field.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "The person or the token may not do this.",
    404: "There is nothing of this id or alias.",
    406: "Only JSON is to be had here.",
    409: "It conflicts with what is stored: an alias that is taken, a row that is in use, a connection that cannot be used.",
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
    "testConnection": "Test a saved connection",
    "testConnectionSettings": "Test settings that are not saved",
    "getModels": "List the models a connection can use",
    "getConnectionReferences": "What the references of a connection stand for, never the value",
    "getConnectionUsages": "List the profiles that need a connection",
    "getAllCapabilities": "The capabilities of all connections together",
    "getConnectionsByCapability": "List the connections with a capability",
    "getAllProfiles": "List profiles",
    "createProfile": "Create a profile",
    "getProfileByIdOrAlias": "Get a profile",
    "updateProfile": "Replace a profile",
    "patchProfile": "Change parts of a profile (JSON merge patch)",
    "deleteProfile": "Delete a profile that nothing needs",
    "profileAliasExists": "Whether a profile has this alias",
    "getAllProviders": "List the installed providers",
    "getProviderById": "Get a provider with its settings",
    "getSettings": "Which profile answers when none is named",
    "updateSettings": "Choose which profile answers when none is named",
}
PATHS: dict[str, dict[str, Any]] = {
    "idOrAlias": {"schema": {"type": "string", "minLength": 1, "maxLength": 100}, "example": "openai-production"},
    "alias": {"schema": {"type": "string", "minLength": 1}, "example": "openai-production"},
    "providerId": {"schema": {"type": "string", "minLength": 1, "maxLength": 100}, "example": "openai"},
    "capability": {"schema": {"type": "string", "minLength": 1, "maxLength": 50}, "example": "Chat"},
}
SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of `manage.py token create` or of the page Tokens. It never may more than its user.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "A signed-in browser. What changes something needs the CSRF token in the header X-CSRFToken too.",
    },
}
IF_MATCH: dict[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "description": "The ETag of the version that the change is meant for; 412 when the row has another by now.",
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[^"]*"( *, *(W/)?"[^"]*")*)$'},
    "examples": {"any": {"summary": "Whatever is there", "value": "*"}, "first": {"summary": "The first version", "value": '"1"'}},
}
TEXT_HEADER = {"required": True, "schema": {"type": "string"}}
ETAG = {"ETag": TEXT_HEADER | {"description": "The version, for If-Match.", "schema": {"type": "string", "pattern": '^"[0-9]+"$'}}}
LOCATION = {"Location": TEXT_HEADER | {"description": "Where the new thing is.", "schema": {"type": "string", "format": "uri-reference"}}}
HEADERS: dict[str, dict[str, Any]] = {
    "201": LOCATION | ETAG,
    "401": {"WWW-Authenticate": TEXT_HEADER | {"description": "Bearer."}},
    "429": {"Retry-After": {"required": True, "description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}},
}
IGNORED = "Ignored: an answer may be sent back as it is."
TEMPLATE = r"^([^{}\x00]|\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_]*\})*$"
AT = "#/components/schemas/"

Schema = dict[str, Any]


class FieldProblemSerializer(serializers.Serializer[Any]):
    """What is wrong with one field."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body, or the query parameter's name after a slash.")
    code = serializers.CharField()
    detail = serializers.CharField()


class DependentSerializer(serializers.Serializer[Any]):
    """What still needs the thing that was to be deleted."""

    id = serializers.CharField()
    type = serializers.CharField()
    alias = serializers.CharField(required=False)
    name = serializers.CharField(required=False)


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]
    dependents = DependentSerializer(many=True, required=False)


def answers(success: int, body: Any, *problems: int) -> dict[Any, Any]:
    """The answers of an operation: its success, the problems named, and those that every operation can give."""
    done = OpenApiResponse(description="Done.") if body is None else OpenApiResponse(body, description=DONE[success])
    found: dict[Any, Any] = {success: done}
    for status in sorted({*problems, *ALWAYS}):
        found[(status, "application/problem+json")] = OpenApiResponse(ProblemSerializer, description=TEXTS[status])
    return found


@cache
def items_of(serializer: Any, total: bool = True) -> Any:
    """`{total, items}`, or `{items}` alone."""
    is_field = issubclass(serializer, serializers.Field) and not issubclass(serializer, serializers.BaseSerializer)
    items = serializers.ListField(child=serializer()) if is_field else serializer(many=True)
    name = serializer.__name__.removesuffix("Serializer").removesuffix("Field").removesuffix("Item")
    fields: dict[str, Any] = {"total": serializers.IntegerField(min_value=0)} if total else {}
    return inline_serializer(f"{name}{'Page' if total else 'List'}", fields | {"items": items})


def only_v1(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """A preprocessing hook: the document describes /api/v1, not the prefixes that mirror it."""
    return [one for one in endpoints if one[0].startswith("/api/v1/")]


# Components: what may be sent, told apart by provider and by capability


def complete_components(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A postprocessing hook: the bodies that depend on a provider or a capability, closed; every field of an answer required."""
    schemas: dict[str, Schema] = result["components"]["schemas"]
    for name, schema in schemas.items():
        if not name.endswith(("Create", "Update", "Patch", "Request")) and name not in ("Problem", "Dependent"):
            schema |= {"required": sorted(schema["properties"])} if "properties" in schema else {}
    for name in [one for one in schemas if one.endswith(("Create", "Update", "Patch", "Request"))]:
        _close(schemas[name])
    schemas["ModelReference"]["additionalProperties"] = False
    schemas |= SHARED
    _add_profiles(schemas)
    _add_connections(schemas)
    result["components"] = {"schemas": dict(sorted(schemas.items())), "securitySchemes": SECURITY}
    return result


def _close(schema: Schema) -> None:
    """Unknown fields are refused, but those that only an answer has may be sent back."""
    if {"alias", "name"} & set(schema["properties"]):
        schema["properties"] |= {name: {"description": IGNORED} for name in ("id", "version", "dateCreated", "dateModified")}
    schema["additionalProperties"] = False


def _ref(name: str) -> Schema:
    return {"$ref": AT + name}


def _stem(provider: type[Provider[Any]]) -> str:
    return "".join(part.capitalize() for part in provider.id.split("-"))


def _chosen_by(schemas: dict[str, Schema], name: str, values: dict[str, str]) -> Schema:
    mapping = {value: AT + component for value, component in values.items()}
    return {"oneOf": [{"$ref": one} for one in mapping.values()], "discriminator": {"propertyName": name, "mapping": mapping}}


def _add_connections(schemas: dict[str, Schema]) -> None:
    """ConnectionCreate by `providerId`; the settings of a change are those of any provider, because the body need not name it."""
    create, test = schemas.pop("ConnectionCreate"), schemas.pop("ConnectionTestRequest")
    for provider in all_providers():
        stem = _stem(provider)
        schemas[f"{stem}Settings"] = new_settings(provider, AT)
        schemas[f"{stem}SettingsChange"] = changed_settings(provider, AT)
        schemas[f"{stem}Connection"] = _new_connection(provider, create)
        schemas[f"{stem}Test"] = _test(provider, test)
    stems = {provider.id: _stem(provider) for provider in all_providers()}
    changes: Schema = {"anyOf": [_ref(f"{stem}SettingsChange") for stem in stems.values()]}
    schemas["ConnectionCreate"] = _chosen_by(schemas, "providerId", {key: f"{stem}Connection" for key, stem in stems.items()})
    schemas["SavedConnectionTest"] = test | {"properties": test["properties"] | {"settings": changes}, "required": ["id"]}
    schemas["ConnectionTestRequest"] = {"anyOf": [*(_ref(f"{stem}Test") for stem in stems.values()), _ref("SavedConnectionTest")]}
    for name in ("ConnectionUpdate", "ConnectionPatch"):
        schemas[name]["properties"]["settings"] = changes


def _own(provider: type[Provider[Any]], base: Schema, title: str, required: list[str]) -> Schema:
    settings: Schema = _ref(f"{_stem(provider)}Settings")
    named = {"providerId": {"type": "string", "enum": [provider.id]}, "settings": settings}
    must = new_settings(provider, AT)
    if "required" in must or "allOf" in must:
        required = [*required, "settings"]
    return base | {"title": title, "properties": base["properties"] | named, "required": required}


def _new_connection(provider: type[Provider[Any]], base: Schema) -> Schema:
    schema = _own(provider, base, f"{provider.name} connection", ["alias", "name", "providerId"])
    if "settings" not in schema["required"]:
        schema["properties"]["settings"] = {"anyOf": [schema["properties"]["settings"], {"type": "null"}]}
    return schema


def _test(provider: type[Provider[Any]], base: Schema) -> Schema:
    schema = _own(provider, base, f"Test of {provider.name} settings", ["providerId"])
    return schema | {"properties": {name: one for name, one in schema["properties"].items() if name != "id"}}


def _add_profiles(schemas: dict[str, Schema]) -> None:
    """ProfileCreate by `capability`; the settings of a change are those of either."""
    create = schemas.pop("ProfileCreate")
    for capability in Capability:
        name = f"{capability.value}Settings"
        schemas[name] = _profile_settings(capability)
        settings = {"anyOf": [_ref(name), {"type": "null"}]}
        own = {"capability": {"type": "string", "enum": [capability.value]}, "settings": settings}
        schemas[f"{capability.value}Profile"] = create | {"title": f"{capability.value} profile", "properties": create["properties"] | own}
    either = [_ref(f"{one.value}Settings") for one in Capability]
    schemas["ProfileCreate"] = _chosen_by(schemas, "capability", {one.value: f"{one.value}Profile" for one in Capability})
    schemas["Profile"]["properties"]["settings"] = {"anyOf": either}
    for name in ("ProfileUpdate", "ProfilePatch"):
        schemas[name]["properties"]["settings"] = {"anyOf": [*either, {"type": "null"}]}


def _profile_settings(capability: Capability) -> Schema:
    kind = {"type": "string", "enum": [capability.value[:1].lower() + capability.value[1:]]}
    properties: dict[str, Schema] = {"$type": kind}
    read = profile_settings_class(capability).model_json_schema()["properties"]
    for name, field in profile_fields(capability).items():
        typed = next(one for one in read[name]["anyOf"] if one["type"] != "null")
        typed |= {"pattern": TEMPLATE} if name == "system_prompt_template" else {}
        unset = f" null: {field.unset}. An empty list: nothing." if field.unset else ""
        properties[camel(name)] = {"title": field.label, "description": field.help + unset, "anyOf": [typed, _ref("NotSet")]}
    title = f"{capability.value} settings"
    return {"type": "object", "title": title, "additionalProperties": False, "properties": properties}


# Operations: names, headers, examples


def complete_operations(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A postprocessing hook: path parameters in camelCase, summaries, headers and examples."""
    result["paths"] = {_camel_path(path): operations for path, operations in result["paths"].items()}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            _name(operation, path)
            _add_headers(operation, path, method)
            if operation["operationId"] in SUMMARIES:
                add_examples(operation, examples.REQUESTS, examples.ANSWERS)
    return result


def _camel_path(path: str) -> str:
    return "/".join(f"{{{camel(one[1:-1])}}}" if one.startswith("{") else one for one in path.split("/"))


def _name(operation: Schema, path: str) -> None:
    operation["summary"] = SUMMARIES.get(operation["operationId"]) or operation["summary"]  # that of an app above
    operation.pop("description", None)
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


def add_examples(operation: Schema, requests: dict[str, examples.Examples], answers: dict[str, examples.Examples]) -> None:
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
