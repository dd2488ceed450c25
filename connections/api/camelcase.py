"""Names in camelCase for clients, in snake_case for Python.

Values, and the keys in them, are left alone.
"""

import re
from collections.abc import Container, Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

NAME = re.compile(r"\$?[A-Za-z_]{1,40}[0-9]{0,2}")


def camel(name: str) -> str:
    """`api_key` -> `apiKey`."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def decapitalized(word: str) -> str:
    """`Chat` -> `chat`, `DefaultProfile` -> `defaultProfile`."""
    return word[:1].lower() + word[1:]


def unknown_names(
    given: Iterable[str], known: Container[str], text: str, code: str
) -> dict[str, list[ErrorDetail]]:
    """An error for each name that is not known.

    A name that may be a misplaced secret is not repeated: its error is about the whole object.
    """
    error = [ErrorDetail(text, code)]
    return {
        name if NAME.fullmatch(name) else "non_field_errors": error
        for name in given
        if name not in known
    }


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
            known = set(self.fields) | self.ignored  # type: ignore[attr-defined]
            unknown = unknown_names(data, known, "There is no such field.", "unknown_field")
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictCharField(serializers.CharField):
    """Text only: DRF would accept numbers too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false only: DRF would accept "yes" and 1 too."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
