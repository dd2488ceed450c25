"""Installing and removing connection types; bringing up the connections of those that are files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from connections.audit.services import Subject, act, record
from connections.catalog import confirm_types, digest_of, directory_types, owner_of
from connections.change_counter import bump_change_counter
from connections.locks import hold, long_change, retried
from connections.models import Connection, ConnectionType, Team, by_name
from connections.offers import seen_types
from connections.row_versions import keep_version, keep_versions
from connections.services import Actor, FieldError, InUse, Invalid, Notice, require
from providers.core.base import Provider
from providers.core.registry import all_providers, is_built_in
from providers.manifests import Manifest

from .entries import GONE, has_others, rows_of_older_versions, type_users
from .preview import (
    OF_OTHERS,
    TypePreview,
    preview_of,
    read_types,
    refuse_several,
    refused,
    stored_text,
)
from .rows import Move, moved_rows, store_moved

KIND = "connectiontype"  # of versions


@dataclass(frozen=True)
class InstalledType:
    """A type that is installed now. `previous`: the version before, None for a new one."""

    manifest: Manifest
    changed: bool
    previous: int | None = None
    move: Move = field(default_factory=Move)

    @property
    def notices(self) -> list[Notice]:
        """Warnings about the connections of the type."""
        return self.move.notices


@dataclass(frozen=True)
class SyncedType:
    """A type from code or a file whose connections were brought up."""

    key: str
    version: int
    move: Move


@retried
@act("type.install")
def install_types(text: str, *, actor: Actor, team: Team | None = None) -> list[InstalledType]:
    """Installs every type of a document or none, and brings their connections up. `team`: to which
    new ones belong, None: they are offered to all; one that is installed stays where it is.

    Raises Invalid, PermissionDenied.
    """
    return _all_installed(text, actor, team)


@retried
@act("type.install")
def install_type(text: str, *, actor: Actor) -> InstalledType:
    """Installs the type of a document, or its next version, and brings its connections up.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.add_connectiontype")
    refuse_several(read_types(text))
    return _all_installed(text, actor, None)[0]


def _all_installed(text: str, actor: Actor, team: Team | None) -> list[InstalledType]:
    require(actor, "connections.add_connectiontype", on=ConnectionType(team=team))
    confirm_types()
    manifests = read_types(text)
    try:
        with long_change():
            keys = [one.key for one in manifests]
            rows = hold(ConnectionType.objects.all(), keys)
            users = Connection.objects.filter(provider_id__in=keys).values_list("pk", flat=True)
            hold(Connection.objects.all(), users)
            previews = [
                preview_of(one, stored_text(text, one, manifests), rows.get(one.key), actor)
                for one in manifests
            ]
            if refusals := [error for one in previews for error in one.refusals]:
                raise Invalid(refusals)
            keep_versions(KIND, rows, None)
            moved: list[Connection] = []
            installed = [_install(one, actor, team, moved) for one in previews]
            _record_installed(installed, moved, actor)
            keep_versions(KIND, keys, actor)
    except IntegrityError:
        raise refused(
            "race", _("Somebody installed it at the same time. Look at the list, and try again.")
        ) from None
    confirm_types()
    return installed


def _record_installed(
    installed: Sequence[InstalledType], moved: Sequence[Connection], actor: Actor
) -> None:
    changed = [one for one in installed if one.changed]
    rows = ConnectionType.objects.in_bulk([one.manifest.key for one in changed])
    if changed:
        first, others = changed[0], [rows[one.manifest.key] for one in changed[1:]]
        was = "" if first.previous is None else str(first.previous)
        changes = [("version", was, str(first.manifest.version))]
        on = rows[first.manifest.key]
        record(on, actor=actor, changes=changes, others=[*others, *moved])


@retried
@act("type.move")
def give_type(key: str, team: Team | None, *, actor: Actor) -> ConnectionType:
    """Offers an installed type to one team, or to all. Connections that are of the type stay.
    Raises ConnectionType.DoesNotExist, PermissionDenied.
    """
    row = seen_types(ConnectionType.objects.all()).filter(key=key.replace("\x00", "")).first()
    if row is None:
        raise ConnectionType.DoesNotExist(_(GONE) % {"key": key})
    require(actor, "connections.add_connectiontype", on=row)
    before, row.team = row.team, team
    require(actor, "connections.add_connectiontype", on=row)
    if before != team:
        with transaction.atomic():
            keep_version(KIND, row.key, None)
            row.save(update_fields=["team"])
            keep_version(KIND, row.key, actor)
            record(row, actor=actor, changes=[("team", _name(before), _name(team))])
            bump_change_counter()
    return row


def _name(team: Team | None) -> str:
    return team.name if team else ""


def _install(
    preview: TypePreview, actor: Actor, team: Team | None, brought_up: list[Connection]
) -> InstalledType:
    """`brought_up`: gets the connections that are saved as of the new version."""
    manifest = preview.manifest
    if preview.is_same:
        return InstalledType(manifest, False, preview.installed)
    values = {
        "version": manifest.version,
        "document": preview.document,
        "digest": digest_of(preview.document),
        "installed_by": actor,
    }
    if preview.installed is None:
        ConnectionType.objects.create(key=manifest.key, team=team, **values)
    else:
        row = ConnectionType.objects.get(key=manifest.key)
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
    moved, move = moved_rows(
        Connection.objects.filter(provider_id=manifest.key).order_by(*by_name()), preview.provider
    )
    store_moved(moved, preview.provider, actor)
    brought_up += moved
    bump_change_counter()
    return InstalledType(manifest, True, preview.installed, move)


@retried
@act("type.delete")
def remove_type(key: str, *, actor: Actor) -> None:
    """Removes an installed type.

    Raises InUse while a connection needs it, Invalid for a file, ConnectionType.DoesNotExist,
    PermissionDenied.
    """
    require(actor, "connections.delete_connectiontype")
    with transaction.atomic():
        rows = seen_types(ConnectionType.objects.select_for_update())
        row = rows.filter(key=key.replace("\x00", "")).first()
        if row is None:
            _refuse_file(key)
            raise ConnectionType.DoesNotExist(_(GONE) % {"key": key})
        require(actor, "connections.delete_connectiontype", on=row)
        if has_others(row.key):
            raise Invalid([FieldError("key", "of_others", _(OF_OTHERS))])
        if users := type_users(row.key):
            cure = _("Delete these connections first, or move what they do to others.")
            raise InUse(users, cure)
        record(row, actor=actor)
        row.delete()
        bump_change_counter()
    confirm_types()


def _refuse_file(key: str) -> None:
    if owner := owner_of(key):
        text = _("%(key)s belongs to %(owner)s. Only what was installed can be removed here.")
        values = {"key": key, "owner": owner}
        raise Invalid([FieldError("key", "is_file", text % values)])


@act("type.update")
def sync_types(*, actor: Actor = None) -> list[SyncedType]:
    """Brings up the connections of types that come as code or files: new versions of these are not
    installed, they are just there. Raises PermissionDenied.
    """
    require(actor, "connections.add_connectiontype")
    confirm_types()
    newer = {
        one.id: one
        for one in all_providers()
        if one.version > 1 and (is_built_in(one.id) or one.id in directory_types().types)
    }
    return [_sync(newer[key], actor) for key in rows_of_older_versions(newer.values())]


@retried
def _sync(provider: type[Provider[Any]], actor: Actor) -> SyncedType:
    with long_change():
        older = Connection.objects.filter(
            provider_id=provider.id, type_version__lt=provider.version
        )
        rows = hold(older, older.values_list("pk", flat=True)).values()
        moved, move = moved_rows(sorted(rows, key=lambda row: (row.name, row.pk)), provider)
        store_moved(moved, provider, actor)
        if moved:
            on = Subject("type", provider.id, provider.id)
            record(on, actor=actor, others=moved, detail={"version": provider.version})
    return SyncedType(provider.id, provider.version, move)
