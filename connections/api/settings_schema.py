"""A provider's settings as JSON Schema, and checks of the types of posted settings.

Both are read off the provider's pydantic class.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic.fields import FieldInfo

from providers.core.base import Provider
from providers.core.schema import MAPS, SettingsField, settings_fields
from providers.core.types import ENTRY_KEY, LONGEST_ENTRY_KEY, MOST_ENTRIES, HeaderName

from ..references import is_reference
from .camelcase import camel

CONTROL = r"\x00-\x1f\x7f"
BLANK = r"\s\x1c-\x1f\x85"
PORT = "([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
HEX = "[0-9A-Fa-f]{1,4}"
IPV6 = rf"\[(({HEX}:){{7}}{HEX}|({HEX}:){{1,4}}:{HEX}|::({HEX}:){{0,4}}{HEX})\]"
HEADER = "[!#%&'*+.^_`|~0-9A-Za-z-]{1,100}"
# The types that several settings share. No look-around: the regular expressions of some languages
# have none.
SHARED: dict[str, dict[str, Any]] = {
    "ReferenceText": {
        "type": "string",
        "title": "Reference",
        "description": (
            "Names where the value is kept: `$Section:Key`, or `$Env:NAME` for a plain environment "
            "variable."
        ),
        "pattern": r"^\$[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)+$",
        "maxLength": 500,
    },
    "NotSet": {
        "type": ["string", "null"],
        "title": "Not set",
        "description": "null or an empty text.",
        "maxLength": 0,
    },
    "Text": {
        "type": "string",
        "title": "Text",
        "description": "One line. For a value that begins with a dollar sign, write `$$`.",
        "pattern": rf"^[\s\x85]*(\$\$[^{CONTROL}]*|[^$\s\x85{CONTROL}][^{CONTROL}]*)?[\s\x85]*$",
    },
    "Secret": {
        "type": "string",
        "title": "Secret",
        "description": (
            "A key in clear, in ASCII. What looks like a mask or a placeholder, or is "
            "in quotes, is refused."
        ),
        "pattern": (
            r"^\s*(\$\$|[!#%&()+-_a-~]|\*[ -~]*[!-)+-~])([ "
            r"-~]*[!-)+-~])?\*{0,2}( +\*{1,2})*\s*$"
        ),
    },
    "Address": {
        "type": "string",
        "title": "Address",
        "description": (
            "An http or https address without a name, a password, a query or a fragment."
        ),
        "pattern": (
            rf"^\s*[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9._-]+|{IPV6})(:{PORT})?(/[^{CONTROL} "
            r"?#]*)?\s*$"
        ),
    },
    "EntryText": {
        "type": "string",
        "title": "Entry",
        "description": (
            "Any text, of several lines too. For a value that begins with a dollar sign, write "
            "`$$`."
        ),
        "pattern": rf"^[{BLANK}]*(\$\$[^\x00]*|[^$\x00{BLANK}][^\x00]*)?$",
    },
    "SecretEntry": {
        "type": "string",
        "title": "Secret entry",
        "description": (
            "Any text, of several lines too. What looks like a mask is refused: it is nothing but "
            "asterisks, or ends in `***` where something is stored."
        ),
        "pattern": rf"^[{BLANK}]*(\$\$|[^$*•\x00{BLANK}]|[*•][^\x00]*[^*•\x00{BLANK}])"
        rf"([^\x00]*[^*\x00{BLANK}])?"
        rf"\*{{0,2}}([{BLANK}]+\*{{1,2}})*[{BLANK}]*$",
    },
    "Headers": {
        "title": "Headers",
        "description": "Lines of `Name: value`, or an object.",
        "anyOf": [
            {"type": "string", "pattern": rf"^\s*{HEADER} *:[ -~]*(\n+ *{HEADER} *:[ -~]*)*\s*$"},
            {
                "type": "object",
                "propertyNames": {"pattern": f"^{HEADER}$"},
                "additionalProperties": {"type": "string", "pattern": "^[ -~]*$"},
            },
        ],
    },
}
TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
}
BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "max_length": "maxLength",
}
INSIDE = "#/$defs/"


def settings_schema(provider: type[Provider[Any]]) -> dict[str, Any]:
    """A self-contained schema of a new connection's settings: names in camelCase, secrets
    writeOnly, references allowed anywhere.
    """
    return new_settings(provider, INSIDE) | {"$defs": SHARED}


def new_settings(provider: type[Provider[Any]], at: str) -> dict[str, Any]:
    """The schema of a new connection's settings. `at`: the address of the shared types."""
    fields = settings_fields(provider)
    schema = _object(
        provider,
        f"{provider.name} settings",
        {name: _property(provider, field, at) for name, field in fields.items()},
    )
    if required := [camel(name) for name, field in fields.items() if field.required]:
        schema["required"] = required
    if conditions := list(_conditions(fields, at)):
        schema["allOf"] = conditions
    return schema


def _object(
    _provider: type[Provider[Any]], title: str, properties: dict[str, Any]
) -> dict[str, Any]:
    named = {camel(name): schema for name, schema in properties.items()}
    return {"type": "object", "title": title, "additionalProperties": False, "properties": named}


def _property(provider: type[Provider[Any]], field: SettingsField, at: str) -> dict[str, Any]:
    choices = (
        [_map(field, at)]
        if field.is_map
        else [_typed(provider, field, at), {"$ref": f"{at}ReferenceText"}]
    )
    if not field.required:
        choices.append({"$ref": f"{at}NotSet"})
    schema: dict[str, Any] = {"title": field.label, "description": field.help, "anyOf": choices}
    if field.secret:
        schema["writeOnly"] = True
    if field.default is not None:
        schema["default"] = field.default
    return schema | {"x-sensitive": field.secret, "x-address": field.address}


def _typed(provider: type[Provider[Any]], field: SettingsField, at: str) -> dict[str, Any]:
    bounds = {BOUNDS[name]: value for name, value in field.bounds if name in BOUNDS}
    info = provider.Settings.model_fields[field.name]
    if field.choices:
        return {"type": "string", "enum": [value for value, _ in field.choices]}
    if field.kind in TYPES:
        return TYPES[field.kind] | bounds
    if pattern := _pattern(info):
        # Besides, as every text: services refuse control characters and masks in it first.
        shared = _shared_type(field) if field.free else "Secret" if field.secret else "Text"
        return {"$ref": f"{at}{shared}", "pattern": pattern} | bounds
    return {"$ref": at + _shared_type(field)} | bounds


def _map(field: SettingsField, at: str) -> dict[str, Any]:
    """Keys of any name with their values."""
    names = ["SecretEntry" if field.secret else "EntryText", "ReferenceText"]
    return {
        "type": "object",
        "maxProperties": MOST_ENTRIES,
        "propertyNames": {"pattern": f"^{ENTRY_KEY}$", "maxLength": LONGEST_ENTRY_KEY},
        "additionalProperties": {
            "anyOf": [*({"$ref": at + name} for name in names), {"type": "null"}]
        },
    }


def _shared_type(field: SettingsField) -> str:
    if field.kind == "headers":
        return "Headers"
    if field.free:
        return "SecretEntry" if field.secret else "EntryText"
    if field.address:
        return "Address"
    return "Secret" if field.secret else "Text"


def _pattern(info: FieldInfo) -> str:
    """The regular expression that the field declares, empty when it declares none."""
    # pydantic does not collect the metadata of an `Annotated` in an optional type.
    inner = [
        mark for part in get_args(info.annotation) for mark in getattr(part, "__metadata__", ())
    ]
    found = [one.pattern for one in (*info.metadata, *inner) if getattr(one, "pattern", None)]
    if HeaderName in (info.annotation, *get_args(info.annotation)):
        return f"^{HEADER}$"
    return str(found[0]) if found else ""


def _conditions(fields: Mapping[str, SettingsField], at: str) -> Iterator[dict[str, Any]]:
    """Schemas of settings that are required only while another has a certain value, which may be
    its default.
    """
    wanted: dict[tuple[str, tuple[Any, ...]], list[str]] = {}
    for field in fields.values():
        if field.required_when_shown and field.shown_when:
            wanted.setdefault(field.shown_when, []).append(field.name)
    for (name, values), names in wanted.items():
        others = [
            choice for choice in dict(fields[name].choices) or (True, False) if choice not in values
        ]
        required = {camel(one): {"not": {"$ref": f"{at}NotSet"}} for one in names}
        yield {
            "if": {"properties": {camel(name): {"enum": others}}, "required": [camel(name)]},
            "else": {"required": list(required), "properties": required},
        }


def is_too_long(field: SettingsField, value: Any) -> bool:
    """True for a text that is longer, as it was sent, than the field's type allows.

    The services count again, without the blanks at its ends.
    """
    longest = dict(field.bounds).get("max_length")
    return (
        longest is not None
        and isinstance(value, str)
        and not is_reference(value)
        and len(value) > longest
    )


def is_of_kind(kind: str, value: Any) -> bool:
    """True for a JSON value whose type fits a setting of this kind. Services check the rest.

    Only numbers are numbers and only true and false are booleans: pydantic would take "1" and true
    for both.
    """
    if value is None or value == "":
        return True
    if kind in MAPS:
        return isinstance(value, dict)  # services check its entries
    if is_reference(value):
        return True
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("integer", "number"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, list) if kind == "array" else True
