"""The HTTP connection: its settings, the bytes of each way to authenticate, and what a test of it
says.
"""

import datetime
import traceback
from typing import Any

import pytest

from providers.core.base import EgressPolicy
from providers.core.errors import ProviderError
from providers.core.schema import secret_names, settings_fields, validate
from providers.core.values import CHECK_LIMITS
from providers.http.tls import read_authorities, tls_context
from providers.http_api import Http
from tests.httpserver import (
    Answer,
    HttpServer,
    OAuth2Server,
    authority,
    service_certificate,
    service_context,
)
from tests.upstreams import certificate

KEY = "key-secret-8841"


def http(base_url: str, egress: EgressPolicy | None = None, **settings: Any) -> Http:
    validated, errors = validate(Http, {"base_url": base_url, **settings})
    assert validated, errors
    return Http(validated, egress, CHECK_LIMITS)


def wrong(**settings: Any) -> dict[str, str]:
    _, errors = validate(Http, {"base_url": "https://api.example.com", **settings})
    return {error.field: error.code for error in errors}


def failure(made: Http) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        made.check()
    return caught.value


# Settings

COMPLETE = {
    "none": {},
    "basic": {"username": "me", "password": KEY},
    "oauth2": {
        "token_url": "https://login.example.com/token",
        "client_id": "my-client",
        "client_secret": KEY,
    },
    "api_key_authorization": {"api_key": KEY},
    "x_api_key": {"api_key": KEY},
    "bearer": {"token": KEY},
    "header": {"header_name": "X-Auth-Token", "api_key": KEY},
    "query": {"parameter": "key", "api_key": KEY},
}
OPTIONAL = {"username"}


def test_every_choice_is_in_the_table():
    assert set(COMPLETE) == set(dict(settings_fields(Http)["auth_type"].choices))


@pytest.mark.parametrize("auth_type", COMPLETE)
def test_what_a_choice_needs_is_required_with_it_alone(auth_type: str):
    given = COMPLETE[auth_type]
    assert wrong(auth_type=auth_type, **given) == {}
    assert wrong(auth_type=auth_type) == dict.fromkeys(given.keys() - OPTIONAL, "required")


@pytest.mark.parametrize("auth_type", COMPLETE)
def test_a_choice_shows_what_it_needs(auth_type: str):
    fields = settings_fields(Http)
    shown = {
        name
        for name, field in fields.items()
        if field.shown_when
        and field.shown_when[0] == "auth_type"
        and auth_type in field.shown_when[1]
    }
    assert shown - {"scope", "client_in"} == set(COMPLETE[auth_type])


@pytest.mark.parametrize(
    ("cognigy", "ours"),
    [
        ("oAuth2", "oauth2"),
        ("apiKeyAuthKey", "api_key_authorization"),
        ("apiKeyXKey", "x_api_key"),
        ("none", "none"),
        ("basic", "basic"),
    ],
)
def test_cognigys_words_are_understood(cognigy: str, ours: str):
    assert http("https://a.example", auth_type=cognigy, **COMPLETE[ours]).settings.auth_type == ours


def test_the_secrets_are_secret():
    assert secret_names(Http) == {
        *("password", "client_secret", "api_key", "token", "headers", "proxy_password")
    }


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"auth_type": "basic", "username": "a:b", "password": KEY}, "username", "colon"),
        ({"auth_type": "basic", "username": "a", "password": "a\nb"}, "password", "line_break"),
        ({"auth_type": "header", "header_name": "Host", "api_key": KEY}, "header_name", "header"),
        ({"auth_type": "header", "header_name": "X: y", "api_key": KEY}, "header_name", "header"),
        ({"auth_type": "query", "parameter": "a&b", "api_key": KEY}, "parameter", "parameter"),
        ({"auth_type": "bearer", "token": "a\r\nX: 1"}, "token", "line_break"),
        ({"auth_type": "digest"}, "auth_type", "literal_error"),
        ({"test_path": "https://evil.example/"}, "test_path", "path"),
        ({"test_path": "//evil.example/"}, "test_path", "path"),
        ({"test_path": "/a#b"}, "test_path", "path"),
        ({"test_path": "/a\nb"}, "test_path", "line_break"),
        ({"expected_status": 99}, "expected_status", "greater_than_equal"),
        ({"expected_status": 600}, "expected_status", "less_than_equal"),
        ({"base_url": "https://user:pass@api.example.com"}, "base_url", "url_credentials"),
        ({"base_url": "http://169.254.169.254/"}, "base_url", "blocked_address"),
        (
            {
                "auth_type": "oauth2",
                "client_id": "a",
                "client_secret": "b",
                "token_url": "http://169.254.169.254/t",
            },
            "token_url",
            "blocked_address",
        ),
        ({"timeout": 0}, "timeout", "greater_than"),
        ({"ca_certificate": "nonsense"}, "ca_certificate", "certificate"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(given: dict[str, Any], field: str, code: str):
    assert wrong(**given) == {field: code}


@pytest.mark.parametrize(
    ("auth_type", "name"),
    [
        *[
            ("basic", "authorization"),
            ("oauth2", "Authorization"),
            ("bearer", "AUTHORIZATION"),
            ("api_key_authorization", "Authorization"),
        ],
        *[("x_api_key", "x-api-key"), ("header", "x-auth-token")],
    ],
)
def test_an_additional_header_cannot_be_the_one_with_the_credentials(auth_type: str, name: str):
    assert wrong(auth_type=auth_type, headers=f"{name}: other", **COMPLETE[auth_type]) == {
        "headers": "header"
    }


@pytest.mark.parametrize("auth_type", ["none", "query", "x_api_key"])
def test_where_no_header_carries_credentials_authorization_is_a_header_like_others(auth_type: str):
    assert wrong(auth_type=auth_type, headers="Authorization: other", **COMPLETE[auth_type]) == {}


# Bytes


def sent(auth_type: str, path: str = "/me?limit=1", **settings: Any) -> Any:
    with HttpServer() as server:
        assert (
            http(
                f"{server.url}/v1/",
                auth_type=auth_type,
                test_path=path,
                **{**COMPLETE[auth_type], **settings},
            )
            .check()
            .verdict
        )
    assert len(server.requests) == 1
    return server.requests[0]


@pytest.mark.parametrize(
    ("auth_type", "given", "header"),
    [
        (
            "basic",
            {"username": "Aladdin", "password": "open sesame"},
            b"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (
            "basic",
            {"username": "test", "password": "123£"},
            b"Authorization: Basic dGVzdDoxMjPCow==",
        ),
        ("basic", {"username": "", "password": "a:b"}, b"Authorization: Basic OmE6Yg=="),
        ("api_key_authorization", {}, b"Authorization: ApiKey key-secret-8841"),
        ("x_api_key", {}, b"X-API-Key: key-secret-8841"),
        ("bearer", {}, b"Authorization: Bearer key-secret-8841"),
        ("header", {}, b"X-Auth-Token: key-secret-8841"),
        (
            "header",
            {"header_name": "Authorization", "api_key": "Token token=x"},
            b"Authorization: Token token=x",
        ),
    ],
)
def test_a_header_carries_the_credentials(auth_type: str, given: dict[str, Any], header: bytes):
    request = sent(auth_type, **given)
    assert request.line == "GET /v1/me?limit=1 HTTP/1.1" and request.headers.count(header) == 1


def test_a_query_carries_the_key():
    request = sent("query", parameter="api key".replace(" ", "_"), api_key="a b&c=d/e?f#g+%")
    assert request.line == "GET /v1/me?limit=1&api_key=a%20b%26c%3Dd%2Fe%3Ff%23g%2B%25 HTTP/1.1"


@pytest.mark.parametrize("auth_type", ["none", "query"])
def test_no_header_carries_anything_where_none_shall(auth_type: str):
    request = sent(auth_type)
    assert request.values("authorization") == request.values("x-api-key") == []


def test_additional_headers_take_the_place_of_the_clients_own():
    request = sent("x_api_key", headers="Accept: application/json\nUser-Agent: me\nX-Team: a")
    assert (request.values("accept"), request.values("user-agent"), request.values("x-team")) == (
        ["application/json"],
        ["me"],
        ["a"],
    )


def test_the_client_credentials_are_changed_for_a_token():
    with OAuth2Server() as server:
        made = http(
            server.url,
            auth_type="oauth2",
            token_url=server.token_url,
            client_id="my-client",
            client_secret="client-secret-7391",
            scope="a b",
        )
        assert made.check().verdict and made.client.get("/other").is_success
    assert [request.line for request in server.requests] == [
        "POST /token HTTP/1.1",
        "GET / HTTP/1.1",
        "GET /other HTTP/1.1",
    ]
    assert server.requests[0].body == b"grant_type=client_credentials&scope=a+b"
    assert server.requests[1].values("authorization") == ["Bearer token-secret-1"]


def test_the_client_may_be_named_in_the_body():
    with OAuth2Server() as server:
        own = {
            "token_url": server.token_url,
            "client_id": "my-client",
            "client_secret": "client-secret-7391",
            "client_in": "body",
        }
        assert http(server.url, auth_type="oauth2", **own).check().verdict
    assert server.requests[0].form["client_secret"] == "client-secret-7391" and not server.requests[
        0
    ].values("authorization")


def test_a_token_that_the_service_forgot_is_renewed_without_a_word():
    with OAuth2Server() as server:
        own = {
            "token_url": server.token_url,
            "client_id": "my-client",
            "client_secret": "client-secret-7391",
        }
        made = http(server.url, auth_type="oauth2", **own)
        assert made.client.get("/a").is_success
        server.revoke()
        assert made.client.post("/b", json={"x": 1}).is_success
    assert server.fetched == 2 and server.asked("/b")[-1].body == b'{"x":1}'


def test_a_token_url_keeps_to_the_rules_for_addresses():
    with OAuth2Server() as server:
        own = {
            "token_url": server.token_url.replace("127.0.0.1", "localhost"),
            "client_id": "my-client",
            "client_secret": "client-secret-7391",
        }
        error = failure(
            http(server.url, EgressPolicy(allow=("127.0.0.1",)), auth_type="oauth2", **own)
        )
    assert error.code == "blocked_address" and server.requests == []


def test_a_token_service_that_refuses_is_told_by_the_check():
    with OAuth2Server() as server:
        own = {
            "token_url": server.token_url,
            "client_id": "my-client",
            "client_secret": "wrong-secret-11",
        }
        error = failure(http(server.url, auth_type="oauth2", **own))
    assert error.code == "unauthorized" and "client secret" in error.message
    assert "wrong-secret-11" not in "".join(traceback.format_exception(error))


# What a test says


def verdict(answer: Answer, **settings: Any) -> str:
    with HttpServer(default=answer) as server:
        return http(server.url, **settings).check().verdict


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_test_path_that_answers_works(status: int):
    assert verdict(Answer(status), test_path="/me") == f"It works: HTTP {status}."


def test_the_expected_status_works_and_others_do_not():
    assert verdict(Answer(418), test_path="/me", expected_status=418) == "It works: HTTP 418."
    with HttpServer(default=Answer(204)) as server:
        error = failure(http(server.url, test_path="/me", expected_status=200))
    assert error.code == "bad_response" and "HTTP 204, and 200 is expected" in error.message


def test_a_redirect_that_is_expected_is_not_followed():
    assert (
        verdict(
            Answer(302, headers={"Location": "/elsewhere"}), test_path="/me", expected_status=302
        )
        == "It works: HTTP 302."
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (401, "unauthorized"),
        (402, "quota"),
        (403, "forbidden"),
        (404, "not_found"),
        (429, "rate_limited"),
        (500, "error"),
    ],
)
def test_a_status_that_fails_has_its_code(status: int, code: str):
    with HttpServer(default=Answer(status, "secret-echo")) as server:
        error = failure(http(server.url, auth_type="bearer", token=KEY, test_path="/me"))
    assert (
        error.code == code and server.host in error.message and "secret-echo" not in error.message
    )


@pytest.mark.parametrize("test_path", [None, "/me"])
def test_a_service_that_wants_credentials_of_a_connection_without_any_is_told(
    test_path: str | None,
):
    with HttpServer(default=Answer(401)) as server:
        error = failure(http(server.url, test_path=test_path))
    assert error.code == "unauthorized" and "has none" in error.message


def test_without_a_test_path_nobody_pretends_to_know_the_credentials():
    assert verdict(Answer(404), auth_type="bearer", token=KEY) == (
        "It answers: HTTP 404. Nothing is known about the credentials, because there is no test "
        "request that needs them."
    )
    assert (
        verdict(Answer(200)) == "It answers: HTTP 200. Nobody checked credentials: there are none."
    )


def test_an_answer_that_leads_elsewhere_is_an_answer_without_a_test_path():
    away = Answer(302, headers={"Location": "https://www.example.com/docs"})
    assert "Nothing is known" in verdict(away, auth_type="bearer", token=KEY)
    with HttpServer(default=away) as server:
        assert (
            failure(http(server.url, auth_type="bearer", token=KEY, test_path="/me")).code
            == "bad_response"
        )


@pytest.mark.parametrize("status", [401, 403, 407, 500, 503])
def test_without_a_test_path_these_fail_nevertheless(status: int):
    with HttpServer(default=Answer(status)) as server:
        assert failure(http(server.url, auth_type="bearer", token=KEY)).code


@pytest.mark.parametrize(
    ("base", "path", "line"),
    [
        ("", None, "/"),
        ("/v1", None, "/v1"),
        ("/v1", "me", "/v1/me"),
        ("/v1/", "/me/", "/v1/me/"),
        ("/v1", "?a=1", "/v1?a=1"),
    ],
)
def test_a_path_is_below_the_base_url(base: str, path: str | None, line: str):
    with HttpServer() as server:
        made = http(server.url + base, test_path=path)
        asked = made.check().asked
    assert (
        server.requests[0].line == f"GET {line} HTTP/1.1"
        and asked == f"GET {server.url}{line if base or path else ''}"
    )


def test_a_test_may_ask_for_the_status_only():
    with HttpServer(default=Answer(200, b"")) as server:
        assert (
            http(server.url, test_path="/me", test_method="HEAD").check().asked.startswith("HEAD ")
        )
    assert server.requests[0].line == "HEAD /me HTTP/1.1"


# TLS


def secured(server: HttpServer, **settings: Any) -> Http:
    return http(server.url, auth_type="x_api_key", api_key=KEY, test_path="/me", **settings)


def test_an_authority_of_ones_own_is_trusted_and_the_certificates_end_is_told():
    with HttpServer(tls=service_context(44)) as server:
        told = secured(server, ca_certificate=authority()[0]).check().verdict
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=44, hours=6)
    assert told == f"It works: HTTP 200. The certificate ends on {end:%Y-%m-%d}, in 44 days."


def test_a_strange_authority_is_not_trusted():
    with HttpServer(tls=service_context()) as server:
        assert (
            failure(secured(server)).code == "tls"
            and "Authority" in failure(secured(server)).message
        )
        assert (
            failure(
                secured(
                    server, ca_certificate=certificate()[certificate().index("-----BEGIN CERT") :]
                )
            ).code
            == "tls"
        )
        assert server.requests == []


def test_an_ended_certificate_is_refused():
    with HttpServer(tls=service_context(-2)) as server:
        assert failure(secured(server, ca_certificate=authority()[0])).code == "tls"


@pytest.mark.parametrize(
    ("days", "words"),
    [(44, "it ends on"), (-2, "2 days ago"), (1, "in 1 day."), (0, "within a day")],
)
def test_a_certificate_that_nobody_verified_is_told_so(days: int, words: str):
    with HttpServer(tls=service_context(days)) as server:
        told = secured(server, verify_tls=False).check().verdict
    assert "The certificate was not verified; it end" in told and words in told


def test_a_token_is_fetched_with_the_same_authority():
    with OAuth2Server(tls=service_context()) as server:
        own = {
            "token_url": server.token_url,
            "client_id": "my-client",
            "client_secret": "client-secret-7391",
            "ca_certificate": authority()[0],
        }
        assert http(server.url, auth_type="oauth2", **own).check().verdict
        assert (
            failure(http(server.url, auth_type="oauth2", **{**own, "ca_certificate": None})).code
            == "tls"
        )


def test_several_authorities_may_be_given():
    both = authority()[0] + "\n" + certificate()[certificate().index("-----BEGIN CERT") :]
    assert len(read_authorities(both)) == 2
    with HttpServer(tls=service_context()) as server:
        assert secured(server, ca_certificate=both).check().verdict


def test_an_authority_that_is_no_root_is_trusted_as_it_is():
    leaf = service_certificate(44)[1]
    with HttpServer(tls=service_context()) as server:
        assert secured(server, ca_certificate=leaf).check().verdict


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----",
        service_certificate()[0],
    ],
)
def test_what_is_no_certificate_is_refused_without_repeating_it(text: str):
    with pytest.raises(ValueError, match="Paste") as caught:
        read_authorities(text)
    assert text not in str(caught.value) or text == "x"


def test_a_private_key_beside_a_certificate_is_refused():
    with pytest.raises(ValueError, match="private key"):
        tls_context(True, "".join(service_certificate()))
