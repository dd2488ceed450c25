"""What runs by itself: `/schedule`."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.fields import CamelCaseSerializer
from connections.api.openapi import answers
from connections.schedule import services
from connections.services import Scope


class ScheduledChecksSerializer(CamelCaseSerializer):
    """The checks that connections get by themselves."""

    minutes = serializers.FloatField(
        help_text="Between two checks of a quiet connection; 0: none is checked."
    )
    planned = serializers.IntegerField(help_text="Connections that are checked by themselves.")
    overdue = serializers.IntegerField()
    failing = serializers.IntegerField(help_text="Those whose last check failed.")
    left_out = serializers.IntegerField(help_text="Active connections that are not checked.")
    last_at = serializers.DateTimeField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)


class ScheduledJobSerializer(CamelCaseSerializer):
    """A job: its last run, and the next."""

    name = serializers.CharField()
    title = serializers.CharField()
    every_seconds = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True, help_text="How long the last run took.")
    is_ok = serializers.BooleanField(allow_null=True, help_text="null: it has not ended yet.")
    said = serializers.CharField(help_text="What the last run did.")
    due_at = serializers.DateTimeField(allow_null=True)
    is_overdue = serializers.BooleanField()


class ScheduleSerializer(CamelCaseSerializer):
    """What runs by itself."""

    holder = serializers.CharField(help_text="The process that runs it; empty: none does.")
    renewed_at = serializers.DateTimeField(allow_null=True, help_text="When it was seen last.")
    troubles = serializers.ListField(
        child=serializers.CharField(), help_text="What is overdue or failed, a sentence each."
    )
    checks = ScheduledChecksSerializer(source="*")
    jobs = ScheduledJobSerializer(many=True)


class Schedule(ApiView):
    """What ran by itself, what is due, and what is overdue."""

    access = {"GET": (Scope.ADMIN, "connections.add_connectiontype")}

    @extend_schema(operation_id="getSchedule", responses=answers(200, ScheduleSerializer))
    def get(self, _request: Request) -> Response:
        return Response(ScheduleSerializer(services.schedule_report()).data)
