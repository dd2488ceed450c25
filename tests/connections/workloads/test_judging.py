"""Tokens of issuers: which are taken, and which are refused, at what cost."""

import base64
import json
import logging
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from connections.models import IssuerRule, ServiceAccount, TrustedIssuer
from connections.workloads import services
from connections.workloads.services.conditions import fits
from connections.workloads.services.keys import refresh_old_keys
from tests.httpserver import Answer
from tests.issuers import AUDIENCE, Issuer

from .conftest import made

pytestmark = pytest.mark.django_db


def step_of(text: str) -> str:
    """The check that a token does not pass, empty for one that is taken."""
    refusal = services.judge(text).refusal
    return refusal.step if refusal else ""


def part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def signed(header: str, claims: str = '{"iss": "a"}', signature: str = "AAAA") -> str:
    """A text in the form of a signed token."""
    return f"{part(header)}.{part(claims)}.{signature}"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_good_token_is_taken(issuer: Issuer, rule: IssuerRule, algorithm: str):
    issuer.rotate("next", algorithm)
    judged = services.judge(issuer.token())
    assert (judged.rule, judged.refusal) == (rule, None)


@pytest.mark.parametrize(
    ("claims", "step"),
    [
        ({"exp": -60}, ""),  # clocks may differ by two minutes
        ({"exp": -200}, "times"),
        ({"exp": None}, "times"),
        ({"exp": "soon"}, "times"),
        ({"exp": True}, "times"),
        ({"nbf": 60}, ""),
        ({"nbf": 200}, "times"),
        ({"iat": 200, "exp": 400}, "times"),
        ({"iat": None}, "times"),
        ({"iat": -2 * 86400, "exp": 86400}, "times"),  # older than a day
        ({"aud": "https://elsewhere.example"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": ["https://elsewhere.example", AUDIENCE]}, ""),
        ({"aud": [AUDIENCE, 7]}, "audience"),
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"sub": "somebody"}, "rules"),
    ],
)
def test_claims_are_judged(issuer: Issuer, rule: IssuerRule, claims: dict[str, Any], step: str):
    now = int(time.time())
    said = {
        name: now + value if type(value) is int and name in ("exp", "nbf", "iat") else value
        for name, value in claims.items()
    }
    assert step_of(issuer.token(**said)) == step


def test_what_is_not_signed_by_the_issuer_is_refused(issuer: Issuer, rule: IssuerRule):
    text = issuer.token()
    with Issuer() as other:
        forged = other.token(iss=issuer.url)
    head, body, signature = text.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    public = json.dumps(TrustedIssuer.objects.get().keys)
    symmetric = jwt.encode(claims, public.ljust(64), "HS256", {"kid": "first"})
    unsigned = jwt.encode(claims, None, "none", {"kid": "first"})
    other_head = part({"alg": "RS256", "kid": "first"})
    assert [step_of(one) for one in (text, forged, symmetric, unsigned)] == [
        "",
        "signature",
        "algorithm",
        "form",
    ]
    assert step_of(f"{head}.{part(claims | {'sub': 'ci', 'x': 1})}.{signature}") == "signature"
    assert step_of(f"{other_head}.{body}.{signature}") == "signature"


@pytest.mark.parametrize(
    "text",
    [
        "a.b.c",
        signed('{"alg": "ES256"}', "[" * 8000),
        signed('{"alg": "ES256"}', '{"iss": "a", "iss": "b"}'),
        signed('{"alg": "ES256", "alg": "none"}'),
        signed('{"alg": "ES256", "crit": ["b64"], "b64": false}'),
        signed('{"alg": "ES256", "typ": "logout+jwt"}'),
        signed('{"alg": "ES256"}', '{"iss": "a", "exp": NaN}'),
        signed('{"alg": "ES256"}', "[]"),
        signed('{"alg": "ES256"}', "A" * 20_000),
        signed('{"alg": "ES256"}', signature="ÄÄÄÄ"),
        signed('{"alg": "ES256"}', signature="AA=="),
    ],
)
def test_what_cannot_be_read_is_refused_without_a_query(text: str, django_assert_num_queries: Any):
    with django_assert_num_queries(0):
        assert step_of(text) == "form"


def test_bad_tokens_cause_no_fetches(issuer: Issuer, rule: IssuerRule):
    services.judge(issuer.token())
    assert issuer.fetched == 1
    for number in range(50):
        services.judge(issuer.token({"kid": f"made-up-{number}"}))
        services.judge(issuer.token(exp=1000, jti=str(number)))
        services.judge(issuer.token(iss=f"https://{number}.example"))
    assert issuer.fetched == 1  # within a minute of the first


def test_many_bad_tokens_cost_few_queries(issuer: Issuer, rule: IssuerRule):
    services.judge(issuer.token())
    with CaptureQueriesContext(connection) as queries:
        services.judge(issuer.token({"kid": "made-up"}))
    assert len(queries) == 1


def test_a_new_key_of_the_issuer_is_fetched(issuer: Issuer, rule: IssuerRule):
    services.judge(issuer.token())
    issuer.rotate("second")
    refused = services.judge(issuer.token())
    assert refused.rule is None  # it was asked less than a minute ago
    long_ago(minutes=2)
    assert services.judge(issuer.token()).rule == rule
    assert issuer.fetched == 2


def long_ago(**ago: float) -> None:
    """Lets time pass since keys were fetched and asked for."""
    then = timezone.now() - timedelta(**ago)
    TrustedIssuer.objects.update(keys_fetched_at=then, keys_tried_at=then)


def test_kept_keys_go_on_while_the_issuer_is_away(issuer: Issuer, rule: IssuerRule):
    services.judge(issuer.token())
    issuer.is_away = True
    long_ago(hours=23)
    assert services.judge(issuer.token()).rule == rule
    long_ago(hours=25)
    judged = services.judge(issuer.token())
    assert judged.refusal and judged.refusal.code == "issuer_unavailable"
    assert "503" in judged.refusal.message
    issuer.is_away = False
    long_ago(hours=25)
    assert services.judge(issuer.token()).rule == rule


def test_the_schedule_fetches_keys_that_are_old_and_drops_those_that_are_gone(
    issuer: Issuer, rule: IssuerRule
):
    services.judge(issuer.token())
    old = issuer.token()
    issuer.rotate("second")
    del issuer.keys["first"]
    long_ago(hours=2)
    assert refresh_old_keys() == (1, 0)
    assert [step_of(old), step_of(issuer.token())] == ["signature", ""]


@pytest.mark.parametrize(
    "given",
    [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "symmetric"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "other curve"},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 5000, "kid": "long"},
        "no key",
    ],
)
def test_keys_that_may_not_sign_are_left_out(issuer: Issuer, trusted: TrustedIssuer, given: Any):
    body = {"keys": [given, *issuer.published()["keys"]]}
    issuer.server.answers[issuer.published_at] = Answer(body=body)
    row = services.fetch_keys(trusted, actor=None)
    assert [one["kid"] for one in row.keys] == ["first"]


def test_a_discovery_document_of_another_issuer_is_refused(issuer: Issuer, trusted: TrustedIssuer):
    body = {"issuer": "https://elsewhere.example", "jwks_uri": f"{issuer.url}/keys"}
    issuer.server.answers[issuer.discovery] = Answer(body=body)
    row = services.fetch_keys(trusted, actor=None)
    assert not row.keys and "another issuer" in row.keys_error


def test_keys_are_fetched_through_the_guard(issuer: Issuer, trusted: TrustedIssuer, settings: Any):
    settings.CONNECTIONS_EGRESS_PRIVATE = False
    row = services.fetch_keys(trusted, actor=None)
    assert not row.keys and row.keys_error and not issuer.server.requests


def test_the_first_rule_that_fits_counts(
    issuer: Issuer, rule: IssuerRule, trusted: TrustedIssuer, ci: ServiceAccount
):
    first = made(trusted, ci, name="main", conditions={"sub": "c*", "ref": "main"}, position=1)
    rule.position = 2
    rule.save()
    assert services.judge(issuer.token(ref="main")).rule == first
    assert services.judge(issuer.token(ref="dev")).rule == rule


def test_it_is_said_claim_by_claim_why_no_rule_fits(
    issuer: Issuer, trusted: TrustedIssuer, ci: ServiceAccount
):
    conditions = {
        "kubernetes.io/serviceaccount/name": "import*",
        "groups": "deployers",
        "verified": "true",
        "ref": "main",
    }
    made(trusted, ci, conditions=conditions)
    nested = {"kubernetes.io": {"serviceaccount": {"name": "importer"}}}
    judged = services.judge(issuer.token(groups=["all", "deployers"], verified=True, **nested))
    said = judged.rules[0].conditions
    assert {one.claim: (one.found, one.is_met) for one in said} == {
        "kubernetes.io/serviceaccount/name": ("importer", True),
        "groups": ("deployers", True),
        "verified": ("true", True),
        "ref": (None, False),
    }


@pytest.mark.parametrize(
    ("pattern", "text", "fit"),
    [
        ("repo:acme/*", "repo:acme/app:ref:main", True),
        ("repo:acme/*", "repo:acme-evil/app", False),
        ("*:main", "repo:main", True),
        ("a*a", "a", False),
        ("a*b*c", "a-c-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("main", "Main", False),
        ("*" * 100 + "x", "y" * 10_000, False),
    ],
)
def test_conditions_are_letter_by_letter(pattern: str, text: str, fit: bool):
    assert fits(pattern, text) is fit


def test_a_switched_off_rule_account_or_issuer_takes_nothing(
    issuer: Issuer, rule: IssuerRule, trusted: TrustedIssuer, ci: ServiceAccount
):
    text = issuer.token()
    services.change_rule(rule, {"is_active": False}, actor=None)
    assert step_of(text) == "rules"
    services.change_rule(rule, {"is_active": True}, actor=None)
    ci.user.is_active = False
    ci.user.save()
    assert step_of(text) == "rules"
    ci.user.is_active = True
    ci.user.save()
    services.change_issuer(trusted, {"is_active": False}, actor=None)
    assert step_of(text) == "issuer"


def test_a_token_is_neither_stored_nor_logged_nor_repeated(
    issuer: Issuer, rule: IssuerRule, caplog: pytest.LogCaptureFixture
):
    good, bad = issuer.token(), issuer.token(sub="somebody")
    with caplog.at_level(logging.DEBUG):
        answers = [
            APIClient(headers={"Authorization": f"Bearer {one}"}).get("/api/v1/connections")
            for one in (good, bad)
        ]
    assert [one.status_code for one in answers] == [200, 401]
    places = [caplog.text, *(one.content.decode() for one in answers)]
    places += [repr(list(model.objects.values())) for model in apps.get_models()]
    signatures = [one.rpartition(".")[2] for one in (good, bad)]
    assert not [place for place in places for one in signatures if one in place]
