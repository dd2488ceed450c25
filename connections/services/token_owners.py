"""Whose tokens of the API somebody may make."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from ..models import ApiToken, Team, is_service_account
from ..standing import MANAGES, RIGHTS, standing_of, stored_standing
from .permissions import Actor, may, require


def may_make_tokens(actor: Actor, user: Any, team: Team | None = None) -> bool:
    """True if the actor may make tokens of this user's, for a team or for all."""
    try:
        require_may_make_tokens(actor, user, team)
    except PermissionDenied:
        return False
    return True


def require_may_make_tokens(actor: Actor, user: Any, team: Team | None = None) -> None:
    """Raises PermissionDenied unless the actor may make tokens of this user's, for a team or, with
    None, for all that the user may.
    """
    require(actor, "connections.add_apitoken", on=ApiToken(team=team))
    if actor is None:
        return
    _require_unlimited(actor)
    if actor == user or actor.is_superuser:
        return
    if not is_service_account(user):
        raise PermissionDenied(_("You may make tokens for yourself and service accounts only."))
    if team is None or not may(actor, MANAGES, team):
        require(actor, "connections.change_serviceaccount")
    if not user.is_active:
        text = _("%(user)s is deactivated. Activate it first.")
        raise PermissionDenied(text % {"user": user})
    require_above(actor, user, team)


def require_above(actor: Actor, user: Any, team: Team | None = None) -> None:
    """Raises PermissionDenied unless the actor has every right of this user, who may be
    deactivated, and does not act by a limited token. `team`: only what the user may there counts.
    """
    if actor is None:
        return
    _require_unlimited(actor)
    if not actor.is_superuser and (user.is_superuser or _may_more(user, actor, team)):
        text = _("%(user)s may do more than you: you may not make tokens for it.")
        raise PermissionDenied(text % {"user": user})


def _may_more(user: Any, actor: Any, team: Team | None) -> bool:
    """True if a user may do, in a team or at all, what the actor may not."""
    theirs, mine = stored_standing(user), standing_of(actor)
    if not theirs.rights <= mine.rights:
        return True
    if mine.sees_all:
        return False
    roles = {pk: role for pk, role in theirs.roles.items() if team is None or pk == team.pk}
    return any(
        not RIGHTS[role] <= RIGHTS.get(mine.roles.get(pk, ""), frozenset())
        for pk, role in roles.items()
    )


def _require_unlimited(actor: Any) -> None:
    acting = getattr(actor, "token", None)
    is_narrow = acting and (acting.team_id or acting.tags)
    if acting and (acting.is_limited or acting.networks or is_narrow):
        raise PermissionDenied(
            _(
                "A token that is limited to profiles, networks, tags or a team may not make "
                "another, which would not be."
            )
        )
