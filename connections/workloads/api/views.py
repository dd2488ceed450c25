"""Trusted issuers: `/trusted-issuers...`"""

from typing import Any

from django.http import Http404, HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.base import ApiView
from connections.api.openapi import answers, items_of
from connections.api.pagination import PAGE, SkipTakePagination
from connections.models import IssuerRule, TrustedIssuer
from connections.services import Scope, service_account_named
from connections.workloads import services

from .serializers import (
    IssuerRuleCreateSerializer,
    IssuerRulePatchSerializer,
    IssuerRuleSerializer,
    TokenTrialRequestSerializer,
    TokenTrialSerializer,
    TrustedIssuerCreateSerializer,
    TrustedIssuerPatchSerializer,
    TrustedIssuerSerializer,
)

VIEW, ADD, CHANGE, DELETE = (
    (Scope.ADMIN, f"connections.{verb}_trustedissuer")
    for verb in ("view", "add", "change", "delete")
)
RULE_COLUMNS = (
    *("id", "name", "conditions", "scopes", "is_limited", "requests_per_minute"),
    *("tokens_per_day", "position", "is_active", "last_used_at"),
)


def _issuer(name: str) -> TrustedIssuer:
    row = None if "\x00" in name else services.trusted_issuers().filter(name=name).first()
    if row is None:
        raise Http404
    return row


def _item(row: TrustedIssuer) -> Any:
    row.key_ids = [one.get("kid", "") for one in row.keys]  # type: ignore[attr-defined]
    return TrustedIssuerSerializer(row).data


def _rule(issuer: TrustedIssuer, name: str) -> IssuerRule:
    row = None if "\x00" in name else services.rules_of(issuer).filter(name=name).first()
    if row is None:
        raise Http404
    return row


def _rule_item(row: IssuerRule) -> Any:
    values = {name: getattr(row, name) for name in RULE_COLUMNS}
    values["service_account"] = row.account.name
    values["profiles"] = sorted(one.alias for one in row.profiles.all())
    return IssuerRuleSerializer(values).data


def _with_account(values: dict[str, Any], actor: Any) -> dict[str, Any]:
    """The values of a rule with its account in the place of its name. Raises Invalid."""
    if "service_account" in values:
        name = values.pop("service_account")
        values["account"] = service_account_named(name, actor=actor)
    return values


class Changing(ApiView):
    """The base: whatever changes who comes in needs a fresh proof of a signed-in browser."""

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        """True for a change by a browser."""
        return request.method in ("POST", "PATCH", "DELETE")


class IssuerList(Changing):
    """List and add."""

    access = {"GET": VIEW, "POST": ADD}
    query_parameters = PAGE
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getAllTrustedIssuers",
        parameters=PAGE,
        responses=answers(200, items_of(TrustedIssuerSerializer), 400),
    )
    def get(self, _request: Request) -> Response:
        page = self.paginate_queryset(services.trusted_issuers()) or []
        return self.get_paginated_response([_item(row) for row in page])

    @extend_schema(
        operation_id="createTrustedIssuer",
        request=TrustedIssuerCreateSerializer,
        responses=answers(201, TrustedIssuerSerializer, 400, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = self.valid(TrustedIssuerCreateSerializer, request)
        row = services.create_issuer(actor=request.user, **values)
        return Response(
            _item(_issuer(row.name)), 201, headers={"Location": f"{request.path}/{row.name}"}
        )


class IssuerDetail(Changing):
    """One trusted issuer."""

    access = {"GET": VIEW, "PATCH": CHANGE, "DELETE": DELETE}

    @extend_schema(
        operation_id="getTrustedIssuer", responses=answers(200, TrustedIssuerSerializer, 404)
    )
    def get(self, _request: Request, name: str) -> Response:
        return Response(_item(_issuer(name)))

    @extend_schema(
        operation_id="patchTrustedIssuer",
        request=TrustedIssuerPatchSerializer,
        responses=answers(200, TrustedIssuerSerializer, 400, 404, 409, 413, 415),
    )
    def patch(self, request: Request, name: str) -> Response:
        row, values = _issuer(name), self.valid(TrustedIssuerPatchSerializer, request)
        row = services.change_issuer(row, values, actor=request.user)
        return Response(_item(_issuer(row.name)))

    @extend_schema(
        operation_id="deleteTrustedIssuer", request=None, responses=answers(204, None, 404)
    )
    def delete(self, request: Request, name: str) -> Response:
        services.delete_issuer(_issuer(name), actor=request.user)
        return Response(status=204)


class IssuerKeys(Changing):
    """The keys of an issuer."""

    access = {"POST": CHANGE}

    @extend_schema(
        operation_id="fetchIssuerKeys",
        request=None,
        responses=answers(200, TrustedIssuerSerializer, 404),
    )
    def post(self, request: Request, name: str) -> Response:
        return Response(_item(services.fetch_keys(_issuer(name), actor=request.user)))


class RuleList(Changing):
    """The rules of an issuer, in the order in which they are tried."""

    access = {"GET": VIEW, "POST": CHANGE}
    query_parameters = PAGE
    pagination_class = SkipTakePagination

    @extend_schema(
        operation_id="getIssuerRules",
        parameters=PAGE,
        responses=answers(200, items_of(IssuerRuleSerializer), 400, 404),
    )
    def get(self, _request: Request, name: str) -> Response:
        page = self.paginate_queryset(services.rules_of(_issuer(name))) or []
        return self.get_paginated_response([_rule_item(row) for row in page])

    @extend_schema(
        operation_id="createIssuerRule",
        request=IssuerRuleCreateSerializer,
        responses=answers(201, IssuerRuleSerializer, 400, 404, 409, 413, 415),
    )
    def post(self, request: Request, name: str) -> Response:
        issuer = _issuer(name)
        values = _with_account(self.valid(IssuerRuleCreateSerializer, request), request.user)
        row = services.create_rule(issuer, actor=request.user, **values)
        body = _rule_item(_rule(issuer, row.name))
        return Response(body, 201, headers={"Location": f"{request.path}/{row.name}"})


class RuleDetail(Changing):
    """One rule."""

    access = {"GET": VIEW, "PATCH": CHANGE, "DELETE": CHANGE}

    @extend_schema(operation_id="getIssuerRule", responses=answers(200, IssuerRuleSerializer, 404))
    def get(self, _request: Request, name: str, rule: str) -> Response:
        return Response(_rule_item(_rule(_issuer(name), rule)))

    @extend_schema(
        operation_id="patchIssuerRule",
        request=IssuerRulePatchSerializer,
        responses=answers(200, IssuerRuleSerializer, 400, 404, 409, 413, 415),
    )
    def patch(self, request: Request, name: str, rule: str) -> Response:
        issuer = _issuer(name)
        row = _rule(issuer, rule)
        values = _with_account(self.valid(IssuerRulePatchSerializer, request), request.user)
        row = services.change_rule(row, values, actor=request.user)
        return Response(_rule_item(_rule(issuer, row.name)))

    @extend_schema(operation_id="deleteIssuerRule", request=None, responses=answers(204, None, 404))
    def delete(self, request: Request, name: str, rule: str) -> Response:
        services.delete_rule(_rule(_issuer(name), rule), actor=request.user)
        return Response(status=204)


class TokenTrial(ApiView):
    """A token that is tried."""

    access = {"POST": VIEW}

    @extend_schema(
        operation_id="tryToken",
        request=TokenTrialRequestSerializer,
        responses=answers(200, TokenTrialSerializer, 400, 413, 415),
    )
    def post(self, request: Request) -> Response:
        text = self.valid(TokenTrialRequestSerializer, request)["token"]
        judged = services.try_token(text, actor=request.user)
        rules = [
            {"name": one.rule.name, "fits": one.fits, "refusal": one.refusal}
            | {"conditions": one.conditions}
            for one in judged.rules
        ]
        values = {
            "is_taken": judged.rule is not None,
            "issuer": judged.issuer.name if judged.issuer else None,
            "rule": judged.rule.name if judged.rule else None,
            "ends_at": judged.ends_at if judged.rule else None,
            "steps": judged.steps,
            "rules": rules,
        }
        return Response(TokenTrialSerializer(values).data)
