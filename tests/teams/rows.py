"""Teams, their people and what they have, made by the models: what the rooms do with them is tried,
not how they are made.
"""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User

from connections import services
from connections.models import (
    ApiToken,
    Connection,
    ConnectionShare,
    Membership,
    Profile,
    ProfileShare,
    Role,
    Team,
)
from tests.fakes import profile_of
from tests.people import person


@dataclass
class Owner:
    """A team, or none, with a connection to Echo and a profile on it, all called after it."""

    name: str
    team: Team | None
    connection: Connection
    profile: Profile
    people: dict[str, User] = field(default_factory=dict)


def owner(name: str, *, is_team: bool = True, roles: tuple[str, ...] = tuple(Role.values)) -> Owner:
    """A team with somebody in each role: `name-operator` and so on."""
    team = Team.objects.create(name=name) if is_team else None
    row = echo(f"{name}-line", team)
    made = Owner(name, team, row, profile(f"{name}-chat", row, team))
    for role in roles if team else ():
        made.people[role] = member(f"{name}-{role}", team, role)
    return made


def echo(name: str, team: Team | None = None, **columns: Any) -> Connection:
    """A connection of a team, None: shared by all."""
    row = services.create_connection("echo", actor=None, name=name, alias=name, **columns).row
    return _put(row, team)


def profile(name: str, connection: Connection, team: Team | None = None, **columns: Any) -> Profile:
    """A profile of a team, None: shared by all; also on a connection that it may not use."""
    values = {"name": name, "alias": name, "model": "echo-1", "team": connection.team} | columns
    return _put(profile_of(connection, **values), team)


def _put(row: Any, team: Team | None) -> Any:
    row.team = team
    row.save(update_fields=["team"])
    return row


def member(name: str, team: Team | None, role: str) -> User:
    """Somebody who is in this team alone, and in no group."""
    user = person(name)
    Membership.objects.create(team=team, user=user, role=role)
    return user


def share(row: Connection | Profile, team: Team | None, level: str) -> Any:
    """Lets another team see or use a row."""
    if isinstance(row, Profile):
        return ProfileShare.objects.create(profile=row, team=team, level=level)
    return ConnectionShare.objects.create(connection=row, team=team, level=level)


def token_of(user: User, name: str = "token", **columns: Any) -> tuple[ApiToken, str]:
    """A token for the gateway, and its text. `columns`: of the row."""
    row, text = services.create_token(
        name, user=user, actor=None, scopes=["gateway:use"], **columns.pop("more", {})
    )
    for column, value in columns.items():
        setattr(row, column, value)
    row.save()
    return row, text
