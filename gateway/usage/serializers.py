"""The numbers of usage as the API has them."""

from typing import Any

from rest_framework import serializers

from connections.api.fields import CamelCaseSerializer
from providers.core.registry import all_providers

from .asked import Asked
from .course import Point
from .dimensions import REQUESTS
from .totals import Share, UsageTotals

UNKNOWN = "unknown"
WITH_IDS = {name for name, columns in REQUESTS.items() if len(columns) > 1}


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
    """An hour or a day of a period."""

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
    asked_count = serializers.IntegerField(
        help_text="How often it was asked, also where another answered; of profiles and users: how "
        "many targets their requests asked."
    )
    asked_failure_count = serializers.IntegerField(
        allow_null=True, help_text="How often it failed, also where another answered."
    )
    passed_over_count = serializers.IntegerField(
        allow_null=True, help_text="How often it stood first and was not asked."
    )


def summary_json(totals: UsageTotals) -> dict[str, Any]:
    """The numbers as the API has them."""
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


def point_json(point: Point) -> dict[str, Any]:
    """A point as the API has it."""
    return {
        "timestamp": point.start,
        "requestCount": point.requests,
        "totalTokens": point.total_tokens,
        "inputTokens": point.input_tokens,
        "outputTokens": point.output_tokens,
        "successCount": point.succeeded,
        "failureCount": point.failed,
    }


def asked_json(dimension: str, target: Asked) -> dict[str, Any]:
    """What was asked and never answered, as the API has it."""
    return item_json(dimension, Share(name=target.name, key=target.key, share=0.0), target)


def item_json(dimension: str, share: Share, target: Asked | None) -> dict[str, Any]:
    """A share as the API has it. `target`: how often it was asked, None where only requests ask."""
    names = (
        {provider.id: provider.name for provider in all_providers()}
        if dimension == "provider"
        else {}
    )
    return {
        "askedCount": target.asked if target else share.attempts,
        "askedFailureCount": target.failed if target else None,
        "passedOverCount": target.passed_over if target else None,
        "dimension": share.key or share.name or UNKNOWN,
        "dimensionName": names.get(share.name)
        or (share.name if dimension in WITH_IDS else None)
        or None,
        "requestCount": share.requests,
        "totalTokens": share.total_tokens,
        "failureCount": share.failed,
        "fallbackCount": share.fallbacks,
        "percentage": 100 * share.share,
    }
