"""One reading of a profile's settings class, for form, API, OpenAPI and detail page."""

import re
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel
from pydantic.fields import FieldInfo

REQUEST = gettext_noop("Settings")
LIMITS, FALLBACKS = gettext_noop("Limits"), gettext_noop("Fallbacks")
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
GROUPS = (REQUEST, LIMITS, FALLBACKS)  # in the order they are shown


@dataclass(frozen=True)
class ProfileField:
    """One setting as a surface sees it.

    `kind`: text, integer, number, boolean, texts (a list) or choices (a list of `choices`).

    `usual`: those that are meant where none is stored, which is something else than an empty list;
    `unset_pattern` says so.
    `signed`: a number below 0 is possible. `is_advanced`: seldom wanted, so forms fold it.
    """

    name: str
    label: str
    help: str
    kind: str
    group: str
    choices: tuple[tuple[str, str], ...]
    unset_pattern: str
    usual: tuple[str, ...]
    signed: bool
    is_advanced: bool = False

    @property
    def unset(self) -> str:
        """What choices mean where none is stored, in the active language."""
        usual = ", ".join(map(_, self.labels(list(self.usual))))
        return _(self.unset_pattern) % {"usual": usual}

    def labels(self, chosen: list[str]) -> list[str]:
        """The texts of what is chosen, in the order of the choices."""
        return [label for choice, label in self.choices if choice in chosen]


def on_one_line(text: str) -> str:
    """A text without line breaks and tabs: they are written as in programs."""
    return "".join(ESCAPES.get(character, character) for character in text)


def from_one_line(line: str) -> str:
    """The text that `on_one_line` wrote."""
    meant = {escape: character for character, escape in ESCAPES.items()}
    return re.sub(r"\\[\\ntr]", lambda found: meant[found[0]], line)


@cache
def fields_of(settings: type[BaseModel]) -> dict[str, ProfileField]:
    """The settings of a class by name, in the order they are shown."""
    fields = [_field_of(name, info) for name, info in settings.model_fields.items()]
    return {
        one.name: one
        for one in sorted(fields, key=lambda one: (GROUPS.index(one.group), one.kind == "choices"))
    }


def _field_of(name: str, info: FieldInfo) -> ProfileField:
    extra: dict[str, Any] = (
        info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    )
    kind, choices = _kind(info.annotation)
    shown = tuple((choice, extra.get("labels", {}).get(choice, choice)) for choice in choices)
    return ProfileField(
        name=name,
        label=info.title or name,
        help=info.description or "",
        kind=kind,
        group=extra.get("group", REQUEST),
        choices=shown,
        unset_pattern=extra.get("unset", ""),
        usual=tuple(extra.get("usual", ())),
        signed=any(getattr(one, "ge", 0) < 0 for one in info.metadata),
        is_advanced=bool(extra.get("advanced")),
    )


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    """`list[X] | None` is texts, or choices where X is a Literal."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) is list:
        inner = get_args(annotation)[0]
        return ("choices", get_args(inner)) if get_origin(inner) is Literal else ("texts", ())
    return {bool: "boolean", int: "integer", float: "number"}.get(annotation, "text"), ()
