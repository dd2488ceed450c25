"""camelCase outside, snake_case inside, for names only: values, and keys inside values, are left
alone.
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


def unknown_names(
    given: Iterable[str], known: Container[str], text: str, code: str
) -> dict[str, list[ErrorDetail]]:
    """An error for each name that is not known.

    A name that may be a misplaced secret is not repeated: it stands for the whole.
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

    ignored: frozenset[str] = (
        frozenset()
    )  # names a client may send back from an answer, which mean nothing here

    def get_fields(self) -> dict[str, Any]:
        """The declared fields under their names outside."""
        fields = {}
        for name, field in super().get_fields().items():  # type: ignore[misc]
            if camel(name) != name and field.source is None:
                field.source = name
            fields[camel(name)] = field
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """The values by their names inside. Raises ValidationError for unknown fields too."""
        if isinstance(data, dict):
            known = set(self.fields) | self.ignored  # type: ignore[attr-defined]
            unknown = unknown_names(data, known, "There is no such field.", "unknown_field")
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictCharField(serializers.CharField):
    """Text and nothing else: DRF takes numbers for text.

    Without null characters, which PostgreSQL cannot store.
    """

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false and nothing else: DRF takes "yes" and 1."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
