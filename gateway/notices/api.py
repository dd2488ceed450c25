"""Notices and their targets: `/notices...`, `/notice-targets...`"""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.openapi import answers, items_of
from connections.api.pagination import PAGE, SkipTakePagination, one_of
from connections.lookup import parse_id
from connections.services import Scope

from ..attention.kinds import KINDS
from ..models import Notice, NoticeTarget
from . import services
from .serializers import (
    MadeNoticeTargetSerializer,
    NoticeSerializer,
    NoticesSeenRequestSerializer,
    NoticeTargetCreateSerializer,
    NoticeTargetPatchSerializer,
    NoticeTargetSecretSerializer,
    NoticeTargetSerializer,
    NoticeTargetTestSerializer,
)

READ = (Scope.CONNECTIONS_READ, "connections.view_connection")
VIEW, ADD, CHANGE, DELETE = (
    (Scope.ADMIN, f"gateway.{verb}_noticetarget") for verb in ("view", "add", "change", "delete")
)
FILTERS = [OpenApiParameter("kind", str, enum=list(KINDS)), *PAGE]


class NoticeList(ApiView):
    """Notices, the newest first."""

    access = {"GET": READ}
    query_parameters = FILTERS
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getAllNotices",
        parameters=FILTERS,
        responses=answers(200, items_of(NoticeSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        kind = one_of(request.query_params, "kind", list(KINDS))
        rows = services.notices(actor=request.user, kind=kind)
        page, seen = self.paginate_queryset(rows) or [], services.seen_to(request.user)
        return self.get_paginated_response([_notice(one, seen, request.user) for one in page])


def _notice(row: Notice, seen: int, actor: Any) -> Any:
    part = services.Part(row, services.told_to(row, actor))
    data = services.notice_data(part) | {"at": row.at}
    items = [
        one | {"connection_count": one["connectionCount"], "is_ahead": one["isAhead"]}
        for one in data["items"]
    ]
    return NoticeSerializer(data | {"items": items, "is_new": row.pk > seen}).data


class NoticesSeen(ApiView):
    """Notes what somebody has seen."""

    access = {"POST": READ}

    @extend_schema(
        operation_id="markNoticesSeen",
        request=NoticesSeenRequestSerializer,
        responses=answers(204, None, 400, 413, 415),
    )
    def post(self, request: Request) -> Response:
        services.mark_seen(
            self.valid(NoticesSeenRequestSerializer, request)["to"], actor=request.user
        )
        return Response(status=204)


class TargetList(ApiView):
    """Targets, by name."""

    access = {"GET": VIEW, "POST": ADD}
    query_parameters = PAGE
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getAllNoticeTargets",
        parameters=PAGE,
        responses=answers(200, items_of(NoticeTargetSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(services.targets(actor=request.user)) or []
        return self.get_paginated_response(NoticeTargetSerializer(page, many=True).data)

    @extend_schema(
        operation_id="createNoticeTarget",
        request=NoticeTargetCreateSerializer,
        responses=answers(201, MadeNoticeTargetSerializer, 400, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = self.valid(NoticeTargetCreateSerializer, request)
        chosen = (values.pop("team") or "") if "team" in values else None
        team = services.team_for(request.user, chosen)
        row, secret = services.create_target(actor=request.user, team=team, **values)
        body = NoticeTargetSerializer(row).data | {"secret": secret or None}
        return Response(body, 201, headers={"Location": f"{request.path}/{row.pk}"})


class TargetDetail(ApiView):
    """One target."""

    access = {"GET": VIEW, "PATCH": CHANGE, "DELETE": DELETE}

    @extend_schema(
        operation_id="getNoticeTarget", responses=answers(200, NoticeTargetSerializer, 404)
    )
    def get(self, request: Request, id: str) -> Response:
        return Response(NoticeTargetSerializer(_found(id, request)).data)

    @extend_schema(
        operation_id="patchNoticeTarget",
        request=NoticeTargetPatchSerializer,
        responses=answers(200, NoticeTargetSerializer, 400, 404, 413, 415),
    )
    def patch(self, request: Request, id: str) -> Response:
        row, values = _found(id, request), self.valid(NoticeTargetPatchSerializer, request)
        return Response(
            NoticeTargetSerializer(services.update_target(row, values, actor=request.user)).data
        )

    @extend_schema(
        operation_id="deleteNoticeTarget", request=None, responses=answers(204, None, 404)
    )
    def delete(self, request: Request, id: str) -> Response:
        services.delete_target(_found(id, request), actor=request.user)
        return Response(status=204)


class TargetSecret(ApiView):
    """The key that signs the webhooks to a target."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="renewNoticeTargetSecret",
        request=None,
        responses=answers(200, NoticeTargetSecretSerializer, 400, 404),
    )
    def post(self, request: Request, id: str) -> Response:
        secret = services.renew_secret(_found(id, request), actor=request.user)
        return Response({"secret": secret})


class TargetTest(ApiView):
    """Sends one message to a target."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="testNoticeTarget",
        request=None,
        responses=answers(200, NoticeTargetTestSerializer, 404),
    )
    def post(self, request: Request, id: str) -> Response:
        outcome = services.test_target(_found(id, request), actor=request.user)
        return Response(NoticeTargetTestSerializer(outcome).data)


def _found(id: str, request: Request) -> NoticeTarget:
    pk = parse_id(id)
    row = services.targets(actor=request.user).filter(pk=pk).first() if pk else None
    if row is None:
        raise Http404
    return row
