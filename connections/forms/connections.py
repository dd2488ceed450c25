"""The form of a connection, read off its provider's schema."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField

from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

from ..models import Connection
from ..references import is_reference
from ..services import public_settings
from ..widgets import ChoiceOrReference, MapInput, MapRow, SecretInput
from .base import SETTINGS, RowForm
from .fields import MapField

YES_NO = (("true", "Yes"), ("false", "No"))
MOST_CHOICES, MOST_OPTIONS = 4, 12  # that other fields depend on, as the stylesheet has them


class ConnectionForm(RowForm):
    """A connection of one provider; its settings fields are read off the provider's schema."""

    row_class = Connection

    def __init__(
        self,
        provider: type[Provider[Any]],
        user: Any,
        connection: Connection | None = None,
        **kwargs: Any,
    ) -> None:
        self.provider, self.row = provider, connection
        shown = public_settings(connection) if connection else {}
        kwargs["initial"] = {**_initial(provider, connection, shown), **kwargs.get("initial", {})}
        super().__init__(**kwargs)
        self.fix_alias()
        purpose = f"{user.pk}:{provider.id}:{connection.pk if connection else ''}"
        for field in settings_fields(provider).values():
            self.fields[SETTINGS + field.name] = _settings_input(
                provider, field, shown.get(field.name), purpose
            )
            if (
                field.secret
                and not field.is_map
                and shown.get(field.name) is not None
                and not field.required
            ):
                self.fields[f"{SETTINGS}{field.name}-clear"] = forms.BooleanField(
                    required=False, label=f"Clear the stored {field.label}"
                )

    def settings(self) -> dict[str, Any]:
        """None for a secret whose Clear box is ticked; an empty text keeps it."""
        posted = {
            name: value for name, value in super().settings().items() if not name.endswith("-clear")
        }
        cleared = [
            name
            for name in posted
            if self.cleaned_data.get(f"{SETTINGS}{name}-clear") and not posted[name]
        ]
        return posted | dict.fromkeys(cleared)

    def column_inputs(self) -> list[BoundField]:
        """The inputs of the connection's own columns, besides its name and alias."""
        return [self[name] for name in Connection.editable_columns if name != "name"]

    def add_row(self, name: str) -> None:
        """One more empty row in the map of this input, if there is such a map."""
        if name in self.fields and isinstance(self.fields[name], MapField):
            self.initial[name] = [*(self.initial.get(name) or ()), MapRow()]
            self.fields[name].widget.begins_in_last = True

    @property
    def has_rows(self) -> bool:
        """Whether it has buttons that only add a row: then Enter must still save."""
        return any(isinstance(field, MapField) for field in self.fields.values())

    def groups(self) -> Iterator[tuple[str, list[BoundField]]]:
        """The settings fields by group, General first."""
        found: dict[str, list[BoundField]] = {}
        for name, field in settings_fields(self.provider).items():
            found.setdefault(field.group, []).append(self._decorated(self[SETTINGS + name], field))
        yield from found.items()

    def _decorated(self, bound: BoundField, field: SettingsField) -> BoundField:
        """Hands the template what it needs beside the input: the Clear box, and on which choice the
        field depends.
        """
        clear = f"{bound.name}-clear"
        bound.clear = self[clear] if clear in self.fields else None  # type: ignore[attr-defined]
        bound.schema = field  # type: ignore[attr-defined]
        bound.depends = _dependence(self.provider, field)  # type: ignore[attr-defined]
        return bound


def _initial(
    provider: type[Provider[Any]], connection: Connection | None, shown: dict[str, Any]
) -> dict[str, Any]:
    if connection is None:
        return {}
    columns = {
        name: getattr(connection, name) for name in (*connection.editable_columns, "version")
    }
    maps = {
        name: [MapRow(key, value) for key, value in shown[name].items()]
        for name in shown
        if _is_map(provider, name)
    }
    return columns | {SETTINGS + name: maps.get(name, value) for name, value in shown.items()}


def _is_map(provider: type[Provider[Any]], name: str) -> bool:
    field = settings_fields(provider).get(name)
    return field is not None and field.is_map


def _dependence(provider: type[Provider[Any]], field: SettingsField) -> str:
    """`1-2 1-3`: the field is shown while the second or third choice of the first choice field is
    ticked. The stylesheet knows these.

    Empty for a field that depends on none, or on one that is beyond what the stylesheet knows: that
    is always shown.
    """
    if field.shown_when is None:
        return ""
    name, wanted = field.shown_when
    values = [str(value) for value, _ in settings_fields(provider)[name].choices or YES_NO]
    number, options = (
        _choice_number(provider, name),
        [values.index(_text(one)) + 1 for one in wanted],
    )
    return (
        " ".join(f"{number}-{option}" for option in options)
        if number <= MOST_CHOICES and max(options) <= MOST_OPTIONS
        else ""
    )


def _choice_number(provider: type[Provider[Any]], name: str) -> int:
    choices = [
        one.name for one in settings_fields(provider).values() if one.kind in ("choice", "boolean")
    ]
    return choices.index(name) + 1


def _settings_input(
    provider: type[Provider[Any]], field: SettingsField, shown: Any, purpose: str
) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "required": False, "help_text": field.help}
    if field.is_map:
        return MapField(
            widget=MapInput(field.label, shown or {}, purpose if field.secret else ""), **common
        )
    attrs = {"autocomplete": "off", "spellcheck": "false", "placeholder": field.placeholder}
    if field.multiline and not field.secret:
        return forms.CharField(widget=forms.Textarea({**attrs, "rows": 4}), **common)
    if field.secret:
        stored = shown if shown is not None and not is_reference(shown) else ""
        reference = shown if is_reference(shown) else None
        input_type = SecretArea if field.kind == "headers" or field.multiline else SecretInput
        return forms.CharField(
            initial=reference, strip=False, widget=input_type(purpose, stored, attrs), **common
        )
    if field.kind in ("choice", "boolean"):
        choices = YES_NO if field.kind == "boolean" else field.choices
        first = (
            choices[0][0] if field.required and field.default is None else field.default
        )  # the fields that depend on it are then seen
        return forms.CharField(
            initial=_text(first),
            widget=ChoiceOrReference(_choice_number(provider, field.name), choices),
            **common,
        )
    widget = forms.TextInput({**attrs, "placeholder": field.placeholder or _text(field.default)})
    return forms.CharField(widget=widget, **common)


def _text(value: Any) -> str:
    """A value as a form has it: `true` and `false` in lower case, nothing for None."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


class SecretArea(SecretInput):
    """A secret of several lines."""

    template_name = "widgets/secret_area.html"
