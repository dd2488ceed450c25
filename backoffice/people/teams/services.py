"""What the pages of teams show. `connections.services` decides what becomes of teams."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from connections.audit.services import act, has_notes, record
from connections.errors import FieldError
from connections.models import (
    SUFFIX,
    ApiToken,
    Connection,
    ConnectionShare,
    Membership,
    Profile,
    ProfileShare,
    Team,
)
from connections.services import Invalid, may, owned_by, require, set_member, teams_of
from connections.standing import MANAGES
from connections.texts import name_key, sort_key

SORTS: Mapping[str, Any] = {
    "name": lambda team: sort_key(team.name),
    "members": lambda team: team.members,
    "connections": lambda team: team.owned_connections,
    "profiles": lambda team: team.owned_profiles,
    "tokens": lambda team: team.owned_tokens,
    "created": lambda team: team.date_created,
}
COUNTED: Mapping[str, Any] = {
    "members": Membership.objects,
    "owned_connections": Connection.every,
    "owned_profiles": Profile.every,
    "owned_tokens": ApiToken.objects,
}


@dataclass(frozen=True)
class Holding:
    """Some of what a team has: how much, of which kind in words, and where that is listed; an empty
    address where the person has no page of it.
    """

    number: int
    kind: str
    address: str


@dataclass(frozen=True)
class Shared:
    """A connection or a profile that a team shares with another."""

    row: Connection | Profile
    team: Team
    level: str


def counted_teams(actor: Any) -> QuerySet[Team]:
    """The teams that the actor is in, or all for whoever manages all, with the numbers of what they
    have. As many queries for one as for all.
    """
    numbers = {name: _number(rows) for name, rows in COUNTED.items()}
    return teams_of(actor).annotate(**numbers)


def _number(rows: Any) -> Any:
    of_team = rows.filter(team=OuterRef("pk")).order_by().values("team")
    number = Subquery(of_team.annotate(number=Count("pk")).values("number"))
    return Coalesce(number, 0, output_field=IntegerField())


def listed_teams(actor: Any, filters: Mapping[str, str], sort: str = "name") -> list[Team]:
    """The teams by `q` (in their name); `-` before a sort reverses it."""
    words = name_key(filters.get("q", "")).split()
    found = [one for one in counted_teams(actor) if all(w in name_key(one.name) for w in words)]
    key = SORTS.get(sort.removeprefix("-"), SORTS["name"])
    return sorted(sorted(found, key=SORTS["name"]), key=key, reverse=sort.startswith("-"))


def holdings(team: Team, actor: Any) -> list[Holding]:
    """What a team has, by kind."""
    numbers = owned_by(team)
    kinds = (
        ("connection", _("Connections"), "connections.view_connection", "connection-list"),
        ("profile", _("Profiles"), "connections.view_profile", "profile-list"),
        ("apitoken", _("Tokens"), "connections.view_apitoken", "token-list"),
        (
            "serviceaccount",
            _("Service accounts"),
            "connections.view_serviceaccount",
            "service-account-list",
        ),
        ("connectiontype", _("Connection types"), "connections.view_connectiontype", "type-list"),
        ("sectionteam", _("Sections of references"), "connections.view_connection", "section-list"),
    )
    found = []
    for kind, words, right, page in kinds:
        address = f"{reverse(page)}?team={team.pk}" if may(actor, right) else ""
        found.append(Holding(numbers.get(kind, 0), words, address))
    return found


def shared_by(team: Team) -> list[Shared]:
    """What a team shares with others, by name."""
    found = [
        Shared(getattr(one, kind), one.team, one.get_level_display())
        for model, kind in ((ConnectionShare, "connection"), (ProfileShare, "profile"))
        for one in model._default_manager.filter(**{f"{kind}__team": team}).select_related(
            kind, "team"
        )
    ]
    return sorted(found, key=lambda one: (sort_key(one.row.name), one.team.name))


@act("team.update")
def add_member(team: Team, name: str, role: str, *, actor: Any) -> Membership:
    """Takes the person, or the service account, of this name into a team.

    A team's administrator names who is there already: people are added by whoever may add users.
    Raises Invalid, PermissionDenied.
    """
    require(actor, MANAGES, on=team)
    name = User.normalize_username(name.strip().replace("\x00", ""))
    person = User.objects.filter(username__in=(name, f"{name}{SUFFIX}")).first()
    if person is None:
        text = _("There is nobody of this name. Whoever manages people can add them.")
        raise Invalid([FieldError("name", "not_found", text)])
    if Membership.objects.filter(team=team, user=person).exists():
        text = _("%(name)s is in this team already.") % {"name": name}
        raise Invalid([FieldError("name", "duplicate", text)])
    with transaction.atomic():
        row = set_member(team, person, role, actor=actor)
        if has_notes():
            record(actor=actor)
    return row


def heirs_of(team: Team) -> QuerySet[Team]:
    """The teams that may get what a team has, by name."""
    return Team.objects.exclude(pk=team.pk).order_by("name")
