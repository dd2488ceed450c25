"""Usage: `/analytics/usage-records`, the requests themselves with their attempts."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.fields import CamelCaseSerializer
from connections.api.openapi import answers, items_of
from connections.api.pagination import PAGE, SkipTakePagination
from connections.lookup import parse_id

from ..models import AttemptOutcome, UsageRecord
from . import records
from .api import FILTERS, PERIOD, UsageView
from .sight import without_names


class UsageAttemptSerializer(CamelCaseSerializer):
    """One target that was asked, or passed over."""

    profile_alias = serializers.CharField()
    profile_id = serializers.UUIDField()
    connection_alias = serializers.CharField()
    connection_id = serializers.UUIDField()
    connection_version = serializers.IntegerField()
    provider_id = serializers.CharField()
    model = serializers.CharField()
    outcome = serializers.ChoiceField(AttemptOutcome.choices)
    code = serializers.CharField(help_text="Of the failure, or why it was passed over.")
    status = serializers.IntegerField(
        allow_null=True, help_text="The HTTP status that the service answered."
    )
    error = serializers.CharField(help_text="What went wrong, without secrets.")
    latency_ms = serializers.IntegerField()
    first_chunk_ms = serializers.IntegerField(allow_null=True)
    retries = serializers.IntegerField()
    is_cooling = serializers.BooleanField(help_text="Its connection was in a cool-down.")


class UsageRecordSerializer(CamelCaseSerializer):
    """One request."""

    id = serializers.UUIDField(
        source="key", allow_null=True, help_text="Null: of the time before requests had pages."
    )
    request_id = serializers.CharField()
    started_at = serializers.DateTimeField()
    endpoint = serializers.CharField()
    capability = serializers.CharField()
    profile_alias = serializers.CharField(help_text="The profile that was asked for.")
    profile_id = serializers.UUIDField(allow_null=True)
    answered_profile_alias = serializers.CharField(help_text="Empty: none answered.")
    answered_profile_id = serializers.UUIDField(allow_null=True)
    is_fallback = serializers.BooleanField()
    connection_alias = serializers.CharField()
    connection_id = serializers.UUIDField(allow_null=True)
    connection_version = serializers.IntegerField(allow_null=True)
    provider_id = serializers.CharField()
    model = serializers.CharField()
    user_name = serializers.CharField()
    token_name = serializers.CharField()
    is_stream = serializers.BooleanField()
    outcome = serializers.CharField()
    input_tokens = serializers.IntegerField(allow_null=True)
    output_tokens = serializers.IntegerField(allow_null=True)
    cached_tokens = serializers.IntegerField(allow_null=True)
    cache_write_tokens = serializers.IntegerField(allow_null=True)
    reasoning_tokens = serializers.IntegerField(allow_null=True)
    is_estimated = serializers.BooleanField(help_text="The tokens were counted here.")
    latency_ms = serializers.IntegerField()
    first_chunk_ms = serializers.IntegerField(allow_null=True)
    attempts = UsageAttemptSerializer(many=True)


class UsageRecordsView(UsageView):
    """The requests of a period, the newest first."""

    query_parameters = PERIOD + FILTERS + PAGE

    @extend_schema(
        operation_id="getUsageRecords",
        parameters=query_parameters,
        responses=answers(200, items_of(UsageRecordSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        pages = SkipTakePagination()
        rows = records.records(self.period(), self.filters())
        found: list[UsageRecord] = pages.paginate_queryset(rows, request)
        _put_attempts(without_names(found))
        return pages.get_paginated_response(UsageRecordSerializer(found, many=True).data)


class UsageRecordView(ApiView):
    """One request with its attempts, in order."""

    reads_replica = True
    access = UsageView.access

    @extend_schema(
        operation_id="getUsageRecord", responses=answers(200, UsageRecordSerializer, 404)
    )
    def get(self, _request: Request, id: str) -> Response:
        key = parse_id(id)
        record = records.filtered(UsageRecord.objects.filter(key=key)).first() if key else None
        if record is None:
            raise Http404
        _put_attempts(without_names([record]))
        return Response(UsageRecordSerializer(record).data)


def _put_attempts(found: list[UsageRecord]) -> None:
    """The serializer's field of this name is the attempts, the column is their number."""
    attempts = records.attempts_of(found)
    for one in found:
        one.attempts = attempts.get(one.key, []) if one.key else []  # type: ignore[assignment]
