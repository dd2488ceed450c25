"""Usage: `/analytics/usage-...`.

The fields are those of Umbraco.AI's analytics, and a breakdown by connection besides.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.fields import CamelCaseSerializer
from connections.api.openapi import answers
from connections.api.pagination import PLAIN, one_of, plain_text
from connections.services import Scope
from providers.core.registry import all_providers

from . import records, selectors
from .totals import Share, UsageTotals

GRANULARITIES = {"Hourly": records.HOUR, "Daily": records.DAY}
LONGEST = {"Hourly": records.HOURLY_AT_MOST, "Daily": records.DAILY_AT_MOST}
ISO = (
    "An ISO 8601 date or time, such as 2026-01-31 or 2026-01-31T12:00:00Z. A plus sign in an "
    "address is written %2B."
)
UNKNOWN = "unknown"


def _parameter(name: str, text: str, example: str) -> OpenApiParameter:
    schema = {
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
    }
    shown = OpenApiExample("date", summary="A day, from its beginning in UTC", value=example)
    return OpenApiParameter(name, schema, required=True, description=text, examples=[shown])


PERIOD = [
    _parameter(
        "from",
        "Requests that began at this time or later. Without a time zone it is UTC.",
        "2026-01-01",
    ),
    _parameter(
        "to", "Requests that began before this time, which is later than `from`.", "2026-01-08"
    ),
]
GRANULARITY = OpenApiParameter(
    "granularity",
    {"type": "string", "enum": list(GRANULARITIES)},
    description=(
        "How long a point is; hours for at most 7 days, days for at most 1100. Without it, hours "
        "as long as they are allowed."
    ),
)


FILTERS = [
    OpenApiParameter("profile", PLAIN, description="The profile that was asked for: alias or id."),
    OpenApiParameter("connection", PLAIN, description="The connection, by alias or id."),
    OpenApiParameter("token", PLAIN, description="The token's id."),
    OpenApiParameter(
        "outcome", PLAIN, description="`ok`, `client_closed`, `failed`, or the code of an error."
    ),
    OpenApiParameter(
        "attempts",
        {"type": "string", "enum": list(records.ATTEMPTS)},
        description="`several`: more than one target was asked; `fallback`: a fallback answered.",
    ),
    OpenApiParameter("request", PLAIN, description="The id of a request."),
]


class UsageSummarySerializer(CamelCaseSerializer):
    """The numbers of a period."""

    total_requests = serializers.IntegerField(
        help_text="Also those whose caller hung up, which are neither successes nor failures."
    )
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    success_count = serializers.IntegerField()
    failure_count = serializers.IntegerField()
    fallback_count = serializers.IntegerField(help_text="Requests that a fallback answered.")
    attempt_count = serializers.IntegerField(help_text="Targets that were asked.")
    success_rate = serializers.FloatField(
        help_text="Successes among successes and failures, 0 to 1.", min_value=0, max_value=1
    )
    average_duration_ms = serializers.FloatField()
    median_duration_ms = serializers.FloatField()


class UsageTimeSeriesPointSerializer(CamelCaseSerializer):
    """An hour or a day (UTC) of a period."""

    timestamp = serializers.DateTimeField(help_text="When it begins.")
    request_count = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    success_count = serializers.IntegerField()
    failure_count = serializers.IntegerField()


class UsageBreakdownItemSerializer(CamelCaseSerializer):
    """The requests of one provider, model, profile, connection or user."""

    dimension = serializers.CharField(
        help_text=f"Its id. `{UNKNOWN}` where a request did not get so far."
    )
    dimension_name = serializers.CharField(allow_null=True)
    request_count = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    failure_count = serializers.IntegerField()
    fallback_count = serializers.IntegerField()
    percentage = serializers.FloatField(
        help_text="Of all requests, 0 to 100.", min_value=0, max_value=100
    )


class UsageView(ApiView):
    """Base of these views: access, and the period of the query."""

    access = {"GET": (Scope.USAGE_READ.value, "gateway.view_usagerecord")}

    def period(self) -> records.Period:
        """The times in the query. Raises ValidationError."""
        period = records.Period(self._time("from"), self._time("to"))
        if period.start >= period.end:
            raise serializers.ValidationError({"to": ["It must be later than `from`."]}, "invalid")
        return period

    def filters(self) -> dict[str, str]:
        """The filters of the query. Raises ValidationError."""
        query = self.request.query_params
        found = {name: plain_text(query, name) for name in records.FILTERS}
        return found | {"attempts": one_of(query, "attempts", records.ATTEMPTS)}

    def _time(self, name: str) -> datetime:
        text = self.request.query_params.get(name, "")
        if not text:
            raise serializers.ValidationError({name: [f"This is required. {ISO}"]}, "required")
        try:
            found = datetime.fromisoformat(text)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise serializers.ValidationError({name: [ISO]}, "invalid") from None


class UsageSummaryView(UsageView):
    """The numbers of a period."""

    @extend_schema(
        operation_id="getUsageSummary",
        parameters=PERIOD + FILTERS,
        responses=answers(200, UsageSummarySerializer, 400),
    )
    def get(self, _request: Request) -> Response:
        return Response(_summary(selectors.usage_report(self.period(), self.filters()).totals))


class UsageTimeSeriesView(UsageView):
    """The course of a period."""

    @extend_schema(
        operation_id="getUsageTimeSeries",
        parameters=[*PERIOD, GRANULARITY, *FILTERS],
        responses=answers(200, UsageTimeSeriesPointSerializer(many=True), 400),
    )
    def get(self, request: Request) -> Response:
        period = self.period()
        name = one_of(request.query_params, "granularity", list(GRANULARITIES)) or (
            "Hourly" if period.step == records.HOUR else "Daily"
        )
        if period.end - period.start > LONGEST[name]:
            raise serializers.ValidationError(
                {
                    "to": [
                        f"{name} is for at most {LONGEST[name].days} days. Choose a shorter period."
                    ]
                },
                "invalid",
            )
        return Response(
            [_point(one) for one in selectors.course(period, self.filters(), GRANULARITIES[name])]
        )


class UsageBreakdownView(UsageView):
    """Base of the breakdowns, the greatest share first."""

    dimension: ClassVar[str]

    @extend_schema(
        parameters=PERIOD + FILTERS,
        responses=answers(200, UsageBreakdownItemSerializer(many=True), 400),
    )
    def get(self, _request: Request) -> Response:
        shares = selectors.usage_report(
            self.period(), self.filters(), [self.dimension], with_ids=True
        ).shares[self.dimension]
        return Response([_item(self.dimension, one) for one in shares])


@extend_schema_view(get=extend_schema(operation_id="getUsageByProvider"))
class UsageByProviderView(UsageBreakdownView):
    """Requests by the provider that answered."""

    dimension = "provider"


@extend_schema_view(get=extend_schema(operation_id="getUsageByModel"))
class UsageByModelView(UsageBreakdownView):
    """Requests by the model that answered."""

    dimension = "model"


@extend_schema_view(get=extend_schema(operation_id="getUsageByProfile"))
class UsageByProfileView(UsageBreakdownView):
    """Requests by the profile that was asked for."""

    dimension = "profile"


@extend_schema_view(get=extend_schema(operation_id="getUsageByConnection"))
class UsageByConnectionView(UsageBreakdownView):
    """Requests by the connection that was used."""

    dimension = "connection"


@extend_schema_view(get=extend_schema(operation_id="getUsageByUser"))
class UsageByUserView(UsageBreakdownView):
    """Requests by the user who asked."""

    dimension = "user"


def _summary(totals: UsageTotals) -> dict[str, Any]:
    return {
        "totalRequests": totals.requests,
        "inputTokens": totals.input_tokens,
        "outputTokens": totals.output_tokens,
        "totalTokens": totals.total_tokens,
        "successCount": totals.succeeded,
        "failureCount": totals.failed,
        "fallbackCount": totals.fallbacks,
        "attemptCount": totals.attempts,
        "successRate": totals.success_rate or 0.0,
        "averageDurationMs": totals.average_ms or 0.0,
        "medianDurationMs": totals.median_ms or 0.0,
    }


def _point(point: selectors.Point) -> dict[str, Any]:
    return {
        "timestamp": point.start,
        "requestCount": point.requests,
        "totalTokens": point.total_tokens,
        "inputTokens": point.input_tokens,
        "outputTokens": point.output_tokens,
        "successCount": point.succeeded,
        "failureCount": point.failed,
    }


def _item(dimension: str, share: Share) -> dict[str, Any]:
    names = (
        {provider.id: provider.name for provider in all_providers()}
        if dimension == "provider"
        else {}
    )
    return {
        "dimension": share.key or share.name or UNKNOWN,
        "dimensionName": names.get(share.name)
        or (share.name if dimension in records.IDS else None)
        or None,
        "requestCount": share.requests,
        "totalTokens": share.total_tokens,
        "failureCount": share.failed,
        "fallbackCount": share.fallbacks,
        "percentage": 100 * share.share,
    }
