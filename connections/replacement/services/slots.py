"""The values of a key, out of a connection and into one: the slots of a replacement."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables

from connections.credentials import Undecryptable
from connections.models import Connection
from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

Slot = dict[str, dict[str, Any]]


def key_fields(provider: type[Provider[Any]]) -> dict[str, SettingsField]:
    """The settings that a key consists of: every secret but that of a proxy, and the names that are
    given out together with one, such as a client ID.
    """
    return {
        name: field
        for name, field in settings_fields(provider).items()
        if not field.for_proxy and (field.secret or _is_pair(provider, name))
    }


def _is_pair(provider: type[Provider[Any]], name: str) -> bool:
    marks = provider.Settings.model_fields[name].json_schema_extra
    return isinstance(marks, dict) and bool(marks.get("pair"))


@sensitive_variables()
def slot_of(row: Connection, fields: Iterable[str]) -> Slot | None:
    """The values that a connection has now of these settings, literals and references apart. None
    where no key opens them.
    """
    if isinstance(row.credentials, Undecryptable):
        return None
    homes: dict[str, Mapping[str, Any]] = {
        "settings": row.settings,
        "credentials": row.credentials or {},
    }
    return {
        home: {name: values[name] for name in fields if name in values}
        for home, values in homes.items()
    }


@sensitive_variables()
def put_slot(row: Connection, fields: Iterable[str], slot: Slot) -> None:
    """Gives a connection the values of a slot in place of those it has of these settings. It is not
    saved.
    """
    credentials = {} if isinstance(row.credentials, Undecryptable) else dict(row.credentials or {})
    settings = dict(row.settings)
    for name in fields:
        settings.pop(name, None)
        credentials.pop(name, None)
    row.settings = {**settings, **slot["settings"]}
    row.credentials = {**credentials, **slot["credentials"]} or None
