"""The list of connection types, from files and from rows, with the connections that use them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.catalog import confirm_types, directory_types, installed_types, owner_of
from connections.models import Connection, ConnectionType, by_name, seen
from connections.offers import seen_types
from providers.core.base import Provider
from providers.core.registry import all_providers, get_provider
from providers.manifests import Manifest, manifest_text, shipped

GONE = gettext_noop("There is no connection type %(key)r. `connectiontype list` shows them.")


@dataclass(frozen=True)
class TypeEntry:
    """A connection type.

    `source`: shipped, directory or installed; `file`: its name, for those of a directory.

    `manifest` and `provider` are None for an installed one that cannot be read. `row`: what is
    installed, also where a file comes first.
    """

    key: str
    version: int
    source: str
    manifest: Manifest | None = None
    provider: type[Provider[Any]] | None = None
    file: str = ""
    row: ConnectionType | None = None
    used_by: int = 0

    @property
    def label(self) -> str:
        """Its name for people; its key if it cannot be read."""
        return self.manifest.label if self.manifest else self.key

    @property
    def document(self) -> str:
        """Its manifest as text: as it was installed, or as the file says it."""
        return (
            self.row.document
            if self.row and self.source == "installed"
            else manifest_text(self.manifest)
            if self.manifest
            else ""
        )


def connection_types() -> list[TypeEntry]:
    """Every connection type that the one who looks may see, by its label, each with the number of
    the connections that use it.

    Two queries.
    """
    confirm_types()
    found_rows = seen_types(ConnectionType.objects.select_related("installed_by", "team"))
    rows = {row.key: row for row in found_rows}
    used = dict(Connection.objects.order_by().values_list("provider_id").annotate(Count("pk")))
    files = {one.key: ("shipped", one, "") for one in shipped()}
    files |= {
        key: ("directory", one.manifest, one.file) for key, one in directory_types().types.items()
    }
    found = [
        TypeEntry(
            key, one.version, source, one, get_provider(key), file, rows.get(key), used.get(key, 0)
        )
        for key, (source, one, file) in files.items()
    ]
    for key in rows.keys() - files.keys():
        row, read = rows[key], installed_types().get(key)
        manifest, provider = (read.manifest, read.provider) if read else (None, None)
        found.append(
            TypeEntry(key, row.version, "installed", manifest, provider, "", row, used.get(key, 0))
        )
    return sorted(found, key=lambda one: (one.label.lower(), one.key))


def connection_type(key: str) -> TypeEntry:
    """The type with this key. Raises ConnectionType.DoesNotExist."""
    found = next((one for one in connection_types() if one.key == key), None)
    if found is None:
        raise ConnectionType.DoesNotExist(_(GONE) % {"key": key})
    return found


def type_users(key: str, limit: int = 100) -> list[Connection]:
    """The connections that need what is installed under this key, as far as the one who looks may
    see them; none where a file comes first.
    """
    return (
        []
        if owner_of(key)
        else list(Connection.objects.listed().filter(provider_id=key).order_by(*by_name())[:limit])
    )


def has_others(key: str) -> bool:
    """True if connections of this type are not for the one who looks. No query where that cannot
    be.
    """
    if not seen("connection"):
        return False
    mine = Connection.objects.order_by().values("pk")
    return Connection.every.filter(provider_id=key).exclude(pk__in=mine).exists()


def rows_behind() -> dict[str, int]:
    """The number of connections at an older version than their type, by its key.

    One query, none where no type has a second version.
    """
    return rows_of_older_versions([one for one in all_providers() if one.version > 1])


def rows_of_older_versions(providers: Iterable[type[Provider[Any]]]) -> dict[str, int]:
    """The number of connections at an older version of each of these, by its id."""
    older = Q()
    for one in providers:
        older |= Q(provider_id=one.id, type_version__lt=one.version)
    rows = (
        Connection.objects.filter(older).order_by("provider_id")
        if older
        else Connection.objects.none()
    )
    return dict(rows.values_list("provider_id").annotate(Count("pk")))
