"""Versions: `/connections/{idOrAlias}/versions`, the same of profiles, and `/versions/{kind}/{id}`
of everything else.
"""

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api import profiles
from connections.api.aliases import RowView
from connections.api.base import refuse_mismatch
from connections.api.connections import CHANGE, READ
from connections.api.openapi import answers, items_of
from connections.api.pagination import FARTHEST, MOST, PAGE, TAKE, whole_number
from connections.models import Connection
from connections.services import Invalid, Scope

from .. import services
from .serializers import (
    ComparisonSerializer,
    RestoredSerializer,
    RestoreRequestSerializer,
    VersionItemSerializer,
    VersionPatchSerializer,
    VersionSerializer,
    difference,
    item,
    value,
)

PAGES: list[OpenApiParameter] = [one for one in PAGE if one.name != "after"]
ADMIN = (Scope.ADMIN, "connections.view_connection")  # and what the kind takes


def window(request: Request) -> tuple[int, int]:
    """How many of a list to show, and how many to leave out. Raises ValidationError."""
    query = request.query_params
    return whole_number(query, "take", TAKE, 1, MOST), whole_number(query, "skip", 0, 0, FARTHEST)


class VersionsView(RowView):
    """Something about the versions of a connection, unless a subclass says otherwise."""

    rows = staticmethod(Connection.objects.listed)
    kind: ClassVar[str] = "connection"

    def subject(self, id_or_alias: str = "", kind: str = "", id: str = "") -> services.Subject:
        """What is in the address. Raises Http404."""
        if not kind:
            return services.subject_of(self.kind, self.row(id_or_alias))
        is_row = kind in ("connection", "profile")  # which have addresses of their own
        found = None if is_row else services.find_subject(kind, id, actor=self.request.user)
        if found is None:
            raise Http404
        return found

    @staticmethod
    def known(subject: services.Subject, number: int) -> Any:
        """The version and what it has. Raises Http404 where it is not kept."""
        try:
            return services.show_version(subject, number)
        except Invalid:
            raise Http404 from None


class ConnectionVersions(VersionsView):
    """The versions of a connection."""

    access = {"GET": READ}
    query_parameters = PAGES

    @extend_schema(
        operation_id="getConnectionVersions",
        parameters=PAGES,
        responses=answers(200, items_of(VersionItemSerializer, paged=False), 400, 404),
    )
    def get(self, request: Request, **place: Any) -> Response:
        total, found = services.list_versions(self.subject(**place), *window(request))
        items = VersionItemSerializer([item(one) for one in found], many=True).data
        return Response({"total": total, "items": items})


class ConnectionVersion(VersionsView):
    """One version of a connection."""

    access = {"GET": READ, "PATCH": CHANGE}
    query_parameters = ()

    @extend_schema(
        operation_id="getConnectionVersion", responses=answers(200, VersionSerializer, 404)
    )
    def get(self, request: Request, number: int, **place: Any) -> Response:  # noqa: ARG002
        return self.shown(self.subject(**place), number)

    @extend_schema(
        operation_id="patchConnectionVersion",
        request={
            "application/merge-patch+json": VersionPatchSerializer,
            "application/json": VersionPatchSerializer,
        },
        responses=answers(200, VersionSerializer, 400, 404, 413, 415),
    )
    def patch(self, request: Request, number: int, **place: Any) -> Response:
        subject, values = self.subject(**place), self.valid(VersionPatchSerializer, request)
        self.known(subject, number)
        services.mark_version(subject, number, actor=request.user, **values)
        return self.shown(subject, number)

    def shown(self, subject: services.Subject, number: int) -> Response:
        """The version with what it has. Raises Http404."""
        entry, content = self.known(subject, number)
        body = item(entry) | {
            "content": [value(one) for one in content],
            "differences": [difference(one) for one in entry.differences],
        }
        return Response(VersionSerializer(body).data)


class ConnectionComparison(VersionsView):
    """Two versions of a connection."""

    access = {"GET": READ}
    query_parameters = ()

    @extend_schema(
        operation_id="compareConnectionVersions",
        responses=answers(200, ComparisonSerializer, 404),
    )
    def get(self, request: Request, number: int, other: int, **place: Any) -> Response:  # noqa: ARG002
        subject = self.subject(**place)
        for one in (number, other):
            self.known(subject, one)
        found = services.compare(subject, number, other)
        body = {"before": number, "after": other, "differences": [difference(one) for one in found]}
        return Response(ComparisonSerializer(body).data)


class ConnectionRestoration(VersionsView):
    """An earlier version of a connection, put back as its next one."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="restoreConnectionVersion",
        request=RestoreRequestSerializer,
        responses=answers(200, RestoredSerializer, 400, 404, 412, 413, 415),
    )
    def post(self, request: Request, number: int, **place: Any) -> Response:
        subject = self.subject(**place)
        values = self.valid(RestoreRequestSerializer, request)
        self.known(subject, number)
        version = refuse_mismatch(request, subject)
        made = services.restore(
            subject, number, actor=request.user, expected_version=version, **values
        )
        body = {
            "version": made.subject.version,
            "changed": made.changed,
            "notices": [one.message for one in made.notices],
        }
        return Response(
            RestoredSerializer(body).data, headers={"ETag": f'"{made.subject.version}"'}
        )


class ProfileVersions(ConnectionVersions):
    """The versions of a profile."""

    access = {"GET": profiles.READ}
    rows, kind = staticmethod(profiles.rows), "profile"

    @extend_schema(
        operation_id="getProfileVersions",
        parameters=PAGES,
        responses=answers(200, items_of(VersionItemSerializer, paged=False), 400, 404),
    )
    def get(self, request: Request, **place: Any) -> Response:
        return super().get(request, **place)


class ProfileVersion(ConnectionVersion):
    """One version of a profile."""

    access = {"GET": profiles.READ, "PATCH": profiles.CHANGE}
    rows, kind = staticmethod(profiles.rows), "profile"

    @extend_schema(operation_id="getProfileVersion", responses=answers(200, VersionSerializer, 404))
    def get(self, request: Request, number: int, **place: Any) -> Response:
        return super().get(request, number, **place)

    @extend_schema(
        operation_id="patchProfileVersion",
        request={
            "application/merge-patch+json": VersionPatchSerializer,
            "application/json": VersionPatchSerializer,
        },
        responses=answers(200, VersionSerializer, 400, 404, 413, 415),
    )
    def patch(self, request: Request, number: int, **place: Any) -> Response:
        return super().patch(request, number, **place)


class ProfileComparison(ConnectionComparison):
    """Two versions of a profile."""

    access = {"GET": profiles.READ}
    rows, kind = staticmethod(profiles.rows), "profile"

    @extend_schema(
        operation_id="compareProfileVersions", responses=answers(200, ComparisonSerializer, 404)
    )
    def get(self, request: Request, number: int, other: int, **place: Any) -> Response:
        return super().get(request, number, other, **place)


class ProfileRestoration(ConnectionRestoration):
    """An earlier version of a profile, put back as its next one."""

    access = {"POST": profiles.CHANGE}
    rows, kind = staticmethod(profiles.rows), "profile"

    @extend_schema(
        operation_id="restoreProfileVersion",
        request=RestoreRequestSerializer,
        responses=answers(200, RestoredSerializer, 400, 404, 412, 413, 415),
    )
    def post(self, request: Request, number: int, **place: Any) -> Response:
        return super().post(request, number, **place)
