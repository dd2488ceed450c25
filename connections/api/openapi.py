"""What drf-spectacular cannot read off the code: problems as answers, and every provider's settings by `providerId`."""

from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from providers.registry import all_providers

from .camelcase import camel
from .settings_schema import settings_schema

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


class FieldProblemSerializer(serializers.Serializer[Any]):
    """What is wrong with one field."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body, or the query parameter's name after a slash.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]
    dependents = serializers.ListField(child=serializers.DictField(), required=False)


def answers(success: int, body: Any, *problems: int) -> dict[Any, Any]:
    """The answers of an operation: its success, the problems named, and those that every operation can give."""
    found: dict[Any, Any] = {success: OpenApiResponse(body) if body is not None else OpenApiResponse(description="Done.")}
    for status in sorted({*problems, *ALWAYS}):
        found[(status, "application/problem+json")] = OpenApiResponse(ProblemSerializer, description=TEXTS[status])
    return found


@cache
def items_of(serializer: Any, total: bool = True) -> Any:
    """`{total, items}`, or `{items}` alone."""
    is_field = issubclass(serializer, serializers.CharField)
    items = serializers.ListField(child=serializer()) if is_field else serializer(many=True)
    name = serializer.__name__.removesuffix("Serializer")
    fields: dict[str, Any] = {"total": serializers.IntegerField(min_value=0)} if total else {}
    return inline_serializer(f"{name}{'Page' if total else 'Items'}", fields | {"items": items})


def only_v1(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """A preprocessing hook: the document describes /api/v1, not the prefixes that mirror it."""
    return [one for one in endpoints if one[0].startswith("/api/v1/")]


def add_provider_settings(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook: `settings` of a new connection is the schema of the provider that `providerId` names."""
    schemas = result["components"]["schemas"]
    create = schemas.pop("ConnectionCreateRequest", None) or schemas.pop("ConnectionCreate")
    mapping = {}
    for provider in all_providers():
        stem = "".join(part.capitalize() for part in provider.id.split("-"))
        schemas[f"{stem}Settings"] = settings_schema(provider)
        own = {"providerId": {"type": "string", "const": provider.id}, "settings": {"$ref": f"#/components/schemas/{stem}Settings"}}
        schemas[f"{stem}Connection"] = create | {"title": f"{provider.name} connection", "properties": create["properties"] | own}
        schemas[f"{stem}Connection"]["additionalProperties"] = False
        mapping[provider.id] = f"#/components/schemas/{stem}Connection"
    discriminator = {"propertyName": "providerId", "mapping": mapping}
    schemas["ConnectionCreate"] = {"oneOf": [{"$ref": one} for one in mapping.values()], "discriminator": discriminator}
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def camel_parameters(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook: path parameters in camelCase, as the contract writes them."""
    paths = {}
    for path, operations in result["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                parameter["name"] = camel(parameter["name"])
        segments = path.split("/")
        paths["/".join(f"{{{camel(one[1:-1])}}}" if one.startswith("{") else one for one in segments)] = operations
    result["paths"] = paths
    return result
