"""A connection's document read for today's provider: its settings, the secrets it brings or is
mapped to, and those that are missing.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.credentials import Undecryptable, merged
from connections.kept import settings_alone
from connections.lookup import get_by_id_or_alias, parse_id
from connections.models import Connection
from connections.references import InvalidReference, is_reference, parse, place
from connections.services import Actor, require
from connections.type_versions import bring_up
from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

from ..format.documents import IN_CLEAR, ConnectionDocument, Missing
from ..format.errors import PackageError

# Stands for a missing secret while a migration renames settings. No stored value has a null
# character.
MARK = "\0missing\0"
FROM = "connection:"
NOT_FOUND = gettext_noop("There is no connection %(name)r to take the secret of.")
OTHER_PROVIDER = gettext_noop("The secret of %(name)s is for another provider.")
OTHER_ADDRESS = gettext_noop(
    "The secret of %(name)s is for another address, and a secret does not follow an address. "
    "Enter it again, or use a reference."
)
NOT_THERE = gettext_noop("%(name)s has no such secret that could be taken.")
NO_MAPPING = gettext_noop(
    "A secret is mapped to a reference such as $OpenAI:ApiKey, or to connection: and an id or "
    "alias. Keys are not entered here."
)


class NotMapped(Exception):
    """A placeholder cannot be mapped as it was decided. `str()` is the reason, a sentence."""


@dataclass(frozen=True)
class IncomingConnection:
    """A connection as a package has it, in the settings of today's provider.

    `secrets`: the known ones, references and literals; `missing`: place -> placeholder; `mapped`:
    the same for those that a decision gave a value. `labels`: name -> label of each setting;
    `maps`: the names of the settings that are maps.
    """

    settings: dict[str, Any]
    secrets: dict[str, Any] = field(repr=False)
    missing: dict[str, str]
    mapped: dict[str, str]
    labels: Mapping[str, str]
    maps: frozenset[str]

    @property
    def posted(self) -> dict[str, Any]:
        """Settings and secrets together, as the services take them."""
        return {**self.settings, **self.secrets}

    @sensitive_variables()
    def known(self) -> dict[str, Any]:
        """The secrets it brings by their places, entries of maps one by one."""
        found: dict[str, Any] = {}
        for name, value in self.secrets.items():
            is_map = name in self.maps and isinstance(value, dict)
            found |= (
                {place(name, key): one for key, one in value.items()} if is_map else {name: value}
            )
        return found

    def label(self, where: str) -> str:
        """The words for a setting, or for one entry of it."""
        name, _dot, key = where.partition(".")
        label = _(self.labels.get(name, name))
        return f"{label}: {key}" if key else label


@sensitive_variables()
def read_incoming(
    document: ConnectionDocument,
    version: int,
    provider: type[Provider[Any]],
    sealed: Mapping[str, Any],
    chosen: Mapping[str, str],
    actor: Actor,
    new: Sequence[Connection] = (),
) -> IncomingConnection:
    """Reads a document whose settings are of this version of the provider.

    `sealed`: placeholder -> secret; `chosen`: placeholder -> the decision about it; `new`:
    connections that the package makes, of which a decision may take a secret too. Raises
    PackageError for a secret in clear or in the wrong place, NotMapped, PermissionDenied.
    """
    path, fields = f"connections/{document.alias}.yaml", settings_fields(provider)
    if version == provider.version:
        _refuse_misplaced(document, fields, path)
    secrets = {name: _filled(value, sealed, chosen) for name, value in document.secrets.items()}
    values = merged(document.settings, secrets)
    if version < provider.version:
        values = settings_alone(provider.migrated(version, values))
    plain = {name: value for name, value in values.items() if not _is_secret(fields, name)}
    for name in plain:
        if _has_mark(plain[name]):
            raise PackageError(
                "bad_document",
                f"{path}, secrets.{name[:50]}: "
                + _("This is not a secret of %(provider)s.") % {"provider": provider.name},
            )
    known: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name in [name for name in values if name not in plain]:
        _sort_out(name, values[name], fields[name].is_map, known, missing, path)
    maps = frozenset(name for name, one in fields.items() if one.is_map)
    found = IncomingConnection(
        plain, known, missing, {}, {name: one.label for name, one in fields.items()}, maps
    )
    return _mapped(found, provider, chosen, actor, new)


def _is_secret(fields: Mapping[str, SettingsField], name: str) -> bool:
    return name in fields and fields[name].secret


def _refuse_misplaced(
    document: ConnectionDocument, fields: Mapping[str, SettingsField], path: str
) -> None:
    """Raises PackageError for a secret in clear among the plain settings, and for a plain setting
    among the secrets, which would be stored in clear.
    """
    for name, value in document.settings.items():
        ones = value.values() if isinstance(value, dict) else [value]
        if _is_secret(fields, name) and not all(_is_good_reference(one) for one in ones):
            raise PackageError("clear_secret", f"{path}, settings.{name}: {_(IN_CLEAR)}")
    for name, secret in document.secrets.items():
        if name in fields and not fields[name].secret and not is_reference(secret):
            raise PackageError(
                "bad_document",
                f"{path}, secrets.{name}: "
                + _("%(setting)s is not a secret. Put it under settings.")
                % {"setting": _(fields[name].label)},
            )


def _is_good_reference(value: Any) -> bool:
    try:
        return is_reference(value) and bool(parse(value))
    except InvalidReference:
        return False


@sensitive_variables()
def _filled(value: Any, sealed: Mapping[str, Any], chosen: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, sealed, chosen) for key, one in value.items()}
    if not isinstance(value, Missing):
        return value
    return (
        sealed[value.placeholder]
        if value.placeholder in sealed.keys() - chosen.keys()
        else MARK + value.placeholder
    )


def _has_mark(value: Any) -> bool:
    ones = value.values() if isinstance(value, dict) else [value]
    return any(isinstance(one, str) and one.startswith(MARK) for one in ones)


@sensitive_variables()
def _sort_out(
    name: str, value: Any, is_map: bool, known: dict[str, Any], missing: dict[str, str], path: str
) -> None:
    """Puts a secret into `known` or `missing`; of a map, every entry by itself. Raises
    PackageError for a map where one value is expected.
    """
    if isinstance(value, str) and value.startswith(MARK):
        missing[name] = value.removeprefix(MARK)
    elif is_map and isinstance(value, dict):
        marked = {key: one for key, one in value.items() if _has_mark(one)}
        missing.update({place(name, key): one.removeprefix(MARK) for key, one in marked.items()})
        if rest := {key: one for key, one in value.items() if key not in marked}:
            known[name] = rest
    elif _has_mark(value):
        raise PackageError(
            "bad_document",
            f"{path}, secrets.{name}: " + _("One value is expected here, not a map."),
        )
    else:
        known[name] = value


@sensitive_variables()
def _mapped(
    found: IncomingConnection,
    provider: type[Provider[Any]],
    chosen: Mapping[str, str],
    actor: Actor,
    new: Sequence[Connection],
) -> IncomingConnection:
    secrets, missing, mapped = dict(found.secrets), dict(found.missing), {}
    for where, placeholder in found.missing.items():
        if placeholder in chosen:
            value = _chosen(chosen[placeholder], where, found, provider, actor, new)
            name, _, key = where.partition(".")
            secrets[name] = {**secrets.get(name, {}), key: value} if key else value
            mapped[where] = missing.pop(where)
    return replace(found, secrets=secrets, missing=missing, mapped=mapped)


@sensitive_variables()
def _chosen(
    decision: str,
    where: str,
    found: IncomingConnection,
    provider: type[Provider[Any]],
    actor: Actor,
    new: Sequence[Connection],
) -> Any:
    """The value that a placeholder is mapped to: a reference, or the secret of a connection that
    is sent to the same addresses. Raises NotMapped, PermissionDenied.
    """
    if is_reference(decision):
        return decision
    row = _named(decision.removeprefix(FROM).strip(), new)
    require(actor, "connections.change_connection", on=row)
    if row is None:
        raise NotMapped(_(NOT_FOUND) % {"name": decision.removeprefix(FROM)[:100]})
    if row.provider_id != provider.id:
        raise NotMapped(_(OTHER_PROVIDER) % {"name": row.name})
    bring_up(row, provider)
    if addresses(provider, row.settings) != addresses(provider, found.settings):
        raise NotMapped(_(OTHER_ADDRESS) % {"name": row.name})
    value = stored_secret(row, where)
    if not value:
        raise NotMapped(_(NOT_THERE) % {"name": row.name})
    return value


def _named(text: str, new: Sequence[Connection]) -> Connection | None:
    """The connection with this id or alias: one that is here, else a copy of a new one."""
    found: Connection | None = get_by_id_or_alias(Connection.objects.all(), text)
    mine = (row for row in new if text.lower() == row.alias or parse_id(text) == row.pk)
    return found or next((copy(row) for row in mine), None)


def refuse_bad_mapping(secrets: Mapping[str, str]) -> None:
    """Raises PackageError for a decision that is neither a reference nor a connection.

    What was entered is not repeated.
    """
    for decision in secrets.values():
        if not _is_good_reference(decision) and not (
            decision.startswith(FROM) and decision.removeprefix(FROM).strip()
        ):
            raise PackageError("bad_decision", _(NO_MAPPING))


def addresses(provider: type[Provider[Any]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that say where the secrets of a connection are sent and who may read them there,
    with their values.
    """
    return {
        name: settings.get(name, one.default)
        for name, one in settings_fields(provider).items()
        if one.guards_secrets
    }


@sensitive_variables()
def stored_secret(row: Connection, where: str) -> Any:
    """The stored value of a secret, None if there is none; Undecryptable if that cannot be
    known.
    """
    name, _, key = where.partition(".")
    lost = isinstance(row.credentials, Undecryptable)
    value = merged(row.settings, {} if lost else row.credentials or {}).get(name)
    found = (value.get(key) if isinstance(value, dict) else None) if key else value
    return row.credentials if found is None and lost else found
