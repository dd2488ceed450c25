"""The rule who may do what, in the services, so that page, API and command cannot differ."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

Actor = Any  # a user, or None for the operator of the machine (management commands)


def require(actor: Actor, *permissions: str) -> None:
    """Raises PermissionDenied unless the actor has every permission, e.g.
    "connections.test_connection".
    """
    for permission in permissions:
        if actor is not None and not actor.has_perm(permission):
            verb, _line, thing = permission.partition(".")[2].partition("_")
            article = "an" if thing[:1] in "aeio" else "a"
            text = _("You may not %(act)s. Ask an administrator for a group that may.")
            raise PermissionDenied(text % {"act": f"{verb} {article} {thing}"})
