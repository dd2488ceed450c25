"""Versions of installed connection types: an earlier document, installed again as the next one."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop

from connections.models import ConnectionType, RowVersion, Team
from connections.offers import seen_types
from connections.row_versions import Content, VersionedKind, declare_kind
from connections.services import Actor, Notice, may
from providers.manifests import manifest_text

from .install import KIND, install_types
from .preview import read_types


def declare_versions() -> None:
    """Declares the kind. Called once, when Django is ready."""
    title = gettext_noop("Connection type")
    declare_kind(
        VersionedKind(
            KIND,
            title,
            _content,
            _find,
            _restore,
            lambda row, actor: may(actor, "connections.add_connectiontype", row),
        )
    )


def _content(key: str) -> Content | None:
    found = ConnectionType.objects.filter(key=key).first()
    if found is None:
        return None
    team = str(found.team_id) if found.team_id else None
    return {"version": found.version, "document": found.document, "team": team}


def _find(key: str, actor: Actor) -> ConnectionType | None:
    """The type, also one that was removed."""
    found = seen_types(ConnectionType.objects.all()).filter(key=key).first()
    if found is None and not ConnectionType.objects.filter(key=key).exists():
        last = RowVersion.objects.filter(kind=KIND, object_id=key).order_by("-number").first()
        team = Team.objects.filter(pk=last.content["team"]).first() if last else None
        is_known = last is not None and bool(team) == bool(last.content["team"])
        found = ConnectionType(key=key, version=0, team=team) if is_known else None
    return found if found and may(actor, "connections.view_connectiontype", found) else None


def _restore(row: ConnectionType, content: Mapping[str, Any], actor: Actor) -> list[Notice]:
    """Installs the document of then under the next number, as a version is never taken back."""
    now = ConnectionType.objects.filter(key=row.key).first()
    manifest = next(one for one in read_types(content["document"]) if one.key == row.key)
    if now is not None:
        if now.document == content["document"]:
            return []
        manifest = manifest.model_copy(update={"version": now.version + 1})
    installed = install_types(manifest_text(manifest), actor=actor, team=row.team)
    return list(installed[0].notices)
