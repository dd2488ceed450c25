"""The steps under `auth` that sign, show a certificate, or carry a token in a header of their own,
as a service sees them.
"""

import json
import traceback
from typing import Any

import jwt
import pytest

from providers.core.errors import ProviderError
from providers.http.credentials import AwsSignature, AzureSignature, HmacSignature
from tests.httpserver import (
    Answer,
    HttpServer,
    OAuth2Server,
    RawRequest,
    authority,
    service_certificate,
)
from tests.keys import p256_key, pem, rsa_key, service_account
from tests.providers.http.test_signed import asking_context

from .manifests import made, manifest, problems

FIELDS = (
    "[{key: url, kind: url}, {key: key, kind: secret_text}, {key: account, kind: json, secret: "
    "true, required: false}, {key: certificate, kind: text, required: false}, {key: ca, kind: "
    "text, required: false}, {key: who, default: jo}]"
)


def one_of(auth: str, server: HttpServer, **settings: Any) -> Any:
    """A connection with this authentication to the server."""
    lines = (
        "base_url: '{url}'\nallowed_hosts: ['{url}']\ntest: {cost: free, request: {path: /me}}\n"
    )
    found = manifest(f"{lines}auth: {auth}", fields=FIELDS)
    return made(found, url=server.url, **settings)


def test_a_signed_token_says_what_the_step_says():
    auth = (
        "{use: jwt, algorithm: ES256, private_key: '{key}', key_id: k1, issuer: '{who}', subject: "
        "s, audience: acme, claims: {bid: com.acme, none: '{ca}'}, seconds: 120}"
    )
    with HttpServer() as server:
        one_of(auth, server, key=pem(p256_key())).check()
    token = server.requests[0].values("authorization")[0].removeprefix("Bearer ")
    read = jwt.decode(token, p256_key().public_key(), ["ES256"], audience="acme")
    assert read.pop("exp") - read.pop("iat") == 120
    assert read == {"iss": "jo", "sub": "s", "aud": "acme", "bid": "com.acme"}
    assert jwt.get_unverified_header(token)["kid"] == "k1"


GRANTING = {
    "oauth2_jwt": "private_key: '{key}', issuer: '{who}', scope: read",
    "google_service_account": "service_account: '{account}', scope: read, subject: '{who}'",
}


@pytest.mark.parametrize("use", GRANTING)
def test_a_signed_token_is_given_for_a_token(use: str):
    def token(request: RawRequest) -> Answer:
        sent = jwt.decode(
            request.form["assertion"],
            rsa_key().public_key(),
            ["RS256"],
            audience=f"{server.url}/token",
        )
        assert request.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert "jo" in (sent["iss"], sent.get("sub"))
        assert "read" in (sent.get("scope"), request.form.get("scope"))
        return Answer(body={"access_token": f"given-for-{use}"})

    auth = f"{{use: {use}, token_url: '{{url}}/token', {GRANTING[use]}}}"
    with HttpServer({"/token": token}) as server:
        one_of(auth, server, key=pem(rsa_key()), account=service_account()).check()
    assert server.requests[-1].values("authorization") == [f"Bearer given-for-{use}"]


def test_the_token_of_a_service_account_is_fetched_where_the_type_says():
    auth = "{use: google_service_account, service_account: '{account}', scope: read}"
    assert (
        "oauth2.googleapis.com is not among"
        in problems(
            f"base_url: https://a.example\nallowed_hosts: [a.example]\nauth: {auth}", fields=FIELDS
        )["auth[0].token_url"]
    )
    found = manifest(f"base_url: https://a.example\nauth: {auth}", fields=FIELDS)
    one = made(found, url="https://b.example", key="k", account=service_account())
    assert one.allowed_hosts == ("a.example", "oauth2.googleapis.com")
    assert one.access[0].grant.token_url == "https://oauth2.googleapis.com/token"


@pytest.mark.parametrize("scheme", ["", "Token"])
def test_a_fetched_token_has_a_header_of_its_own(scheme: str):
    auth = (
        "{use: oauth2_client, token_url: '{url}/token', client_id: me, client_secret: '{key}', "
        f"header: X-Access-Token, scheme: '{scheme}'}}"
    )
    with OAuth2Server(client=("me", "s3cret")) as server:
        server.default = Answer()
        one_of(auth, server, key="s3cret").check()
    sent = server.requests[-1]
    assert sent.values("x-access-token") == [f"{scheme} token-secret-1".strip()]
    assert sent.values("authorization") == []


@pytest.mark.parametrize("name", ["Host", "Content-Length"])
def test_a_token_is_in_no_header_that_the_client_sets(name: str):
    auth = (
        "{use: oauth2_client, token_url: 'https://a.example/t', client_id: a, client_secret: b, "
        f"header: {name}}}"
    )
    assert "auth[0].header" in problems(f"base_url: https://a.example\nauth: {auth}")


def test_signatures_get_what_the_step_says():
    aws = (
        "{use: aws_v4, access_key_id: '{who}', secret_access_key: '{key}', region: eu-west-1, "
        "service: sts}"
    )
    azure = "{use: azure_hmac, access_key: '{key}', access_key_id: '{who}'}"
    with HttpServer() as server:
        one = one_of(f"[{aws}, {azure}]", server, key="a2V5")
        assert one.access == (
            AwsSignature("jo", "a2V5", "eu-west-1", "sts"),
            AzureSignature("a2V5", "jo"),
        )
        one.check()
    sent = server.requests[0]
    assert sent.values("x-ms-content-sha256") and sent.values("x-amz-date")


def test_an_hmac_gets_what_the_step_says():
    auth = (
        "{use: hmac, secret: '{key}', name: X-Sign, parts: [timestamp, body], algorithm: sha512, "
        "encoding: base64, separator: '.', prefix: v1=, timestamp_header: X-Time}"
    )
    with HttpServer() as server:
        one = one_of(auth, server, key="secret-7712")
        parts = ("timestamp", "body")
        assert one.access == (
            HmacSignature("secret-7712", "X-Sign", parts, "sha512", "base64", ".", "v1=", "X-Time"),
        )
        one.check()
    assert server.requests[0].values("x-sign")[0].startswith("v1=")


@pytest.mark.parametrize(
    "more",
    [
        "name: X-Sign, parts: [timestamp]",
        "name: X-Sign, parts: [body], timestamp_header: X-Time",
        "name: X-Sign, parts: []",
        "name: Host, parts: [body]",
        "name: X-Sign, parts: [timestamp], timestamp_header: Content-Length",
    ],
)
def test_an_hmac_that_cannot_be_is_refused(more: str):
    auth = f"{{use: hmac, secret: a, {more}}}"
    assert "auth[0]" in str(problems(f"base_url: https://a.example\nauth: {auth}"))


def test_a_client_certificate_is_shown():
    auth = (
        "{use: client_certificate, certificate: '{certificate}', private_key: '{key}', authority: "
        "'{ca}'}"
    )
    key, certificate = service_certificate()
    with HttpServer(tls=asking_context()) as server:
        one = one_of(auth, server, key=key, certificate=certificate, ca=authority()[0])
        assert one.check().verdict.startswith("It works: HTTP 200.")
        assert one.own_certificates["client certificate"] == certificate
        without = one_of("{use: none}", server, key=key)
        with pytest.raises(ProviderError):
            without.check()


@pytest.mark.parametrize(
    "auth",
    [
        "{use: jwt, private_key: '{key}'}",
        "{use: oauth2_jwt, token_url: '{url}/token', private_key: '{key}'}",
        "{use: google_service_account, token_url: '{url}/token', scope: a, service_account: "
        "'{account}'}",
        "{use: snowflake_key_pair, account: a, username: b, private_key: '{key}'}",
        "{use: azure_hmac, access_key: '{key}'}",
        "{use: client_certificate, certificate: '{certificate}', private_key: '{key}'}",
    ],
)
def test_a_key_that_is_none_is_told_by_a_check(auth: str):
    secret = "made-up-secret-5512"
    account = json.dumps({"client_email": "a", "private_key": secret})
    with HttpServer() as server, pytest.raises(ProviderError) as caught:
        one_of(
            auth, server, key=secret, account=account, certificate=service_certificate()[1]
        ).check()
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    own = [line for line in told.format() if "/tests/" not in line]
    assert caught.value.permanent and server.requests == []
    assert not [line for line in own if secret in line]


@pytest.mark.parametrize(
    ("field", "change", "place"),
    [
        ("{key: kept, kind: secret}", "", "refresh_token"),
        ("{key: kept, required: false}", "", "refresh_token"),
        ("{key: kept, kind: secret, required: false}", "authorize_url: 'x'", "authorize_url"),
        (
            "{key: kept, kind: secret, required: false}",
            "authorize_url: 'https://a.example/{kept}'",
            "authorize_url",
        ),
    ],
)
def test_a_code_wants_a_secret_that_is_not_required_and_a_page(field: str, change: str, place: str):
    auth = (
        "{use: oauth2_code, token_url: 'https://a.example/t', client_id: a, refresh_token: "
        f"'{{kept}}', {change or 'authorize_url: https://b.example/allow'}}}"
    )
    found = problems(f"base_url: https://a.example\nauth: {auth}", fields=f"[{field}]")
    assert f"auth[0].{place}" in found
