"""The rule who may do what, in the services, so that page, API and command cannot differ."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from ..errors import MissingRight

Actor = Any  # a user, or None for the operator of the machine (management commands)


def require(actor: Actor, *permissions: str) -> None:
    """Raises MissingRight unless the actor has every permission, e.g.
    "connections.test_connection".
    """
    for permission in permissions:
        if actor is not None and not actor.has_perm(permission):
            verb, _line, thing = permission.partition(".")[2].partition("_")
            article = "an" if thing[:1] in "aeio" else "a"
            text = _("You may not %(act)s. Ask an administrator for a group that may.")
            said = text % {"act": f"{verb} {article} {thing}"}
            raise MissingRight(said, [permission])


def roles_that_hold(permissions: Sequence[str]) -> list[str]:
    """The names of the roles that have all of these rights, sorted; none where none is named."""
    found = Group.objects.all()
    for permission in permissions:
        label, _dot, codename = permission.partition(".")
        found = found.filter(
            permissions__codename=codename, permissions__content_type__app_label=label
        )
    return sorted(set(found.values_list("name", flat=True))) if permissions else []
