"""The rule who may do what, in the services, so that page, API and command cannot differ."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from ..errors import MissingRight
from ..standing import is_within, rights_of_token
from .acts import act_of

Actor = Any  # a user, or None for the operator of the machine (management commands)


def may(actor: Actor, permission: str, on: Any = None) -> bool:
    """True if the actor has a permission, e.g. "connections.test_connection": on this row, saved or
    not, by its team, its shares and the token with which they ask (docs/teams.md).

    Without a row: on any at all, as menus and pages ask before they know which.
    """
    if actor is None:
        return True
    token = getattr(actor, "token", None)
    # Django asks nobody about the rights of a superuser, whose token is narrowed all the same.
    if not rights_of_token(token, frozenset([permission])):
        return False
    if on is None:
        return bool(actor.has_perm(permission))
    return is_within(token, on, permission) and bool(actor.has_perm(permission, on))


def require(actor: Actor, *permissions: str, on: Any = None) -> None:
    """Raises MissingRight unless the actor has every permission, on this row if one is given:
    `may`.
    """
    for permission in permissions:
        if not may(actor, permission, on):
            text = _("You may not %(act)s. Ask an administrator for a role that may.")
            raise MissingRight(text % {"act": act_of(permission)}, [permission], on)


def roles_that_hold(permissions: Sequence[str]) -> list[str]:
    """The names of the roles that have all of these rights, sorted; none where none is named."""
    found = Group.objects.all()
    for permission in permissions:
        label, _dot, codename = permission.partition(".")
        found = found.filter(
            permissions__codename=codename, permissions__content_type__app_label=label
        )
    return sorted(set(found.values_list("name", flat=True))) if permissions else []
