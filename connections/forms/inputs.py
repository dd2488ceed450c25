"""The inputs of a connection's settings: a table of widgets by the look of a setting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

from ..references import is_reference
from ..widgets import ChoiceOrReference, MapInput, SecretInput
from .base import as_text
from .fields import MapField

# the ids of the lists of references in the form
SECRET_REFERENCES, PLAIN_REFERENCES = "secret-references", "plain-references"
YES_NO = (("true", gettext_noop("Yes")), ("false", gettext_noop("No")))


class SecretArea(SecretInput):
    """A secret of several lines."""

    template_name = "widgets/secret_area.html"


@dataclass(frozen=True)
class SettingEntry:
    """One setting in the form of one connection.

    `shown`: the stored value, masked if it is a secret, None without one; `purpose`: see
    SecretInput; `number`: which choice field of the form it is, 0 for any other field.
    """

    field: SettingsField
    shown: Any
    purpose: str
    number: int

    @property
    def look(self) -> str:
        """The key of its widget in WIDGETS."""
        if self.field.is_map:
            return "map"
        if self.field.secret:
            has_lines = self.field.kind == "headers" or self.field.multiline
            return "secret lines" if has_lines else "secret"
        if self.field.multiline:
            return "lines"
        return "choice" if self.number else "line"

    @property
    def mask(self) -> str:
        """The mask of a stored secret; empty for a reference, which is shown itself."""
        return "" if self.shown is None or is_reference(self.shown) else self.shown

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of an input of text."""
        return {
            # browsers put a password of their own into a field of secrets that says "off"
            "autocomplete": "new-password" if self.field.secret else "off",
            "spellcheck": "false",
            "placeholder": _(self.field.placeholder),
            "list": SECRET_REFERENCES if self.field.secret else PLAIN_REFERENCES,
        }

    @property
    def initial(self) -> str | None:
        """The entry of a connection that has no value yet; of a stored reference, the reference."""
        if self.field.secret:
            return self.shown if is_reference(self.shown) else None
        if self.look != "choice":
            return None
        # the first choice that must be made, so that the fields that depend on it are seen
        must_choose = self.field.required and self.field.default is None
        return as_text(choices_of(self.field)[0][0] if must_choose else self.field.default)


WIDGETS: dict[str, Callable[[SettingEntry], forms.Widget]] = {
    "map": lambda one: MapInput(
        _(one.field.label),
        one.shown or {},
        one.purpose if one.field.secret else "",
        one.attributes["list"],
    ),
    "secret": lambda one: SecretInput(one.purpose, one.mask, one.attributes),
    "secret lines": lambda one: SecretArea(one.purpose, one.mask, one.attributes),
    "choice": lambda one: ChoiceOrReference(
        one.number, [(value, _(text)) for value, text in choices_of(one.field)]
    ),
    "lines": lambda one: forms.Textarea({**one.attributes, "rows": 4}),
    "line": lambda one: forms.TextInput(
        one.attributes | {"placeholder": _(one.field.placeholder) or as_text(one.field.default)}
    ),
}


def setting_input(entry: SettingEntry) -> forms.Field:
    """The form's field for a setting. It is never required: the services say what is missing."""
    common: dict[str, Any] = {
        "widget": WIDGETS[entry.look](entry),
        "label": _(entry.field.label),
        "required": False,
        "help_text": _(entry.field.help),
    }
    if entry.look == "map":
        return MapField(**common)
    return forms.CharField(initial=entry.initial, strip=not entry.field.secret, **common)


def choices_of(field: SettingsField) -> tuple[tuple[str, str], ...]:
    """The values and labels to choose from."""
    return YES_NO if field.kind == "boolean" else field.choices


def choice_numbers(provider: type[Provider[Any]]) -> dict[str, int]:
    """The number of each choice field of a provider's form, counted from 1."""
    names = [
        one.name for one in settings_fields(provider).values() if one.kind in ("choice", "boolean")
    ]
    return {name: number for number, name in enumerate(names, 1)}
