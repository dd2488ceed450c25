"""Sections of references that belong to teams: on whose behalf a reference is resolved.

`limited_sections` is asked by the driver's own cursor, as runtime.py asks for a connection: it is
part of every use of a connection with references.
"""

import uuid
from collections.abc import Callable
from functools import cache

from django.db import DEFAULT_DB_ALIAS
from django.db import connections as databases

from . import conf
from .models import SectionTeam
from .references import Resolution, section_of
from .resolving import Asker
from .standing import teams_of_viewer
from .viewing import current_viewer

Resolve = Callable[[str, bool, uuid.UUID | None], Resolution]
QUERY = f"SELECT section, team_id FROM {SectionTeam._meta.db_table}"  # noqa: S608 a name of our own


def limited_sections() -> dict[str, frozenset[uuid.UUID]]:
    """The sections that belong to teams, each with its teams. One query, none for a viewer where
    there is no team.
    """
    viewer = current_viewer()
    if viewer is not None and not viewer.standing().has_teams:
        return {}
    own = databases[DEFAULT_DB_ALIAS]
    found: dict[str, frozenset[uuid.UUID]] = {}
    with own.wrap_database_errors:
        own.ensure_connection()
        rows = own.connection.execute(QUERY).fetchall()
    for section, team in rows:
        pk = team if isinstance(team, uuid.UUID) else uuid.UUID(team)  # SQLite knows texts alone
        found[section] = found.get(section, frozenset()) | {pk}
    return found


def asker_of(team: uuid.UUID | None) -> Asker:
    """Whoever uses a connection of this team, None for one that all share. At its first reference
    it reads the sections that belong to teams.
    """
    return Asker(team, cache(limited_sections))


def resolve_now(reference: str, is_secret: bool, team: uuid.UUID | None) -> Resolution:
    """The value that a reference has now for a connection of this team."""
    return conf.resolver().resolve(reference, is_secret, asker_of(team))


def remembering() -> Resolve:
    """`resolve_now` for one answer, which remembers what it has resolved: else each row of a list
    would ask a secret store for what is missing there.
    """
    limited = cache(limited_sections)

    @cache
    def resolved(reference: str, is_secret: bool, team: uuid.UUID | None) -> Resolution:
        return conf.resolver().resolve(reference, is_secret, Asker(team, limited))

    def resolve(reference: str, is_secret: bool, team: uuid.UUID | None) -> Resolution:
        is_limited = section_of(reference) in limited()
        return resolved(reference, is_secret, team if is_limited else None)

    return resolve


def hidden_sections() -> frozenset[str]:
    """The sections of teams that whoever looks is not told of."""
    viewer = current_viewer()
    if viewer is None or (viewer.team is None and viewer.standing().sees_all):
        return frozenset()
    own = teams_of_viewer(viewer)
    return frozenset(name for name, teams in limited_sections().items() if own.isdisjoint(teams))
