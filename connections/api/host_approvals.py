"""Hosts that the secrets of references may go to: `/host-approvals...`."""

from typing import Any

from django.http import Http404, HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..approval_list import approvals_seen
from ..lookup import parse_id
from ..models import HostApproval
from .base import ApiView
from .connections import READ
from .fields import CamelCaseSerializer
from .openapi import answers, items_of
from .pagination import PAGE, SkipTakePagination, one_of
from .sentences import OneOfField
from .teams import TeamNameField

DECIDE = (services.Scope.ADMIN, "connections.approve_host")
State = HostApproval.State
PARAMETERS = [OpenApiParameter("state", str, enum=State.values), *PAGE]


class HostApprovalSerializer(CamelCaseSerializer):
    """A section, a host, and the answer so far."""

    id = serializers.UUIDField()
    section = serializers.CharField(help_text="In lower case; `env:name` for a variable.")
    host = serializers.CharField()
    state = serializers.ChoiceField(State.choices)
    team = serializers.CharField(
        allow_null=True, help_text="Whose connections alone it counts for. null: for all."
    )
    connection_id = serializers.UUIDField(allow_null=True)
    requested_by = serializers.CharField(allow_null=True)
    date_requested = serializers.DateTimeField()
    decided_by = serializers.CharField(allow_null=True)
    date_decided = serializers.DateTimeField(allow_null=True)


class HostApprovalPatchSerializer(CamelCaseSerializer):
    """A decision."""

    state = OneOfField([State.APPROVED.value, State.REFUSED.value])
    team = TeamNameField(
        required=False,
        allow_null=True,
        help_text="Name or id of the team that it counts for; null: for all. As it is if left out.",
    )


def _item(row: HostApproval) -> Any:
    related = {
        "team": row.team and row.team.name,
        "connection_id": row.connection and row.connection.pk,
        "requested_by": row.requested_by and str(row.requested_by),
        "decided_by": row.decided_by and str(row.decided_by),
    }
    columns = ("id", "section", "host", "state", "date_requested", "date_decided")
    return HostApprovalSerializer({name: getattr(row, name) for name in columns} | related).data


class HostApprovalList(ApiView):
    """Every host that was asked for, those that wait first."""

    access = {"GET": READ}
    query_parameters = PARAMETERS
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getAllHostApprovals",
        parameters=PARAMETERS,
        responses=answers(200, items_of(HostApprovalSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        rows = approvals_seen(one_of(request.query_params, "state", State.values))
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response([_item(row) for row in page])


class HostApprovalDetail(ApiView):
    """One host for one section."""

    access = {"PATCH": DECIDE, "DELETE": DECIDE}

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        """True for what a browser changes."""
        return request.method in ("PATCH", "DELETE")

    @extend_schema(
        operation_id="decideHostApproval",
        request=HostApprovalPatchSerializer,
        responses=answers(200, HostApprovalSerializer, 400, 404, 413, 415),
    )
    def patch(self, request: Request, id: str) -> Response:
        values, row, team = self.valid(HostApprovalPatchSerializer, request), _found(id), None
        if values.get("team"):
            team = services.team_named(values["team"], actor=request.user)
        elif "team" not in values:
            team = row.team
        decided = services.decide_host(row, values["state"], actor=request.user, team=team)
        return Response(_item(decided))

    @extend_schema(
        operation_id="deleteHostApproval", request=None, responses=answers(204, None, 404)
    )
    def delete(self, request: Request, id: str) -> Response:
        services.forget_host(_found(id), actor=request.user)
        return Response(status=204)


def _found(id: str) -> HostApproval:
    pk = parse_id(id)
    row = approvals_seen().filter(pk=pk).first() if pk else None
    if row is None:
        raise Http404
    return row
