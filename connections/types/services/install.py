"""Installing and removing connection types; bringing up the connections of those that are files."""

from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from connections.catalog import confirm_types, digest_of, directory_types, owner_of
from connections.change_counter import bump_change_counter
from connections.locks import hold, long_change, retried
from connections.models import Connection, ConnectionType, Team, by_name
from connections.offers import seen_types
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
def install_types(text: str, *, actor: Actor, team: Team | None = None) -> list[InstalledType]:
    """Installs every type of a document or none, and brings their connections up. `team`: to which
    new ones belong, None: they are offered to all; one that is installed stays where it is.

    Raises Invalid, PermissionDenied.
    """
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
            installed = [_install(one, actor, team) for one in previews]
    except IntegrityError:
        raise refused(
            "race", _("Somebody installed it at the same time. Look at the list, and try again.")
        ) from None
    confirm_types()
    return installed


def give_type(key: str, team: Team | None, *, actor: Actor) -> ConnectionType:
    """Offers an installed type to one team, or to all. Connections that are of the type stay.
    Raises ConnectionType.DoesNotExist, PermissionDenied.
    """
    row = seen_types(ConnectionType.objects.all()).filter(key=key.replace("\x00", "")).first()
    if row is None:
        raise ConnectionType.DoesNotExist(_(GONE) % {"key": key})
    require(actor, "connections.add_connectiontype", on=row)
    row.team = team
    require(actor, "connections.add_connectiontype", on=row)
    row.save(update_fields=["team"])
    bump_change_counter()
    return row


def install_type(text: str, *, actor: Actor) -> InstalledType:
    """Installs the type of a document, or its next version, and brings its connections up.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.add_connectiontype")
    refuse_several(read_types(text))
    return install_types(text, actor=actor)[0]


def _install(preview: TypePreview, actor: Actor, team: Team | None) -> InstalledType:
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
    bump_change_counter()
    return InstalledType(manifest, True, preview.installed, move)


@retried
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
        row.delete()
        bump_change_counter()
    confirm_types()


def _refuse_file(key: str) -> None:
    if owner := owner_of(key):
        text = _("%(key)s belongs to %(owner)s. Only what was installed can be removed here.")
        values = {"key": key, "owner": owner}
        raise Invalid([FieldError("key", "is_file", text % values)])


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
    return SyncedType(provider.id, provider.version, move)
