"""Names in camelCase for clients, in snake_case for Python.

Values, and the keys in them, are left alone.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from ..texts import nearest
from . import sentences  # noqa: F401 whose import gives every field our sentences

NAME = re.compile(r"\$?[A-Za-z_]{1,40}[0-9]{0,2}")


def camel(name: str) -> str:
    """`api_key` -> `apiKey`."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def decapitalized(word: str) -> str:
    """`Chat` -> `chat`, `DefaultProfile` -> `defaultProfile`."""
    return word[:1].lower() + word[1:]


def unknown_names(
    given: Iterable[str], known: Collection[str], what: str = "field"
) -> dict[str, list[ErrorDetail]]:
    """An error for each name that is not known, with the nearest that is. `what`: is unknown.

    A name that may be a misplaced secret is not repeated: its error is about the whole object.
    """
    found = {}
    for name in given:
        if name not in known:
            is_name = NAME.fullmatch(name)
            text = no_such(what, name if is_name else "", known)
            found[name if is_name else "non_field_errors"] = [ErrorDetail(text, "unknown_field")]
    return found


def no_such(what: str, name: str, known: Collection[str]) -> str:
    """The sentence about a name that there is not: the nearest that there is, else all."""
    near = nearest(name, known)
    cure = near or (f" There are: {', '.join(known)}." if known else " Leave it out.")
    return f"There is no such {what}.{cure}"


class CamelCaseMixin:
    """Names a serializer's fields in camelCase, and refuses fields that it does not know: a typo
    must not be lost in silence.
    """

    # Names that a client may send back from an answer, and that mean nothing in a request.
    ignored: frozenset[str] = frozenset()

    def get_fields(self) -> dict[str, Any]:
        """The declared fields, by their names in camelCase."""
        fields = {}
        for name, field in super().get_fields().items():  # type: ignore[misc]
            if camel(name) != name and field.source is None:
                field.source = name
            fields[camel(name)] = field
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """The values by their names in Python. Raises ValidationError for unknown fields too."""
        if isinstance(data, dict):
            fields = self.fields  # type: ignore[attr-defined]
            given = [name for name in data if name not in self.ignored]
            if unknown := unknown_names(given, fields):
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictCharField(serializers.CharField):
    """Text only: DRF would accept numbers too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if "\x00" in data:
            self.fail("null_character")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false only: DRF would accept "yes" and 1 too."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
