"""Leaked keys: `/leaked-keys/search`, `/connections/{idOrAlias}/leak`."""

from typing import Any

from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.aliases import RowView
from connections.api.base import ApiView
from connections.api.camelcase import StrictBooleanField, StrictCharField
from connections.api.connections import CHANGE
from connections.api.fields import WORD_SCHEMA, CamelCaseSerializer
from connections.api.openapi import answers, items_of
from connections.models import Connection
from connections.replacement import services


@extend_schema_field(WORD_SCHEMA | {"maxLength": services.LONGEST})
class KeyField(StrictCharField):
    """A key in full; blanks around it do not count."""

    def __init__(self) -> None:
        super().__init__(
            max_length=services.LONGEST, help_text="It is compared, and neither stored nor logged."
        )


class LeakedKeySerializer(CamelCaseSerializer):
    """A key that somebody has found where it should not be."""

    key = KeyField()


class LeakedFromSerializer(CamelCaseSerializer):
    """A connection that has a leaked key."""

    id = serializers.UUIDField()
    alias = serializers.CharField()
    name = serializers.CharField()


class KeyPlaceSerializer(CamelCaseSerializer):
    """A place where a key was found."""

    what = serializers.CharField()
    connection = LeakedFromSerializer(
        allow_null=True, help_text="Null for a token, and for a connection that is gone."
    )


class LeakRequestSerializer(CamelCaseSerializer):
    """What is to be done about the key of a connection that is known to others."""

    revoke = StrictBooleanField(
        default=False, help_text="End the key at its service too, which cannot be undone."
    )


class LeakSerializer(CamelCaseSerializer):
    """What was done about it."""

    is_active = serializers.BooleanField(help_text="False: the connection is switched off.")
    revoked = serializers.CharField(
        allow_blank=True, help_text="What the service said, empty if it was not asked."
    )
    failed = serializers.CharField(
        allow_blank=True, help_text="Why the key was not ended at its service, empty if it was."
    )
    by_hand = serializers.CharField(
        allow_blank=True, help_text="Where people end keys of this service."
    )
    others = LeakedFromSerializer(many=True, help_text="Connections with the same key, still on.")


def _summary(row: Connection | None) -> dict[str, Any] | None:
    return {"id": row.pk, "alias": row.alias, "name": row.name} if row else None


class LeakedKeySearch(ApiView):
    """Is this leaked key ours?"""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="findLeakedKey",
        request=LeakedKeySerializer,
        responses=answers(200, items_of(KeyPlaceSerializer, paged=False), 400, 413, 415),
    )
    @sensitive_variables()
    def post(self, request: Request) -> Response:
        key = self.valid(LeakedKeySerializer, request)["key"]
        found = services.find_key(key, actor=request.user)
        items = [{"what": one.what, "connection": _summary(one.row)} for one in found]
        body = KeyPlaceSerializer(items, many=True).data
        return Response({"total": len(body), "items": body})


class ConnectionLeak(RowView):
    """The key of a connection is known to others."""

    access = {"POST": CHANGE}
    rows = staticmethod(Connection.objects.all)

    @extend_schema(
        operation_id="reportLeakedKey",
        request=LeakRequestSerializer,
        responses=answers(200, LeakSerializer, 400, 404, 413, 415),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        row = self.row(id_or_alias)
        revoke = self.valid(LeakRequestSerializer, request)["revoke"]
        leak = services.report_leak(row, actor=request.user, revoke=revoke)
        values = {
            "is_active": False,
            "revoked": leak.revoked,
            "failed": leak.failed,
            "by_hand": leak.by_hand,
            "others": [_summary(one) for one in leak.others],
        }
        return Response(LeakSerializer(values).data)
