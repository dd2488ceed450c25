"""Preview of an installation of connection types, and the reasons to refuse it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.catalog import (
    LARGEST,
    confirm_types,
    installed_provider,
    installed_types,
    owner_of,
)
from connections.models import Connection, ConnectionType, by_name
from connections.services import Actor, FieldError, Invalid, may, require
from providers.core.base import Provider
from providers.core.marks import find_mark, mark_names
from providers.core.registry import all_providers
from providers.manifests import Manifest, ManifestError, compare, manifest_text, read_documents
from providers.manifests.errors import nearest

from .entries import has_others
from .hosts import redirected
from .rows import Move, moved_rows

RESERVED_KEYS = frozenset(["install"])  # the page where types are installed
OF_OTHERS = gettext_noop(
    "Connections of other teams use it. Ask an administrator of all teams to do this."
)
NO_REFERENCES = frozenset(["env"])  # a section that means something else


@dataclass(frozen=True)
class TypePreview:
    """The result that installing a type would have: its provider, the document that is stored, the
    move of its connections, and the refusals.

    `installed`: the version that is there now. `count`: the connections of the type. `is_same`:
    there is nothing to do. `redirected`: hosts that stored credentials would newly go to.
    """

    manifest: Manifest
    provider: type[Provider[Any]]
    document: str
    installed: int | None = None
    is_same: bool = False
    count: int = 0
    move: Move = field(default_factory=Move)
    refusals: tuple[FieldError, ...] = ()
    redirected: tuple[str, ...] = ()


def read_types(text: str) -> list[Manifest]:
    """The manifests of a document. Raises Invalid with every problem, each at its place."""
    if len(text.encode(errors="replace")) > LARGEST:
        message = _("The document is larger than %(size)d KB, which no connection type needs.")
        raise refused("too_large", message % {"size": LARGEST // 1024})
    try:
        found = read_documents(text)
    except ManifestError as error:
        raise Invalid(
            [
                FieldError(place or "document", "invalid_document", message)
                for place, message in error.problems
            ]
        ) from None
    keys = [one.key for one in found]
    if doubles := sorted({key for key in keys if keys.count(key) > 1}):
        message = _("The document has %(keys)s more than once. Give each its own key.")
        raise refused("duplicate", message % {"keys": ", ".join(doubles)})
    # Only here: a type that is installed stays one when the packages drop its mark.
    if unknown := [one.mark for one in found if one.mark and not find_mark(one.mark)]:
        raise Invalid(
            [
                FieldError(
                    "mark",
                    "invalid_document",
                    _("There is no mark %(name)s.") % {"name": name[:50]}
                    + nearest(name, mark_names())
                    + " "
                    + _("Without one the type shows its icon or two letters."),
                )
                for name in unknown
            ]
        )
    return found


def refused(code: str, message: str) -> Invalid:
    """The error for a document as a whole."""
    return Invalid([FieldError("document", code, message)])


def preview_types(text: str, *, actor: Actor = None) -> list[TypePreview]:
    """Previews of each type of a document.

    Writes nothing. Raises Invalid when it cannot be read, PermissionDenied.
    """
    require(actor, "connections.add_connectiontype")
    confirm_types()
    manifests = read_types(text)
    rows = {
        row.key: row
        for row in ConnectionType.objects.filter(key__in=[one.key for one in manifests])
    }
    return [
        preview_of(one, stored_text(text, one, manifests), rows.get(one.key), actor)
        for one in manifests
    ]


def preview_type(text: str, *, actor: Actor = None) -> TypePreview:
    """As `preview_types`, for a document of one type."""
    found = preview_types(text, actor=actor)
    refuse_several(found)
    return found[0]


def refuse_several(found: Sequence[Any]) -> None:
    """Raises Invalid unless there is just one."""
    if len(found) != 1:
        raise refused(
            "several", _("The document holds %(number)d types. Give one.") % {"number": len(found)}
        )


def stored_text(text: str, manifest: Manifest, manifests: Sequence[Manifest]) -> str:
    """The document to store: the text as it was given, or the manifest made of Cognigy's schema."""
    return text if len(manifests) == 1 and not manifest.guesses else manifest_text(manifest)


def preview_of(
    manifest: Manifest,
    document: str,
    row: ConnectionType | None,
    actor: Actor,
) -> TypePreview:
    """The preview of one manifest. `row`: the type of its key that is installed."""
    provider = installed_provider(manifest)
    if row is not None and not may(actor, "connections.add_connectiontype", row):
        text = _("The key %(key)s is taken. Give the type another key.") % {"key": manifest.key}
        taken = FieldError("key", "unique", text)
        return TypePreview(manifest, provider, document, refusals=(taken,))
    connections = list(Connection.objects.filter(provider_id=manifest.key).order_by(*by_name()))
    is_same = row is not None and _is_same(row, manifest)
    installed = row.version if row else None
    if is_same:
        return TypePreview(manifest, provider, document, installed, is_same, len(connections))
    old = installed_types().get(manifest.key)
    has_literals = any(one.credentials_key for one in connections)
    goes_to = redirected(old.manifest if old else None, manifest) if has_literals else ()
    refusals = tuple(
        _refusals(manifest, provider, row, connections)
        or _others_refusals(manifest.key)
        or _redirect_refusals(goes_to, actor)
    )
    move = Move() if refusals else moved_rows(connections, provider)[1]
    return TypePreview(
        manifest, provider, document, installed, False, len(connections), move, refusals, goes_to
    )


def _others_refusals(key: str) -> list[FieldError]:
    """The refusal to change the connections of other teams."""
    return [FieldError("key", "of_others", _(OF_OTHERS))] if has_others(key) else []


def _redirect_refusals(goes_to: Sequence[str], actor: Actor) -> list[FieldError]:
    """The refusal to send stored literals to a new address, unless the actor may export secrets."""
    if not goes_to or may(actor, "connections.export_secrets"):
        return []
    text = _(
        "Stored credentials would go to %(hosts)s. That takes somebody who may export secrets."
    )
    return [FieldError("base_url", "redirected", text % {"hosts": ", ".join(goes_to)})]


def _is_same(row: ConnectionType, manifest: Manifest) -> bool:
    old = installed_types().get(row.key)
    return (
        old is not None
        and row.version == manifest.version
        and manifest_text(old.manifest) == manifest_text(manifest)
    )


def _refusals(
    manifest: Manifest,
    provider: type[Provider[Any]],
    row: ConnectionType | None,
    connections: Sequence[Connection],
) -> list[FieldError]:
    key = manifest.key
    if owner := owner_of(key):
        text = _("The key %(key)s belongs to %(owner)s. Give the type another key.")
        return [FieldError("key", "unique", text % {"key": key, "owner": owner})]
    if key in RESERVED_KEYS:
        text = _("%(key)s is a reserved word. Give the type another key.")
        return [FieldError("key", "reserved", text % {"key": key})]
    return _section_refusals(provider) + _version_refusals(manifest, row, connections)


def _section_refusals(provider: type[Provider[Any]]) -> list[FieldError]:
    section = provider.section.lower()
    if section in NO_REFERENCES:
        text = _(
            "$%(section)s:... means plain environment variables already, so its references could "
            "not be told apart. Give the type another key."
        )
        return [FieldError("key", "section_taken", text % {"section": provider.section})]
    other = next(
        (
            one
            for one in all_providers()
            if one.section.lower() == section and one.id != provider.id
        ),
        None,
    )
    if other is None:
        return []
    text = _(
        "Its references would be $%(section)s:..., which are those of %(name)s (%(id)s). Give the "
        "type another key."
    )
    values = {"section": provider.section, "name": other.name, "id": other.id}
    return [FieldError("key", "section_taken", text % values)]


def _version_refusals(
    manifest: Manifest, row: ConnectionType | None, connections: Sequence[Connection]
) -> list[FieldError]:
    version, old = manifest.version, installed_types().get(manifest.key)
    if row and version < row.version:
        text = _(
            "Version %(installed)d of %(key)s is installed, this is %(version)d. A version is "
            "never taken back: raise it above that."
        )
        values = {"installed": row.version, "key": manifest.key, "version": version}
        return [FieldError("version", "older_version", text % values)]
    if row and old and version == row.version:
        text = _(
            "Version %(version)d of %(key)s is installed with other content. Raise the version to "
            "%(next)d."
        )
        values = {"version": version, "key": manifest.key, "next": version + 1}
        return [FieldError("version", "same_version", text % values)]
    newest = max((one.type_version for one in connections), default=0)
    if newest > version:
        text = _(
            "There are connections of version %(version)d of %(key)s. Install that version or a "
            "newer one."
        )
        values = {"version": newest, "key": manifest.key}
        return [FieldError("version", "older_version", text % values)]
    return (
        [
            FieldError("document", "incompatible", reason)
            for reason in compare(old.manifest, manifest)
        ]
        if old
        else []
    )
