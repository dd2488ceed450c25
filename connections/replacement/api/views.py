"""Replacing a key: `/connections/{idOrAlias}/replacement`."""

from typing import Any

from django.http import Http404
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.aliases import RowView
from connections.api.camelcase import StrictBooleanField, camel
from connections.api.connection_serializers import inner_settings
from connections.api.connections import CHANGE, READ
from connections.api.fields import CamelCaseSerializer
from connections.api.openapi import answers
from connections.models import Connection, KeyReplacement
from connections.replacement import services


class ReplacementRequestSerializer(CamelCaseSerializer):
    """The next key."""

    settings = serializers.DictField(
        help_text="The settings of the key: its secrets, and names that are given out with them."
    )
    anyway = StrictBooleanField(
        default=False,
        help_text="Replace it even if the test could not reach the service. Never a refused one.",
    )


class KeyTestSerializer(CamelCaseSerializer):
    """What a test said."""

    success = serializers.BooleanField()
    code = serializers.CharField()
    message = serializers.CharField(allow_blank=True)


class KeyTestsSerializer(CamelCaseSerializer):
    """What the tests of both keys said, before the switch."""

    next = KeyTestSerializer()
    current = KeyTestSerializer()


class ReplacementSerializer(CamelCaseSerializer):
    """A replacement of a key."""

    state = serializers.ChoiceField(KeyReplacement.State.choices)
    settings = serializers.ListField(
        child=serializers.CharField(), help_text="The settings that are replaced."
    )
    tests = KeyTestsSerializer()
    is_previous_kept = serializers.BooleanField(
        help_text="Whether the key that is not used is still kept."
    )
    is_both_refused = serializers.BooleanField(
        help_text="The service refuses the new key and the one before."
    )
    is_by_itself = serializers.BooleanField(help_text="Whether it went back by itself.")
    said = serializers.CharField(allow_blank=True, help_text="How it ended.")
    until = serializers.DateTimeField(
        help_text="When the watch ends; after that, when the previous key is forgotten."
    )
    begun_by = serializers.CharField(allow_null=True)
    date_begun = serializers.DateTimeField()
    date_switched = serializers.DateTimeField(allow_null=True)
    date_ended = serializers.DateTimeField(allow_null=True)


def _body(row: KeyReplacement) -> Any:
    columns = ("state", "tests", "is_both_refused", "is_by_itself", "said", "until")
    dates = ("date_begun", "date_switched", "date_ended")
    values = {name: getattr(row, name) for name in (*columns, *dates)}
    values |= {
        "settings": [camel(name) for name in row.fields],
        "is_previous_kept": row.has_other,
        "begun_by": row.begun_by and str(row.begun_by),
    }
    return ReplacementSerializer(values).data


class ReplacementView(RowView):
    """The replacement of one connection's key."""

    rows = staticmethod(Connection.objects.all)

    def replacement(self, id_or_alias: str) -> KeyReplacement:
        """The one that is under way, else the last. Raises Http404."""
        found = services.replacement_of(self.row(id_or_alias))
        if found is None:
            raise Http404
        return found


class Replacement(ReplacementView):
    """Read, replace, forget."""

    access = {"GET": READ, "POST": CHANGE, "DELETE": CHANGE}
    query_parameters = ()

    @extend_schema(
        operation_id="getConnectionReplacement",
        responses=answers(200, ReplacementSerializer, 404),
    )
    def get(self, _request: Request, id_or_alias: str) -> Response:
        return Response(_body(self.replacement(id_or_alias)))

    @extend_schema(
        operation_id="replaceConnectionKey",
        request=ReplacementRequestSerializer,
        responses=answers(201, ReplacementSerializer, 400, 404, 409, 413, 415),
    )
    @sensitive_variables("values", "settings")
    def post(self, request: Request, id_or_alias: str) -> Response:
        row = self.row(id_or_alias)
        values = self.valid(ReplacementRequestSerializer, request)
        settings = inner_settings(row.provider, values["settings"])
        made = services.replace_key(row, settings, actor=request.user, anyway=values["anyway"])
        response = Response(_body(made), status=201)
        response["Location"] = request.path
        return response

    @extend_schema(
        operation_id="forgetConnectionReplacement",
        request=None,
        responses=answers(204, None, 404),
    )
    def delete(self, request: Request, id_or_alias: str) -> Response:
        services.forget_other(self.replacement(id_or_alias), actor=request.user)
        return Response(status=204)


class ReplacementGoBack(ReplacementView):
    """Go back to the previous key."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="goBackToPreviousKey",
        request=None,
        responses=answers(200, ReplacementSerializer, 404, 409),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        return Response(_body(services.go_back(self.replacement(id_or_alias), actor=request.user)))
