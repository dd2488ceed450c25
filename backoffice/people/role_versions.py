"""Versions of roles: what a group may do, which a superuser changes in Django's administration."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.errors import FieldError, Invalid, Notice
from connections.row_versions import Content, VersionedKind, declare_kind
from connections.services import Actor, may

KIND = "role"


def declare_versions() -> None:
    """Declares the kind. Called once, when Django is ready."""
    title = gettext_noop("Role")
    declare_kind(VersionedKind(KIND, title, _content, _find, _restore, _may_change))


def _content(pk: str) -> Content | None:
    found = Group.objects.filter(pk=pk).first()
    return {"name": found.name, "permissions": sorted(_rights(found))} if found else None


def _rights(role: Group) -> set[str]:
    found = role.permissions.values_list("content_type__app_label", "codename")
    return {f"{label}.{name}" for label, name in found}


def _find(text: str, actor: Actor) -> Group | None:
    if not may(actor, "auth.view_user"):
        return None
    rows = Group.objects.all()
    is_id = text.isascii() and text.isdigit() and len(text) < 10
    return (rows.filter(pk=text) if is_id else rows.filter(name__iexact=text)).first()


def _may_change(_role: Group, actor: Actor) -> bool:
    return actor is None or (actor.is_superuser and getattr(actor, "token", None) is None)


def _restore(role: Group, content: Mapping[str, Any], _actor: Actor) -> list[Notice]:
    if Group.objects.filter(name=content["name"]).exclude(pk=role.pk).exists():
        text = _("There is a role with this name already. Choose another name.")
        raise Invalid([FieldError("name", "unique", text)])
    known = {
        f"{one.content_type.app_label}.{one.codename}": one
        for one in Permission.objects.select_related("content_type")
    }
    role.name = content["name"]
    role.save(update_fields=["name"])
    role.permissions.set(known[one] for one in content["permissions"] if one in known)
    text = _("The right %(name)s is not there any more, so it is left out.")
    gone = [one for one in content["permissions"] if one not in known]
    return [Notice("permissions", "not_found", text % {"name": one}) for one in gone]
