"""Settings that are free maps: the write rule, for each entry by itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from providers.core.base import Provider
from providers.core.schema import NO_MAP, SettingsField, settings_fields
from providers.core.types import is_entry_key

from .. import conf
from ..credentials import CLEAR, KEEP, MASKED, REPLACE, Undecryptable, merged, write_rule
from ..references import is_reference, place

if TYPE_CHECKING:
    from .settings_rules import Credentials, Judged

ONLY_A_MASK = "This is a mask, not a secret. Leave the value empty to keep what is stored."
NOTHING_TO_KEEP = "There is nothing stored to keep. Enter a value or a reference."
IN_CLEAR = (
    "{}: {} looks like a secret, but whoever sees the connection can read it. Put it under {}."
)


def merge_patch(
    provider: type[Provider[Any]], stored: Mapping[str, Any], patch: Mapping[str, Any]
) -> dict[str, Any]:
    """Stored plain settings with a merge patch (RFC 7396) over them: entries of plain maps too are
    merged, and None takes one away.

    Secrets are passed on: the write rule, which is the same for them, is judged later.
    """
    both = {**stored, **patch}
    for name, value in patch.items():
        field = settings_fields(provider).get(name)
        if field and field.kind == "map" and isinstance(value, dict):
            both[name] = {**entries(stored.get(name)), **value}
    return both


def entries(value: Any) -> dict[str, Any]:
    """The entries of a stored map, none where there is none."""
    return value if isinstance(value, dict) else {}


def apply_map(judged: "Judged", field: SettingsField, value: Any) -> None:
    """Stores what was posted for a plain map: all of it, but for entries that are None."""
    given = {key: one for key, one in _posted(judged, field, value).items() if one is not None}
    found = {
        key: one.strip() if isinstance(one, str) and is_reference(one.strip()) else one
        for key, one in given.items()
    }
    if found:
        judged.settings[field.name] = found


def notice_secrets(judged: "Judged", fields: Mapping[str, SettingsField]) -> None:
    """Says so when a key of a plain map sounds secret and its value is no reference, if there is a
    map for secrets.
    """
    home = next((field for field in fields.values() if field.kind == "secret_map"), None)
    for field in fields.values():
        for key, value in entries(judged.settings.get(field.name)).items():
            if (
                home
                and field.kind == "map"
                and value
                and not is_reference(value)
                and conf.sounds_secret(key)
            ):
                judged.notify(
                    place(field.name, key),
                    "sounds_secret",
                    IN_CLEAR.format(field.label, key, home.label),
                )


def apply_secret_map(
    judged: "Judged",
    field: SettingsField,
    posted: Mapping[str, Any],
    settings: Mapping[str, Any],
    credentials: "Credentials",
) -> tuple[dict[str, Any], bool]:
    """Applies the write rule to every entry.

    References go to `judged.settings`; returns the literals, and whether anything changed.
    """
    lost = credentials if isinstance(credentials, Undecryptable) else None
    stored = entries(
        merged(settings, credentials if isinstance(credentials, dict) else {}).get(field.name)
    )
    clears_all = field.name in posted and posted[field.name] is None
    given = (
        dict.fromkeys(stored)
        if clears_all
        else _stripped(judged, field, _posted(judged, field, posted.get(field.name)))
    )
    rules = {
        key: _rule(judged, field, given, key, stored.get(key, lost)) for key in {**stored, **given}
    }
    values = {
        key: given[key] if rule == REPLACE else stored.get(key)
        for key, rule in rules.items()
        if rule != CLEAR
    }
    if references := {key: value for key, value in values.items() if is_reference(value)}:
        judged.settings[field.name] = references
    literals = {
        key: value for key, value in values.items() if value is not None and not is_reference(value)
    }
    return literals, clears_all or bool({CLEAR, REPLACE} & set(rules.values()))


def _rule(
    judged: "Judged", field: SettingsField, given: Mapping[str, Any], key: str, stored: Any
) -> str:
    rule = write_rule(given, key, stored)
    where = place(field.name, key) if is_entry_key(key) else field.name
    if rule == MASKED:
        judged.refuse(where, "masked_value", ONLY_A_MASK)
    if rule == KEEP and stored is None:
        judged.refuse(where, "required", NOTHING_TO_KEEP)
    return rule


def _posted(judged: "Judged", field: SettingsField, value: Any) -> dict[str, Any]:
    """The posted entries; anything but a map is refused. None and an empty text are no entries."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        judged.refuse(field.name, "dict_type", NO_MAP)
        return {}
    return value


def _stripped(judged: "Judged", field: SettingsField, given: dict[str, Any]) -> dict[str, Any]:
    """Secrets without surrounding blanks and line breaks, as every other secret, and said so."""
    clean = {
        key: value.strip() if isinstance(value, str) else value for key, value in given.items()
    }
    for key, value in clean.items():
        if value and value != given[key]:
            judged.notify(
                place(field.name, key),
                "stripped",
                f"{key}: blanks or line breaks around the value were removed.",
            )
    return clean
