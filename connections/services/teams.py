"""Teams and their members. Whoever manages all teams makes them, and the administrators of each
keep its members.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from ..audit.services import act, has_notes, record
from ..errors import FieldError, Invalid
from ..locks import retried
from ..lookup import parse_id
from ..models import (
    SUFFIX,
    Connection,
    EndedBecause,
    Membership,
    Profile,
    Role,
    ServiceAccount,
    Team,
    role_taken,
)
from ..row_versions import keep_version, keeps
from ..standing import MANAGES, standing_of
from .permissions import Actor, may, require
from .token_ends import end_tokens_of
from .tokens import limit_errors

LONGEST_NAME = 100


def teams_of(actor: Actor) -> QuerySet[Team]:
    """The teams that the actor is in, all of them for whoever manages all; of a token that is
    narrowed its team, or those of its person. By name.
    """
    if actor is None:
        return Team.objects.all()
    standing, token = standing_of(actor), getattr(actor, "token", None)
    if token and token.team_id:
        own = {token.team_id}
        return Team.objects.filter(pk__in=own if standing.sees_all else own & set(standing.roles))
    if standing.sees_all and not getattr(token, "tags", ()):
        return Team.objects.all()
    return Team.objects.filter(pk__in=set(standing.roles))


def teams_to_share_with(actor: Actor) -> QuerySet[Team]:
    """The teams that the actor may name: all for whoever manages any, else their own. By name."""
    return Team.objects.all() if may(actor, MANAGES) else teams_of(actor)


def teams_to_add(actor: Actor, kind: str) -> list[Team]:
    """The teams in which the actor may make something new, by name. `kind`: `connection`,
    `profile`. No query where there is no team.
    """
    if actor is not None and not standing_of(actor).has_teams:
        return []
    return [one for one in teams_of(actor) if may(actor, f"connections.add_{kind}", one)]


def may_add_for_all(actor: Actor, kind: str) -> bool:
    """True if the actor may make something that all share. `kind`: as in `teams_to_add`."""
    model = Profile if kind == "profile" else Connection
    return may(actor, f"connections.add_{kind}", model())


def team_named(text: str, *, actor: Actor) -> Team:
    """The team with this id, or this name in any letter case, among those that the actor may name.
    Raises Invalid.
    """
    pk = parse_id(text)
    rows = teams_to_share_with(actor)
    found = rows.filter(
        Q(pk=pk) if pk else Q(name__iexact=text.strip().replace("\x00", ""))
    ).first()
    if found is None:
        raise Invalid([FieldError("team", "not_found", _("There is no such team."))])
    return found


def service_account_named(name: str, *, actor: Actor) -> ServiceAccount:
    """The service account with this name, without SUFFIX: any for whoever may see service accounts,
    else one that is in a team of the actor's. Raises Invalid.
    """
    is_one = Q(user__username=f"{name}{SUFFIX}")
    if not may(actor, "connections.view_serviceaccount"):
        own = teams_of(actor).values("pk")
        is_one &= Q(team__in=own) | Q(user__memberships__team__in=own)
    found = ServiceAccount.objects.select_related("user").filter(is_one).first()
    if found is None:
        text = _("There is no service account with this name.")
        raise Invalid([FieldError("service_account", "not_found", text)])
    return found


def team_for_new(kind: str, text: str | None, *, actor: Actor) -> Team | None:
    """The team of something new. `text`: its id or name; empty for what all share; None where
    nobody said: then all share it, or, for whoever may not add such, it is of their only team.

    Raises Invalid where a team must be named, or there is none of that name.
    """
    if text:
        return team_named(text, actor=actor)
    if text == "" or actor is None or may_add_for_all(actor, kind):
        return None
    teams = teams_to_add(actor, kind)
    if len(teams) > 1:
        names = ", ".join(one.name for one in teams)
        message = _("Say to which team it belongs: %(teams)s.") % {"teams": names}
        raise Invalid([FieldError("team", "required", message)])
    return teams[0] if teams else None


@retried
@act("team.create")
def create_team(name: str, *, actor: Actor) -> Team:
    """Makes a team. Raises Invalid, PermissionDenied."""
    team = Team()
    require(actor, MANAGES, on=team)
    with transaction.atomic():
        _named(team, name)
        record(team, actor=actor)
        keep_version("team", team.pk, actor)
    return team


@retried
@act("team.update")
@keeps("team")
def rename_team(team: Team, name: str, *, actor: Actor) -> Team:
    """Gives a team another name. Raises Invalid, PermissionDenied."""
    require(actor, MANAGES, on=team)
    before = team.name
    with transaction.atomic():
        _named(team, name)
        if team.name != before:
            record(team, actor=actor, changes=[("name", before, team.name)])
    return team


@retried
@act("team.limit")
@keeps("team")
def limit_team(
    team: Team, *, requests_per_minute: int | None, tokens_per_day: int | None, actor: Actor
) -> Team:
    """Limits what all tokens of a team together may do through the gateway; None is no limit.

    Raises Invalid, PermissionDenied for whoever does not manage all teams.
    """
    require(actor, MANAGES, on=Team())
    limits = {"requests_per_minute": requests_per_minute, "tokens_per_day": tokens_per_day}
    if errors := limit_errors(limits):
        raise Invalid(errors)
    changes = [
        (name, str(getattr(team, name) or ""), str(value or ""))
        for name, value in limits.items()
        if getattr(team, name) != value
    ]
    for name, value in limits.items():
        setattr(team, name, value)
    with transaction.atomic():
        team.save(update_fields=[*limits])
        if changes:
            record(team, actor=actor, changes=changes)
    return team


@retried
@act("team.update")
@keeps("team")
def change_team(team: Team, changes: Mapping[str, Any], *, actor: Actor) -> Team:
    """Changes what is named of a team, all or nothing: `name`, `requests_per_minute`,
    `tokens_per_day`. Raises Invalid, PermissionDenied.
    """
    before = {
        "requests_per_minute": team.requests_per_minute,
        "tokens_per_day": team.tokens_per_day,
    }
    limits = {name: changes[name] for name in before if name in changes}
    with transaction.atomic():
        if limits:
            limit_team(team, **(before | limits), actor=actor)
        if "name" in changes:
            rename_team(team, changes["name"], actor=actor)
        if has_notes():
            record(actor=actor)
    return team


def _named(team: Team, name: str) -> Team:
    team.name = " ".join(name.split())
    if not team.name or len(team.name) > LONGEST_NAME or "\x00" in name:
        text = _("Give the team a name of at most %(longest)d characters.")
        raise Invalid([FieldError("name", "invalid", text % {"longest": LONGEST_NAME})])
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError:
        text = _("There is a team with this name already. Choose another name.")
        raise Invalid([FieldError("name", "unique", text)]) from None
    return team


@retried
@act("team.update")
@keeps("team")
def set_member(team: Team, person: Any, role: str, *, actor: Actor) -> Membership:
    """Takes a person, or a service account, into a team, or gives them another role there.

    Raises Invalid, PermissionDenied.
    """
    require(actor, MANAGES, on=team)
    if role not in Role:
        text = _("Choose one of %(roles)s.") % {"roles": ", ".join(Role.values)}
        raise Invalid([FieldError("role", "invalid", text)])
    with transaction.atomic():
        _lock(team)
        before = Membership.objects.filter(team=team, user=person).first()
        row, _is_new = Membership.objects.update_or_create(
            team=team, user=person, defaults={"role": role}
        )
        if before and before.role == Role.ADMINISTRATOR:
            _one_remains(team)
        if before and _rank(role) < _rank(before.role):
            _end_access(team, person, actor)
        if before is None or before.role != role:
            change = (f"member {person.get_username()}", before.role if before else "", str(role))
            record(team, actor=actor, changes=[change], others=[person])
    return row


@retried
@act("team.update")
@keeps("team")
def remove_member(team: Team, person: Any, *, actor: Actor) -> bool:
    """Takes a person out of a team; anybody may leave. False for whoever is not in it.

    Raises Invalid if nobody would be left to manage it, PermissionDenied.
    """
    if actor is None or actor.pk != person.pk:
        require(actor, MANAGES, on=team)
    with transaction.atomic():
        _lock(team)
        found = Membership.objects.filter(team=team, user=person).first()
        if found is None:
            return False
        found.delete()
        if found.role == Role.ADMINISTRATOR:
            _one_remains(team)
        _end_access(team, person, actor)
        change = (f"member {person.get_username()}", str(found.role), "")
        record(team, actor=actor, changes=[change], others=[person])
    return True


def _rank(role: str) -> int:
    return Role.values.index(role)


def _end_access(team: Team, person: Any, actor: Actor) -> None:
    """Ends the tokens of a person whose role in a team was taken away or lowered, but for those of
    their other teams; and their sessions, unless they did it themselves.
    """
    end_tokens_of(person.pk, EndedBecause.ROLE, team=team)
    if actor is None or actor.pk != person.pk:
        role_taken.send(Team, user_pk=person.pk)


def _lock(team: Team) -> None:
    """Of two administrators who leave at once, the second one waits."""
    list(Team.objects.select_for_update().filter(pk=team.pk))


def _one_remains(team: Team) -> None:
    """Raises Invalid, so that the change is rolled back, if nobody is left who manages a team."""
    right = Permission.objects.filter(
        content_type__app_label="connections", codename="manage_teams"
    )
    managers = (
        Q(is_superuser=True) | Q(user_permissions__in=right) | Q(groups__permissions__in=right)
    )
    active = get_user_model().objects.filter(is_active=True)
    in_team = Q(memberships__team=team, memberships__role=Role.ADMINISTRATOR)
    if not active.filter(managers | in_team).exists():
        text = _("This is the last administrator of %(team)s. Make somebody else one first.")
        raise Invalid([FieldError("role", "last_administrator", text % {"team": team.name})])
