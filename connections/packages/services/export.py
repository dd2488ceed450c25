"""Connections and profiles as a package: no secrets, or all of them sealed by a passphrase."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Subject, act, record
from connections.catalog import confirm_types
from connections.credentials import Undecryptable
from connections.kept import settings_alone
from connections.models import Connection, Profile, RevealRecord
from connections.references import place
from connections.services import Actor, content, expected_secrets, require
from connections.standing import standing_of
from connections.type_versions import bring_up
from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields
from providers.manifests import manifest_text, shipped

from ..format.documents import ConnectionDocument, Missing, ProfileDocument, document_of
from ..format.errors import PackageError
from ..format.files import digest_of, write_package
from ..format.sealing import refuse_weak
from .documents import in_order, profile_documents
from .parts import refuse_many

MADE_BY = "Switchboard"
TELL_EVERY = 50  # rows
NOTHING = gettext_noop("There is nothing to export. Choose at least one connection.")
CANNOT_DECRYPT = "The secrets of {} could not be decrypted here, so they are not in this package."
OF_OTHERS = "{} is not in this package: it, or what it uses, belongs to another team."
CAME_ALONG = "{} came along, because profiles in this package use it."


Document = ConnectionDocument | ProfileDocument
Told = Callable[[int, int], None]


@dataclass
class _Contents:
    """The contents of one package. `secrets`: placeholder -> value.

    `profiles`: the ids of those that come along. `versions`: provider -> the version of its
    settings; `types`: provider -> its manifest.
    """

    documents: list[ConnectionDocument] = field(default_factory=list)
    secrets: dict[str, Any] = field(default_factory=dict, repr=False)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    profiles: set[Any] = field(default_factory=set)


def _action(*_rows: Any, passphrase: str = "", **_others: Any) -> str:
    return "secret.export" if passphrase else "package.export"


@act(_action, PackageError)
@sensitive_variables("passphrase", "contents")
def export_package(
    connections: Iterable[Connection],
    profiles: Iterable[Profile] = (),
    *,
    actor: Actor,
    passphrase: str = "",
    address: str = "",
    told: Told | None = None,
) -> bytes:
    """The bytes of a package of these rows and of the connections that the profiles use.

    Literal secrets become placeholders. With a passphrase they come along sealed, and a record says
    who took them from which `address`. `told` is called again and again with how many rows are
    written and how many there are; what it raises stops the export.

    Raises PackageError, PermissionDenied.
    """
    chosen = list(profiles)
    require(actor, "connections.view_connection", *(["connections.view_profile"] if chosen else []))
    if passphrase:
        require(actor, "connections.export_secrets")
        refuse_weak(passphrase)
    keys = {row.pk for row in connections}
    refuse_many(len(keys | {one.connection_id for one in chosen}) + len(chosen))
    confirm_types()
    contents = _contents(keys, chosen, actor, "connections.export_secrets" if passphrase else "")
    if not contents.documents:
        raise PackageError("nothing_to_export", _(NOTHING))
    documents = profile_documents(contents.profiles)
    content = _written(contents, documents, passphrase, told)
    with transaction.atomic():
        if passphrase:
            _write_down(actor, address, [one.alias for one in contents.documents])
        _record(content, contents, documents, actor, with_secrets=bool(passphrase))
    return content


@sensitive_variables("contents", "passphrase")
def _written(
    contents: _Contents, profiles: Sequence[ProfileDocument], passphrase: str, told: Told | None
) -> bytes:
    rows: list[Document] = [*contents.documents, *profiles]
    return write_package(
        _told_of(rows, told) if told else rows,
        contents.types,
        contents.secrets,
        passphrase,
        created=f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}",
        made_by=MADE_BY,
        notes=contents.notes,
        types=contents.versions,
    )


def _told_of(rows: Sequence[Document], told: Told) -> Iterator[Document]:
    """The rows, one after the other as they are written."""
    for done, row in enumerate(rows):
        if not done % TELL_EVERY:
            told(done, len(rows))
        yield row
    told(len(rows), len(rows))


def _record(
    content: bytes,
    contents: _Contents,
    profiles: Sequence[ProfileDocument],
    actor: Actor,
    *,
    with_secrets: bool,
) -> None:
    connections, secrets = contents.documents, len(contents.secrets) if with_secrets else 0
    rows = [Subject("connection", str(one.id), one.alias) for one in connections]
    rows += [Subject("profile", str(one.id), one.alias) for one in profiles]
    names = ", ".join(one.alias for one in connections)
    numbers = {"connections": len(connections), "profiles": len(profiles), "secrets": secrets}
    on = Subject("package", digest_of(content), names)
    record(on, actor=actor, others=rows, detail=numbers)


@sensitive_variables("contents")
def _contents(
    keys: set[Any], profiles: Sequence[Profile], actor: Actor, permission: str
) -> _Contents:
    """The connections of a package, and which of the profiles come along. What another team only
    lets the actor see or use is left out, with a note. `permission`: that each connection takes
    besides. Raises PermissionDenied.
    """
    contents, taken = _Contents(), set()
    for row in _whole(Connection, keys | {one.connection_id for one in profiles}):
        if _is_shared_with(actor, row):
            contents.notes.append(OF_OTHERS.format(row.alias))
            continue
        if permission:
            require(actor, permission, on=row)
        if row.pk not in keys:
            contents.notes.append(CAME_ALONG.format(row.alias))
        taken.add(row.pk)
        _add(contents, row)
    for one in profiles:
        if one.connection_id in taken and not _is_shared_with(actor, one):
            contents.profiles.add(one.pk)
        else:
            contents.notes.append(OF_OTHERS.format(one.alias))
    contents.versions = dict(sorted(contents.versions.items()))
    return contents


def _is_shared_with(actor: Actor, row: Any) -> bool:
    """True for a row of another team: an export takes along what a share does not give."""
    if actor is None or row.team_id is None:
        return False
    standing = standing_of(actor)
    return not standing.sees_all and row.team_id not in standing.roles


def _whole(model: Any, keys: set[Any]) -> list[Any]:
    """The rows anew from the database, by alias: `bring_up` must not change the caller's."""
    return list(model.objects.filter(pk__in=keys).order_by("alias"))


@sensitive_variables("contents", "secrets")
def _add(contents: _Contents, row: Connection) -> None:
    provider = row.provider
    if provider:
        bring_up(row, provider)
    if isinstance(row.credentials, Undecryptable):
        contents.notes.append(CANNOT_DECRYPT.format(row.alias))
    fields = settings_fields(provider) if provider else {}
    secrets = _secrets(row, fields, contents.secrets)
    version = contents.versions.setdefault(
        row.provider_id, provider.version if provider else row.type_version
    )
    if provider and (text := _type_document(provider)):
        contents.types[row.provider_id] = text
    data = {
        **content(row, "id", "alias"),
        "provider": row.provider_id,
        "type_version": None if row.type_version == version else row.type_version,
        "settings": in_order(
            {
                name: value
                for name, value in settings_alone(row.settings).items()
                if not _is_secret(fields, name)
            },
            fields,
        ),
        "secrets": secrets,
    }
    contents.documents.append(document_of(ConnectionDocument, data, row.alias))


def _is_secret(fields: Mapping[str, SettingsField], name: str) -> bool:
    return name in fields and fields[name].secret


@sensitive_variables("known", "credentials", "value")
def _secrets(
    row: Connection, fields: Mapping[str, SettingsField], known: dict[str, Any]
) -> dict[str, Any]:
    """The references, and a placeholder for every other secret, in the order of the fields.

    The literals themselves go to `known`.
    """
    found: dict[str, Any] = {
        name: value for name, value in row.settings.items() if _is_secret(fields, name)
    }
    for where in [*row.lacking, *_literals(row, fields, known)]:
        name, _, key = where.partition(".")
        mark = Missing(f"{row.alias}.{where}")
        if key:
            found[name] = {**found.get(name, {}), key: mark}
        else:
            found.setdefault(name, mark)
    return in_order(found, fields)


@sensitive_variables()
def _literals(
    row: Connection, fields: Mapping[str, SettingsField], known: dict[str, Any]
) -> list[str]:
    """The places of the literals, `name` or `name.key`. Their values go to `known`."""
    if isinstance(row.credentials, Undecryptable):
        return expected_secrets(fields, row.settings)
    found: dict[str, Any] = {}
    for name, value in (row.credentials or {}).items():
        is_map = name in fields and fields[name].is_map and isinstance(value, dict)
        found |= {
            place(name, key): one for key, one in (value.items() if is_map else [("", value)])
        }
    known |= {f"{row.alias}.{where}": value for where, value in found.items()}
    return list(found)


def _type_document(provider: type[Provider[Any]]) -> str:
    """The manifest of a type that not every installation has, else empty."""
    manifest = getattr(provider, "manifest", None)
    return (
        manifest_text(manifest)
        if manifest and provider.id not in {one.key for one in shipped()}
        else ""
    )


def _write_down(actor: Actor, address: str, aliases: list[str]) -> None:
    """Records which secrets the actor took along, beside the records of promptflow's reading."""
    who = actor.get_username() if actor is not None else "the operator"
    RevealRecord.objects.create(
        token_name=f"{who}, a package"[:100],
        address=address,
        connections=aliases,
        outcome="exported",
    )
