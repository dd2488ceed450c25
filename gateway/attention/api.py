"""The list of faults: `/attention...`"""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.camelcase import StrictCharField
from connections.api.fields import WORD_SCHEMA, CamelCaseSerializer
from connections.api.openapi import answers, items_of
from connections.api.pagination import (
    FARTHEST,
    MOST,
    PAGE,
    PLAIN,
    TAKE,
    one_of,
    plain_text,
    whole_number,
)
from connections.lookup import parse_id
from connections.models import Snooze

from . import services
from .kinds import KINDS, SEVERITIES
from .lines import Line, allowed, lines

LONGEST_KEY = 600  # characters
READ = ("connections:read", "connections.view_connection")
CHANGE = ("connections:write", "connections.change_connection")
FILTERS = [
    *(one for one in PAGE if one.name != "after"),
    OpenApiParameter("tag", PLAIN, description="Those with a connection that has this tag."),
    OpenApiParameter("kind", str, enum=list(KINDS)),
    OpenApiParameter(
        "snoozed", bool, description="With true, those that are snoozed instead of the others."
    ),
]


class BehindSerializer(CamelCaseSerializer):
    """A connection behind a fault."""

    id = serializers.UUIDField()
    alias = serializers.CharField()
    name = serializers.CharField()


class CureSerializer(CamelCaseSerializer):
    """What may mend a fault, for whoever asks."""

    action = serializers.CharField(help_text="test, edit, enter_key, switch_to_fallback, ...")
    label = serializers.CharField()  # type: ignore[assignment]
    address = serializers.CharField(help_text="The page, or where its form posts to.")


class SnoozeSerializer(CamelCaseSerializer):
    """A fault that is left out of the list."""

    id = serializers.UUIDField()
    fault = serializers.CharField()
    reason = serializers.CharField()
    until = serializers.DateTimeField()
    snoozed_by = serializers.CharField(allow_null=True)
    date_snoozed = serializers.DateTimeField()


class FaultSerializer(CamelCaseSerializer):
    """One fault, however many connections it hits."""

    fault = serializers.CharField(help_text="Names it as long as it lasts; `snoozes` takes it.")
    kind = serializers.ChoiceField(list(KINDS))
    label = serializers.CharField()  # type: ignore[assignment]
    severity = serializers.ChoiceField(
        list(SEVERITIES.values()), help_text="Of what ends: the nearer, the worse."
    )
    title = serializers.CharField()
    cause = serializers.CharField(help_text="A sentence: cause and cure. Never a secret.")
    since = serializers.DateTimeField(
        allow_null=True, help_text="Of what ends: its end. Null: nobody knows."
    )
    days_left = serializers.IntegerField(
        allow_null=True, help_text="Whole days to the end, below 0 after it. Null: it has no end."
    )
    when = serializers.CharField(help_text="The same in words, `in 5 days`; empty without an end.")
    requests = serializers.IntegerField(help_text="That it hit within the last hour.")
    profiles = serializers.IntegerField()
    tokens = serializers.IntegerField(help_text="Of those requests.")
    connection_count = serializers.IntegerField()
    connections = BehindSerializer(many=True, help_text="The first of them.")
    cures = CureSerializer(many=True)
    snooze = SnoozeSerializer(allow_null=True)


@extend_schema_field(WORD_SCHEMA | {"maxLength": LONGEST_KEY})
class FaultKeyField(StrictCharField):
    """The name of a fault."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_KEY, **kwargs)


@extend_schema_field(WORD_SCHEMA | {"maxLength": services.LONGEST_REASON})
class ReasonField(StrictCharField):
    """The reason of a snooze."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=services.LONGEST_REASON, **kwargs)


class SnoozeRequestSerializer(CamelCaseSerializer):
    """A fault to leave out of the list, until when, and why."""

    fault = FaultKeyField()
    reason = ReasonField()
    until = serializers.DateTimeField(
        help_text=f"From now on, at most {services.LONGEST_SNOOZE.days} days ahead."
    )


class AttentionList(ApiView):
    """Every fault, the worst first."""

    access = {"GET": READ}
    query_parameters = FILTERS

    @extend_schema(
        operation_id="getAttention",
        parameters=FILTERS,
        responses=answers(200, items_of(FaultSerializer, paged=False), 400),
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        skip = whole_number(query, "skip", 0, 0, FARTHEST)
        take = whole_number(query, "take", TAKE, 1, MOST)
        is_snoozed = one_of(query, "snoozed", ("true", "false")) == "true"
        tag, kind = plain_text(query, "tag"), one_of(query, "kind", list(KINDS))
        found = services.attention(tag, kind, actor=request.user, is_snoozed=is_snoozed)
        shown = lines(found.rows[skip : skip + take])
        items = FaultSerializer([_item(one, request.user) for one in shown], many=True).data
        return Response({"total": len(found.rows), "items": items})


def _item(line: Line, user: Any) -> dict[str, Any]:
    fault, hit, snooze = line.ranked.fault, line.ranked.hit, line.ranked.snooze
    return {
        "fault": fault.key,
        "kind": fault.kind,
        "label": line.label,
        "severity": fault.severity,
        "title": line.told.title,
        "cause": line.told.cause,
        "since": fault.since,
        "days_left": line.days_left,
        "when": line.when,
        "requests": hit.requests,
        "profiles": hit.profiles,
        "tokens": hit.tokens,
        "connection_count": len(fault.connection_ids),
        "connections": line.connections,
        "cures": allowed(line.cures, user),
        "snooze": snooze and _snooze_item(snooze),
    }


def _snooze_item(row: Snooze) -> dict[str, Any]:
    by = row.snoozed_by and str(row.snoozed_by)
    columns = ("id", "fault", "reason", "until", "date_snoozed")
    return {name: getattr(row, name) for name in columns} | {"snoozed_by": by}


class SnoozeList(ApiView):
    """Snoozes."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="snoozeFault",
        request=SnoozeRequestSerializer,
        responses=answers(201, SnoozeSerializer, 400, 404, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = self.valid(SnoozeRequestSerializer, request)
        row = services.snooze(
            values["fault"], reason=values["reason"], until=values["until"], actor=request.user
        )
        body = SnoozeSerializer(_snooze_item(row)).data
        return Response(body, 201, headers={"Location": f"{request.path}/{row.pk}"})


class SnoozeDetail(ApiView):
    """One snooze."""

    access = {"DELETE": CHANGE}

    @extend_schema(operation_id="deleteSnooze", request=None, responses=answers(204, None, 404))
    def delete(self, request: Request, id: str) -> Response:
        pk = parse_id(id)
        row = Snooze.objects.filter(pk=pk).first() if pk else None
        if row is None:
            raise Http404
        services.wake(row, actor=request.user)
        return Response(status=204)
