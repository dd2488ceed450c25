"""Settings that are maps: their entries, as posted and as stored."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields
from providers.core.wording import NO_MAP

from .result import SettingsResult


def entries(value: Any) -> dict[str, Any]:
    """The entries of a stored map; an empty dict for anything else."""
    return value if isinstance(value, dict) else {}


def posted_entries(result: SettingsResult, field: SettingsField, value: Any) -> dict[str, Any]:
    """The posted entries; None and an empty text have none, anything else is refused."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        result.refuse(field.name, "dict_type", gettext(NO_MAP))
        return {}
    return value


def merge_patch(
    provider: type[Provider[Any]], stored: Mapping[str, Any], patch: Mapping[str, Any]
) -> dict[str, Any]:
    """Stored plain settings with a merge patch (RFC 7396) over them.

    The entries of plain maps are merged too, and None takes one away. Secrets are passed on as
    they are: the write rule, which comes later, means the same for them.
    """
    both = {**stored, **patch}
    for name, value in patch.items():
        field = settings_fields(provider).get(name)
        if field and field.kind == "map" and isinstance(value, dict):
            both[name] = {**entries(stored.get(name)), **value}
    return both
