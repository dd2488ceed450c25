"""Usage: `/analytics/usage-...`.

The fields are those of Umbraco.AI's analytics, and a breakdown by connection besides.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import ClassVar
from zoneinfo import ZoneInfo

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
from connections.api.openapi import answers
from connections.api.pagination import PLAIN, one_of, plain_text
from connections.services import Scope

from . import records, selectors
from .asked import asked_targets
from .buckets import DAY, HOUR, QUARTER
from .course import course
from .dimensions import ASKED
from .serializers import (
    UsageBreakdownItemSerializer,
    UsageSummarySerializer,
    UsageTimeSeriesPointSerializer,
    asked_json,
    item_json,
    point_json,
    summary_json,
)

GRANULARITIES = {"Hourly": HOUR, "Daily": DAY}
LONGEST = {"Hourly": records.HOURLY_AT_MOST, "Daily": records.DAILY_AT_MOST}
ISO = (
    "An ISO 8601 date or time, such as 2026-01-31 or 2026-01-31T12:00:00Z. A plus sign in an "
    "address is written %2B."
)


def _parameter(name: str, text: str, example: str) -> OpenApiParameter:
    schema = {
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
    }
    shown = OpenApiExample("date", summary="A day, from its beginning", value=example)
    return OpenApiParameter(name, schema, required=True, description=text, examples=[shown])


PERIOD = [
    _parameter(
        "from",
        "Requests that began at this time or later. Without an offset it is a time of `timeZone`.",
        "2026-01-01",
    ),
    _parameter(
        "to", "Requests that began before this time, which is later than `from`.", "2026-01-08"
    ),
    OpenApiParameter(
        "timeZone",
        PLAIN,
        description=(
            "The zone whose days and hours are counted, such as `Europe/Berlin`. Without it, it is "
            "the offset of `from`, else UTC."
        ),
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
    OpenApiParameter(
        "provider", PLAIN, description="The provider that answered or was asked last, by its id."
    ),
    OpenApiParameter("model", PLAIN, description="The model that answered or was asked last."),
    OpenApiParameter("user", PLAIN, description="The name of the user who asked."),
]


class UsageView(ApiView):
    """Base of these views: access, and the period of the query."""

    reads_replica = True
    access = {"GET": (Scope.USAGE_READ.value, "gateway.view_usagerecord")}
    query_parameters: ClassVar[Sequence[OpenApiParameter]] = PERIOD + FILTERS

    def period(self) -> records.Period:
        """The times in the query. Raises ValidationError."""
        zone = self._named_zone() or UTC
        period = records.Period(
            *(found if found.tzinfo else found.replace(tzinfo=zone) for found in self._times())
        )
        if period.start >= period.end:
            raise serializers.ValidationError({"to": ["It must be later than `from`."]}, "invalid")
        return period

    def zone(self) -> tzinfo:
        """The zone whose days and hours are counted. Raises ValidationError."""
        zone = self._named_zone() or self._times()[0].tzinfo or UTC
        offset = zone.utcoffset(None)  # None for a zone of the IANA database
        if offset is not None and offset % QUARTER:
            raise serializers.ValidationError(
                {"from": ["Its offset is not one of whole quarters of an hour."]}, "invalid"
            )
        return zone

    def filters(self) -> dict[str, str]:
        """The filters of the query. Raises ValidationError."""
        query = self.request.query_params
        found = {name: plain_text(query, name) for name in records.FILTERS}
        return found | {"attempts": one_of(query, "attempts", records.ATTEMPTS)}

    def _named_zone(self) -> tzinfo | None:
        name = plain_text(self.request.query_params, "timeZone")
        try:
            return ZoneInfo(name) if name else None
        except (ValueError, OSError, KeyError):
            message = "There is no such time zone. Names are those of IANA, such as Europe/Berlin."
            raise serializers.ValidationError({"timeZone": [message]}, "invalid") from None

    def _times(self) -> tuple[datetime, datetime]:
        return self._time("from"), self._time("to")

    def _time(self, name: str) -> datetime:
        text = self.request.query_params.get(name, "")
        if not text:
            raise serializers.ValidationError({name: [f"This is missing. {ISO}"]}, "required")
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise serializers.ValidationError({name: [ISO]}, "invalid") from None
        if not 1 < found.year < 9000:  # else some zone has no such time
            raise serializers.ValidationError({name: [ISO]}, "invalid")
        return found


class UsageSummaryView(UsageView):
    """The numbers of a period."""

    @extend_schema(
        operation_id="getUsageSummary",
        parameters=PERIOD + FILTERS,
        responses=answers(200, UsageSummarySerializer, 400),
    )
    def get(self, _request: Request) -> Response:
        return Response(summary_json(selectors.usage_report(self.period(), self.filters()).totals))


class UsageTimeSeriesView(UsageView):
    """The course of a period."""

    query_parameters = [*PERIOD, GRANULARITY, *FILTERS]

    @extend_schema(
        operation_id="getUsageTimeSeries",
        parameters=query_parameters,
        responses=answers(200, UsageTimeSeriesPointSerializer(many=True), 400),
    )
    def get(self, request: Request) -> Response:
        period = self.period()
        name = one_of(request.query_params, "granularity", list(GRANULARITIES)) or (
            "Hourly" if period.step == HOUR else "Daily"
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
        points = course(period, self.filters(), GRANULARITIES[name], self.zone())
        return Response([point_json(one) for one in points])


class UsageBreakdownView(UsageView):
    """Base of the breakdowns, the greatest share first."""

    dimension: ClassVar[str]

    @extend_schema(
        parameters=PERIOD + FILTERS,
        responses=answers(200, UsageBreakdownItemSerializer(many=True), 400),
    )
    def get(self, _request: Request) -> Response:
        period, filters = self.period(), self.filters()
        shares = selectors.usage_report(period, filters, [self.dimension], with_ids=True).shares[
            self.dimension
        ]
        targets = (
            {one.key or one.name: one for one in asked_targets(self.dimension, period, filters)}
            if self.dimension in ASKED
            else {}
        )
        items = [
            item_json(self.dimension, one, targets.pop(one.key or one.name, None)) for one in shares
        ]
        return Response(items + [asked_json(self.dimension, one) for one in targets.values()])


@extend_schema_view(get=extend_schema(operation_id="getUsageByProvider"))
class UsageByProviderView(UsageBreakdownView):
    """Requests by the provider that answered or was asked last, and how often each was asked."""

    dimension = "provider"


@extend_schema_view(get=extend_schema(operation_id="getUsageByModel"))
class UsageByModelView(UsageBreakdownView):
    """Requests by the model that answered or was asked last, and how often each was asked."""

    dimension = "model"


@extend_schema_view(get=extend_schema(operation_id="getUsageByProfile"))
class UsageByProfileView(UsageBreakdownView):
    """Requests by the profile that was asked for."""

    dimension = "profile"


@extend_schema_view(get=extend_schema(operation_id="getUsageByConnection"))
class UsageByConnectionView(UsageBreakdownView):
    """Requests by the connection that answered or was asked last, and how often each was asked."""

    dimension = "connection"


@extend_schema_view(get=extend_schema(operation_id="getUsageByUser"))
class UsageByUserView(UsageBreakdownView):
    """Requests by the user who asked."""

    dimension = "user"
