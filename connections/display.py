"""The settings of a connection as they may be shown, and the state of its references."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from providers.core.schema import SettingsField, settings_fields

from .credentials import MASK, Undecryptable, masked, merged
from .kept import settings_alone
from .models import Connection
from .references import Resolution, place, references_in
from .section_teams import remembering


@dataclass(frozen=True)
class FieldReference:
    """One reference of a connection: the field that holds it and what it stands for."""

    field: str
    label: str
    resolution: Resolution


@sensitive_variables("credentials", "value")
def public_settings(connection: Connection) -> dict[str, Any]:
    """The settings that may be shown: plain values and references as stored, a stored literal as
    its mask.

    Never fails on a lost key. Of a secret map the keys are shown, each with its reference or mask;
    those behind a lost key are not known.
    """
    fields = settings_fields(connection.provider) if connection.provider else {}
    maps = {name for name, field in fields.items() if field.is_map}
    settings, credentials = settings_alone(connection.settings), connection.credentials
    if isinstance(credentials, Undecryptable):
        secret = [
            name for name, one in fields.items() if one.secret and _belongs(one, fields, settings)
        ]
        return {name: {} if name in maps else MASK for name in secret} | settings
    shown = {name: masked(value, name in maps) for name, value in (credentials or {}).items()}
    return merged(settings, shown)


def _belongs(
    field: SettingsField, fields: Mapping[str, SettingsField], settings: Mapping[str, Any]
) -> bool:
    """False for a setting of another choice than the one that is stored: a client secret beside an
    API key, for example.
    """
    if field.shown_when is None:
        return True
    other, wanted = field.shown_when
    return settings.get(other, fields[other].default) in wanted


def reference_states(connection: Connection) -> list[FieldReference]:
    """Every reference in the connection's settings with its resolution; needs no credentials."""
    fields = settings_fields(connection.provider) if connection.provider else {}
    found, resolve, team = [], remembering(), connection.team_id
    for name, key, reference in references_in(settings_alone(connection.settings)):
        resolution = resolve(reference, name in fields and fields[name].secret, team)
        found.append(FieldReference(place(name, key), setting_label(fields, name, key), resolution))
    return found


def setting_label(fields: Mapping[str, SettingsField], name: str, key: str = "") -> str:
    """The name of a setting for people, or of one entry of it: `Secrets: api-key`."""
    label = fields[name].label if name in fields else name
    return f"{label}: {key}" if key else label
