"""The end of a team: who gets what it has."""

from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from ..audit.services import act, record
from ..change_counter import bump_change_counter
from ..errors import FieldError, Invalid
from ..locks import retried
from ..models import (
    Connection,
    ConnectionShare,
    HostApproval,
    Level,
    Profile,
    ProfileShare,
    SectionTeam,
    Team,
)
from ..standing import MANAGES
from .approvals import hand_hosts_over
from .permissions import Actor, require
from .sections import denied_sections, hand_sections_over, refuse_lost_sections
from .sharing import refuse_uses


def _owned() -> list[Any]:
    """All rows of whatever may belong to a team, of every app, whoever looks."""
    columns = [one for one in Team._meta.related_objects if one.on_delete is models.PROTECT]
    return [one.related_model._base_manager.all() for one in columns]  # noqa: SLF001 Django's own


def owned_by(team: Team) -> dict[str, int]:
    """How much a team has, by kind: `connection`, `profile`, `apitoken`, and so on."""
    return {str(rows.model._meta.model_name): rows.filter(team=team).count() for rows in _owned()}


@retried
@act("team.delete")
def delete_team(
    team: Team, *, actor: Actor, heir: Team | None = None, is_for_all: bool = False
) -> None:
    """Deletes a team. What it has, and what others share with it, goes to `heir`, or to all with
    `is_for_all`; its memberships end. A section of references that it alone had is for all then.

    Raises Invalid if it has something and neither is named, or if a profile or a connection that
    all share would use what they may not; PermissionDenied for whoever does not manage all teams.
    """
    require(actor, MANAGES, on=Team())
    if heir is None and not is_for_all and any(owned_by(team).values()):
        text = _("%(name)s has things. Say which team gets them, or that all do.")
        raise Invalid([FieldError("heir", "required", text % {"name": team.name})])
    if heir is not None and heir.pk == team.pk:
        raise Invalid([FieldError("heir", "invalid", _("Name another team."))])
    with transaction.atomic():
        moved = list(Profile.every.filter(team=team).values_list("pk", flat=True))
        connections = list(Connection.every.filter(team=team).defer("credentials"))
        denied = denied_sections(connections)
        for rows in _owned():
            if rows.model not in (HostApproval, SectionTeam):  # have answers for a team
                rows.filter(team=team).update(team=heir)
        for model in (Connection, Profile):
            history: Any = model.history
            history.filter(team=team).update(team=heir)
        _hand_shares_over(team, heir)
        refuse_uses(Profile.every.filter(pk__in=moved).select_related("connection"))
        hand_sections_over(team, heir)
        hand_hosts_over(team, heir)
        for row in connections:
            row.team = heir
        refuse_lost_sections(connections, denied)
        record(team, actor=actor, detail={"heir": heir.name if heir else ""})
        team.delete()
        bump_change_counter()


def _hand_shares_over(team: Team, heir: Team | None) -> None:
    """Gives what others share with a team to its heir, unless they have it already."""
    for model, kind in ((ConnectionShare, "connection"), (ProfileShare, "profile")):
        rows: Any = model._default_manager
        if heir is not None:
            rows.filter(team=heir, **{f"{kind}__team": heir}).delete()
            for one in rows.filter(team=team).exclude(**{f"{kind}__team": heir}):
                given = {kind: getattr(one, kind), "team": heir}
                made, is_new = rows.get_or_create(**given, defaults={"level": one.level})
                if not is_new and one.level == Level.USE:
                    made.level = one.level
                    made.save(update_fields=["level"])
        else:  # what all share needs none
            rows.filter(**{f"{kind}__team": None}).delete()
        rows.filter(team=team).delete()
