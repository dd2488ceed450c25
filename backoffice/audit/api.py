"""The audit: `/audit-events...`"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from django.http import Http404, StreamingHttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.fields import CamelCaseSerializer
from connections.api.openapi import answers, register_operations
from connections.api.pagination import PAGE, PLAIN, TAKE, one_of, plain_text, whole_number
from connections.audit.services import BY, FILTERS, VIEW, BadFilter, BadPlace, event, find, told
from connections.models import Outcome
from connections.services import Scope
from connections.viewing import current_viewer, viewed

from .documents import document_of
from .exporting import FORMATS, export
from .streaming import streamed

register_operations(Path(__file__).with_name("operations.yaml"))
Made = TypeVar("Made")
MOST = 1000
WORDS = {
    "q": "Words in the names of who did it, of the object and of the token.",
    "actor": "Who did it: the id or the name of a person or a service account, or of a command.",
    "by": "What did it.",
    "token": "The id of the token that it was done with.",
    "kind": "The kind of the object in the action, such as `connection`.",
    "verb": "The verb in the action, such as `update`.",
    "action": "The whole action, such as `connection.update`.",
    "object": "`kind:id`, or the id, of the object, also where an event is about others besides.",
    "outcome": "What became of it.",
    "address": "Where it came from: an address, or a network such as `10.0.0.0/8`.",
    "team": "The id of the team that the object belonged to, or `none`.",
    "request": "The id of the request.",
    "from": "A time, or a day, from which on.",
    "to": "A time, or a day, up to which.",
}
CHOICES = {"by": list(BY), "outcome": list(Outcome.values)}
WANTED = [
    OpenApiParameter(
        name,
        {"type": "string", "enum": CHOICES[name]} if name in CHOICES else PLAIN,
        description=WORDS[name],
    )
    for name in FILTERS
]
PAGED = [one for one in PAGE if one.name in ("after", "take")]
FORMAT = OpenApiParameter(
    "format",
    {"type": "string", "enum": list(FORMATS)},
    required=True,
    description="JSON Lines, a document a line, or CSV.",
)


class AuditChangeSerializer(CamelCaseSerializer):
    """A field before and after."""

    object = serializers.CharField(help_text="Kind and name, where it is another than the event's.")
    field = serializers.CharField()
    before = serializers.CharField(help_text="A secret as a part of its keyed fingerprint.")
    after = serializers.CharField()


class AuditObjectSerializer(CamelCaseSerializer):
    """A further object that an event is about."""

    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()


class AuditEventSerializer(CamelCaseSerializer):
    """One act: who did what, on what, from where, and what became of it."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField(help_text="A kind of object and a verb.")
    text = serializers.CharField(help_text="The act in a sentence.")
    outcome = serializers.CharField(help_text="done, refused or failed.")
    code = serializers.CharField(help_text="Why it was refused or failed.")
    surface = serializers.CharField(help_text="page, api, command, schedule, start or process.")
    instance = serializers.CharField(help_text="The machine that did it.")
    actor_kind = serializers.CharField()
    actor_id = serializers.CharField()
    actor_name = serializers.CharField(help_text="As it was then.")
    token_kind = serializers.CharField()
    token_id = serializers.CharField()
    token_name = serializers.CharField()
    address = serializers.CharField()
    request_id = serializers.CharField()
    object_kind = serializers.CharField()
    object_id = serializers.CharField()
    object_name = serializers.CharField(help_text="As it was then.")
    team_id = serializers.CharField()
    team_name = serializers.CharField()
    chain = serializers.UUIDField(help_text="Of the chain in which it stands.")
    number = serializers.IntegerField(help_text="Its place there, from 1.")
    digest = serializers.CharField(help_text="SHA-256 of it and of the event before it.")
    changes = AuditChangeSerializer(many=True)
    others = AuditObjectSerializer(many=True)
    detail = serializers.DictField()


class AuditEventPageSerializer(CamelCaseSerializer):
    """A page of events."""

    total = serializers.IntegerField(
        allow_null=True,
        help_text="How many there are, counted up to 1000. Null: it takes too long to say.",
    )
    items = AuditEventSerializer(many=True)
    next = serializers.CharField(
        required=False,
        help_text=(
            "What `after` takes for the next page. Absent when this is the last. A page may have "
            "fewer items than asked for, or none, and more behind it."
        ),
    )


class AuditView(ApiView):
    """The base of these views."""

    access = {"GET": (Scope.ADMIN.value, VIEW)}

    def filters(self) -> dict[str, str]:
        """The filters of the query. Raises ValidationError."""
        query: Mapping[str, str] = self.request.query_params
        chosen = {name: one_of(query, name, words) for name, words in CHOICES.items()}
        return {name: plain_text(query, name) for name in FILTERS} | chosen


class AuditEventsView(AuditView):
    """Events, the newest first."""

    query_parameters = WANTED + PAGED

    @extend_schema(
        operation_id="getAuditEvents",
        parameters=query_parameters,
        responses=answers(200, AuditEventPageSerializer, 400),
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        take, after = whole_number(query, "take", TAKE, 1, MOST), plain_text(query, "after")
        if "after" in query and not after:
            raise serializers.ValidationError({"after": ["This is not a cursor."]}, "bad_cursor")
        found = _judged(lambda: find(self.filters(), after, take))
        items = [document_of(one) for one in told(found.rows)]
        more = {"next": found.behind} if found.behind else {}
        return Response({"total": found.number, "items": items, **more})


class AuditEventView(AuditView):
    """One event."""

    @extend_schema(operation_id="getAuditEvent", responses=answers(200, AuditEventSerializer, 404))
    def get(self, _request: Request, id: str) -> Response:
        found = event(int(id)) if id.isascii() and id.isdecimal() and len(id) < 19 else None
        if found is None:
            raise Http404
        (line,) = told([found])
        return Response(document_of(line))


class AuditFileRenderer(JSONRenderer):
    """Lets in a client that accepts only such a file. Its problems are JSON all the same."""

    media_type, format = "text/csv", "csv"


class AuditLinesRenderer(JSONRenderer):
    """The same for JSON Lines."""

    media_type, format = "application/jsonl", "jsonl"


class AuditExportView(AuditView):
    """All events that the filters leave, as a file that is made while it is sent."""

    query_parameters = [FORMAT, *WANTED]
    renderer_classes: ClassVar[list[Any]] = [AuditFileRenderer, AuditLinesRenderer, JSONRenderer]  # type: ignore[misc]

    @extend_schema(
        operation_id="exportAuditEvents",
        parameters=query_parameters,
        responses=answers((200, "text/csv"), OpenApiTypes.STR, 400)
        | {(200, "application/jsonl"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        kind = one_of(request.query_params, "format", list(FORMATS))
        if not kind:
            text = f"This is missing. Send one of: {', '.join(FORMATS)}."
            raise serializers.ValidationError({"format": [text]}, "required")
        name, media_type, parts = _judged(lambda: export(self.filters(), kind, actor=request.user))
        # made while it is sent, when nobody looks any more
        return streamed(request, viewed(current_viewer(), parts), name, media_type)


def _judged(ask: Callable[[], Made]) -> Made:
    """What is asked for; ValidationError where a filter or a cursor makes no sense."""
    try:
        return ask()
    except BadFilter as refused:
        raise serializers.ValidationError({refused.name: [str(refused)]}, "invalid") from None
    except BadPlace as refused:
        raise serializers.ValidationError({"after": [str(refused)]}, "bad_cursor") from None


urlpatterns = [
    path("audit-events", AuditEventsView.as_view()),
    path("audit-events/export", AuditExportView.as_view()),
    path("audit-events/<str:id>", AuditEventView.as_view()),
]
