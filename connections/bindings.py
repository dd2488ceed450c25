"""What an encrypted document belongs to: it says so inside itself, so that whoever can write to the
database, and no more, cannot have a secret used by another row or sent to another address.

A connection's is bound to its id, its provider and its settings. Of the settings those count that
decide where secrets go, or that the provider does not know: for the others a secret need not be
entered again, which nobody can do where its key is away. The version before leaves out what it
says, as it does with all names that have a dot (kept.py).
"""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.views.decorators.debug import sensitive_variables

from providers.core.registry import UnknownProvider, get_provider
from providers.core.schema import SettingsField, settings_fields

from .credentials import Binding, SecretDict

NO_SETTING = "."  # in names that are not settings


def binding_of_connection(pk: UUID | str, provider_id: str, values: Mapping[str, Any]) -> Binding:
    """The binding of the secrets of a connection with these settings."""
    found = {name: _digest(value) for name, value in _alone(values).items()}
    return [_row_of_connection(pk, provider_id), found]


def binding_of_token(connection_id: UUID | str, key: str) -> Binding:
    """The binding of an OAuth2 token: to its connection, and to the grant that `key` stands for."""
    return [_digest(["access token", str(connection_id), key]), {}]


def belongs_to_connection(
    binding: Binding, pk: UUID | str, provider_id: str, values: Mapping[str, Any]
) -> bool:
    """True if secrets with this binding may be used by a connection with these settings."""
    row, then = binding
    if row != _row_of_connection(pk, provider_id):
        return False
    try:
        fields = settings_fields(get_provider(provider_id))
    except UnknownProvider:
        fields = {}
    now = _alone(values)
    return all(
        _is_as_then(fields.get(name), now.get(name), then.get(name))
        for name in {*then, *now}
        if name not in fields or fields[name].guards_secrets
    )


def _is_as_then(field: SettingsField | None, value: Any, then: str | None) -> bool:
    """False for a setting that changed, other than in a way that asks for no secret again."""
    if value is None and then is None:
        return True
    if field is not None:
        if (field.trust and value is True) or (field.proxy and value is None):
            return True
        value = field.default if value is None else value
        then = _digest(field.default) if then is None else then
    return (None if value is None else _digest(value)) == then


def _row_of_connection(pk: UUID | str, provider_id: str) -> str:
    parts = map(encode_basestring_ascii, ("connection", str(pk), provider_id))
    return sha256(f"[{', '.join(parts)}]".encode()).hexdigest()[:32]


def _alone(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if NO_SETTING not in name and value is not None
    }


def _digest(value: Any) -> str:
    is_text = isinstance(value, str)  # most are, and for them json.dumps takes ten times as long
    text = encode_basestring_ascii(value) if is_text else json.dumps(_plain(value), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    """A value as it is after any database: jsonb writes numbers in its own way."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value) + 0.0  # -0.0 is 0.0
        except OverflowError:
            return str(value)
    return value


@sensitive_variables()
def bound(credentials: Mapping[str, Any], binding: Binding) -> SecretDict:
    """Credentials that say what they belong to once they are stored."""
    found = SecretDict(credentials)
    found.bound = binding
    return found


def grace_until(end: datetime) -> str:
    """A note, which only a key of FERNET_KEYS can make, that documents without a binding are taken
    until then.
    """
    said = end.isoformat()
    return f"{said} {_mark(settings.FERNET_KEYS[0], said)}"


def is_grace(note: str, now: datetime) -> bool:
    """True if a note says that documents without a binding are taken now."""
    said, _, mark = note.partition(" ")
    if not any(hmac.compare_digest(mark, _mark(key, said)) for key in settings.FERNET_KEYS or ()):
        return False
    end = parse_datetime(said)
    return end is not None and now < end


def _mark(key: str, said: str) -> str:
    purpose = hmac.digest(key.encode(), b"switchboard unbound credentials", "sha256")
    return hmac.digest(purpose, said.encode(), "sha256").hex()
