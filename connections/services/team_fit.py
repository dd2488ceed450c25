"""Whether a profile's team may use its connection and its fallbacks."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from ..errors import FieldError, NotUndone
from ..models import Level, Profile


def may_be_used_by(row: Any, team_id: Any) -> bool:
    """True if a connection or a profile is for a profile of this team; None: one that all share.

    No query for what all share and what is of the same team.
    """
    if row.team_id is None or row.team_id == team_id:
        return True
    return team_id is not None and row.shares.filter(team=team_id, level=Level.USE).exists()


def team_errors(
    row: Profile, fallbacks: Sequence[Profile], is_connection_new: bool = True
) -> list[FieldError]:
    """The reasons why a profile cannot have this connection and these fallbacks, which its team may
    not use.

    `is_connection_new`: the connection is looked at too.
    """
    errors = []
    if is_connection_new and not may_be_used_by(row.connection, row.team_id):
        text = _("%(name)s is of another team, which has not let this one use it.")
        errors.append(FieldError("connection", "other_team", text % {"name": row.connection.name}))
    names = [one.name for one in fallbacks if not may_be_used_by(one, row.team_id)]
    if names:
        text = _("Of another team, which has not let this one use them: %(names)s.")
        errors.append(FieldError("fallbacks", "other_team", text % {"names": ", ".join(names)}))
    return errors


def refuse_unfit_team(row: Profile, fallbacks: Sequence[Profile]) -> None:
    """Raises NotUndone where the profile's team may not use its connection or these any more."""
    if wrong := team_errors(row, fallbacks):
        raise NotUndone(f"{wrong[0].message} {_('Nothing was undone.')}")
