"""Which team a connection or a profile belongs to, and which others may see or use it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from ..audit.services import act, record
from ..change_counter import bump_change_counter
from ..errors import FieldError, Invalid
from ..locks import hold, long_change, retried
from ..models import (
    Connection,
    ConnectionShare,
    DefaultProfile,
    Fallback,
    Level,
    Profile,
    ProfileShare,
    Team,
)
from ..standing import MANAGES
from .approvals import ask_for_hosts_of
from .base import save_version
from .permissions import Actor, require
from .sections import denied_sections, refuse_lost_sections
from .team_fit import may_be_used_by

Share = ConnectionShare | ProfileShare
MOST_NAMED = 6
MOVED = gettext_noop("moved to another team")


def shares_of(row: Connection | Profile) -> list[Any]:
    """The shares of a row with their teams, by name."""
    found: Any = row.shares
    return list(found.select_related("team").order_by("team__name"))


@retried
@act(lambda row, *_others, **_named: f"{row._meta.model_name}.share")
def share(row: Connection | Profile, team: Team, level: str, *, actor: Actor) -> Any:
    """Lets another team see, or see and use, a row of a team; a share that is there gets this
    level.

    Raises Invalid, PermissionDenied for whoever does not manage the row's team.
    """
    require(actor, MANAGES, on=row)
    if level not in Level:
        text = _("Choose one of %(levels)s.") % {"levels": ", ".join(Level.values)}
        raise Invalid([FieldError("level", "invalid", text)])
    if row.team_id is None:
        text = _("All see %(name)s already, because it belongs to no team.")
        raise Invalid([FieldError("team", "shared_by_all", text % {"name": row.name})])
    if row.team_id == team.pk:
        text = _("%(name)s belongs to this team.") % {"name": row.name}
        raise Invalid([FieldError("team", "own", text)])
    kind, shares = str(row._meta.model_name), _shares(row)
    with transaction.atomic():
        before = shares.filter(**{kind: row}, team=team).values_list("level", flat=True).first()
        made, _is_new = shares.update_or_create(**{kind: row}, team=team, defaults={"level": level})
        if level != Level.USE:
            _refuse_users([row], {team.pk})
        if before != level:
            change = (f"team {team.name}", before or "", str(level))
            record(row, actor=actor, changes=[change], others=[team])
    return made


@retried
@act(lambda row, *_others, **_named: f"{row._meta.model_name}.unshare")
def unshare(row: Connection | Profile, team: Team, *, actor: Actor) -> bool:
    """Ends a share; False if there is none. Raises Invalid while profiles of that team use the row,
    PermissionDenied.
    """
    require(actor, MANAGES, on=row)
    with transaction.atomic():
        found = _shares(row).filter(**{str(row._meta.model_name): row}, team=team).first()
        if found is None:
            return False
        found.delete()
        _refuse_users([row], {team.pk})
        change = (f"team {team.name}", str(found.level), "")
        record(row, actor=actor, changes=[change], others=[team])
    return True


@retried
@act(lambda rows, *_others, **_named: f"{rows[0]._meta.model_name}.move")
def move_to_team(
    rows: Sequence[Any], team: Team | None, *, actor: Actor, with_profiles: bool = False
) -> int:
    """Moves connections, or profiles, to a team; None: to all. Returns how many were moved.

    `with_profiles`: connections take their profiles along.

    Raises Invalid if something would use what it may not use any more, PermissionDenied for
    whoever may not change them where they are, or make them where they go.
    """
    model = type(rows[0])
    with long_change() if len(rows) > 1 else transaction.atomic():
        held: list[Any] = list(hold(model.objects.all(), [row.pk for row in rows]).values())
        if with_profiles and model is Connection:
            found = Profile.every.filter(connection__in=[row.pk for row in held])
            held += hold(Profile.every.all(), found.values_list("pk", flat=True)).values()
        for row in held:
            require(actor, f"connections.change_{row._meta.model_name}", on=row)
        moved = [row for row in held if row.team_id != (team and team.pk)]
        connections = [row for row in moved if isinstance(row, Connection)]
        denied = denied_sections(connections)
        for row in moved:
            kind = row._meta.model_name
            row.team = team
            require(actor, f"connections.add_{kind}", on=row)
            row._change_reason = MOVED
            save_version(row, actor)
            _shares(row).filter(**{kind: row}, team=team).delete()
        _refuse_users(moved)
        refuse_lost_sections(connections, denied)
        ask_for_hosts_of(connections, actor)
        refuse_uses([row for row in moved if isinstance(row, Profile)])
        if moved:
            record(others=moved, actor=actor, detail={"team": team.name if team else ""})
        bump_change_counter()
    return len(moved)


def _shares(row: Any) -> Any:
    return (ConnectionShare if isinstance(row, Connection) else ProfileShare)._default_manager


def _refuse_users(rows: Iterable[Any], teams: Iterable[Any] | None = None) -> None:
    """Raises Invalid, so that the change is rolled back, if profiles use one of these rows that
    they may not use any more. `teams`: only profiles of these.
    """
    for row in rows:
        users = _users(row)
        if teams is not None:
            users = [one for one in users if one.team_id in teams]
        in_the_way = [one for one in users if not may_be_used_by(row, one.team_id)]
        if in_the_way:
            text = _("%(name)s is used by %(users)s. Move or change these first.")
            values = {"name": row.name, "users": _named(in_the_way)}
            raise Invalid([FieldError("team", "in_use", text % values)])
        if isinstance(row, Profile) and row.team_id is not None:
            found = DefaultProfile.objects.filter(profile=row).first()
            if found:
                text = _("%(name)s is %(default)s, which all share. Choose another default first.")
                values = {"name": row.name, "default": str(found)}
                raise Invalid([FieldError("team", "in_use", text % values)])


def _users(row: Any) -> list[Profile]:
    if isinstance(row, Connection):
        return list(Profile.every.filter(connection=row))
    return list(Profile.every.filter(fallback_steps__fallback=row))


def refuse_uses(profiles: Iterable[Profile]) -> None:
    """Raises Invalid if one of these profiles uses what its new team may not use."""
    for row in profiles:
        uses: list[Any] = [row.connection]
        steps = Fallback.objects.filter(profile=row).select_related("fallback")
        uses += [step.fallback for step in steps]
        if wrong := [one for one in uses if not may_be_used_by(one, row.team_id)]:
            text = _("%(name)s uses %(used)s, which that team may not use.")
            values = {"name": row.name, "used": _named(wrong)}
            raise Invalid([FieldError("team", "uses", text % values)])


def _named(rows: Sequence[Any]) -> str:
    """The names of those that whoever looks may see, and the number of the rest."""
    seen = {
        pk
        for model in {type(row) for row in rows}
        for pk in model.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True)
    }
    names = [row.name for row in rows if row.pk in seen][:MOST_NAMED]
    rest = len(rows) - len(names)
    if rest:
        text = ngettext("%(number)d other", "%(number)d others", rest)
        names.append(text % {"number": rest})
    return ", ".join(names)
