"""Versions of connections and profiles, as Umbraco.AI's client asks for them."""

import uuid
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.pagination import FARTHEST, MOST, whole_number
from connections.history import services
from connections.services import Difference, Invalid

from .base import UmbracoView

TYPES = {"connection": "Connection", "profile": "Profile"}
TAKE = 10
READ = ("connections:read profiles:read", "connections.view_connection")
# the service asks for the right to change that kind of row
CHANGE = ("connections:write profiles:write", "connections.view_connection")
IDS = uuid.UUID("5b1f0a52-6d7e-4c7b-9d1e-3f0c2a9b8e71")  # ids of versions are made from it


class UnknownType(APIException):
    """400: an entity type that has no versions here."""

    status_code = 400
    default_code = "unknown_entity_type"
    default_detail = "Unknown entity type. There are Connection and Profile."


class SupportedTypes(UmbracoView):
    """The entity types that have versions."""

    access = {"GET": READ}

    def get(self, _request: Request) -> Response:
        """Their names."""
        return Response(list(TYPES.values()))


class VersionsView(UmbracoView):
    """Something about the versions of one entity."""

    access = {"GET": READ}

    def subject(self, entity_type: str, entity_id: str) -> services.Subject:
        """The entity in the address. Raises UnknownType, NotFound."""
        kind = entity_type.lower()
        if kind not in TYPES:
            raise UnknownType
        found = services.find_subject(kind, entity_id, actor=self.request.user)
        if found is None:
            raise NotFound
        return found

    @staticmethod
    def entry(subject: services.Subject, number: int) -> services.Entry:
        """One version. Raises NotFound where it is not kept."""
        try:
            return services.show_version(subject, number)[0]
        except Invalid:
            raise NotFound from None


class VersionHistory(VersionsView):
    """The versions of an entity, the newest first."""

    def get(self, request: Request, entity_type: str, entity_id: str) -> Response:
        """A page of them."""
        query, subject = request.query_params, self.subject(entity_type, entity_id)
        take = whole_number(query, "take", TAKE, 0, MOST)
        skip = whole_number(query, "skip", 0, 0, FARTHEST)
        total, found = services.list_versions(subject, take, skip)
        body = {
            "currentVersion": subject.version,
            "totalVersions": total,
            "versions": [_version(subject, one) for one in found],
        }
        return Response(body)


class Version(VersionsView):
    """One version: when and by whom, not its content."""

    def get(self, _request: Request, entity_type: str, entity_id: str, number: int) -> Response:
        """It."""
        subject = self.subject(entity_type, entity_id)
        return Response(_version(subject, self.entry(subject, number)))


class Comparison(VersionsView):
    """Two versions of an entity."""

    def get(
        self, _request: Request, entity_type: str, entity_id: str, number: int, other: int
    ) -> Response:
        """The fields in which they differ; of a secret only that it does."""
        subject = self.subject(entity_type, entity_id)
        for one in (number, other):
            self.entry(subject, one)
        found = services.compare(subject, number, other)
        changes = [_change(one) for one in found]
        return Response({"fromVersion": number, "toVersion": other, "changes": changes})


class Rollback(VersionsView):
    """An earlier version, put back as the next one."""

    access = {"POST": CHANGE}

    def post(self, request: Request, entity_type: str, entity_id: str, number: int) -> Response:
        """204: without the secrets of then, by the rules of any other change."""
        subject = self.subject(entity_type, entity_id)
        self.entry(subject, number)
        services.restore(subject, number, actor=request.user)
        return Response(status=204)


def _version(subject: services.Subject, entry: services.Entry) -> dict[str, Any]:
    said = ", ".join(entry.changes)
    return {
        "id": str(uuid.uuid5(IDS, f"{subject.kind} {subject.object_id} {entry.number}")),
        "entityId": subject.object_id,
        "version": entry.number,
        "dateCreated": entry.date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "createdByUserId": None,
        "createdByUserName": str(entry.user) if entry.user else None,
        "changeDescription": f"{entry.name}: {said}" if entry.name and said else entry.name or said,
    }


def _change(one: Difference) -> dict[str, Any]:
    """A change. Where a secret became another both sides would read alike, so it is said."""
    is_other = one.is_secret and one.before == one.after
    after = f"{one.after} ({_('another secret')})" if is_other else one.after
    return {"path": one.field, "oldValue": one.before or None, "newValue": after or None}
