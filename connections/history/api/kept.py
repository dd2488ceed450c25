"""Versions of everything but connections and profiles: `/versions/{kind}/{id}`. The services judge
who may, by the kind.
"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.openapi import answers, items_of

from .serializers import (
    ComparisonSerializer,
    RestoredSerializer,
    RestoreRequestSerializer,
    VersionItemSerializer,
    VersionPatchSerializer,
    VersionSerializer,
)
from .versions import (
    ADMIN,
    PAGES,
    ConnectionComparison,
    ConnectionRestoration,
    ConnectionVersion,
    ConnectionVersions,
)


class KeptVersions(ConnectionVersions):
    """The versions of something."""

    access = {"GET": ADMIN}

    @extend_schema(
        operation_id="getVersions",
        parameters=PAGES,
        responses=answers(200, items_of(VersionItemSerializer, paged=False), 400, 404),
    )
    def get(self, request: Request, **place: Any) -> Response:
        return super().get(request, **place)


class KeptVersion(ConnectionVersion):
    """One version of something."""

    access = {"GET": ADMIN, "PATCH": ADMIN}

    @extend_schema(operation_id="getVersion", responses=answers(200, VersionSerializer, 404))
    def get(self, request: Request, number: int, **place: Any) -> Response:
        return super().get(request, number, **place)

    @extend_schema(
        operation_id="patchVersion",
        request={
            "application/merge-patch+json": VersionPatchSerializer,
            "application/json": VersionPatchSerializer,
        },
        responses=answers(200, VersionSerializer, 400, 404, 413, 415),
    )
    def patch(self, request: Request, number: int, **place: Any) -> Response:
        return super().patch(request, number, **place)


class KeptComparison(ConnectionComparison):
    """Two versions of something."""

    access = {"GET": ADMIN}

    @extend_schema(
        operation_id="compareVersions", responses=answers(200, ComparisonSerializer, 404)
    )
    def get(self, request: Request, number: int, other: int, **place: Any) -> Response:
        return super().get(request, number, other, **place)


class KeptRestoration(ConnectionRestoration):
    """An earlier version of something, put back as its next one."""

    access = {"POST": ADMIN}

    @extend_schema(
        operation_id="restoreVersion",
        request=RestoreRequestSerializer,
        responses=answers(200, RestoredSerializer, 400, 404, 412, 413, 415),
    )
    def post(self, request: Request, number: int, **place: Any) -> Response:
        return super().post(request, number, **place)
