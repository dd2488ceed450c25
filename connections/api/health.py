"""The health of connections and profiles, in their JSON and as a report: `/health-report`."""

from typing import Any

from django.db.models import Case, Count, When
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import listing
from ..health.services import (
    STATES,
    UNWELL,
    Health,
    health,
    model_health,
    profile_health,
    state_of_connection,
    traffic_of,
    with_health,
)
from ..models import Connection, Profile, by_name
from ..section_teams import Resolve, remembering
from .base import ApiView
from .camelcase import camel
from .fields import CamelCaseSerializer
from .openapi import answers

READ = ("connections:read", "connections.view_connection")
MOST_REPORTED = 1000  # connections


class HealthSerializer(CamelCaseSerializer):
    """What is known of a connection or a profile's model, and since when."""

    state = serializers.ChoiceField(
        STATES,
        help_text=(
            "ok and failed say themselves. degraded: some calls or some models fail, or a fallback "
            "answers. resting: in a cool-down, so that profiles with a fallback ask it last. "
            "setup: it cannot be used as it is. unused: nobody has asked for it for 90 days. "
            "stale: its settings changed since it was tested. never: it was never tested or called."
        ),
    )
    code = serializers.CharField(help_text="Of the failure, or why it cannot be used.")
    message = serializers.CharField(source="detail", help_text="A sentence: cause and cure.")
    since = serializers.DateTimeField(
        allow_null=True, help_text="Of the first failure since the last answer."
    )
    failures = serializers.IntegerField(help_text="Of the last `calls` calls.")
    calls = serializers.IntegerField()
    last_good = serializers.DateTimeField(
        allow_null=True, help_text="When it last answered a call or passed a test."
    )


SERIALIZER = HealthSerializer()  # one for all: a list of a thousand would make as many


def health_json(found: Health) -> dict[str, Any]:
    """A state as the API shows it."""
    return dict(SERIALIZER.to_representation(found))


@extend_schema_field(HealthSerializer)
class HealthField(serializers.Field[Any, Any, Any, Any]):
    """The health of a row: of a connection, or of a profile with its fallbacks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)
        self._resolve = remembering()  # one serializer, and so one field, is for one answer

    def to_representation(self, row: Any) -> dict[str, Any]:
        if isinstance(row, Profile):
            return health_json(profile_health(row, self._resolve))
        return health_json(health(row, self._resolve))


class ModelHealthSerializer(CamelCaseSerializer):
    """One model of a connection."""

    model = serializers.CharField()
    health = HealthSerializer()


class UnhealthySerializer(CamelCaseSerializer):
    """A connection that is not well, and the profiles that use it."""

    id = serializers.UUIDField()
    alias = serializers.CharField()
    name = serializers.CharField()
    provider_id = serializers.CharField()
    health = HealthSerializer()
    models = ModelHealthSerializer(many=True)
    profiles = serializers.ListField(child=serializers.CharField(), help_text="Their aliases.")


class HealthReportSerializer(CamelCaseSerializer):
    """How many active connections are in each state, and those that are not well."""

    counts = serializers.DictField(child=serializers.IntegerField())
    total = serializers.IntegerField(help_text="Of the connections that are not well.")
    items = UnhealthySerializer(many=True, help_text=f"The first {MOST_REPORTED}.")


class HealthReport(ApiView):
    """What is broken, who uses it, and since when. Connections that are switched off are left
    out.
    """

    access = {"GET": READ}

    @extend_schema(operation_id="getHealthReport", responses=answers(200, HealthReportSerializer))
    def get(self, _request: Request) -> Response:
        rows = listing.connections({"status": "active"}).annotate(state=state_of_connection())
        counts = dict.fromkeys(STATES, 0) | dict(
            rows.order_by().values_list("state").annotate(number=Count("pk"))
        )
        unwell = with_health(rows.filter(state__in=UNWELL)).prefetch_related("profiles")
        order = Case(*(When(state=state, then=at) for at, state in enumerate(UNWELL)))
        resolve = remembering()
        items = [
            _unwell(row, resolve) for row in unwell.order_by(order, *by_name())[:MOST_REPORTED]
        ]
        total = sum(counts[state] for state in UNWELL)
        return Response({"counts": counts, "total": total, "items": items})


def _unwell(row: Connection, resolve: Resolve) -> dict[str, Any]:
    plain = {
        camel(name): str(getattr(row, name)) for name in ("id", "alias", "name", "provider_id")
    }
    return {
        **plain,
        "health": health_json(health(row, resolve)),
        "models": [
            {"model": one.model, "health": health_json(model_health(row, one.model, resolve))}
            for one in traffic_of(row)
        ],
        "profiles": sorted(one.alias for one in row.profiles.all()),
    }
