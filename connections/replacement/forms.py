"""The forms of the next key, and of a key that leaked."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from connections.display import public_settings
from connections.forms.base import SETTINGS
from connections.forms.inputs import SettingEntry, setting_input
from connections.models import Connection
from connections.services import Invalid
from connections.widgets import MapRow, SecretInput

from .services import key_fields


class NextKeyForm(forms.Form):
    """The next values of the settings that a connection's key consists of; empty ones stay."""

    def __init__(self, connection: Connection, user: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shown = public_settings(connection)
        fields = key_fields(connection.provider) if connection.provider else {}
        for field in fields.values():
            entry = SettingEntry(field, shown.get(field.name), f"{user.pk}:next:{connection.pk}", 0)
            entry_field = setting_input(entry)
            if field.is_map:
                entry_field.initial = [
                    MapRow(key, one) for key, one in entries_of(shown, field.name)
                ]
            if isinstance(entry_field.widget, SecretInput):
                entry_field.widget.is_open = True  # the page is there to replace it
            self.fields[SETTINGS + field.name] = entry_field

    def settings(self) -> dict[str, Any]:
        """The values that were entered, as the services take them."""
        given = {
            name.removeprefix(SETTINGS): value
            for name, value in self.cleaned_data.items()
            if value not in ("", None, {})
        }
        return {name: value for name, value in given.items() if self.has_changed_entry(name, value)}

    def has_changed_entry(self, name: str, value: Any) -> bool:
        """False for a reference that is only repeated."""
        return bool(value != self.fields[SETTINGS + name].initial)

    def add_refusal(self, refused: Invalid) -> None:
        """Puts each error of a service at its field, else at the top."""
        for error in refused.errors:
            name = error.field.replace("settings.", SETTINGS, 1).partition(".")[0]
            place = name if name in self.fields else None
            self.add_error(place, forms.ValidationError(error.message, error.code))


def entries_of(shown: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    """The entries of a map that is shown, none where there is none."""
    value = shown.get(name)
    return list(value.items()) if isinstance(value, dict) else []


class LeakedKeyForm(forms.Form):
    """A key that somebody has found where it should not be."""

    key = forms.CharField(
        required=False,
        strip=True,
        label=_("Key"),
        widget=SecretInput("leaked", attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("It is compared, and neither stored nor logged."),
    )
