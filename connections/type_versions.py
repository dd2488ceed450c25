"""Rows that an older version of their provider made, brought up to today's."""

from collections.abc import Collection, Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider
from providers.core.schema import settings_fields

from .credentials import Undecryptable, merged
from .models import Connection
from .references import is_reference


@sensitive_variables()
def bring_up(row: Connection, provider: type[Provider[Any]]) -> bool:
    """Puts the row's settings into the names of the provider's version, and says whether that was
    needed. Saves nothing.

    A row that cannot be decrypted stays as it is: its secrets cannot be renamed before its key is
    back.
    """
    if row.type_version >= provider.version or isinstance(row.credentials, Undecryptable):
        return False
    before, literals = row.settings, row.credentials or {}
    settings, credentials = split(
        provider, provider.migrated(row.type_version, merged(before, literals))
    )
    for name in [
        name
        for name, value in settings.items()
        if name not in before and value in literals.values()
    ]:
        credentials[name] = settings.pop(
            name
        )  # what was encrypted stays so, whatever the new version takes it for
    row.lacking = _renamed(row.lacking, row.type_version, provider)
    row.settings, row.credentials = settings, credentials or None
    row.type_version = provider.version
    row.settings_version = row.version + 1  # which the save will make it
    return True


def _renamed(lacking: Collection[str], version: int, provider: type[Provider[Any]]) -> list[str]:
    """The names of missing secrets, as the provider's version has them."""
    found = []
    for name, dot, key in (one.partition(".") for one in lacking):
        mark = object()
        found += [
            f"{new}{dot}{key}"
            for new, value in provider.migrated(version, {name: mark}).items()
            if value is mark
        ]
    return found


@sensitive_variables()
def split(
    provider: type[Provider[Any]], values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values divided into `settings` and `credentials`: literal secrets go into the latter,
    everything else into the former.
    """
    fields = settings_fields(provider)
    settings: dict[str, Any] = {}
    credentials: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields or not fields[name].secret:
            settings[name] = value
        elif fields[name].is_map and isinstance(value, dict):
            for key, one in value.items():
                (settings if is_reference(one) else credentials).setdefault(name, {})[key] = one
        else:
            (settings if is_reference(value) else credentials)[name] = value
    return settings, credentials
