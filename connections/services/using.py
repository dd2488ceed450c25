"""From a stored row to something that can be used: decrypt, resolve, validate, construct. Late, at each use."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from providers.base import Limits, Provider, ProviderSettings
from providers.registry import UnknownProvider, get_provider
from providers.schema import SettingsField, secret_names, settings_fields, validate

from .. import conf
from ..credentials import MASK, Undecryptable, mask
from ..models import Connection
from ..references import Resolution, State, is_reference, unescape
from .errors import Unusable

CANNOT_DECRYPT = (
    "The stored credentials of {} cannot be decrypted: the key that encrypted them is not in FERNET_KEYS. Add that key again, or enter the "
    "credentials again."
)


@dataclass(frozen=True)
class FieldReference:
    """One reference of a connection: the field that holds it and what it stands for."""

    field: str
    label: str
    resolution: Resolution


def get_connection(id_or_alias: str) -> Connection:
    """The connection with this id or alias. Raises Connection.DoesNotExist."""
    try:
        return Connection.objects.get(pk=uuid.UUID(id_or_alias))
    except ValueError:
        return Connection.objects.get(alias=id_or_alias)


@sensitive_variables()
def resolved_settings(connection: Connection) -> ProviderSettings:
    """The provider's settings with every secret decrypted and every reference resolved, in SecretStr. Raises Unusable."""
    provider = _provider(connection)
    values: dict[str, Any] = {}
    for name, value in _stored(connection).items():
        if type(value) is str and value[:1] == "$":
            value = _resolve(connection, provider, name, value) if is_reference(value) else unescape(value)
        values[name] = value
    try:
        return provider.Settings.model_validate(values)
    except ValueError:
        raise _invalid(connection, provider, values) from None


def _provider(connection: Connection) -> type[Provider[Any]]:
    try:
        return get_provider(connection.provider_id)
    except UnknownProvider as error:
        raise Unusable("unknown_provider", str(error)) from None


def _stored(connection: Connection) -> dict[str, Any]:
    credentials = connection.credentials
    if isinstance(credentials, Undecryptable):
        raise Unusable("undecryptable", CANNOT_DECRYPT.format(connection.name))
    return {**connection.settings, **credentials} if credentials else connection.settings


def _resolve(connection: Connection, provider: type[Provider[Any]], name: str, reference: str) -> str:
    resolution = conf.resolver().resolve(reference, name in secret_names(provider))
    if resolution.value is None:
        raise Unusable("unresolved_reference", resolution.message)
    return resolution.value


def _invalid(connection: Connection, provider: type[Provider[Any]], values: dict[str, Any]) -> Unusable:
    """Read again by the slow path that words its findings; only rows made before a provider changed get here."""
    _, errors = validate(provider, values)
    fields = settings_fields(provider)
    texts = [f"{fields[error.field].label if error.field in fields else error.field}: {error.message}" for error in errors]
    return Unusable("invalid_settings", f"The settings of {connection.name} do not fit {provider.name}. {' '.join(texts)}")


@sensitive_variables()
def get_configured_provider(connection: Connection, *, limits: Limits = Limits(), even_inactive: bool = False) -> Provider[Any]:
    """A provider ready for use. Raises Unusable, with code connection_inactive when the row is switched off."""
    if not connection.is_active and not even_inactive:
        raise Unusable("connection_inactive", f"The connection {connection.alias} is switched off.")
    settings = resolved_settings(connection)
    return _provider(connection)(settings, egress=conf.egress(), limits=limits)


@sensitive_variables("credentials", "value")
def public_settings(connection: Connection) -> dict[str, Any]:
    """What may be shown: plain values and references as stored, a stored literal as its mask. Never fails on a lost key."""
    shown = dict(connection.settings)
    credentials = connection.credentials
    if isinstance(credentials, Undecryptable):
        missing = secret_names(connection.provider) - set(shown) if connection.provider else set()
        return shown | {name: MASK for name in missing}
    return shown | {name: mask(value) for name, value in (credentials or {}).items()}


def reference_states(connection: Connection) -> list[FieldReference]:
    """Every reference in the connection's settings with what it stands for; needs no credentials."""
    provider = connection.provider
    fields: dict[str, SettingsField] = settings_fields(provider) if provider else {}
    found = []
    for name, value in connection.settings.items():
        if is_reference(value):
            secret = fields[name].secret if name in fields else False
            label = fields[name].label if name in fields else name
            found.append(FieldReference(name, label, conf.resolver().resolve(value, secret)))
    return found


def unresolved(connection: Connection) -> list[FieldReference]:
    """The references that stand in the way of using the connection."""
    return [one for one in reference_states(connection) if one.resolution.state != State.RESOLVED]
