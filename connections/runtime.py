"""The way from a stored row to something that can be used: decrypt, resolve, validate, construct.

Late, at each use.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db import connection as database
from django.db import connections as databases
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables
from pydantic import ValidationError
from pydantic_core import from_json

from providers.core.base import Limits, Provider
from providers.core.registry import UnknownProvider, get_provider
from providers.core.schema import SettingsField, settings_fields, validate
from providers.core.settings import ProviderSettings
from providers.http.service import HttpService

from . import conf
from .access_tokens import DatabaseTokens
from .catalog import confirm_types
from .credentials import Misplaced, Undecryptable, decrypt, merged
from .destinations import refuse_unapproved
from .display import setting_label
from .errors import Unusable
from .former_aliases import OWN_CODE, former_alias, note_use
from .kept import settings_alone
from .lookup import id_or_alias_q, parse_id
from .models import Connection, Fallback, Profile, judged_of_connection
from .profile_settings import ProfileSettings, profile_settings_class
from .references import Resolution, is_reference, unescape
from .resolving import Asker
from .section_teams import asker_of
from .wording import LOST


@dataclass(slots=True)
class StoredConnection:
    """The columns of a connection that using it needs, read without the ORM, whose `.get` alone
    takes five times as long.
    """

    id: uuid.UUID
    alias: str
    name: str
    version: int
    provider_id: str
    is_active: bool
    settings: dict[str, Any]
    credentials: Any = field(repr=False)
    type_version: int = 1
    team_id: uuid.UUID | None = None


Usable = Connection | StoredConnection
QUERY = (
    "SELECT id, alias, name, version, provider_id, is_active, settings, credentials, type_version, "
    "team_id FROM connections_connection WHERE {} = {}"
)
PLACEHOLDERS = {"sqlite": "?", "postgresql": "%s"}


@sensitive_variables()
def find_connection(id_or_alias: str) -> StoredConnection:
    """The connection with this id, alias or former alias, for use: whoever looks, since it is
    looked for on behalf of a profile, or of code on this server.

    One indexed query, two more for a former alias, whose use is noted. Raises
    Connection.DoesNotExist.
    """
    if "\x00" in id_or_alias:  # PostgreSQL refuses to look for one
        raise Connection.DoesNotExist(f"There is no connection {id_or_alias!r}.")
    pk = parse_id(id_or_alias)
    row = _row("alias", id_or_alias) if pk is None else _row_by_id(pk)
    if row is None and pk is None and (former := former_alias(Connection, id_or_alias)):
        row = _row_by_id(former.row_id)
        note_use(former, OWN_CODE)
    if row is None:
        raise Connection.DoesNotExist(f"There is no connection {id_or_alias!r}.")
    key, alias, name, version, provider_id, is_active, settings, token, type_version, team = row
    pk, plain = _as_id(key), from_json(settings)
    return StoredConnection(
        pk,
        alias,
        name,
        version,
        provider_id,
        bool(is_active),
        plain,
        judged_of_connection(decrypt(token), pk, provider_id, plain),
        type_version,
        team and _as_id(team),
    )


def _as_id(value: uuid.UUID | str) -> uuid.UUID:
    """An id as the driver gives it: SQLite knows texts alone."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


@dataclass(slots=True)
class StoredProfile:
    """The columns of a profile that using it needs.

    `settings` are validated; `fallback_ids` are in the order they are tried. `former_alias_id`: of
    the former alias by which it was looked for, None for any other look-up.
    """

    id: uuid.UUID
    alias: str
    name: str
    version: int
    capability: str
    connection_id: uuid.UUID
    model: str
    is_active: bool
    settings: ProfileSettings
    fallback_ids: tuple[uuid.UUID, ...]
    former_alias_id: uuid.UUID | None = None
    team_id: uuid.UUID | None = None


PROFILE_COLUMNS = (
    *("id", "alias", "name", "version", "capability", "connection_id"),
    *("model", "is_active", "settings", "team_id"),
)


def find_profile(id_or_alias: str) -> StoredProfile:
    """The profile with this id, or this alias or former alias in any letter case, for use, whoever
    looks.

    Two queries, two more for a former alias. Raises Profile.DoesNotExist, Unusable.
    """
    found = _stored_profile(Profile.every.filter(id_or_alias_q(id_or_alias)))
    if found is None and not parse_id(id_or_alias):
        former = former_alias(Profile, id_or_alias)
        found = _stored_profile(Profile.every.filter(pk=former.row_id)) if former else None
        if former and found:
            found.former_alias_id = former.pk
    if found is None:
        raise Profile.DoesNotExist(f"There is no profile {id_or_alias!r}.")
    return found


def find_default_profile(capability: str) -> StoredProfile | None:
    """The profile that answers when none is named, None where none is chosen.

    Two queries. Raises Unusable.
    """
    return _stored_profile(Profile.every.filter(default_for__capability=capability))


def _stored_profile(rows: QuerySet[Profile]) -> StoredProfile | None:
    columns = rows.order_by().values(*PROFILE_COLUMNS).first()
    if columns is None:
        return None
    settings = _profile_settings(columns)
    fallback_ids = Fallback.objects.filter(profile_id=columns["id"]).values_list(
        "fallback_id", flat=True
    )
    return StoredProfile(**columns | {"settings": settings, "fallback_ids": tuple(fallback_ids)})


def _profile_settings(columns: dict[str, Any]) -> ProfileSettings:
    """The settings of a stored row; one that was made before the schema changed may fail."""
    try:
        return profile_settings_class(columns["capability"]).model_validate(columns["settings"])
    except (KeyError, ValueError) as error:
        found = error.errors(include_input=False) if isinstance(error, ValidationError) else []
        wrong = ", ".join(dict.fromkeys(str(one["loc"][0]) for one in found if one["loc"]))
        text = gettext(
            "The settings of the profile %(name)s are no longer valid%(wrong)s. Edit and "
            "save the profile."
        ) % {"name": columns["alias"], "wrong": wrong and f" ({wrong})"}
        raise Unusable("invalid_settings", text) from None


def _row(column: str, value: Any) -> tuple[Any, ...] | None:
    """One row by the driver's own cursor: the look-up through Django's takes twice as long (make
    bench).
    """
    own = databases[DEFAULT_DB_ALIAS]  # each look at Django's `connection` finds this one anew
    with own.wrap_database_errors:
        own.ensure_connection()
        query = QUERY.format(column, PLACEHOLDERS[own.vendor])
        found: tuple[Any, ...] | None = own.connection.execute(query, [value]).fetchone()
    return found


def _row_by_id(pk: uuid.UUID) -> tuple[Any, ...] | None:
    return _row("id", Connection._meta.pk.get_db_prep_value(pk, database))


@sensitive_variables()
def resolved_settings(connection: Usable) -> ProviderSettings:
    """The provider's settings with every secret decrypted and every reference resolved, in
    SecretStr. Raises Unusable.
    """
    provider, credentials = _provider(connection), connection.credentials
    if isinstance(credentials, Undecryptable):
        code = "misplaced" if isinstance(credentials, Misplaced) else "undecryptable"
        raise Unusable(code, str(LOST[code]) % {"name": connection.name})
    stored = merged(connection.settings, credentials) if credentials else connection.settings
    if connection.type_version != provider.version:
        stored = provider.migrated(connection.type_version, stored)
    values: dict[str, Any] = {}
    fields = settings_fields(provider)
    stored = settings_alone(stored)
    refuse_unapproved(provider, stored, connection.team_id)
    asker = asker_of(connection.team_id)
    for name, value in stored.items():
        field = fields.get(name)
        if type(value) is dict and field is not None and field.is_map:
            values[name] = {key: _resolved(field, one, asker) for key, one in value.items()}
        else:
            values[name] = _resolved(field, value, asker)
    try:
        return provider.Settings.model_validate(values)
    except ValueError:
        raise _invalid(connection, provider, values) from None


def _provider(connection: Usable) -> type[Provider[Any]]:
    confirm_types(connection.provider_id)
    try:
        return get_provider(connection.provider_id)
    except UnknownProvider as error:
        raise Unusable("unknown_provider", str(error)) from None


def _resolved(field: SettingsField | None, value: Any, asker: Asker) -> Any:
    """The value that a stored one stands for. Raises Unusable."""
    if type(value) is not str or not is_reference(value):
        return unescape(value) if type(value) is str else value
    resolution = conf.resolver().resolve(value, field is not None and field.secret, asker)
    if resolution.value is None:
        raise Unusable("unresolved_reference", resolution.message)
    if (noted := _noted.get()) is not None:
        noted.append(resolution)
    return resolution.value


_noted: ContextVar[list[Resolution] | None] = ContextVar("noted", default=None)


@contextmanager
def noting_resolutions() -> Iterator[list[Resolution]]:
    """Notes the references that are resolved in the block to be used."""
    found: list[Resolution] = []
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


def _invalid(connection: Usable, provider: type[Provider[Any]], values: dict[str, Any]) -> Unusable:
    """The refusal of stored settings, with the findings of `validate`, which is slow: only rows
    made before a provider changed get here.
    """
    _, errors = validate(provider, values)
    texts = [
        f"{setting_label(settings_fields(provider), *error.field.split('.', 1))}: {error.message}"
        for error in errors
    ]
    text = gettext("The settings of %(name)s do not fit %(provider)s.")
    text %= {"name": connection.name, "provider": provider.name}
    return Unusable("invalid_settings", f"{text} {' '.join(texts)}")


@sensitive_variables()
def get_configured_provider(
    connection: Usable, *, limits: Limits = Limits(), even_inactive: bool = False
) -> Provider[Any]:
    """A provider ready for use.

    Raises Unusable, with code connection_inactive when the row is switched off.
    """
    if not connection.is_active and not even_inactive:
        text = gettext("The connection %(alias)s is switched off.") % {"alias": connection.alias}
        raise Unusable("connection_inactive", text)
    settings = resolved_settings(connection)
    provider = _provider(connection)(settings, egress=conf.egress(), limits=limits)
    if isinstance(provider, HttpService) and not (
        isinstance(connection, Connection) and connection._state.adding
    ):
        provider.tokens = DatabaseTokens(connection.id)
    return provider
