"""Profiles: `/profiles...`"""

from typing import Any, ClassVar

from django.db.models import QuerySet, prefetch_related_objects
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from providers.core.base import Capability

from .. import listing, services
from ..former_aliases import actor_name
from ..health.services import STATES, with_profile_health
from ..models import Profile
from ..unseen import hide_unseen
from .base import ApiView, created, exists, refuse_mismatch, tagged
from .fields import (
    DuplicateRequestSerializer,
    refuse_other_team,
    team_of_new,
)
from .filters import DIRECTIONS, HEALTH, TEAM, shared_filters, wanted_sort
from .openapi import answers, items_of
from .pagination import PAGE, PLAIN, SkipTakePagination, one_of, plain_text
from .profile_bodies import as_in_the_body, translated
from .profile_serializers import (
    ProfileCreateSerializer,
    ProfileItemSerializer,
    ProfilePatchSerializer,
    ProfileSerializer,
    ProfileUpdateSerializer,
    SavedProfileSerializer,
    saved_profile_json,
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
    TEAM,
    OpenApiParameter("orderBy", str, enum=list(SORTS)),
    OpenApiParameter("orderDirection", str, enum=list(DIRECTIONS)),
]


def rows() -> QuerySet[Profile]:
    """Profiles with their connections, whose credentials stay encrypted."""
    return Profile.objects.select_related("connection").defer("connection__credentials")


class ProfileWriteView(ApiView):
    """Base of the views that take and show whole profiles."""

    shown: ClassVar[type[ProfileSerializer]] = ProfileSerializer

    def arguments(self, values: dict[str, Any], row: Profile | None = None) -> dict[str, Any]:
        """A valid body as the services take it. Raises Invalid."""
        return translated(values, actor_name(self.request.user), row)


class ProfileList(ProfileWriteView):
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
        prefetch_related_objects(page, "team")
        hide_unseen(page)
        return self.get_paginated_response(ProfileItemSerializer(page, many=True).data)

    @extend_schema(
        operation_id="createProfile",
        request=ProfileCreateSerializer,
        responses=answers(201, SavedProfileSerializer, 400, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = self.valid(ProfileCreateSerializer, request)
        team = team_of_new("profile", values, request.user)
        arguments = self.arguments(values)
        with as_in_the_body():
            saved = services.create_profile(
                arguments.pop("connection"), actor=request.user, team=team, **arguments
            )
        return created(request, saved.row, saved_profile_json(saved, self.shown))


class ProfileDetail(ProfileWriteView):
    """One profile: read, replace, change, delete."""

    access = {"GET": READ, "PUT": CHANGE, "PATCH": CHANGE, "DELETE": DELETE}
    serializer_class = ProfileSerializer
    queryset = Profile.objects.all()

    @extend_schema(
        operation_id="getProfileByIdOrAlias", responses=answers(200, ProfileSerializer, 404)
    )
    def get(self, _request: Request, id_or_alias: str) -> Response:
        row = self.find(rows(), id_or_alias)
        hide_unseen([row])
        return tagged(Response(self.shown(row).data), row)

    @extend_schema(
        operation_id="updateProfile",
        request=ProfileUpdateSerializer,
        responses=answers(200, SavedProfileSerializer, 400, 404, 412, 413, 415),
    )
    def put(self, request: Request, id_or_alias: str) -> Response:
        return self._update(request, id_or_alias, ProfileUpdateSerializer)

    @extend_schema(
        operation_id="patchProfile",
        request={
            "application/merge-patch+json": ProfilePatchSerializer,
            "application/json": ProfilePatchSerializer,
        },
        responses=answers(200, SavedProfileSerializer, 400, 404, 412, 413, 415),
    )
    def patch(self, request: Request, id_or_alias: str) -> Response:
        return self._update(request, id_or_alias, ProfilePatchSerializer, merge=True)

    def _update(
        self, request: Request, id_or_alias: str, serializer: Any, merge: bool = False
    ) -> Response:
        row = self.find(rows(), id_or_alias)
        values = self.valid(serializer, request)
        refuse_other_team(row, values, request.user)
        arguments = self.arguments(values, row)
        version = refuse_mismatch(request, row)
        with as_in_the_body():
            saved = services.update_profile(
                row, actor=request.user, expected_version=version, merge=merge, **arguments
            )
        return tagged(Response(saved_profile_json(saved, self.shown)), saved.row)

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
        responses=answers(201, SavedProfileSerializer, 400, 404, 409, 413, 415),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        original = self.find(rows(), id_or_alias)
        wanted = self.valid(DuplicateRequestSerializer, request)
        saved = services.duplicate_profile(original, actor=request.user, **wanted)
        return created(request, saved.row, saved_profile_json(saved), levels=2)


class ProfileExists(ApiView):
    """Tell if an alias is taken."""

    access = {"GET": READ}

    @extend_schema(
        operation_id="profileAliasExists",
        parameters=[OpenApiParameter("excludeId", OpenApiTypes.UUID)],
        responses=answers(200, bool, 400, 404),
    )
    def get(self, request: Request, alias: str) -> Response:
        return Response(exists(Profile.every.all(), alias, request.query_params))
