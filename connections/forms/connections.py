"""The form of a connection, made of its provider's schema."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

from ..display import public_settings
from ..models import Connection
from ..widgets import MapRow
from .base import SETTINGS, FieldGroup, RowForm, as_text, team_choices
from .fields import MapField
from .inputs import SettingEntry, choice_numbers, choices_of, setting_input

MOST_CHOICES, MOST_OPTIONS = 4, 12  # that other fields depend on, as the stylesheet has them


class ConnectionForm(RowForm):
    """A connection of one provider; its settings fields are read off the provider's schema."""

    row_class = Connection
    is_checked = forms.BooleanField(
        required=False,
        initial=True,
        label=gettext_lazy("Check by itself"),
        help_text=gettext_lazy(
            "Tests it now and then while nobody calls it, if a test is free: its health is known "
            "without anybody's asking."
        ),
    )
    expires_at = forms.DateField(
        required=False,
        label=gettext_lazy("Key ends"),
        help_text=gettext_lazy(
            "The last day of the key, if it has one. Attention tells it in time; what the service "
            "itself says of the key counts before this."
        ),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )

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
        if connection is None:
            self.add_team(team_choices("connection", user))
        purpose = f"{user.pk}:{provider.id}:{connection.pk if connection else ''}"
        numbers = choice_numbers(provider)
        for field in settings_fields(provider).values():
            stored = shown.get(field.name)
            self.fields[SETTINGS + field.name] = setting_input(
                SettingEntry(field, stored, purpose, numbers.get(field.name, 0))
            )
            may_clear = field.secret and not field.is_map and not field.required
            if may_clear and stored is not None:
                self.fields[f"{SETTINGS}{field.name}-clear"] = forms.BooleanField(
                    required=False,
                    label=_("Clear the stored %(setting)s") % {"setting": _(field.label)},
                )

    def columns(self) -> dict[str, Any]:
        """As of every row; an empty date takes the stored one away."""
        found = super().columns()
        return found | {"expires_at": found.get("expires_at") or ""}

    def settings(self) -> dict[str, Any]:
        """The settings as the services take them: None clears a secret, an empty text keeps it."""
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
        names = [one for one in Connection.editable_columns if one != "name"]
        return [self[name] for name in (*(["team"] if "team" in self.fields else []), *names)]

    def add_row(self, name: str) -> None:
        """Adds an empty row to the map of this input, if there is such a map."""
        if name in self.fields and isinstance(self.fields[name], MapField):
            self.initial[name] = [*(self.initial.get(name) or ()), MapRow()]
            self.fields[name].widget.begins_in_last = True

    @property
    def has_rows(self) -> bool:
        """True if it has buttons that only add a row: then Enter must still save."""
        return any(isinstance(field, MapField) for field in self.fields.values())

    def groups(self) -> Iterator[FieldGroup]:
        """The settings fields by group, those that are folded last. Whatever must be entered, or
        is a secret of the service, is never in a folded group, and neither is the first.
        """
        found: dict[str, list[SettingsField]] = {}
        for field in settings_fields(self.provider).values():
            found.setdefault(field.group, []).append(field)
        groups = [
            FieldGroup(
                name,
                [self._decorated(self[SETTINGS + one.name], one) for one in fields],
                name != next(iter(found))
                and (name == "Advanced" or not any(map(_matters, fields))),
            )
            for name, fields in found.items()
        ]
        yield from sorted(groups, key=lambda one: one.is_folded)

    def _decorated(self, bound: BoundField, field: SettingsField) -> BoundField:
        """The input with what the template shows beside it: the Clear box, and the choice that the
        field depends on.
        """
        clear = f"{bound.name}-clear"
        bound.clear = self[clear] if clear in self.fields else None  # type: ignore[attr-defined]
        bound.schema = field  # type: ignore[attr-defined]
        bound.unset = as_text(field.default)  # type: ignore[attr-defined]
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
        for name, field in settings_fields(provider).items()
        if field.is_map and name in shown
    }
    return columns | {SETTINGS + name: maps.get(name, value) for name, value in shown.items()}


def _matters(field: SettingsField) -> bool:
    return field.required or field.secret or field.required_when_shown


def _dependence(provider: type[Provider[Any]], field: SettingsField) -> str:
    """`1-2 1-3`: the field is shown while the second or third choice of the first choice field is
    ticked. The stylesheet knows these.

    Empty for a field that depends on none, or on one that is beyond what the stylesheet knows: that
    is always shown.
    """
    if field.shown_when is None:
        return ""
    name, wanted = field.shown_when
    values = [str(value) for value, _ in choices_of(settings_fields(provider)[name])]
    number = choice_numbers(provider)[name]
    options = [values.index(as_text(one)) + 1 for one in wanted]
    if number > MOST_CHOICES or max(options) > MOST_OPTIONS:
        return ""
    return " ".join(f"{number}-{option}" for option in options)
