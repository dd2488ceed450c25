"""Connections: `/connections...`"""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from providers.core.base import Capability, Provider
from providers.core.registry import UnknownProvider

from .. import listing, services
from ..health.services import STATES, with_health
from ..models import Connection
from ..offers import offered_provider, offered_providers
from ..outlooks import with_key_ends
from .base import ApiView, created, exists, refuse_mismatch, tagged
from .connection_serializers import (
    ConnectionCreateSerializer,
    ConnectionItemSerializer,
    ConnectionPatchSerializer,
    ConnectionSerializer,
    ConnectionTestRequestSerializer,
    ConnectionUpdateSerializer,
    SavedConnectionSerializer,
    inner_settings,
    saved_json,
)
from .fields import DuplicateRequestSerializer, refuse_other_team, team_of_new
from .filters import DIRECTIONS, HEALTH, TEAM, shared_filters, wanted_sort
from .openapi import answers, items_of
from .outcomes import TestResultSerializer, test_result
from .pagination import PAGE, PLAIN, SkipTakePagination, one_of

READ = ("connections:read", "connections.view_connection")
ADD, CHANGE = (
    ("connections:write", "connections.add_connection"),
    ("connections:write", "connections.change_connection"),
)
# of values with references and an address of one's own
TEST_UNSAVED = ("connections:test connections:write", "connections.test_connection")
TEST = ("connections:test", "connections.test_connection")
DELETE = ("connections:delete", "connections.delete_connection")
SORTS = {
    "name": "name",
    "alias": "alias",
    "providerId": "provider",
    "isActive": "is_active",
    "dateCreated": "created",
    "dateModified": "modified",
}
FILTERS = [
    *PAGE,
    OpenApiParameter(
        "filter",
        PLAIN,
        description=(
            "The name, the alias or a former one contains this, with or without accents and in "
            "any case, or it is the id."
        ),
    ),
    OpenApiParameter("name", PLAIN, description="The name is exactly this, in this case."),
    OpenApiParameter("providerId", PLAIN, description="Those of this provider."),
    OpenApiParameter(
        "capability",
        str,
        enum=[one.value for one in Capability],
        description="Those whose provider has it.",
    ),
    OpenApiParameter("isActive", bool),
    HEALTH,
    OpenApiParameter("tag", PLAIN, description="Those with this tag, in any case."),
    TEAM,
    OpenApiParameter(
        "settings", bool, description="With true, each has its settings too; secrets are masked."
    ),
    OpenApiParameter("orderBy", str, enum=list(SORTS)),
    OpenApiParameter("orderDirection", str, enum=list(DIRECTIONS)),
]


class ConnectionSettingsView(ApiView):
    """Base of the views that take settings of a connection."""

    def inner_settings(
        self, provider: type[Provider[Any]] | None, posted: Mapping[str, Any]
    ) -> Any:
        """Posted settings, by their names in Python. Raises ValidationError, Invalid."""
        return inner_settings(provider, posted)


class ConnectionList(ConnectionSettingsView):
    """List and create."""

    access = {"GET": READ, "POST": ADD}
    query_parameters = FILTERS
    pagination_class = SkipTakePagination
    serializer_class = ConnectionItemSerializer

    def get_queryset(self) -> QuerySet[Connection]:
        query = self.request.query_params
        filters = shared_filters(query) | {"health": one_of(query, "health", STATES)}
        return with_health(listing.connections(filters, wanted_sort(query, SORTS)))

    @extend_schema(
        operation_id="getAllConnections",
        parameters=FILTERS,
        responses=answers(200, items_of(ConnectionItemSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        rows, serializer = self.get_queryset(), ConnectionItemSerializer
        if one_of(request.query_params, "settings", ("true", "false")) == "true":
            rows, serializer = rows.defer(None), ConnectionSerializer
        page = self.paginate_queryset(rows) or []
        prefetch_related_objects(page, "team")
        return self.get_paginated_response(serializer(page, many=True).data)

    @extend_schema(
        operation_id="createConnection",
        request=ConnectionCreateSerializer,
        responses=answers(201, SavedConnectionSerializer, 400, 409, 413, 415),
    )
    @sensitive_variables("values", "settings")
    def post(self, request: Request) -> Response:
        values = self.valid(ConnectionCreateSerializer, request)
        settings = self.inner_settings(
            _provider(values["provider_id"]), values.pop("settings") or {}
        )
        team = team_of_new("connection", values, request.user)
        saved = services.create_connection(
            values.pop("provider_id"), actor=request.user, settings=settings, team=team, **values
        )
        return created(request, saved.row, saved_json(saved))


def _provider(provider_id: str) -> Any:
    try:
        return offered_provider(provider_id)
    except UnknownProvider:
        # The exception's own text repeats the id, and somebody may have entered a key as one.
        known = ", ".join(one.id for one in offered_providers())
        text = f"There is no such provider. There are: {known}."
        raise ValidationError({"providerId": [text]}, "unknown_provider") from None


class ConnectionDetail(ConnectionSettingsView):
    """One connection: read, replace, change, delete."""

    access = {"GET": READ, "PUT": CHANGE, "PATCH": CHANGE, "DELETE": DELETE}
    serializer_class = ConnectionSerializer
    queryset = Connection.objects.all()

    @extend_schema(
        operation_id="getConnectionByIdOrAlias", responses=answers(200, ConnectionSerializer, 404)
    )
    def get(self, _request: Request, id_or_alias: str) -> Response:
        row = self.find(with_key_ends(Connection.objects.all()), id_or_alias)
        return tagged(Response(ConnectionSerializer(row).data), row)

    @extend_schema(
        operation_id="updateConnection",
        request=ConnectionUpdateSerializer,
        responses=answers(200, SavedConnectionSerializer, 400, 404, 412, 413, 415),
    )
    @sensitive_variables("values")
    def put(self, request: Request, id_or_alias: str) -> Response:
        row = self.find(Connection.objects.all(), id_or_alias)
        values = self.valid(ConnectionUpdateSerializer, request)
        return self._update(request, row, values)

    @extend_schema(
        operation_id="patchConnection",
        request={
            "application/merge-patch+json": ConnectionPatchSerializer,
            "application/json": ConnectionPatchSerializer,
        },
        responses=answers(200, SavedConnectionSerializer, 400, 404, 412, 413, 415),
    )
    @sensitive_variables("values")
    def patch(self, request: Request, id_or_alias: str) -> Response:
        row = self.find(Connection.objects.all(), id_or_alias)
        values = self.valid(ConnectionPatchSerializer, request)
        return self._update(request, row, values, merge=True)

    @sensitive_variables("settings", "values", "posted")
    def _update(
        self, request: Request, row: Connection, values: dict[str, Any], merge: bool = False
    ) -> Response:
        posted = values.pop("settings", None)
        settings = None if posted is None else self.inner_settings(row.provider, posted)
        refuse_other_team(row, values, request.user)
        version = refuse_mismatch(request, row)
        saved = services.update_connection(
            row,
            actor=request.user,
            expected_version=version,
            settings=settings,
            merge=merge,
            **values,
        )
        return tagged(Response(saved_json(saved)), saved.row)

    @extend_schema(operation_id="deleteConnection", responses=answers(204, None, 404, 409, 412))
    def delete(self, request: Request, id_or_alias: str) -> Response:
        row = self.find(Connection.objects.listed(), id_or_alias)
        version = refuse_mismatch(request, row)
        services.delete_connection(row, actor=request.user, expected_version=version)
        return Response(status=204)


class ConnectionDuplicate(ApiView):
    """An inactive copy of a saved connection."""

    access = {"POST": ADD}

    @extend_schema(
        operation_id="duplicateConnection",
        request=DuplicateRequestSerializer,
        responses=answers(201, SavedConnectionSerializer, 400, 404, 409, 413, 415),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        original = self.find(Connection.objects.listed(), id_or_alias)
        wanted = self.valid(DuplicateRequestSerializer, request)
        saved = services.duplicate_connection(original, actor=request.user, **wanted)
        return created(request, saved.row, saved_json(saved), levels=2)


class ConnectionExists(ApiView):
    """Tell if an alias is taken."""

    access = {"GET": READ}

    @extend_schema(
        operation_id="connectionAliasExists",
        parameters=[OpenApiParameter("excludeId", OpenApiTypes.UUID)],
        responses=answers(200, bool, 400, 404),
    )
    def get(self, request: Request, alias: str) -> Response:
        return Response(exists(Connection.every.all(), alias, request.query_params))


class ConnectionTest(ApiView):
    """Test a saved connection."""

    access = {"POST": TEST}

    @extend_schema(
        operation_id="testConnection",
        request=None,
        responses=answers(200, TestResultSerializer, 404),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        check = services.test_connection(
            self.find(Connection.objects.all(), id_or_alias), actor=request.user
        )
        return Response(test_result(check, check.checked_at, check.connection_version))


class ConnectionTestUnsaved(ConnectionSettingsView):
    """Test settings that are not saved."""

    access = {"POST": TEST_UNSAVED}

    @extend_schema(
        operation_id="testConnectionSettings",
        request=ConnectionTestRequestSerializer,
        responses=answers(200, TestResultSerializer, 400, 404, 413, 415),
    )
    @sensitive_variables("values", "settings")
    def post(self, request: Request) -> Response:
        values = self.valid(ConnectionTestRequestSerializer, request)
        row = self.find(Connection.objects.all(), values["id"]) if values.get("id") else None
        provider_id = values.get("provider_id") or (row.provider_id if row else "")
        if row and provider_id != row.provider_id:
            raise services.Invalid(
                [
                    services.FieldError(
                        "provider_id",
                        "immutable",
                        f"{row.alias} is a connection of {row.provider_id}.",
                    )
                ]
            )
        if not provider_id:
            raise ValidationError(
                {"providerId": ["Send it, or the id of a connection."]}, "required"
            )
        settings = self.inner_settings(_provider(provider_id), values["settings"])
        team = None if row else team_of_new("connection", values, request.user)
        outcome = services.test_settings(
            provider_id, settings, actor=request.user, connection=row, team=team
        )
        return Response(test_result(outcome, timezone.now(), None))
