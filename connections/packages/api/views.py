"""Packages: `/packages/export`, `/packages/import`"""

from collections.abc import Mapping
from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from connections import listing
from connections import services as core
from connections.api.base import ApiView, find
from connections.api.openapi import answers
from connections.api.pagination import one_of
from connections.client_ip import address_of
from connections.former_aliases import actor_name
from connections.models import ApiToken, Connection, Profile

from .. import services
from .multipart import LimitedMultiPartParser, refuse_doubles
from .serializers import (
    PackageExportRequestSerializer,
    PackageImportRequestSerializer,
    PackagePlanSerializer,
    decisions_of,
    package_plan,
)

EXPORT = ("connections:read", "connections.view_connection")
IMPORT = ("connections:write", "connections.add_connection")
ZIP, BYTES = "application/zip", "application/octet-stream"


class ZipRenderer(JSONRenderer):
    """Lets in a client that accepts only application/zip. Its problems are JSON all the same."""

    media_type, format = ZIP, "zip"


class BytesRenderer(ZipRenderer):
    """The same for clients that are generated and know no zip."""

    media_type, format = BYTES, "bytes"


def _need(request: Request, *scopes: str) -> None:
    """Raises PermissionDenied for a token that lacks one of the scopes."""
    for scope in scopes:
        if not core.allows(cast("ApiToken | None", request.auth), scope):
            raise PermissionDenied(f"This token lacks the scope {scope}.", "missing_scope")


class PackageExport(ApiView):
    """Connections as one file."""

    access = {"POST": EXPORT}

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        """True for a browser's POST, whose body may hold a passphrase for the secrets."""
        return request.method == "POST"

    renderer_classes = [ZipRenderer, BytesRenderer, JSONRenderer]

    @extend_schema(
        operation_id="exportPackage",
        request=PackageExportRequestSerializer,
        responses=answers((200, ZIP), OpenApiTypes.BINARY, 400, 404, 409, 413, 415)
        | {(200, BYTES): OpenApiTypes.BINARY},
    )
    @sensitive_variables("values", "passphrase")
    def post(self, request: Request) -> HttpResponse:
        values = self.valid(PackageExportRequestSerializer, request)
        passphrase = values.get("passphrase", "")
        _need(
            request,
            *(["profiles:read"] if values["profiles"] else []),
            *(["admin"] if passphrase else []),
        )
        parts = services.parts_of(_chosen(values, request.user)) if "part" in values else []
        if parts and values["part"] > len(parts):
            message = f"There is no part {values['part']}: there are {len(parts)}."
            raise services.PackageError("no_such_part", message)
        rows = parts[values["part"] - 1] if parts else list(_chosen(values, request.user))
        profiles = (
            list(Profile.objects.filter(connection__in=rows).order_by("alias"))
            if values["profiles"]
            else []
        )
        content = services.export_package(
            rows,
            profiles,
            actor=request.user,
            passphrase=passphrase,
            address=address_of(request.META),
        )
        headers = {
            "Content-Disposition": (
                f'attachment; filename="switchboard-{timezone.now():%Y-%m-%d}.zip"'
            ),
            "Cache-Control": "no-store",
        }
        if parts:
            headers["X-Switchboard-Parts"] = str(len(parts))
        kind = BYTES if request.accepted_renderer.media_type == BYTES else ZIP
        return HttpResponse(content, content_type=kind, headers=headers)


def _chosen(values: Mapping[str, Any], actor: Any) -> QuerySet[Connection]:
    """The connections that a request for an export names. Raises NotFound."""
    rows = listing.connections({"tag": values.get("tag", "")}, "alias")
    if (named := values.get("connections")) is None:
        return rows
    by = actor_name(actor)
    return rows.filter(pk__in=[find(Connection.objects.all(), one, by).pk for one in named])


DRY_RUN = OpenApiParameter(
    "dryRun", bool, description="With true, the plan is made and nothing is written."
)


class PackageImport(ApiView):
    """Connections from one file."""

    access = {"POST": IMPORT}
    parser_classes = [LimitedMultiPartParser]

    @extend_schema(
        operation_id="importPackage",
        parameters=[DRY_RUN],
        request={"multipart/form-data": PackageImportRequestSerializer},
        responses=answers(200, PackagePlanSerializer, 400, 409, 413, 415),
    )
    @sensitive_variables("values", "content", "passphrase", "decisions")
    def post(self, request: Request) -> Response:
        is_dry = one_of(request.query_params, "dryRun", ("true", "false")) == "true"
        serializer = PackageImportRequestSerializer(data=request.data)
        refuse_doubles(request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        content, passphrase, decisions = (
            values["file"],
            values.get("passphrase", ""),
            decisions_of(values),
        )
        _need(request, *(["admin"] if decisions.install_types else []))
        _need(request, *(["profiles:write"] if services.brings_profiles(content) else []))
        act = services.plan_import if is_dry else services.import_package
        team = core.team_for_new("connection", values.get("team"), actor=request.user)
        plan = act(
            content, actor=request.user, passphrase=passphrase, decisions=decisions, team=team
        )
        return Response(package_plan(plan, dry_run=is_dry))
