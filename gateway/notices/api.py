"""Notices and their targets: `/notices...`, `/notice-targets...`"""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.camelcase import StrictBooleanField, StrictCharField
from connections.api.fields import WORD_SCHEMA, CamelCaseSerializer
from connections.api.openapi import answers, items_of
from connections.api.pagination import PAGE, SkipTakePagination, one_of
from connections.lookup import parse_id
from connections.services import Scope

from ..attention.kinds import KINDS
from ..models import Notice, NoticeTarget
from . import services

READ = (Scope.CONNECTIONS_READ, "connections.view_connection")
VIEW, ADD, CHANGE, DELETE = (
    (Scope.ADMIN, f"gateway.{verb}_noticetarget") for verb in ("view", "add", "change", "delete")
)
FILTERS = [OpenApiParameter("kind", str, enum=list(KINDS)), *PAGE]
LAST_ID = 2**63 - 1
EVENTS = ("began", "recovered", "flapped")


class BehindNoticeSerializer(CamelCaseSerializer):
    """A connection behind a fault that was told."""

    id = serializers.CharField()
    alias = serializers.CharField()
    name = serializers.CharField()


class NoticeItemSerializer(CamelCaseSerializer):
    """A fault in the words in which it was told."""

    fault = serializers.CharField(help_text="Names it, as in `/attention`.")
    title = serializers.CharField()
    cause = serializers.CharField(help_text="A sentence: cause and cure. Never a secret.")
    address = serializers.CharField(help_text="Of the page about it.")
    since = serializers.DateTimeField(allow_null=True)
    connection_count = serializers.IntegerField()
    connections = BehindNoticeSerializer(many=True, help_text="The first of them.")
    providers = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    changes = serializers.IntegerField(help_text="That were seen since it was told last.")


class NoticeSerializer(CamelCaseSerializer):
    """What changed: one fault, or all of a kind that came at once."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    event = serializers.ChoiceField(EVENTS)
    kind = serializers.CharField(help_text="As in `/attention`.")
    severity = serializers.CharField(help_text="info, warning or critical.")
    headline = serializers.CharField()
    count = serializers.IntegerField(help_text="Of the faults.")
    items = NoticeItemSerializer(many=True, help_text="The first 100 of them.")
    is_new = serializers.BooleanField(help_text="To whoever asks.")


class SeenSerializer(CamelCaseSerializer):
    """The last notice that was seen."""

    to = serializers.IntegerField(min_value=0, max_value=LAST_ID, help_text="The id of a notice.")


@extend_schema_field(WORD_SCHEMA | {"maxLength": 100})
class WordField(StrictCharField):
    """A name, a tag or the id of a provider."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)


class WordsField(serializers.ListField):
    """Some words; empty for all."""

    child = WordField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=50, **kwargs)


class TargetColumnsSerializer(CamelCaseSerializer):
    """The rules of a target."""

    name = WordField()
    is_active = StrictBooleanField(required=False)
    kinds = WordsField(required=False, help_text="As in `/attention`. Empty: all.")
    minimum_severity = serializers.ChoiceField(NoticeTarget.Severity.choices, required=False)
    providers = WordsField(required=False, help_text="Empty: all.")
    tags = WordsField(required=False, help_text="Empty: all.")
    tells_recovery = StrictBooleanField(required=False)
    quiet_from = serializers.TimeField(required=False, allow_null=True, format="%H:%M")
    quiet_to = serializers.TimeField(required=False, allow_null=True, format="%H:%M")
    time_zone = WordField(required=False, help_text="Of the quiet hours: Europe/Berlin.")
    is_woken_by_critical = StrictBooleanField(required=False)


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 2000, "writeOnly": True})
class AddressField(StrictCharField):
    """The address of a target, which is a secret."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2000, **kwargs)


class NewTargetSerializer(TargetColumnsSerializer):
    """A new target."""

    kind = serializers.ChoiceField(NoticeTarget.Kind.choices)
    address = AddressField(help_text="https://... of a webhook, slack://... and so on of Apprise.")


class TargetPatchSerializer(TargetColumnsSerializer):
    """What is to change of a target."""

    name = WordField(required=False)
    address = AddressField(
        required=False, help_text="Left out, or as it was shown: the stored one stays."
    )


class TargetSerializer(TargetColumnsSerializer):
    """A target."""

    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="webhook or apprise.")
    address = serializers.CharField(source="shown", help_text="Its beginning.")
    sent_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField()


class MadeTargetSerializer(TargetSerializer):
    """A target that was made."""

    secret = serializers.CharField(
        allow_null=True, help_text="The key that signs its webhooks, shown this once."
    )


class TargetSecretSerializer(CamelCaseSerializer):
    """A new key."""

    secret = serializers.CharField(help_text="Signs the webhooks from now on; shown this once.")


class TargetTestSerializer(CamelCaseSerializer):
    """How a test ended."""

    success = serializers.BooleanField()
    message = serializers.CharField()


class NoticeList(ApiView):
    """Notices, the newest first."""

    access = {"GET": READ}
    query_parameters = FILTERS
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getAllNotices",
        parameters=FILTERS,
        responses=answers(200, items_of(NoticeSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        kind = one_of(request.query_params, "kind", list(KINDS))
        rows = services.notices(actor=request.user, kind=kind)
        page, seen = self.paginate_queryset(rows) or [], services.seen_to(request.user)
        return self.get_paginated_response([_notice(one, seen) for one in page])


def _notice(row: Notice, seen: int) -> Any:
    data = services.notice_data(services.Part(row, row.items)) | {"at": row.at}
    items = [one | {"connection_count": one["connectionCount"]} for one in data["items"]]
    return NoticeSerializer(data | {"items": items, "is_new": row.pk > seen}).data


class NoticesSeen(ApiView):
    """Notes what somebody has seen."""

    access = {"POST": READ}

    @extend_schema(
        operation_id="markNoticesSeen",
        request=SeenSerializer,
        responses=answers(204, None, 400, 413, 415),
    )
    def post(self, request: Request) -> Response:
        services.mark_seen(self.valid(SeenSerializer, request)["to"], actor=request.user)
        return Response(status=204)


class TargetList(ApiView):
    """Targets, by name."""

    access = {"GET": VIEW, "POST": ADD}
    query_parameters = PAGE
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getAllNoticeTargets",
        parameters=PAGE,
        responses=answers(200, items_of(TargetSerializer), 400),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(services.targets(actor=request.user)) or []
        return self.get_paginated_response(TargetSerializer(page, many=True).data)

    @extend_schema(
        operation_id="createNoticeTarget",
        request=NewTargetSerializer,
        responses=answers(201, MadeTargetSerializer, 400, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = self.valid(NewTargetSerializer, request)
        row, secret = services.create_target(actor=request.user, **values)
        body = TargetSerializer(row).data | {"secret": secret or None}
        return Response(body, status=201)


class TargetDetail(ApiView):
    """One target."""

    access = {"GET": VIEW, "PATCH": CHANGE, "DELETE": DELETE}

    @extend_schema(operation_id="getNoticeTarget", responses=answers(200, TargetSerializer, 404))
    def get(self, request: Request, id: str) -> Response:
        return Response(TargetSerializer(_found(id, request)).data)

    @extend_schema(
        operation_id="patchNoticeTarget",
        request=TargetPatchSerializer,
        responses=answers(200, TargetSerializer, 400, 404, 413, 415),
    )
    def patch(self, request: Request, id: str) -> Response:
        row, values = _found(id, request), self.valid(TargetPatchSerializer, request)
        return Response(
            TargetSerializer(services.update_target(row, values, actor=request.user)).data
        )

    @extend_schema(
        operation_id="deleteNoticeTarget", request=None, responses=answers(204, None, 404)
    )
    def delete(self, request: Request, id: str) -> Response:
        services.delete_target(_found(id, request), actor=request.user)
        return Response(status=204)


class TargetSecret(ApiView):
    """The key that signs the webhooks to a target."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="renewNoticeTargetSecret",
        request=None,
        responses=answers(200, TargetSecretSerializer, 400, 404),
    )
    def post(self, request: Request, id: str) -> Response:
        secret = services.renew_secret(_found(id, request), actor=request.user)
        return Response({"secret": secret})


class TargetTest(ApiView):
    """Sends one message to a target."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="testNoticeTarget",
        request=None,
        responses=answers(200, TargetTestSerializer, 404),
    )
    def post(self, request: Request, id: str) -> Response:
        outcome = services.test_target(_found(id, request), actor=request.user)
        return Response(TargetTestSerializer(outcome).data)


def _found(id: str, request: Request) -> NoticeTarget:
    pk = parse_id(id)
    row = services.targets(actor=request.user).filter(pk=pk).first() if pk else None
    if row is None:
        raise Http404
    return row
