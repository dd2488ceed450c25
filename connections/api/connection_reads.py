"""Questions about connections: models, references, usages, capabilities."""

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from providers.core.base import Capability

from .. import display, listing, services
from ..health.services import with_health
from ..models import Connection, by_name
from ..offers import offered_providers
from .base import ApiView
from .connection_serializers import (
    AccountModelSerializer,
    ConnectionItemSerializer,
    ReferenceSerializer,
    UsageSerializer,
    model_item,
    reference_item,
)
from .connections import READ
from .fields import CapabilityField
from .openapi import answers, items_of
from .pagination import PAGE, SkipTakePagination, one_of


class ConnectionModels(ApiView):
    """The models a connection's account can use."""

    access = {"GET": READ}

    @extend_schema(
        operation_id="getModels",
        parameters=[
            OpenApiParameter("capability", str, enum=[one.value for one in Capability]),
            OpenApiParameter(
                "refresh",
                bool,
                description="Ask the provider, not the memory of the last five minutes.",
            ),
        ],
        responses=answers(200, items_of(AccountModelSerializer, total=False), 400, 404, 409, 502),
    )
    def get(self, request: Request, id_or_alias: str) -> Response:
        row = self.find(Connection.objects.all(), id_or_alias)
        capability = one_of(request.query_params, "capability", [one.value for one in Capability])
        refresh = one_of(request.query_params, "refresh", ("true", "false")) == "true"
        models = services.list_models(row, actor=request.user, refresh=refresh)
        fitting = [
            one
            for one in models
            if not capability or not one.capabilities or capability in one.capabilities
        ]
        return Response({"items": [model_item(row.provider_id, one) for one in fitting]})


class ConnectionReferences(ApiView):
    """The states of a connection's references, never their values."""

    access = {"GET": READ}
    query_parameters = ()

    @extend_schema(
        operation_id="getConnectionReferences",
        responses=answers(200, items_of(ReferenceSerializer, paged=False), 404),
    )
    def get(self, _request: Request, id_or_alias: str) -> Response:
        found = display.reference_states(self.find(Connection.objects.listed(), id_or_alias))
        return Response({"total": len(found), "items": [reference_item(one) for one in found]})


class ConnectionUsages(ApiView):
    """The profiles that need a connection, and if they are defaults."""

    access = {"GET": READ}
    query_parameters = PAGE
    pagination_class = SkipTakePagination
    serializer_class = UsageSerializer

    @extend_schema(
        operation_id="getConnectionUsages",
        parameters=PAGE,
        responses=answers(200, items_of(UsageSerializer), 400, 404),
    )
    def get(self, _request: Request, id_or_alias: str) -> Response:
        rows = (
            self.find(Connection.objects.listed(), id_or_alias)
            .profiles.prefetch_related("default_for")
            .order_by(*by_name())
        )
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(
            [
                {
                    "id": str(one.pk),
                    "type": "profile",
                    "alias": one.alias,
                    "name": one.name,
                    "isDefault": bool(one.default_for.all()),
                }
                for one in page
            ]
        )


class ConnectionCapabilities(ApiView):
    """The capabilities of all connections together."""

    access = {"GET": READ}
    query_parameters = ()

    @extend_schema(
        operation_id="getAllCapabilities",
        responses=answers(200, items_of(CapabilityField, total=False)),
    )
    def get(self, _request: Request) -> Response:
        used = set(Connection.objects.order_by().values_list("provider_id", flat=True).distinct())
        found = {
            str(one)
            for provider in offered_providers()
            if provider.id in used
            for one in provider.capabilities
        }
        return Response({"items": sorted(found)})


class ConnectionsByCapability(ApiView):
    """The connections whose provider has a capability."""

    access = {"GET": READ}
    query_parameters = PAGE
    pagination_class = SkipTakePagination
    serializer_class = ConnectionItemSerializer

    # Only Umbraco.AI's clients need it, as the list takes `capability`; and generators refuse an
    # address that may be that of `exists`.
    @extend_schema(exclude=True)
    def get(self, _request: Request, capability: str) -> Response:
        known = next(
            (one.value for one in Capability if one.value.lower() == capability.lower()), None
        )
        if known is None:
            raise Http404
        page = self.paginate_queryset(with_health(listing.connections({"capability": known}))) or []
        return self.get_paginated_response(ConnectionItemSerializer(page, many=True).data)
