"""What whoever looks may see: a condition in the query, so that lists, counts and searches are
right without knowing it.
"""

import json
from typing import Any, TypeVar
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import In, IsNull

from ..viewing import Viewer, current_viewer
from .teams import Role

Row = TypeVar("Row", bound=models.Model)


class Looked(models.Func):
    """A column that is looked at row by row. By its index SQLite would fetch every row that may
    be seen and sort them all, for a page of a few; by the index of the order a page takes a
    hundredth (https://www.sqlite.org/optoverview.html, "Disqualifying WHERE Clause Terms Using
    Unary-+"). PostgreSQL knows how many rows there are, and chooses by itself.
    """

    arity = 1
    template = "+%(expressions)s"
    output_field = models.UUIDField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """The column as it is."""
        return self.as_sql(compiler, connection, template="%(expressions)s", **extra)


def seen(kind: str, of: str = "") -> Q:
    """The condition that whoever looks may see the connection, or the profile, that a row is or
    belongs to. It is empty where they see all.

    `kind`: `connection` or `profile`. `of`: the way there from the row, e.g. `connection__`.
    """
    viewer = current_viewer()
    if viewer is None:
        return Q()
    standing = viewer.standing()
    if not standing.has_teams:
        return _with_tags(kind, of, viewer)
    if standing.sees_all and viewer.team is None:
        return _with_tags(kind, of, viewer)
    teams = _teams_of(viewer)
    team = Looked(models.F(f"{of}team"))
    condition = Q(IsNull(team, True))
    if teams:
        shares = apps.get_model("connections", f"{kind.capitalize()}Share")._default_manager
        shared = shares.filter(team__in=teams).order_by().values(kind)
        condition |= Q(In(team, teams)) | Q(**{f"{of}pk__in": shared})
    return condition & _with_tags(kind, of, viewer)


def _teams_of(viewer: Viewer) -> set[UUID]:
    """The teams whose rows a viewer sees, who does not see all."""
    standing = viewer.standing()
    if viewer.team is None:
        return set(standing.roles)
    return {viewer.team} if standing.sees_all else {viewer.team} & set(standing.roles)


def _with_tags(kind: str, of: str, viewer: Viewer) -> Q:
    """The condition that one of the tags is one that a token is narrowed to, spelled alike."""
    if not viewer.tags:
        return Q()
    model: Any = apps.get_model("connections", kind)
    rows = model.every.alias(tags_text=Cast("tags", TextField())).order_by()
    condition = Q(pk__in=())
    for tag in viewer.tags:
        # as the JSON column's text has it: escaped in SQLite, plain in PostgreSQL
        condition |= Q(tags_text__contains=json.dumps(tag)) | Q(tags_text__contains=f'"{tag}"')
    return Q(**{f"{of}pk__in": rows.filter(condition).values("pk")})


class SeenManager(models.Manager[Row]):
    """The rows that whoever looks may see. A row that they may not see is not there for them.

    Beside it a model has `every`, for what must know all rows whoever looks: that an alias is
    unique, what a deletion would break, and what is remembered for others too.
    """

    kind, of = "", ""

    def get_queryset(self) -> models.QuerySet[Row]:
        rows = super().get_queryset()
        if current_viewer() is None:
            return rows
        condition = seen(self.kind, self.of)
        return rows.filter(condition) if condition else rows


class SeenConnections(SeenManager[Row]):
    """The connections that whoever looks may see."""

    kind = "connection"


class SeenProfiles(SeenManager[Row]):
    """The profiles that whoever looks may see."""

    kind = "profile"


class OfSeenConnections(SeenManager[Row]):
    """What belongs to connections that whoever looks may see."""

    kind, of = "connection", "connection__"


class OfSeenTeams(models.Manager[Row]):
    """Rows of no team, and of the teams whose rows whoever looks may see."""

    def get_queryset(self) -> models.QuerySet[Row]:
        rows, viewer = super().get_queryset(), current_viewer()
        if viewer is None:
            return rows
        standing = viewer.standing()
        if not standing.has_teams or (standing.sees_all and viewer.team is None):
            return rows
        return rows.filter(Q(team=None) | Q(team__in=_teams_of(viewer)))


def seen_tokens() -> Q:
    """The condition that whoever looks may see a token of the API: it is theirs, of a team that
    they administer, or of none where they may see tokens of all. A token that is narrowed sees
    those of its person. Empty where they see all.
    """
    viewer = current_viewer()
    if viewer is None:
        return Q()
    standing = viewer.standing()
    if viewer.team is not None or viewer.tags:
        return Q(user=standing.user_id)
    if not standing.has_teams or standing.sees_all:
        return Q()
    managed = {pk for pk, role in standing.roles.items() if role == Role.ADMINISTRATOR}
    condition = Q(user=standing.user_id) | Q(team__in=managed)
    if "connections.view_apitoken" in standing.rights:
        condition |= Q(team=None)
    return condition


class SeenTokens(models.Manager[Row]):
    """The tokens that whoever looks may see."""

    def get_queryset(self) -> models.QuerySet[Row]:
        rows = super().get_queryset()
        condition = seen_tokens()
        return rows.filter(condition) if condition else rows
