"""Who may change whom, and give which role: nobody hands out a right that they lack, or changes a
person who may do more than they.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _

ADMINISTERS = "auth.change_user"  # who has it is an administrator


def may_change(actor: Any, person: User) -> bool:
    """True if the actor may change this person: the actor may all that the person may."""
    rights: set[str] = person.get_all_permissions() if person.is_active else _stored_rights(person)
    is_above = actor.is_superuser or (
        not person.is_superuser and rights <= actor.get_all_permissions()
    )
    return bool(actor.has_perm(ADMINISTERS) and is_above)


def may_change_of(actor: Any, people: Sequence[User]) -> set[Any]:
    """The ids of those of several people whom the actor may change: `may_change`, with as many
    queries for one as for all.
    """
    if not actor.has_perm(ADMINISTERS):
        return set()
    right = "permissions__content_type"
    prefetch_related_objects(people, f"groups__{right}", f"user_{right}")
    mine = actor.get_all_permissions()
    found = set()
    for one in people:
        held = [*one.user_permissions.all()]
        held += [right for role in one.groups.all() for right in role.permissions.all()]
        rights = {f"{right.content_type.app_label}.{right.codename}" for right in held}
        if actor.is_superuser or (not one.is_superuser and rights <= mine):
            found.add(one.pk)
    return found


def require_may_change(person: User, *, actor: Any) -> None:
    """Raises PermissionDenied unless the actor may change this person."""
    if actor is not None and not may_change(actor, person):
        raise PermissionDenied(
            _(
                "You may not change %(person)s: this needs the right to change people, and every "
                "right that %(person)s has."
            )
            % {"person": person}
        )


def require_may_give(role: Group, *, actor: Any) -> None:
    """Raises PermissionDenied unless the actor has every right of the role."""
    if actor is not None and not actor.has_perms(list(rights_of(role))):
        raise PermissionDenied(_("You may give only roles whose rights you have yourself."))


def rights_of(role: Group) -> set[str]:
    """The rights of a role."""
    return _names(role.permissions.all())


def _stored_rights(person: User) -> set[str]:
    """The rights that an inactive person has again when activated."""
    return _names(Permission.objects.filter(Q(user=person) | Q(group__user=person)))


def _names(permissions: QuerySet[Permission]) -> set[str]:
    rows = permissions.order_by().values_list("content_type__app_label", "codename")
    return {f"{label}.{name}" for label, name in rows}
