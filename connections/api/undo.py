"""The way back from one's last act: `/undo`."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..models import UndoStep
from .base import ApiView
from .fields import CamelCaseSerializer
from .openapi import answers


class UndoStepSerializer(CamelCaseSerializer):
    """An act that can be undone."""

    id = serializers.UUIDField(source="key")
    act = serializers.ChoiceField(UndoStep.Act.choices)
    type = serializers.CharField(
        source="kind",
        help_text="`connection`, `profile`, `defaultprofile`, `apitoken` or `revealtoken`.",
    )
    names = serializers.ListField(child=serializers.CharField(), help_text="Of six rows at most.")
    count = serializers.SerializerMethodField(help_text="Of rows.")
    done_at = serializers.DateTimeField()
    until = serializers.DateTimeField()

    def get_count(self, step: UndoStep) -> int:
        """The number of rows."""
        return len(step.rows)


class LastActSerializer(CamelCaseSerializer):
    """One's last act, if it can still be undone."""

    last = UndoStepSerializer(allow_null=True)


class UndoRequestSerializer(CamelCaseSerializer):
    """The act to undo."""

    id = serializers.UUIDField(
        required=False, help_text="It must be this one. Without it, the last act, whatever it is."
    )


class UndoneSerializer(CamelCaseSerializer):
    """What was undone."""

    message = serializers.CharField()
    ids = serializers.ListField(child=serializers.UUIDField(), help_text="Of the rows.")
    notices = serializers.ListField(
        child=serializers.CharField(), help_text="What could not come back as it was."
    )


class Undo(ApiView):
    """Look at one's last act, or undo it. The act says which scope and right that takes."""

    access = {"GET": ("", ""), "POST": ("", "")}

    @extend_schema(operation_id="getUndo", responses=answers(200, LastActSerializer))
    def get(self, request: Request) -> Response:
        return Response(LastActSerializer({"last": services.last_step(request.user)}).data)

    @extend_schema(
        operation_id="undo",
        request=UndoRequestSerializer,
        responses=answers(200, UndoneSerializer, 400, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        wanted = self.valid(UndoRequestSerializer, request)
        undone = services.undo_last_act(request.user, wanted.get("id"))
        body = {
            "message": undone.said,
            "ids": [row.pk for row in undone.rows],
            "notices": [one.message for one in undone.notices],
        }
        return Response(UndoneSerializer(body).data)
