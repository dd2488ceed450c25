"""The team of a connection or a profile, and its shares: `/connections/{idOrAlias}/team`,
`/connections/{idOrAlias}/shares`, and the same of profiles.
"""

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..models import Connection, Level
from . import connections, profiles
from .base import ApiView
from .camelcase import StrictBooleanField
from .connection_serializers import ConnectionSerializer
from .fields import CamelCaseSerializer
from .openapi import answers, items_of
from .profile_serializers import ProfileSerializer
from .sentences import OneOfField
from .teams import MANAGE, TeamNameField, team_in


class TeamMoveRequestSerializer(CamelCaseSerializer):
    """The team that a row is to belong to."""

    team = TeamNameField(allow_null=True, help_text="Its name or id; null: shared by all.")
    with_profiles = StrictBooleanField(
        default=False, help_text="Of a connection: its profiles go along."
    )


class ShareSerializer(CamelCaseSerializer):
    """Another team that may see, or see and use, a row."""

    team = serializers.CharField(source="team.name")
    level = serializers.ChoiceField(Level.values)


class ShareRequestSerializer(CamelCaseSerializer):
    """How far a share goes."""

    level = OneOfField(Level.values)


class OfRow(ApiView):
    """Something about one row: a connection, unless a subclass says otherwise."""

    rows: ClassVar[Any] = staticmethod(Connection.objects.all)
    shown: ClassVar[Any] = ConnectionSerializer

    def row(self, id_or_alias: str) -> Any:
        """The row in the address. Raises Http404."""
        return self.find(self.rows(), id_or_alias)


class ConnectionTeam(OfRow):
    """Move a connection to another team."""

    access = {"PUT": connections.CHANGE}

    @extend_schema(
        operation_id="moveConnectionToTeam",
        request=TeamMoveRequestSerializer,
        responses=answers(200, ConnectionSerializer, 400, 404, 413, 415),
    )
    def put(self, request: Request, id_or_alias: str) -> Response:
        row, wanted = self.row(id_or_alias), self.valid(TeamMoveRequestSerializer, request)
        named = wanted.pop("team")
        team = services.team_named(named, actor=request.user) if named else None
        services.move_to_team([row], team, actor=request.user, **wanted)
        return Response(self.shown(self.row(str(row.pk))).data)


class ProfileTeam(ConnectionTeam):
    """Move a profile to another team."""

    access = {"PUT": profiles.CHANGE}
    rows = staticmethod(profiles.rows)
    shown = ProfileSerializer

    @extend_schema(
        operation_id="moveProfileToTeam",
        request=TeamMoveRequestSerializer,
        responses=answers(200, ProfileSerializer, 400, 404, 413, 415),
    )
    def put(self, request: Request, id_or_alias: str) -> Response:
        return super().put(request, id_or_alias)


class ConnectionShares(OfRow):
    """The teams that a connection is shared with."""

    access = {"GET": (services.Scope.CONNECTIONS_READ, services.MANAGES)}
    query_parameters = ()

    @extend_schema(
        operation_id="getConnectionShares",
        responses=answers(200, items_of(ShareSerializer, paged=False), 404),
    )
    def get(self, request: Request, id_or_alias: str) -> Response:
        row = self.row(id_or_alias)
        services.require(request.user, services.MANAGES, on=row)
        found = services.shares_of(row)
        return Response({"total": len(found), "items": ShareSerializer(found, many=True).data})


class ProfileShares(ConnectionShares):
    """The teams that a profile is shared with."""

    access = {"GET": (services.Scope.PROFILES_READ, services.MANAGES)}
    rows = staticmethod(profiles.rows)

    @extend_schema(
        operation_id="getProfileShares",
        responses=answers(200, items_of(ShareSerializer, paged=False), 404),
    )
    def get(self, request: Request, id_or_alias: str) -> Response:
        return super().get(request, id_or_alias)


class ConnectionShareDetail(OfRow):
    """One share of a connection."""

    access = {"PUT": MANAGE, "DELETE": MANAGE}

    @extend_schema(
        operation_id="shareConnection",
        request=ShareRequestSerializer,
        responses=answers(200, ShareSerializer, 400, 404, 413, 415),
    )
    def put(self, request: Request, id_or_alias: str, team: str) -> Response:
        row, level = self.row(id_or_alias), self.valid(ShareRequestSerializer, request)["level"]
        services.require(request.user, services.MANAGES, on=row)
        named = team_in(services.teams_to_share_with(request.user), team)
        made = services.share(row, named, level, actor=request.user)
        return Response(ShareSerializer(made).data)

    @extend_schema(
        operation_id="unshareConnection", request=None, responses=answers(204, None, 400, 404)
    )
    def delete(self, request: Request, id_or_alias: str, team: str) -> Response:
        row = self.row(id_or_alias)
        services.require(request.user, services.MANAGES, on=row)
        named = team_in(services.teams_to_share_with(request.user), team)
        if not services.unshare(row, named, actor=request.user):
            raise Http404
        return Response(status=204)


class ProfileShareDetail(ConnectionShareDetail):
    """One share of a profile."""

    rows = staticmethod(profiles.rows)

    @extend_schema(
        operation_id="shareProfile",
        request=ShareRequestSerializer,
        responses=answers(200, ShareSerializer, 400, 404, 413, 415),
    )
    def put(self, request: Request, id_or_alias: str, team: str) -> Response:
        return super().put(request, id_or_alias, team)

    @extend_schema(
        operation_id="unshareProfile", request=None, responses=answers(204, None, 400, 404)
    )
    def delete(self, request: Request, id_or_alias: str, team: str) -> Response:
        return super().delete(request, id_or_alias, team)
