"""The validation of posted settings: the write rule of secrets, the rule of addresses, references,
and the provider's own schema.

One function for create, update and test-before-save, for every surface.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from connections.credentials import Undecryptable
from connections.resolving import Asker
from providers.core.base import Provider
from providers.core.schema import SettingsField, canonical, settings_fields

from .addresses import check_egress, refuse_kept_secrets
from .maps import entries, merge_patch
from .plain import notice_secrets_in_clear, plain_settings, write_plain
from .result import Credentials, SettingsResult, Stored
from .schema import check_schema
from .secrets import SecretWriter

__all__ = ["SettingsResult", "entries", "merge_patch", "plain_settings", "validate_settings"]


def validate_settings(
    provider: type[Provider[Any]],
    posted: Mapping[str, Any],
    settings: Mapping[str, Any],
    credentials: Credentials,
    missing_secrets: Collection[str] = (),
    *,
    asker: Asker,
) -> SettingsResult:
    """Validates `posted`, field -> value, against what is stored in `settings` and `credentials`.

    A plain field that is absent is cleared. A secret that `missing_secrets` names may be missing.
    `asker`: on whose behalf references are named.
    """
    fields = settings_fields(provider)
    result, stored = SettingsResult({}, None), Stored(settings, credentials)
    typed: dict[str, Any] = {}
    for name, value in posted.items():
        if name in fields:
            typed[name] = canonical(provider, name, _stripped(result, fields[name], value))
        else:
            text = _("There is no setting %(name)r. There are: %(names)s.")
            values = {"name": name[:100], "names": ", ".join(fields)}
            result.refuse(name, "unknown_field", text % values)
    secrets = SecretWriter(result, stored)
    secrets.write(fields, typed)
    for name, value in typed.items():
        if not fields[name].secret:
            write_plain(result, fields[name], value)
    notice_secrets_in_clear(result, fields)
    for field in fields.values():
        if field.address or field.proxy:
            check_egress(result, field)
    refuse_kept_secrets(result, fields, stored, secrets.kept)
    result.missing_secrets = [
        name for name in missing_secrets if not _is_there(result, *name.partition(".")[::2])
    ]
    check_schema(result, provider, asker)
    return result


def _stripped(result: SettingsResult, field: SettingsField, value: Any) -> Any:
    """A typed text without blanks and line breaks around it, with a notice if it is a secret."""
    if not isinstance(value, str):
        return value
    stripped = value.strip()
    if field.secret and stripped and stripped != value:
        text = _("%(name)s: blanks or line breaks around the value were removed.")
        result.notify(field.name, "stripped", text % {"name": _(field.label)})
    return stripped


def _is_there(result: SettingsResult, name: str, key: str) -> bool:
    if isinstance(result.credentials, Undecryptable):
        return True  # nobody knows
    value = result.values.get(name)
    return bool(entries(value).get(key) if key else value)
