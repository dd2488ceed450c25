"""What a person may do, by their groups and their roles in teams: the rule of docs/teams.md.

Pages and services ask by `may` and `require` of the services; what may be seen is filtered in the
query (models/seeing.py). Both read a `Standing`, which takes one query a request.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import BooleanField, Exists, Q, TextField, Value, prefetch_related_objects
from django.db.models.functions import Cast

from .models import Level, Membership, Role, Team
from .viewing import Standing, Viewer

MANAGES = "connections.manage_teams"
SEES = frozenset(
    [
        "connections.view_connection",
        "connections.view_profile",
        "connections.view_connectioncheck",
        "connections.view_defaultprofile",
    ]
)
USES = frozenset([*SEES, "connections.test_connection", "connections.use_profile"])
OPERATES = frozenset(
    [
        *USES,
        *(f"connections.{verb}_connection" for verb in ("add", "change", "toggle")),
        *(f"connections.{verb}_profile" for verb in ("add", "change", "toggle")),
        "gateway.view_usagerecord",
    ]
)
ADMINISTERS = frozenset(
    [
        *OPERATES,
        MANAGES,  # its own team
        "connections.delete_connection",
        "connections.delete_profile",
        "connections.view_auditevent",
        *(f"connections.{verb}_revealtoken" for verb in ("view", "add", "delete")),
        *(f"gateway.{verb}_noticetarget" for verb in ("view", "add", "change", "delete")),
        *(f"connections.{verb}_apitoken" for verb in ("view", "add", "delete")),
    ]
)
# A right goes in here when everything behind it keeps to the teams of whoever asks.
RIGHTS: Mapping[str, frozenset[str]] = {
    Role.VIEWER: SEES,
    Role.OPERATOR: OPERATES,
    Role.ADMINISTRATOR: ADMINISTERS,
}
# What a token narrowed to a team or to tags keeps of its person's rights: with what is of all, or
# of other people, it would get out of that.
OF_NARROWED = OPERATES | {"connections.delete_connection", "connections.delete_profile"}
OF_SHARES: Mapping[str, frozenset[str]] = {Level.SEE: SEES, Level.USE: USES}
NOBODY = Standing()


def standing_of(user: Any) -> Standing:
    """What a person may do. One query: it is remembered on the object, which lasts a request."""
    return stored_standing(user) if user.is_active and not user.is_anonymous else NOBODY


def stored_standing(user: Any) -> Standing:
    """`standing_of`, also of somebody who is deactivated: what they may do again when activated."""
    found: Standing | None = getattr(user, "_perm_cache", None)  # where Django has it too
    if found is None:
        found = user._perm_cache = _read(user)
    return found


def _read(user: Any) -> Standing:
    granted = (
        Permission.objects.all()
        if user.is_superuser
        else Permission.objects.filter(Q(user=user) | Q(group__user=user))
    )
    rights = granted.order_by().values_list(
        "content_type__app_label", "codename", Exists(Team.objects.order_by())
    )
    roles = (
        Membership.objects.filter(user=user)
        .order_by()
        .values_list(Cast("team", TextField()), "role", Value(True, BooleanField()))
    )
    found = list(rights.union(roles, all=True).order_by())
    names, teams = set(), {}
    for label, name, _is_there in found:
        if name in RIGHTS:
            teams[uuid.UUID(label)] = name
        else:
            names.add(f"{label}.{name}")
    # nothing tells whoever has no right at all, for whom it makes no difference
    has_teams = not found or any(is_there for _label, _name, is_there in found)
    return Standing(frozenset(names), teams, MANAGES in names, has_teams, user.pk)


def rights_anywhere(standing: Standing) -> frozenset[str]:
    """What a person may do with something, of no team or of any of theirs."""
    return standing.rights | rights_in_teams(standing)


def rights_in_teams(standing: Standing) -> frozenset[str]:
    """What a person may do with something of one of their teams, whichever that is."""
    return frozenset[str]().union(*(RIGHTS[role] for role in standing.roles.values()))


def rights_on(standing: Standing, row: Any) -> frozenset[str]:
    """What a person may do with a row, saved or not: a connection, a profile, or whatever else has
    a team or is one.

    One query, where the row is of a team that the person is not in; none if its `shares` are
    prefetched.
    """
    team = row.pk if isinstance(row, Team) else getattr(row, "team_id", None)
    if standing.sees_all:
        return standing.rights
    if team is None:
        return standing.rights | (rights_in_teams(standing) & USES)
    if team in standing.roles:
        return RIGHTS[standing.roles[team]]
    return _of_shares(standing, row)


class RowPerms(dict[str, dict[str, bool]]):
    """What somebody may do with a row, by app and right, with `"app.right" in perms` as in Django's
    own of a person. Many rows share one: it is not changed.
    """

    def __init__(self, rights: frozenset[str]) -> None:
        super().__init__()
        self._hash = hash(rights)
        for right in rights:
            label, _dot, name = right.partition(".")
            self.setdefault(label, {})[name] = True

    def __hash__(self) -> int:  # type: ignore[override]
        return self._hash

    def __contains__(self, name: object) -> bool:
        label, dot, right = str(name).partition(".")
        return right in self.get(label, {}) if dot else super().__contains__(name)


def perms_on(user: Any, row: Any) -> RowPerms:
    """What a person may do with a row, as templates ask for it in place of `perms`."""
    return _perms_of(rights_on(standing_of(user), row))


_perms_of = lru_cache(maxsize=256)(RowPerms)  # by nothing but the rights themselves


def prefetch_teams(rows: Sequence[Any], user: Any) -> None:
    """Reads the teams of rows, and the shares of those that others share with this person: two
    queries at most, none where no row has a team.
    """
    prefetch_related_objects(rows, "team")
    standing = standing_of(user)
    foreign = [one for one in rows if one.team_id and one.team_id not in standing.roles]
    if foreign and not standing.sees_all:
        prefetch_related_objects(foreign, "shares")


def _of_shares(standing: Standing, row: Any) -> frozenset[str]:
    if not standing.roles or not hasattr(row, "shares") or row._state.adding:
        return frozenset()
    found = frozenset[str]()
    for share in row.shares.all():
        if share.team_id in standing.roles:
            found |= OF_SHARES[share.level] & RIGHTS[standing.roles[share.team_id]]
    return found


def is_narrowed(token: Any) -> bool:
    """True for a token that is narrowed to a team or to tags; None is no token."""
    return token is not None and bool(token.team_id or getattr(token, "tags", ()))


def rights_of_token(token: Any, rights: frozenset[str]) -> frozenset[str]:
    """What a token leaves of its person's rights; None is no token."""
    return rights & OF_NARROWED if is_narrowed(token) else rights


def is_within(token: Any, row: Any, permission: str) -> bool:
    """True if a token, narrowed to a team or to tags, leaves this right on this row; None is no
    token.

    What has no tags, such as a team, is not narrowed by them. What another team shares with that of
    the token gives no more than the share, whatever else its person may do with it.
    """
    if token is None:
        return True
    tags = getattr(row, "tags", None)
    of_token = set(getattr(token, "tags", ()))
    if of_token and tags is not None and of_token.isdisjoint(tags):
        return False
    team = row.pk if isinstance(row, Team) else getattr(row, "team_id", None)
    if token.team_id is None or team is None or team == token.team_id:
        return True
    shares = row.shares.all() if hasattr(row, "shares") and not row._state.adding else ()
    lent = (OF_SHARES[one.level] for one in shares if one.team_id == token.team_id)
    return any(permission in rights for rights in lent)


def owned_q(standing: Standing, permission: str) -> Q:
    """The condition that a person has a permission on a row by its `team` alone: on what has no
    shares, such as a token.
    """
    if standing.sees_all:
        return ~Q(pk__in=())  # true of all; an empty Q would vanish in an "or"
    shared = Q(team=None) if permission in standing.rights else Q(pk__in=())
    roles = dict(standing.roles).items()
    return shared | Q(team__in=[team for team, role in roles if permission in RIGHTS[role]])


def teams_of_viewer(viewer: Viewer | None) -> frozenset[uuid.UUID]:
    """The teams of whoever looks, of a token those that it is narrowed to; None has none."""
    if viewer is None:
        return frozenset()
    standing = viewer.standing()
    own = frozenset(standing.roles)
    if viewer.team is None:
        return own
    return frozenset([viewer.team]) if standing.sees_all else own & {viewer.team}


def viewer_of(user: Any, token: Any = None) -> Viewer:
    """The viewer that a person is, or their token."""
    return viewer_who(lambda: user, token)


def viewer_who(person: Callable[[], Any], token: Any = None) -> Viewer:
    """The viewer that a person is, who is looked for when a row is read."""
    if token is None:
        return Viewer(lambda: standing_of(person()))
    return Viewer(lambda: standing_of(person()), token.team_id, tuple(getattr(token, "tags", ())))
