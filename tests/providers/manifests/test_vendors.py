"""Each of the newer types that come along against a stub of its vendor, which judges the request as
the vendor's documents say: method, path, headers, body, and signatures by the public key.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from providers.core.errors import ProviderError
from tests.httpserver import Answer, HttpServer, RawRequest
from tests.keys import pem, rsa_key, service_account

from .manifests import made
from .shipped import KEY, SETTINGS
from .test_shipped import MANIFESTS, basic, moved

SIGN_IN = Answer(302, "", {"Location": "https://login.example/_signin"})
UNKNOWN = Answer(401, {"message": "unknown"})
GRANTED = {"Authorization": "Bearer granted"}


@dataclass(frozen=True)
class Vendor:
    """A stub: the request that it wants, its answers to that and to any other, and the field that
    a wrong value is put into.

    `grant`: the path of its token service, and the form that gets a token there; `judge`: what else
    must hold for a request.
    """

    wants: str
    headers: dict[str, str]
    secret: str
    body: Any = None
    good: Answer = field(default_factory=Answer)
    bad: Answer = UNKNOWN
    grant: tuple[str, dict[str, str]] = ("", {})
    judge: Callable[[RawRequest], bool] = lambda request: True
    wrong: str = "wrong-secret-5513"


def is_signed_for_snowflake(request: RawRequest) -> bool:
    """Whether the token is that of the user whose public key Snowflake has."""
    public = rsa_key().public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    user = "MYORG-ACCOUNT1.JO"
    issuer = f"{user}.SHA256:{base64.b64encode(hashlib.sha256(der).digest()).decode()}"
    try:
        token = request.values("authorization")[0].removeprefix("Bearer ")
        return jwt.decode(token, public, ["RS256"], issuer=issuer, subject=user)["exp"] > 0
    except jwt.InvalidTokenError:
        return False


def is_signed_for_google(request: RawRequest) -> bool:
    """Whether the assertion is that of the service account, for this token service and scope."""
    audience = f"http://{request.values('host')[0]}/token"
    sent = request.form.get("assertion", "")
    try:
        read = jwt.decode(
            sent,
            rsa_key().public_key(),
            ["RS256"],
            audience=audience,
            issuer="jo@acme.iam.gserviceaccount.com",
        )
    except jwt.InvalidTokenError:
        return False
    return (
        read["scope"] == "https://www.googleapis.com/auth/bigquery"
        and read["exp"] - read["iat"] <= 3600
        and jwt.get_unverified_header(sent)["kid"] == "key-1"
    )


def another_account() -> str:
    """The service account with a key that Google does not have."""
    other = pem(rsa.generate_private_key(65537, 2048))
    return json.dumps(json.loads(service_account()) | {"private_key": other})


STATEMENT = {"statement": "SELECT CURRENT_VERSION()", "timeout": 60}
SHOP = "POST /admin/api/2026-07/graphql.json"
QUERY = {"query": "{ shop { __typename } }"}
IS_SHOP = Answer(body={"data": {"shop": {"__typename": "Shop"}}})
VENDORS: dict[str, list[Vendor]] = {
    "notion": [
        Vendor(
            "GET /v1/users/me",
            {"Authorization": f"Bearer {KEY}", "Notion-Version": "2022-06-28"},
            "token",
        )
    ],
    "hubspot": [
        Vendor(
            "POST /oauth/v2/private-apps/get/access-token-info",
            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
            "access_token",
            body={"tokenKey": KEY},
            bad=Answer(404, {"category": "OBJECT_NOT_FOUND"}),
        ),
        Vendor(
            "GET /account-info/v3/details",
            GRANTED,
            "refresh_token",
            grant=(
                "/oauth/v1/token",
                {
                    "grant_type": "refresh_token",
                    "client_id": "ci",
                    "client_secret": KEY,
                    "refresh_token": "rt",
                },
            ),
        ),
    ],
    "shopify": [
        Vendor(
            SHOP,
            {"X-Shopify-Access-Token": "granted"},
            "client_secret",
            body=QUERY,
            good=IS_SHOP,
            grant=(
                "/admin/oauth/access_token",
                {"grant_type": "client_credentials", "client_id": "ci", "client_secret": KEY},
            ),
        ),
        Vendor(
            SHOP,
            {"X-Shopify-Access-Token": "shpat_madeup5512"},
            "access_token",
            body=QUERY,
            good=IS_SHOP,
            wrong="shpat_wrong",
        ),
    ],
    "confluence": [
        Vendor(
            "GET /wiki/rest/api/user/current",
            {"Authorization": basic("jo@example.com")},
            "api_token",
            good=Answer(body={"type": "known"}),
        ),
        Vendor(
            "GET /ex/confluence/1-2/wiki/rest/api/user/current",
            {"Authorization": basic("jo@example.com")},
            "api_token",
            good=Answer(body={"type": "known"}),
        ),
        Vendor(
            "GET /rest/api/user/current",
            {"Authorization": f"Bearer {KEY}"},
            "personal_token",
            good=Answer(body={"type": "known"}),
            bad=Answer(body={"type": "anonymous"}),
        ),
    ],
    "datadog": [
        Vendor(
            "GET /api/v1/validate",
            {"DD-API-KEY": KEY, "DD-APPLICATION-KEY": ""},
            "api_key",
            good=Answer(body={"valid": True}),
            bad=Answer(403, {"errors": ["Forbidden"]}),
        ),
        Vendor(
            "GET /api/v1/validate",
            {"DD-API-KEY": KEY, "DD-APPLICATION-KEY": "app-key-1"},
            "api_key",
            good=Answer(body={"valid": True}),
            bad=Answer(body={"valid": False}),
        ),
    ],
    "pagerduty": [
        Vendor(
            "GET /abilities",
            {
                "Authorization": f"Token token={KEY}",
                "Accept": "application/vnd.pagerduty+json;version=2",
                "From": "",
            },
            "api_key",
        ),
        Vendor(
            "GET /abilities",
            GRANTED,
            "client_secret",
            grant=(
                "/oauth/token",
                {
                    "grant_type": "client_credentials",
                    "client_id": "ci",
                    "client_secret": KEY,
                    "scope": "as_account-us.acme abilities.read",
                },
            ),
        ),
    ],
    "snowflake": [
        Vendor(
            "POST /api/v2/statements",
            {
                "X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT",
                "User-Agent": "Switchboard",
                "Accept": "application/json",
            },
            "private_key",
            body=STATEMENT,
            judge=is_signed_for_snowflake,
            wrong=pem(rsa.generate_private_key(65537, 2048)),
        ),
        Vendor(
            "POST /api/v2/statements",
            {
                "X-Snowflake-Authorization-Token-Type": "PROGRAMMATIC_ACCESS_TOKEN",
                "Authorization": f"Bearer {KEY}",
            },
            "access_token",
            body=STATEMENT,
        ),
    ],
    "bigquery": [
        Vendor(
            "GET /bigquery/v2/projects/acme-analytics/datasets?maxResults=1",
            GRANTED,
            "service_account",
            grant=("/token", {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}),
            judge=lambda request: request.path != "/token" or is_signed_for_google(request),
            wrong=another_account(),
        )
    ],
    "sendgrid": [
        Vendor(
            "GET /v3/scopes",
            {"Authorization": "Bearer SG.madeup5512", "on-behalf-of": said},
            "api_key",
            wrong="SG.wrong",
        )
        for said in ("", "sub-1")
    ],
    "pinecone": [
        Vendor("GET /indexes", {"Api-Key": KEY, "X-Pinecone-Api-Version": "2025-10"}, "api_key")
    ]
    * 2,
    "azure-devops": [
        Vendor(
            "GET /acme/_apis/projects?%24top=1&api-version=7.1",
            {"Authorization": basic("")},
            "personal_token",
            bad=SIGN_IN,
        ),
        Vendor(
            "GET /acme/_apis/projects?%24top=1&api-version=7.1",
            GRANTED,
            "client_secret",
            bad=Answer(203, "<html>sign in</html>"),
            grant=(
                "/0f0f-1/oauth2/v2.0/token",
                {
                    "grant_type": "client_credentials",
                    "client_id": "ci",
                    "client_secret": KEY,
                    "scope": "499b84ac-1321-427f-aa17-267ca6975798/.default",
                },
            ),
        ),
    ],
    "telegram": [
        Vendor(
            f"GET /bot123456789:{KEY}-{KEY}/getMe",
            {},
            "token",
            good=Answer(body={"ok": True}),
            bad=Answer(401, {"ok": False}),
            wrong="123456789:wrong-wrong-wrong-wrong",
        )
    ],
}
ROWS = [(key, index) for key, rows in VENDORS.items() for index in range(len(rows))]


def test_every_variant_of_the_newer_types_has_a_stub():
    assert {key: len(rows) for key, rows in VENDORS.items()} == {
        key: len(SETTINGS[key]) for key in VENDORS
    } and len(VENDORS) == 12


def stub(vendor: Vendor) -> HttpServer:
    """The vendor on this machine."""

    def answer(request: RawRequest) -> Answer:
        path, form = vendor.grant
        if path and request.path == path:
            is_good = request.form.items() >= form.items() and vendor.judge(request)
            granted = Answer(body={"access_token": "granted"})
            return granted if is_good else Answer(400, {"error": "invalid_grant"})
        is_good = (
            request.line == f"{vendor.wants} HTTP/1.1"
            and all(
                (request.values(name) or [""]) == [value] for name, value in vendor.headers.items()
            )
            and (vendor.body is None or json.loads(request.body) == vendor.body)
            and vendor.judge(request)
        )
        return vendor.good if is_good else vendor.bad

    return HttpServer(default=answer)


def connection(key: str, index: int, server: HttpServer, **changes: Any) -> Any:
    """A connection of this type to the stub."""
    return made(moved(MANIFESTS[key], server.url), **SETTINGS[key][index] | changes)


@pytest.mark.parametrize(("key", "index"), ROWS)
def test_the_vendor_takes_the_request_and_a_wrong_key_is_told(key: str, index: int):
    vendor = VENDORS[key][index]
    with stub(vendor) as server:
        result = connection(key, index, server).check()
        asked = len(server.requests)
        with pytest.raises(ProviderError) as caught:
            connection(key, index, server, **{vendor.secret: vendor.wrong}).check()
    assert result.verdict == "It works: HTTP 200." and KEY not in result.asked
    assert (caught.value.code, caught.value.permanent) == ("unauthorized", True)
    assert not any(one in caught.value.message for one in (KEY, vendor.wrong))
    wanted = [vendor.wants.split("?")[0].split(" ")[1]]
    wanted = [vendor.grant[0], *wanted] if vendor.grant[0] else wanted
    assert [one.path for one in server.requests[:asked]] == wanted
