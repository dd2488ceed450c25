"""Settings that are shown in clear: texts, numbers, choices, and maps of texts."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections import conf
from connections.references import is_reference, place
from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

from .maps import entries, posted_entries
from .result import SettingsResult

IN_CLEAR = gettext_noop(
    "%(setting)s: %(name)s looks like a secret, but whoever sees the connection can read it. Put "
    "it under %(home)s."
)


def plain_settings(provider: type[Provider[Any]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The stored settings that are not secret and that the provider still has."""
    fields = settings_fields(provider)
    return {
        name: value
        for name, value in settings.items()
        if name in fields and not fields[name].secret
    }


def write_plain(result: SettingsResult, field: SettingsField, posted: Any) -> None:
    """Stores a posted value; nothing for None, for an empty text and for a map without entries."""
    if posted is None or posted == "":
        return
    if not field.is_map:
        result.settings[field.name] = posted if is_reference(posted) else field.from_text(posted)
    elif found := {
        key: one.strip() if isinstance(one, str) and is_reference(one.strip()) else one
        for key, one in posted_entries(result, field, posted).items()
        if one is not None
    }:
        result.settings[field.name] = found


def notice_secrets_in_clear(result: SettingsResult, fields: Mapping[str, SettingsField]) -> None:
    """Adds a notice for each key of a plain map that sounds secret, if there is a map for secrets.

    A value that is a reference or empty gives none.
    """
    home = next((field for field in fields.values() if field.kind == "secret_map"), None)
    if home is None:
        return
    for field in fields.values():
        if field.kind != "map":
            continue
        for key, value in entries(result.settings.get(field.name)).items():
            if value and not is_reference(value) and conf.sounds_secret(key):
                values = {"setting": _(field.label), "name": key, "home": _(home.label)}
                text = _(IN_CLEAR) % values
                result.notify(place(field.name, key), "sounds_secret", text)
