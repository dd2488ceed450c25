"""A provider's settings as JSON Schema, read off its pydantic class."""

from typing import Any

from providers.base import Provider
from providers.schema import SettingsField, settings_fields

from .camelcase import camel

REFERENCE = {"type": "string", "pattern": r"^\$[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)+$", "maxLength": 500, "title": "Reference"}
TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "headers": {"type": "string", "description": "Name: value, one a line."},
}
BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "min_length": "minLength",
    "max_length": "maxLength",
}


def settings_schema(provider: type[Provider[Any]]) -> dict[str, Any]:
    """An object schema: names in camelCase, secrets writeOnly, every setting also as a reference or null.

    Nothing is required by the schema: a secret that is left out keeps what is stored, and some depend on others.
    """
    fields = settings_fields(provider)
    properties = {camel(name): _property(field) for name, field in fields.items()}
    return {"type": "object", "title": f"{provider.name} settings", "additionalProperties": False, "properties": properties}


def _property(field: SettingsField) -> dict[str, Any]:
    schema: dict[str, Any] = {"title": field.label, "description": field.help, "anyOf": [_typed(field), REFERENCE, {"type": "null"}]}
    if field.secret:
        schema["writeOnly"] = True
    if field.default is not None:
        schema["default"] = field.default
    return schema | {"x-sensitive": field.secret, "x-address": field.address}


def _typed(field: SettingsField) -> dict[str, Any]:
    if field.choices:
        return {"type": "string", "enum": [value for value, _ in field.choices]}
    if field.address:
        return {"type": "string", "format": "uri", "pattern": "^https?://"}
    return TYPES[field.kind] | {BOUNDS[name]: value for name, value in field.bounds}
