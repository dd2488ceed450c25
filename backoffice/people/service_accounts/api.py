"""Service accounts: `/service-accounts...`"""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.http import Http404, HttpRequest
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.camelcase import StrictBooleanField
from connections.api.fields import CamelCaseSerializer
from connections.api.openapi import answers, items_of, register_operations
from connections.api.pagination import PAGE, SkipTakePagination
from connections.api.tokens import TokenWordField
from connections.models import SUFFIX, ServiceAccount
from connections.services import FieldError, Invalid, Scope

from . import services

VIEW, ADD, CHANGE, DELETE = (
    (Scope.ADMIN, f"connections.{verb}_serviceaccount")
    for verb in ("view", "add", "change", "delete")
)
register_operations(Path(__file__).with_name("operations.yaml"))


class ServiceAccountCreateSerializer(CamelCaseSerializer):
    """A new service account."""

    name = TokenWordField(help_text="Small letters and digits, with hyphens between them.")
    role = TokenWordField(help_text="Viewers, Operators, Administrators, or one of your own.")
    contact = TokenWordField(help_text="Whom to ask about it.")
    description = TokenWordField(required=False)


class ServiceAccountPatchSerializer(CamelCaseSerializer):
    """What is to change of a service account."""

    name = TokenWordField(required=False, help_text="Its tokens go on.")
    role = TokenWordField(required=False)
    contact = TokenWordField(required=False)
    description = TokenWordField(required=False)
    is_active = StrictBooleanField(required=False)


class ServiceAccountSerializer(CamelCaseSerializer):
    """A user that is no person: it owns tokens and cannot sign in."""

    name = serializers.CharField()
    user = serializers.CharField(help_text="As it is shown where a person would be.")
    is_active = serializers.BooleanField(help_text="Deactivating it ends its tokens.")
    role = serializers.CharField(allow_null=True)
    contact = serializers.CharField()
    description = serializers.CharField()
    tokens = serializers.IntegerField(help_text="That work.")


def _item(row: Any) -> Any:
    roles = [one.name for one in row.user.groups.all()]
    values = {"user": str(row), "role": roles[0] if roles else None}
    values["is_active"] = row.user.is_active
    names = ("name", "contact", "description", "tokens")
    return ServiceAccountSerializer({name: getattr(row, name) for name in names} | values).data


def _found(name: str) -> ServiceAccount:
    rows = services.service_accounts()
    row = None if "\x00" in name else rows.filter(user__username=f"{name}{SUFFIX}").first()
    if row is None:
        raise Http404
    return row


def _with_role(values: dict[str, Any]) -> dict[str, Any]:
    if "role" in values:
        role = Group.objects.filter(name=values["role"]).first()
        if role is None:
            known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
            text = f"There is no such role. There are: {known}."
            raise Invalid([FieldError("role", "not_found", text)])
        values["role"] = role
    return values


class ServiceAccountList(ApiView):
    """List and add."""

    access = {"GET": VIEW, "POST": ADD}

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        """True for what a browser adds, which has a role."""
        return request.method == "POST"

    query_parameters = PAGE
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getAllServiceAccounts",
        parameters=PAGE,
        responses=answers(200, items_of(ServiceAccountSerializer), 400),
    )
    def get(self, _request: Request) -> Response:
        page = self.paginate_queryset(services.service_accounts()) or []
        return self.get_paginated_response([_item(row) for row in page])

    @extend_schema(
        operation_id="createServiceAccount",
        request=ServiceAccountCreateSerializer,
        responses=answers(201, ServiceAccountSerializer, 400, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = _with_role(self.valid(ServiceAccountCreateSerializer, request))
        row = services.add_service_account(values.pop("name"), actor=request.user, **values)
        place = {"Location": f"{request.path}/{row.name}"}
        return Response(_item(_found(row.name)), 201, headers=place)


class ServiceAccountDetail(ApiView):
    """One service account."""

    access = {"GET": VIEW, "PATCH": CHANGE, "DELETE": DELETE}

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        """True for what a browser changes, which may be the role, or deletes."""
        return request.method in ("PATCH", "DELETE")

    @extend_schema(
        operation_id="getServiceAccount", responses=answers(200, ServiceAccountSerializer, 404)
    )
    def get(self, _request: Request, name: str) -> Response:
        return Response(_item(_found(name)))

    @extend_schema(
        operation_id="patchServiceAccount",
        request=ServiceAccountPatchSerializer,
        responses=answers(200, ServiceAccountSerializer, 400, 404, 409, 413, 415),
    )
    def patch(self, request: Request, name: str) -> Response:
        row = _found(name)
        values = _with_role(self.valid(ServiceAccountPatchSerializer, request))
        row = services.change_service_account(row, actor=request.user, **values)
        return Response(_item(_found(row.name)))

    @extend_schema(
        operation_id="deleteServiceAccount", request=None, responses=answers(204, None, 404)
    )
    def delete(self, request: Request, name: str) -> Response:
        services.delete_service_account(_found(name), actor=request.user)
        return Response(status=204)


urlpatterns = [
    path("service-accounts", ServiceAccountList.as_view()),
    path("service-accounts/<str:name>", ServiceAccountDetail.as_view()),
]
