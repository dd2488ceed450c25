"""Tokens of this API: `/tokens...`"""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..lookup import parse_id
from ..models import ApiToken
from .base import ApiView
from .camelcase import StrictCharField
from .fields import WORD_SCHEMA, CamelCaseSerializer, IdOrAliasField, TagField
from .openapi import answers, items_of
from .pagination import PAGE, SkipTakePagination
from .sentences import OneOfField

VIEW, ADD, DELETE = (
    (services.Scope.ADMIN, f"connections.{verb}_apitoken") for verb in ("view", "add", "delete")
)
LARGEST = 2**31 - 1
COLUMNS = (
    *("id", "name", "prefix", "scopes", "is_limited", "networks", "tags", "state"),
    *("requests_per_minute", "tokens_per_day"),
    *("date_created", "last_used_at", "expires_at", "revoked_at"),
)  # of the row, as they are


@extend_schema_field(WORD_SCHEMA | {"maxLength": 100})
class TokenWordField(StrictCharField):
    """A name, or a network."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)


class WholeField(serializers.IntegerField):
    """A whole number; the services judge it."""

    def __init__(self, least: int = 1, **kwargs: Any) -> None:
        super().__init__(required=False, min_value=least, max_value=LARGEST, **kwargs)


class TokenCreateSerializer(CamelCaseSerializer):
    """A new token."""

    name = TokenWordField()
    service_account = TokenWordField(
        required=False, help_text="Its name, where the token is for one. Left out: yours."
    )
    scopes = serializers.ListField(
        child=OneOfField([str(one) for one in services.Scope]),
        min_length=1,
        max_length=len(services.Scope),
    )
    profiles = serializers.ListField(
        child=IdOrAliasField(), required=False, max_length=1000, help_text="Empty: all."
    )
    networks = serializers.ListField(
        child=TokenWordField(),
        required=False,
        max_length=50,
        help_text="Where it may be used from: 10.0.0.0/8, 192.0.2.17. Empty: anywhere.",
    )
    team = TokenWordField(
        required=False,
        help_text="Name or id: only for what belongs to this team, to none, or is shared with it.",
    )
    tags = serializers.ListField(
        child=TagField(max_length=50),
        required=False,
        max_length=50,
        help_text="Only for what has one of these. Empty: all.",
    )
    requests_per_minute = WholeField(allow_null=True)
    tokens_per_day = WholeField(allow_null=True)
    expires_in_days = WholeField(
        0, help_text="Left out: CONNECTIONS_TOKEN_DAYS. 0: never, where that is allowed."
    )


class TokenRenewalRequestSerializer(CamelCaseSerializer):
    """When the old token ends, and the new one."""

    overlap_hours = WholeField(0, help_text="In which both work. Left out: 24.")
    expires_in_days = WholeField(0, help_text="As of a new token.")


class ApiTokenSerializer(CamelCaseSerializer):
    """A token, without its text."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="What its text begins with.")
    user = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    is_limited = serializers.BooleanField(help_text="To `profiles`, of which none may be left.")
    profiles = serializers.ListField(child=serializers.CharField(), help_text="Their aliases.")
    networks = serializers.ListField(child=serializers.CharField())
    team = serializers.CharField(allow_null=True, help_text="The team it is for. Null: for all.")
    tags = serializers.ListField(child=serializers.CharField())
    requests_per_minute = serializers.IntegerField(allow_null=True)
    tokens_per_day = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(["active", "expired", "revoked"])
    date_created = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Null: never.")
    revoked_at = serializers.DateTimeField(allow_null=True)
    renews = serializers.UUIDField(allow_null=True, help_text="The token whose place it takes.")


class MadeApiTokenSerializer(ApiTokenSerializer):
    """A token that was made."""

    token = serializers.CharField(help_text="Its text, shown this once.")


def _rows() -> QuerySet[ApiToken]:
    return ApiToken.objects.select_related("user", "team").prefetch_related("profiles")


def _item(row: ApiToken) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in COLUMNS}
    values |= {"user": row.user.get_username(), "renews": row.renews_id}
    values["team"] = row.team and row.team.name
    values["profiles"] = sorted(one.alias for one in row.profiles.all())
    return dict(ApiTokenSerializer(values).data)


class TokenList(ApiView):
    """List and make."""

    access = {"GET": VIEW, "POST": ADD}
    query_parameters = PAGE
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getAllTokens",
        parameters=PAGE,
        responses=answers(200, items_of(ApiTokenSerializer), 400),
    )
    def get(self, _request: Request) -> Response:
        page = self.paginate_queryset(_rows()) or []
        return self.get_paginated_response([_item(row) for row in page])

    @extend_schema(
        operation_id="createToken",
        request=TokenCreateSerializer,
        responses=answers(201, MadeApiTokenSerializer, 400, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = self.valid(TokenCreateSerializer, request)
        user = request.user
        if account := values.pop("service_account", ""):
            user = services.service_account_named(account, actor=request.user).user
        if team := values.get("team"):
            values["team"] = services.team_named(team, actor=request.user)
        row, text = services.create_token(
            values.pop("name"), user=user, actor=request.user, **values
        )
        place = {"Location": f"{request.path}/{row.pk}"}
        return Response(_item(row) | {"token": text}, 201, headers=place)


class TokenDetail(ApiView):
    """One token."""

    access = {"GET": VIEW, "DELETE": DELETE}

    @extend_schema(operation_id="getToken", responses=answers(200, ApiTokenSerializer, 404))
    def get(self, _request: Request, id: str) -> Response:
        return Response(_item(_found(id)))

    @extend_schema(operation_id="revokeToken", request=None, responses=answers(204, None, 404))
    def delete(self, request: Request, id: str) -> Response:
        services.revoke_token(_found(id), actor=request.user)
        return Response(status=204)


class TokenRenew(ApiView):
    """Another token with the same rights."""

    access = {"POST": ADD}

    @extend_schema(
        operation_id="renewToken",
        request=TokenRenewalRequestSerializer,
        responses=answers(201, MadeApiTokenSerializer, 400, 404, 413, 415),
    )
    def post(self, request: Request, id: str) -> Response:
        token, values = _found(id), self.valid(TokenRenewalRequestSerializer, request)
        row, text = services.renew_token(token, actor=request.user, **values)
        place = {"Location": f"{request.path.rsplit('/', 2)[0]}/{row.pk}"}
        return Response(_item(row) | {"token": text}, 201, headers=place)


def _found(id: str) -> ApiToken:
    pk = parse_id(id)
    row = _rows().filter(pk=pk).first() if pk else None
    if row is None:
        raise Http404
    return row
