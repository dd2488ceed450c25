"""What was deleted: `/deleted`."""

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.openapi import answers, items_of
from connections.api.pagination import one_of
from connections.lookup import parse_id

from .. import services
from .serializers import (
    DeletedItemSerializer,
    DeletedRestoreRequestSerializer,
    RevivedSerializer,
    deleted_item,
)
from .versions import PAGES, window

KINDS = ("connection", "profile")
FILTERS = [*PAGES, OpenApiParameter("type", str, enum=list(KINDS))]


class DeletedList(ApiView):
    """What was deleted, as far as its history is kept and the caller may see it."""

    access = {"GET": ("connections:read profiles:read", "connections.view_connection")}
    query_parameters = FILTERS

    @extend_schema(
        operation_id="getDeleted",
        parameters=FILTERS,
        responses=answers(200, items_of(DeletedItemSerializer, paged=False), 400),
    )
    def get(self, request: Request) -> Response:
        take, skip = window(request)
        found = services.deleted_rows(request.user, one_of(request.query_params, "type", KINDS))
        rows = [deleted_item(one) for one in found[skip : skip + take]]
        items = DeletedItemSerializer(rows, many=True).data
        return Response({"total": len(found), "items": items})


class DeletedRestoration(ApiView):
    """Something deleted, brought back."""

    access = {"POST": ("connections:write profiles:write", "connections.add_connection")}

    @extend_schema(
        operation_id="restoreDeleted",
        request=DeletedRestoreRequestSerializer,
        responses=answers(201, RevivedSerializer, 400, 404, 409, 413, 415),
    )
    def post(self, request: Request, id: str) -> Response:
        values = self.valid(DeletedRestoreRequestSerializer, request)
        pk = parse_id(id)
        found = services.find_deleted(pk, actor=request.user) if pk else None
        if found is None:
            raise Http404
        made = services.restore_deleted(found, actor=request.user, **values)
        body = {
            "id": made.row.pk,
            "type": found.kind,
            "alias": made.row.alias,
            "version": made.row.version,
            "profiles": [one.pk for one in made.profiles],
            "notices": [one.message for one in made.notices],
        }
        response = Response(RevivedSerializer(body).data, status=201)
        start = request.path.rpartition("/deleted/")[0]
        response["Location"] = f"{start}/{found.kind}s/{made.row.pk}"
        return response
