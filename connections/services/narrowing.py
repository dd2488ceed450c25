"""What narrows a caller of the gateway to some profiles: the teams of the person, the team and the
tags of the token. docs/teams.md has the rule.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from ..lookup import parse_id
from ..models import ApiToken, FormerAlias, Level, Profile, ProfileShare
from ..standing import RIGHTS, rights_in_teams
from ..viewing import Standing

USE_PROFILE = "connections.use_profile"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Why a caller may not use every profile. Callers who are narrowed alike are equal.

    `uses_shared`: they may use what belongs to no team. `teams`: of the person; `using`: those of
    them in which they may use profiles. `sees_all`: the person is above teams. `team`, `tags`: what
    the token is narrowed to.
    """

    uses_shared: bool
    teams: frozenset[uuid.UUID] = frozenset()
    using: frozenset[uuid.UUID] = frozenset()
    sees_all: bool = False
    team: uuid.UUID | None = None
    tags: tuple[str, ...] = ()

    def sees(self, owners: frozenset[uuid.UUID]) -> bool:
        """True for a row of these teams, or shared with them; of none: it is shared by all."""
        if not owners:
            return True
        if self.team is not None and self.team not in owners:
            return False
        return self.sees_all or not self.teams.isdisjoint(owners & {self.team} or owners)

    def profiles(self) -> "UsableProfiles":
        """The profiles that these callers may use. Two queries."""
        return _usable_profiles(self)


@dataclass(frozen=True, slots=True)
class UsableProfiles:
    """The profiles that callers may use who are narrowed alike. `names`: their aliases and former
    ones.
    """

    ids: frozenset[uuid.UUID]
    names: frozenset[str]

    def may_name(self, id_or_alias: str) -> bool:
        """False for another profile, and for one that does not exist."""
        pk = parse_id(id_or_alias)
        return pk in self.ids if pk else id_or_alias.lower() in self.names


def narrowing_of(standing: Standing, token: ApiToken | None = None) -> Narrowing | None:
    """What narrows a person, or one of their tokens; None where nothing does. No query."""
    team, tags = (token.team_id, tuple(token.tags)) if token else (None, ())
    if team is None and not tags and (standing.sees_all or not standing.has_teams):
        return None
    using = (one for one, role in standing.roles.items() if USE_PROFILE in RIGHTS[role])
    uses_shared = USE_PROFILE in standing.rights or USE_PROFILE in rights_in_teams(standing)
    roles = frozenset(standing.roles)
    return Narrowing(uses_shared, roles, frozenset(using), standing.sees_all, team, tags)


def _usable_profiles(narrowing: Narrowing) -> UsableProfiles:
    rows = Profile.every.filter(_usable(narrowing)).order_by()
    names: dict[uuid.UUID, set[str]] = {
        pk: {alias}
        for pk, alias, tags in rows.values_list("pk", "alias", "tags")
        if not narrowing.tags or not {*narrowing.tags}.isdisjoint(tags)
    }
    former = FormerAlias.objects.of(Profile).filter(profile__in=rows.values("pk")).order_by()
    for pk, alias in former.values_list("profile_id", "alias"):
        if pk in names:
            names[pk].add(alias)
    return UsableProfiles(frozenset(names), frozenset(set[str]().union(*names.values())))


def _usable(narrowing: Narrowing) -> Q:
    """The condition that a profile may be used, but for tags."""
    shared = Q(team=None) if narrowing.uses_shared else Q(pk__in=())
    lent = _shared_with(narrowing.using).filter(level=Level.USE)
    found = shared | Q(team__in=narrowing.using) | Q(pk__in=lent.values("profile"))
    if narrowing.sees_all:
        found = Q() if narrowing.uses_shared else Q(pk__in=())
    if narrowing.team is not None:
        shares = _shared_with([narrowing.team]).filter(level=Level.USE).values("profile")
        found &= Q(team=None) | Q(team=narrowing.team) | Q(pk__in=shares)
    return found


def _shared_with(teams: Iterable[uuid.UUID]) -> QuerySet[ProfileShare]:
    return ProfileShare.objects.filter(team__in=teams).order_by()
