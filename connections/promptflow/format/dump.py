"""Stored values as promptflow's file: the opposite of documents.py."""

from collections.abc import Mapping
from typing import Any

from connections.references import is_reference
from providers.core.yaml import write

from .shapes import Shape
from .values import written

LAST = ("module",)


def shown_fields(shape: Shape, public: Mapping[str, Any], hidden: str) -> dict[str, Any]:
    """The fields that are set, by the names of a file and in their order.

    `public`: as display.public_settings; a literal secret is `hidden`.
    """
    found: dict[str, Any] = {}
    for name, ours, secret, is_map in shape.listed_fields:
        value = public.get(ours)
        if value is None or value == "":
            continue
        if is_map and isinstance(value, Mapping):
            found[name] = {
                key: _hidden_or_written(one, secret, hidden) for key, one in value.items()
            }
        else:
            found[name] = _hidden_or_written(value, secret, hidden)
    return found


def _hidden_or_written(value: Any, secret: bool, hidden: str) -> str:
    return hidden if secret and not is_reference(value) else written(value)


def file_text(shape: Shape, name: str, public: Mapping[str, Any], hidden: str) -> str:
    """The whole file: `$schema`, type, name, the fields, `configs`, `secrets`, `module`."""
    fields = shown_fields(shape, public, hidden)
    last = {one: fields.pop(one) for one in LAST if one in fields}
    return write(
        {
            "$schema": shape.schema,
            "type": shape.type,
            "name": name,
            **dict(sorted(fields.items(), key=lambda item: shape.is_map(item[0]))),  # maps last
            **last,
        }
    )
