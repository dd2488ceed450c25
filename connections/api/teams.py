"""Teams and their members: `/teams...`"""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..lookup import parse_id
from ..models import Membership, Role, Team
from .base import ApiView
from .camelcase import StrictCharField
from .fields import WORD_SCHEMA, CamelCaseSerializer
from .openapi import answers, items_of
from .pagination import PAGE, PLAIN, SkipTakePagination, plain_text
from .sentences import OneOfField
from .tokens import WholeField

SEE = ("connections:read", "connections.view_connection")
MANAGE = (services.Scope.ADMIN, services.MANAGES)
HEIR = OpenApiParameter(
    "heir",
    PLAIN,
    description="The team that gets what it has, or `all`. Needed if it has anything.",
)


@extend_schema_field(WORD_SCHEMA | {"maxLength": 100})
class TeamNameField(StrictCharField):
    """The name of a team, or its id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)


class TeamSerializer(CamelCaseSerializer):
    """A team."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    requests_per_minute = serializers.IntegerField(
        allow_null=True,
        help_text="Of all its tokens together, through the gateway. Null: no limit.",
    )
    tokens_per_day = serializers.IntegerField(allow_null=True, help_text="As requestsPerMinute.")
    date_created = serializers.DateTimeField()


class TeamRequestSerializer(CamelCaseSerializer):
    """The name of a team."""

    name = TeamNameField()


class TeamPatchSerializer(CamelCaseSerializer):
    """What changes of a team. Only whoever manages all teams changes its limits."""

    name = TeamNameField(required=False)
    requests_per_minute = WholeField(allow_null=True)
    tokens_per_day = WholeField(allow_null=True)


class MemberSerializer(CamelCaseSerializer):
    """A person or a service account in a team."""

    user = serializers.CharField(source="user.username")
    role = serializers.ChoiceField(Role.values)


class MemberRequestSerializer(CamelCaseSerializer):
    """The role of a member."""

    role = OneOfField(Role.values)


def team_in(rows: QuerySet[Team], id_or_name: str) -> Team:
    """The team in an address, by its id or name. Raises Http404."""
    pk = parse_id(id_or_name)
    name = id_or_name.replace("\x00", "")
    found: Team | None = (rows.filter(pk=pk) if pk else rows.filter(name__iexact=name)).first()
    if found is None:
        raise Http404
    return found


def _team(request: Request, id_or_name: str) -> Team:
    """The team in the address, if the caller may see it. Raises Http404."""
    return team_in(services.teams_of(request.user), id_or_name)


class TeamList(ApiView):
    """List the teams that the caller is in, or all for whoever manages all; and make one."""

    access = {"GET": SEE, "POST": MANAGE}
    query_parameters = PAGE
    pagination_class = SkipTakePagination

    def get_queryset(self) -> QuerySet[Team]:
        return services.teams_of(self.request.user)

    @extend_schema(
        operation_id="getAllTeams",
        parameters=PAGE,
        responses=answers(200, items_of(TeamSerializer), 400),
    )
    def get(self, _request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(TeamSerializer(page, many=True).data)

    @extend_schema(
        operation_id="createTeam",
        request=TeamRequestSerializer,
        responses=answers(201, TeamSerializer, 400, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        name = self.valid(TeamRequestSerializer, request)["name"]
        team = services.create_team(name, actor=request.user)
        place = {"Location": f"{request.path}/{team.pk}"}
        return Response(TeamSerializer(team).data, 201, headers=place)


class TeamDetail(ApiView):
    """One team: read, change, delete."""

    access = {"GET": SEE, "PATCH": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="getTeam", responses=answers(200, TeamSerializer, 404))
    def get(self, request: Request, team: str) -> Response:
        return Response(TeamSerializer(_team(request, team)).data)

    @extend_schema(
        operation_id="patchTeam",
        request={
            "application/merge-patch+json": TeamPatchSerializer,
            "application/json": TeamPatchSerializer,
        },
        responses=answers(200, TeamSerializer, 400, 404, 409, 413, 415),
    )
    def patch(self, request: Request, team: str) -> Response:
        changes = self.valid(TeamPatchSerializer, request)
        row = services.change_team(_team(request, team), changes, actor=request.user)
        return Response(TeamSerializer(row).data)

    @extend_schema(
        operation_id="deleteTeam",
        parameters=[HEIR],
        request=None,
        responses=answers(204, None, 400, 404),
    )
    def delete(self, request: Request, team: str) -> Response:
        heir = plain_text(request.query_params, "heir")
        is_for_all = heir == "all"
        named = services.team_named(heir, actor=request.user) if heir and not is_for_all else None
        row = _team(request, team)
        services.delete_team(row, actor=request.user, heir=named, is_for_all=is_for_all)
        return Response(status=204)


class MemberList(ApiView):
    """The members of a team."""

    access = {"GET": SEE}
    query_parameters = ()

    @extend_schema(
        operation_id="getTeamMembers",
        responses=answers(200, items_of(MemberSerializer, paged=False), 404),
    )
    def get(self, request: Request, team: str) -> Response:
        found = services.members_of(_team(request, team))
        body = {"total": len(found), "items": MemberSerializer(found, many=True).data}
        return Response(body)


class MemberDetail(ApiView):
    """One member of a team."""

    access = {"PUT": MANAGE, "DELETE": SEE}

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        """True for what a browser changes, as on the page of a team."""
        return request.method in ("PUT", "DELETE")

    @extend_schema(
        operation_id="setTeamMember",
        request=MemberRequestSerializer,
        responses=answers(200, MemberSerializer, 400, 404, 413, 415),
    )
    def put(self, request: Request, team: str, user: str) -> Response:
        role, row = self.valid(MemberRequestSerializer, request)["role"], _team(request, team)
        services.require(request.user, services.MANAGES, on=row)  # before the look at people
        person = get_user_model().objects.filter(username=user.replace("\x00", "")).first()
        if person is None:
            raise Http404
        made = services.set_member(row, person, role, actor=request.user)
        return Response(MemberSerializer(made).data)

    @extend_schema(
        operation_id="deleteTeamMember", request=None, responses=answers(204, None, 400, 404)
    )
    def delete(self, request: Request, team: str, user: str) -> Response:
        row = _team(request, team)
        named = Membership.objects.filter(team=row, user__username=user.replace("\x00", ""))
        found = named.select_related("user").first()
        if found is None:
            raise Http404
        services.remove_member(row, found.user, actor=request.user)
        return Response(status=204)
