"""Whose a fault is: a team that owns what it hits, or all. A notice is told to each as far as it is
about their rows.

What is written down has a part for each owner, because whoever reads it later must not be told of
others: `owners` of an item has, by the id of a team or ALL, what is different for them. Where no
team was made there are none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from connections.models import HostApproval, Profile, Team, seen
from connections.services import Actor
from connections.standing import RIGHTS, standing_of, teams_of_viewer
from connections.viewing import Standing, current_viewer

from ...attention.kinds import GUARDED, Fault
from ...attention.radar import LostModel
from ...models import Notice, NoticeTarget
from .targets import VIEW

ALL, NOBODY = "all", "nobody"  # shared by all; told to whoever sees everything
OF_ALL_TEAMS = ("endless", "idle")  # one fault for the tokens of all


def parts_of(fault: Fault, teams: Mapping[UUID, UUID | None]) -> dict[str, Fault]:
    """The fault as it hits each owner, none where no team was made. `teams`: of the connections."""
    if not Team.objects.exists():
        return {}
    if fault.connection_ids:
        groups: dict[str, list[UUID]] = {}
        for pk in fault.connection_ids:
            groups.setdefault(name_of(teams.get(pk)), []).append(pk)
        parts = {owner: replace(fault, connection_ids=tuple(pks)) for owner, pks in groups.items()}
        return _with_own_profiles(parts) if isinstance(fault.subject, LostModel) else parts
    if fault.kind in OF_ALL_TEAMS:
        return {NOBODY: fault}
    subject = fault.subject
    if isinstance(subject, HostApproval):
        row = subject.connection
        return {name_of(row.team_id) if row else NOBODY: fault}
    team_id = subject.pk if isinstance(subject, Team) else getattr(subject, "team_id", None)
    return {name_of(team_id): fault}


def name_of(team_id: UUID | None) -> str:
    """An owner as it is written down."""
    return str(team_id) if team_id else ALL


def _with_own_profiles(parts: Mapping[str, Fault]) -> dict[str, Fault]:
    """The parts of a model that ends, each with the profiles of its owner; a part without any is
    left out.
    """
    users = {pk: name for one in parts.values() for pk, name in one.subject.users}
    teams = dict(Profile.every.filter(pk__in=users).order_by().values_list("pk", "team"))
    found = {}
    for owner, fault in parts.items():
        own = tuple((pk, users[pk]) for pk in users if name_of(teams.get(pk)) in (owner, ALL))
        if own:
            found[owner] = replace(fault, subject=replace(fault.subject, users=own))
    return found


def written(items: Iterable[Mapping[str, Any]]) -> str:
    """The owners of items in one text, to be looked for in a query: ` all <id> `."""
    found = sorted({owner for one in items for owner in one.get("owners", ())})
    return f" {' '.join(found)} " if found else ""


def seen_owners(actor: Actor, *, is_guarded: bool) -> set[str] | None:
    """The owners whose notices somebody may read, None for all. `is_guarded`: of what only those
    read who keep it.
    """
    viewer = current_viewer()
    if actor is None or viewer is None or not seen("connection"):
        return None
    standing, teams = standing_of(actor), teams_of_viewer(viewer)
    if is_guarded:
        own = {ALL} if VIEW in standing.rights else set()
        return own | {str(one) for one in teams if _keeps(standing, one)}
    return {ALL} | {str(one) for one in teams}


def _keeps(standing: Standing, team: UUID) -> bool:
    rights = standing.rights if standing.sees_all else RIGHTS[standing.roles[team]]
    return VIEW in rights


def owners_of(target: NoticeTarget) -> set[str] | None:
    """The owners of whose faults a target is told, None for all."""
    return None if target.team_id is None else {str(target.team_id)}


def told_to(row: Notice, actor: Actor) -> list[dict[str, Any]]:
    """The items of a notice that somebody may read, as far as they may."""
    owners = seen_owners(actor, is_guarded=row.kind in GUARDED)
    return [part for item in row.items for part in parts_for(item, owners)]


def parts_for(item: Mapping[str, Any], owners: set[str] | None) -> Sequence[dict[str, Any]]:
    """What of an item is told to these owners; None: whoever sees everything."""
    whole = {name: value for name, value in item.items() if name != "owners"}
    if owners is None:
        return [whole]
    return [whole | part for owner, part in item.get("owners", {}).items() if owner in owners]
