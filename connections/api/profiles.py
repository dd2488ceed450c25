"""Profiles: `/profiles...`"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from providers.core.base import Capability

from .. import listing, services
from ..former_aliases import actor_name
from ..health.services import STATES, with_profile_health
from ..lookup import all_by_id_or_alias, get_by_id_or_alias
from ..models import Connection, Profile
from .base import ApiView, created, exists, refuse_mismatch, tagged
from .camelcase import decapitalized
from .connections import DIRECTIONS, HEALTH, shared_filters, wanted_sort
from .fields import DuplicateRequestSerializer, inner_names
from .openapi import answers, items_of
from .pagination import PAGE, PLAIN, SkipTakePagination, one_of, plain_text
from .profile_serializers import (
    ProfileCreateSerializer,
    ProfileItemSerializer,
    ProfilePatchSerializer,
    ProfileSerializer,
    ProfileUpdateSerializer,
    profile_settings_kinds,
)

READ = ("profiles:read", "connections.view_profile")
ADD, CHANGE = (
    ("profiles:write", "connections.add_profile"),
    ("profiles:write", "connections.change_profile"),
)
DELETE = ("profiles:write", "connections.delete_profile")
SORTS = {
    "name": "name",
    "alias": "alias",
    "capability": "capability",
    "dateCreated": "created",
    "dateModified": "modified",
}
FILTERS = [
    *PAGE,
    OpenApiParameter(
        "filter",
        PLAIN,
        description=(
            "The name, alias, a former alias or the model contains this, the name with or without "
            "accents, in any case, or it is the id."
        ),
    ),
    OpenApiParameter("name", PLAIN, description="The name is exactly this, in this case."),
    OpenApiParameter(
        "providerId", PLAIN, description="Those whose connection is of this provider."
    ),
    OpenApiParameter("capability", str, enum=[one.value for one in Capability]),
    OpenApiParameter("connection", PLAIN, description="Id or alias of the connection."),
    OpenApiParameter("isActive", bool),
    HEALTH,
    OpenApiParameter("tag", PLAIN, description="Those with this tag, in any case."),
    OpenApiParameter("orderBy", str, enum=list(SORTS)),
    OpenApiParameter("orderDirection", str, enum=list(DIRECTIONS)),
]


def rows() -> QuerySet[Profile]:
    """Profiles with their connections, whose credentials stay encrypted."""
    return Profile.objects.select_related("connection").defer("connection__credentials")


def translated(values: dict[str, Any], by: str, stored: Profile | None = None) -> dict[str, Any]:
    """A valid body as the services take it. `by`: who asks, should it name a former alias.

    Raises Invalid for an unknown connection or another provider's model.
    """
    arguments: dict[str, Any] = {
        name: values[name]
        for name in ("alias", "capability", *Profile.editable_columns)
        if name in values
    }
    connection = stored.connection if stored else None
    if "connection_id" in values:
        connection = get_by_id_or_alias(Connection.objects.listed(), values["connection_id"], by)
        if connection is None:
            raise services.Invalid(
                [
                    services.FieldError(
                        "connection_id",
                        "not_found",
                        "There is no such connection.",
                    )
                ]
            )
        arguments["connection"] = connection
    if "model" in values:
        arguments["model"] = _model_id(values["model"], connection)
    if values.get("settings") is not None:
        capability = values.get("capability") or (stored.capability if stored else "")
        arguments["settings"] = _inner_settings(capability, values["settings"])
    if "fallback_profile_ids" in values:
        arguments["fallbacks"] = _profiles(values["fallback_profile_ids"] or [], by)
    return arguments


def _profiles(names: list[str], by: str) -> list[Profile]:
    found = all_by_id_or_alias(Profile.objects.all(), names, by)
    if not found.keys() >= set(names):
        raise services.Invalid(
            [
                services.FieldError(
                    "fallback_profile_ids",
                    "not_found",
                    "One of these profiles is not there.",
                )
            ]
        )
    return [found[one] for one in names]


def _model_id(model: dict[str, str], connection: Connection | None) -> str:
    if connection and model["provider_id"] != connection.provider_id:
        text = (
            f"{connection.alias} is a connection of {connection.provider_id}, not of this model's "
            "provider."
        )
        raise services.Invalid([services.FieldError("model.provider_id", "mismatch", text)])
    return model["model_id"]


def _inner_settings(capability: str, posted: dict[str, Any]) -> dict[str, Any]:
    """Posted settings, by their names in Python.

    `$type` may be left out. Raises Invalid when it names another capability.
    """
    kind = posted.get("$type", decapitalized(capability))
    if kind != decapitalized(capability):
        raise services.Invalid(
            [
                services.FieldError(
                    "settings.$type",
                    "mismatch",
                    f"A {capability} profile takes {decapitalized(capability)}.",
                )
            ]
        )
    return inner_names(
        profile_settings_kinds(capability),
        {name: value for name, value in posted.items() if name != "$type"},
    )


@contextmanager
def as_in_the_body() -> Iterator[None]:
    """Let what the services refuse inside name the fields as the body does."""
    names = {
        "connection": "connection_id",
        "model": "model.model_id",
        "fallbacks": "fallback_profile_ids",
    }
    try:
        yield
    except services.Invalid as refused:
        errors = [
            services.FieldError(names.get(one.field, one.field), one.code, one.message)
            for one in refused.errors
        ]
        raise services.Invalid(errors) from None


class ProfileList(ApiView):
    """List and create."""

    access = {"GET": READ, "POST": ADD}
    query_parameters = FILTERS
    pagination_class = SkipTakePagination
    serializer_class = ProfileItemSerializer

    def get_queryset(self) -> QuerySet[Profile]:
        query = self.request.query_params
        filters = shared_filters(query) | {
            "connection": plain_text(query, "connection"),
            "health": one_of(query, "health", STATES),
        }
        return with_profile_health(listing.profiles(filters, wanted_sort(query, SORTS)))

    @extend_schema(
        operation_id="getAllProfiles",
        parameters=FILTERS,
        responses=answers(200, items_of(ProfileItemSerializer), 400),
    )
    def get(self, _request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(ProfileItemSerializer(page, many=True).data)

    @extend_schema(
        operation_id="createProfile",
        request=ProfileCreateSerializer,
        responses=answers(201, ProfileSerializer, 400, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        arguments = translated(
            self.valid(ProfileCreateSerializer, request), actor_name(request.user)
        )
        with as_in_the_body():
            row = services.create_profile(
                arguments.pop("connection"), actor=request.user, **arguments
            ).row
        return created(request, row, ProfileSerializer(row).data)


class ProfileDetail(ApiView):
    """One profile: read, replace, change, delete."""

    access = {"GET": READ, "PUT": CHANGE, "PATCH": CHANGE, "DELETE": DELETE}
    serializer_class = ProfileSerializer
    queryset = Profile.objects.all()

    @extend_schema(
        operation_id="getProfileByIdOrAlias", responses=answers(200, ProfileSerializer, 404)
    )
    def get(self, _request: Request, id_or_alias: str) -> Response:
        row = self.find(rows(), id_or_alias)
        return tagged(Response(ProfileSerializer(row).data), row)

    @extend_schema(
        operation_id="updateProfile",
        request=ProfileUpdateSerializer,
        responses=answers(200, ProfileSerializer, 400, 404, 412, 413, 415),
    )
    def put(self, request: Request, id_or_alias: str) -> Response:
        return self._update(request, id_or_alias, ProfileUpdateSerializer)

    @extend_schema(
        operation_id="patchProfile",
        request={
            "application/merge-patch+json": ProfilePatchSerializer,
            "application/json": ProfilePatchSerializer,
        },
        responses=answers(200, ProfileSerializer, 400, 404, 412, 413, 415),
    )
    def patch(self, request: Request, id_or_alias: str) -> Response:
        return self._update(request, id_or_alias, ProfilePatchSerializer, merge=True)

    def _update(
        self, request: Request, id_or_alias: str, serializer: Any, merge: bool = False
    ) -> Response:
        row = self.find(rows(), id_or_alias)
        values = self.valid(serializer, request)
        arguments = translated(values, actor_name(request.user), row)
        version = refuse_mismatch(request, row)
        with as_in_the_body():
            saved = services.update_profile(
                row, actor=request.user, expected_version=version, merge=merge, **arguments
            ).row
        return tagged(Response(ProfileSerializer(saved).data), saved)

    @extend_schema(operation_id="deleteProfile", responses=answers(204, None, 404, 409, 412))
    def delete(self, request: Request, id_or_alias: str) -> Response:
        row = self.find(rows(), id_or_alias)
        version = refuse_mismatch(request, row)
        services.delete_profile(row, actor=request.user, expected_version=version)
        return Response(status=204)


class ProfileDuplicate(ApiView):
    """An inactive copy of a saved profile."""

    access = {"POST": ADD}

    @extend_schema(
        operation_id="duplicateProfile",
        request=DuplicateRequestSerializer,
        responses=answers(201, ProfileSerializer, 400, 404, 409, 413, 415),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        original = self.find(rows(), id_or_alias)
        wanted = self.valid(DuplicateRequestSerializer, request)
        row = services.duplicate_profile(original, actor=request.user, **wanted).row
        return created(request, row, ProfileSerializer(row).data, levels=2)


class ProfileExists(ApiView):
    """Tell if an alias is taken."""

    access = {"GET": READ}

    @extend_schema(
        operation_id="profileAliasExists",
        parameters=[OpenApiParameter("excludeId", OpenApiTypes.UUID)],
        responses=answers(200, bool, 400, 404),
    )
    def get(self, request: Request, alias: str) -> Response:
        return Response(exists(Profile.objects.all(), alias, request.query_params))
