"""The end of secrets that a connection does not use: `/connections/{idOrAlias}/purge`."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..models import Connection
from .base import ApiView
from .connections import CHANGE
from .fields import CamelCaseSerializer
from .openapi import answers


class PurgedSerializer(CamelCaseSerializer):
    """What was purged."""

    purged = serializers.IntegerField(
        help_text="Versions, previous keys and OAuth2 tokens that lost a secret nothing uses."
    )


class ConnectionPurge(ApiView):
    """Purge the secrets that a connection does not use any more, at once."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="purgeConnectionSecrets",
        request=None,
        responses=answers(200, PurgedSerializer, 404),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        row = self.find(Connection.objects.listed(), id_or_alias)
        purged = services.purge_connection(row, actor=request.user)
        return Response(PurgedSerializer({"purged": purged}).data)
