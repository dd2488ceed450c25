"""Sections of references that belong to teams: `/reference-sections...`."""

from typing import Any

from django.http import Http404, HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..models import Team
from .base import ApiView
from .fields import CamelCaseSerializer
from .openapi import answers, items_of
from .teams import MANAGE, SEE, TeamNameField


class ReferenceSectionSerializer(CamelCaseSerializer):
    """A section of references that belongs to teams: only their connections may name it."""

    section = serializers.CharField(
        source="name", help_text="In lower case; `env:name` for a variable."
    )
    teams = serializers.ListField(
        child=serializers.CharField(), help_text="Names of those that the caller may see."
    )
    other_teams = serializers.IntegerField(source="others", help_text="How many there are besides.")
    denied = serializers.SerializerMethodField(
        help_text="Aliases of the connections that name it and may not use it."
    )

    def get_denied(self, one: Any) -> list[str]:
        """The aliases of its denied connections."""
        return [row.alias for row in one.denied]


class ReferenceSectionRequestSerializer(CamelCaseSerializer):
    """The teams to which a section belongs from now on."""

    teams = serializers.ListField(
        child=TeamNameField(), min_length=1, max_length=1000, help_text="Their names or ids."
    )


def _item(one: Any) -> Any:
    return ReferenceSectionSerializer(one).data


class ReferenceSectionList(ApiView):
    """The sections of teams: all for whoever manages all, else those of the caller's teams."""

    access = {"GET": SEE}
    query_parameters = ()

    @extend_schema(
        operation_id="getAllReferenceSections",
        responses=answers(200, items_of(ReferenceSectionSerializer, paged=False), 400),
    )
    def get(self, request: Request) -> Response:
        found = services.limited_section_list(request.user)
        return Response({"total": len(found), "items": [_item(one) for one in found]})


class ReferenceSectionDetail(ApiView):
    """One section: give it to teams, or to all."""

    access = {"PUT": MANAGE, "DELETE": MANAGE}

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        """True for what a browser changes."""
        return request.method in ("PUT", "DELETE")

    @extend_schema(
        operation_id="setReferenceSectionTeams",
        request=ReferenceSectionRequestSerializer,
        responses=answers(200, ReferenceSectionSerializer, 400, 413, 415),
    )
    def put(self, request: Request, section: str) -> Response:
        named = self.valid(ReferenceSectionRequestSerializer, request)["teams"]
        services.require(request.user, services.MANAGES, on=Team())
        teams = [services.team_named(one, actor=request.user) for one in named]
        return Response(_item(services.limit_section(section, teams, actor=request.user)))

    @extend_schema(
        operation_id="deleteReferenceSectionTeams",
        request=None,
        responses=answers(204, None, 400, 404),
    )
    def delete(self, request: Request, section: str) -> Response:
        services.require(request.user, services.MANAGES, on=Team())
        if not services.open_section(section, actor=request.user):
            raise Http404
        return Response(status=204)
