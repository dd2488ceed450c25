"""What lets requests in: the bytes on the wire, the hosts they may go to, and who never sees
them.
"""

import base64
import logging
import traceback
from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest

from providers.core.errors import ProviderError
from providers.http.allowance import Allowance
from providers.http.auth import AccessTransport
from providers.http.credentials import (
    Basic,
    Credential,
    Grant,
    Header,
    OAuth2,
    Path,
    Query,
    basic_credentials,
)
from providers.http.egress import EgressPolicy, GuardedTransport, guarded_client
from providers.http.hosts import Hosts, origin_host
from tests.httpserver import Answer, HttpServer

SECRET = "secret-8841/ä&="
ASCII_SECRET = "secret-8841/&=+ x"


def let_in(
    url: str,
    *steps: Credential,
    allowed: tuple[str, ...] = (),
    token: Callable | None = None,
    **extra: str,
) -> httpx2.Client:
    """A client whose requests are let in by these steps, bound to the host of `url`."""
    hosts = Hosts(url, allowed or (origin_host(url),))
    guarded = GuardedTransport(EgressPolicy(), Allowance())
    client = guarded_client(
        EgressPolicy(), 5, transport=AccessTransport(guarded, steps, hosts, token, extra)
    )
    client.base_url = url
    return client


def grant(url: str = "https://login.example/token") -> Grant:
    return Grant(url, {"grant_type": "client_credentials"}, "me", "client-secret-7391")


STEPS: dict[str, tuple[Credential, bytes, bytes]] = {
    "header": (
        Header("X-API-Key", ASCII_SECRET),
        b"GET /v1/me?a=%2F&b=a+b HTTP/1.1",
        b"X-API-Key: " + ASCII_SECRET.encode(),
    ),
    "basic": (
        Basic("Aladdin", "open sesame"),  # RFC 7617, section 2
        b"GET /v1/me?a=%2F&b=a+b HTTP/1.1",
        b"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    ),
    "basic in UTF-8": (
        Basic("test", "123£"),
        b"GET /v1/me?a=%2F&b=a+b HTTP/1.1",
        b"Authorization: Basic dGVzdDoxMjPCow==",
    ),
    "oauth2": (
        OAuth2(grant()),
        b"GET /v1/me?a=%2F&b=a+b HTTP/1.1",
        b"Authorization: Bearer token-1",
    ),
    "oauth2 with another word": (
        OAuth2(grant(), "X-Auth", ""),
        b"GET /v1/me?a=%2F&b=a+b HTTP/1.1",
        b"X-Auth: token-1",
    ),
    "query": (
        Query("key", SECRET),
        b"GET /v1/me?a=%2F&b=a+b&key=secret-8841%2F%C3%A4%26%3D HTTP/1.1",
        b"Accept: */*",
    ),
    "path": (Path("/T0/B0/xyz"), b"GET /T0/B0/xyz/v1/me?a=%2F&b=a+b HTTP/1.1", b"Accept: */*"),
}


@pytest.mark.parametrize("one", STEPS)
def test_a_step_has_these_bytes_on_the_wire(one: str):
    step, line, header = STEPS[one]
    with (
        HttpServer() as server,
        let_in(f"{server.url}/v1", step, token=lambda grant, refused: "token-1") as client,
    ):
        client.get("/me?a=%2F&b=a+b")
    request = server.requests[0]
    assert request.line.encode() == line
    assert header in request.headers


def test_a_user_name_that_is_not_ascii_is_sent_in_utf_8():
    sent = basic_credentials("Jürgen", "pass:wörd")
    assert base64.b64decode(sent.removeprefix("Basic ")) == "Jürgen:pass:wörd".encode()


@pytest.mark.parametrize(
    ("username", "password"), [("a:b", "c"), ("a\nb", "c"), ("a", "c\r\nX: 1"), ("a\x7f", "c")]
)
def test_what_basic_cannot_carry_is_refused_before_anything_is_sent(username: str, password: str):
    with (
        HttpServer() as server,
        let_in(server.url, Basic(username, password)) as client,
        pytest.raises(ProviderError) as caught,
    ):
        client.get("/")
    assert caught.value.code == "bad_request" and server.requests == []


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\x00", "ä"])
def test_what_a_header_cannot_carry_is_refused_before_anything_is_sent(value: str):
    with (
        HttpServer() as server,
        let_in(server.url, Header("X-Key", value)) as client,
        pytest.raises(ProviderError) as caught,
    ):
        client.get("/")
    assert (
        caught.value.code == "bad_request"
        and server.requests == []
        and value not in str(caught.value)
    )


def test_what_the_caller_sends_under_the_same_name_loses():
    steps = (Header("X-API-Key", "mine"), Query("key", "mine"))
    with HttpServer() as server, let_in(server.url, *steps) as client:
        client.get(
            "/me?key=yours&%6bey=yours&keys=1",
            headers=[("x-api-key", "yours"), ("X-Api-Key", "theirs"), ("Host", "evil.example")],
        )
    request = server.requests[0]
    assert request.line == "GET /me?keys=1&key=mine HTTP/1.1"
    assert (request.values("x-api-key"), request.values("host")) == (["mine"], [server.host])


def test_an_extra_header_is_sent_unless_the_caller_says_otherwise():
    with HttpServer() as server, let_in(server.url, Accept="text/plain") as client:
        del client.headers["Accept"]
        client.get("/")
        client.get("/", headers={"accept": "text/csv"})
    assert [request.values("accept") for request in server.requests] == [
        ["text/plain"],
        ["text/csv"],
    ]


def test_a_body_arrives_whole_with_the_credentials():
    with HttpServer() as server, let_in(server.url, Header("X-Key", "k")) as client:
        client.post("/", json={"a": "ä"})
        client.post("/", content=iter([b"one", b"two"]))
    assert server.requests[0].body == '{"a":"ä"}'.encode() and b"two" in server.requests[1].body
    assert [request.values("x-key") for request in server.requests] == [["k"], ["k"]]


# Hosts


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        (("api.example.com",), "https://api.example.com/x"),
        (("api.example.com",), "https://API.Example.com:443/x"),
        (("api.example.com:8443",), "https://api.example.com:8443/"),
        (("*.example.com",), "https://a.b.example.com/"),
        (("a.example", "*.example.com"), "https://x.example.com/"),
        (("[::1]:8443",), "https://[::1]:8443/"),
        (("bücher.example",), "https://xn--bcher-kva.example/"),
    ],
)
def test_an_address_at_an_allowed_host_may_be_asked(allowed: tuple[str, ...], address: str):
    Hosts("https://api.example.com", allowed).refuse(httpx2.URL(address))


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        (("api.example.com",), "http://api.example.com/"),
        (("api.example.com",), "https://api.example.com:8443/"),
        (("api.example.com",), "https://api.example.com.evil.example/"),
        (("api.example.com",), "https://evil.example/api.example.com"),
        (("api.example.com",), "https://api.example.com@evil.example/"),
        (("api.example.com",), "https://api.example.com./"),
        (("*.example.com",), "https://example.com/"),
        (("*.example.com",), "https://evilexample.com/"),
        (("*.example.com",), "https://.example.com/"),
        (("*.example.com:8443",), "https://a.example.com/"),
        ((), "https://api.example.com/"),
        (("",), "https://api.example.com/"),
        (("a:b:c",), "https://api.example.com/"),
        (("[::1",), "https://[::1]/"),
    ],
)
def test_an_address_elsewhere_is_refused(allowed: tuple[str, ...], address: str):
    with pytest.raises(ProviderError) as caught:
        Hosts("https://api.example.com", allowed).refuse(httpx2.URL(address))
    assert (caught.value.code, caught.value.permanent) == ("blocked_address", True)


def test_a_port_of_the_base_url_is_good_for_a_host_without_one():
    Hosts("http://127.0.0.1:9200", ("127.0.0.1",)).refuse(httpx2.URL("http://127.0.0.1:9200/"))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/x", "http://localhost:{port}/"]
)
def test_nothing_is_sent_to_another_host(address: str):
    with (
        HttpServer() as other,
        HttpServer() as server,
        let_in(server.url, Header("X-Key", ASCII_SECRET)) as client,
    ):
        with suppress(ProviderError, httpx2.HTTPError):
            client.get(address.format(port=other.host.partition(":")[2]))
        assert other.requests == []


def test_a_host_that_is_allowed_besides_gets_the_credentials():
    with HttpServer() as other, HttpServer() as server:
        client = let_in(server.url, Header("X-Key", "k"), allowed=(server.host, other.host))
        client.get(f"{other.url}/x")
    assert other.requests[0].values("x-key") == ["k"] and server.requests == []


# Redirects


@pytest.mark.parametrize("one", STEPS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_do_not_follow_to_another_host(one: str, status: int):
    with HttpServer() as other:
        away = Answer(status, headers={"Location": f"{other.url}/stolen"})
        with HttpServer(default=away) as server, pytest.raises(ProviderError):
            let_in(server.url, STEPS[one][0], token=lambda *_: "token-1").get("/me")
        assert other.requests == []


@pytest.mark.parametrize("one", STEPS)
def test_credentials_go_along_within_the_host(one: str):
    moved = {
        path: Answer(307, headers={"Location": "/new?x=1"}) for path in ("/me", "/T0/B0/xyz/me")
    }
    with (
        HttpServer(moved) as server,
        let_in(server.url, STEPS[one][0], token=lambda *_: "token-1") as client,
    ):
        response = client.get("/me")
    assert len(server.requests) == 2 and response.status_code == 200
    assert STEPS[one][2] in server.requests[1].headers
    assert {"query": "key=secret", "path": "/T0/B0/xyz/new"}.get(
        one, "/new?x=1"
    ) in server.requests[1].line


@pytest.mark.parametrize(
    "to", ["/moved?key={}", "?key={}&x=1", "{url}/moved?key={}", "/moved?a=1&key={}#f"]
)
def test_a_key_in_the_query_is_in_no_address_the_client_knows(
    to: str, caplog: pytest.LogCaptureFixture
):
    for name in ("", "httpx2", "httpcore2", "httpcore2.http11"):
        caplog.set_level("DEBUG", name or None)
    with HttpServer() as server:
        server.answers["/me"] = lambda request: Answer(
            307, headers={"Location": to.replace("{url}", server.url).format("secret-8841")}
        )
        server.answers["/"] = server.answers["/moved"] = Answer(
            headers={"Content-Location": "/x?key=secret-8841"}
        )
        with (
            let_in(f"{server.url}/me", Query("key", "secret-8841")) as client,
            suppress(httpx2.TooManyRedirects),
        ):
            client.max_redirects = 2
            response = client.get("", follow_redirects=True)
            seen = (
                f"{response.url} {response.request.url} {response.headers} {response.history} "
                f"{[one.headers for one in response.history]}"
            )
            assert "secret-8841" not in seen
    assert all("key=secret-8841" in request.line for request in server.requests)
    assert "secret-8841" not in f"{caplog.text} {[vars(one) for one in caplog.records]}"


@pytest.mark.parametrize(
    "to",
    [
        "/login?next=%2Fme%3Fkey%3Dsecret-8841",
        "/x/secret-8841",
        "/login?next=%252Fme%253Fkey%253Dsecret-8841",
    ],
)
def test_an_address_that_holds_the_key_elsewhere_is_not_followed(to: str):
    with (
        HttpServer({"/me": Answer(302, headers={"Location": to})}) as server,
        let_in(server.url, Query("key", "secret-8841")) as client,
    ):
        response = client.get("/me")
    assert (
        response.status_code == 302
        and "location" not in response.headers
        and len(server.requests) == 1
    )


def test_a_secret_path_is_in_no_address_the_client_knows(caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    moved = Answer(307, headers={"Location": "/T0/B0/xyz/new"})
    with (
        HttpServer({"/T0/B0/xyz": moved}) as server,
        let_in(server.url, Path("/T0/B0/xyz")) as client,
    ):
        response = client.post("", json={})
    assert [request.path for request in server.requests] == ["/T0/B0/xyz", "/T0/B0/xyz/new"]
    assert "xyz" not in f"{caplog.text} {response.url} {response.history[0].headers}"


# A 401


def test_a_token_that_is_not_accepted_is_renewed_once_and_the_body_sent_again():
    asked: list[str] = []

    def token(_: Grant, refused: str) -> str:
        asked.append(refused)
        return f"token-{len(asked)}"

    with (
        HttpServer(default=Answer(401)) as server,
        let_in(server.url, OAuth2(grant()), token=token) as client,
    ):
        assert client.post("/", json={"a": 1}).status_code == 401
    assert asked == ["", "token-1"]
    assert [request.values("authorization") for request in server.requests] == [
        ["Bearer token-1"],
        ["Bearer token-2"],
    ]
    assert [request.body for request in server.requests] == [b'{"a":1}'] * 2


def test_a_body_that_is_gone_is_not_sent_again():
    with (
        HttpServer(default=Answer(401)) as server,
        let_in(server.url, OAuth2(grant()), token=lambda *_: "token-1") as client,
    ):
        assert client.post("/", content=iter([b"once"])).status_code == 401
    assert len(server.requests) == 1


def test_a_401_without_a_token_is_left_alone():
    with (
        HttpServer(default=Answer(401)) as server,
        let_in(server.url, Header("X-Key", "k")) as client,
    ):
        assert client.get("/").status_code == 401
    assert len(server.requests) == 1


INVALID = b'{"error": "invalid_token"}'
JSON = {"Content-Type": "application/json"}
MAYBE = {  # refusals that may be of a token, and how often the service is asked for them
    "403": (Answer(403), 2),
    "400 in the challenge": (
        Answer(400, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}),
        2,
    ),
    "400 in the body": (Answer(400, INVALID, JSON), 2),
    "400 of another kind": (Answer(400, b'{"error": "invalid_request"}', JSON), 1),
    "404": (Answer(404), 1),
}


@pytest.mark.parametrize("case", MAYBE)
def test_a_refusal_that_may_be_of_the_token_renews_it_once(case: str):
    answer, times = MAYBE[case]
    with (
        HttpServer(default=answer) as server,
        let_in(server.url, OAuth2(grant()), token=lambda _, old: f"{old}x") as client,
    ):
        response = client.get("/")
        assert (response.status_code, response.content) == (answer.status, answer.body or b"{}")
        assert len(server.requests) == times
        client.get("/")
    assert len(server.requests) == times + 1, "which is believed once a minute"


# Leaks


SECRETS = ("secret-8841", "client-secret-7391", "c2VjcmV0", "token-secret")


def objects(url: str) -> list[tuple[object, httpx2.Client]]:
    steps = (
        Header("X-Key", "secret-8841"),
        Query("key", "secret-8841"),
        Path("/secret-8841"),
        Basic("me", "secret-8841"),
        OAuth2(grant()),
    )
    client = let_in(url, *steps, token=lambda *_: "token-secret-1", Extra="secret-8841")
    return [
        (one, client) for one in (*steps, steps[4].grant, client, client._transport, Hosts(url, ()))
    ]


def test_no_object_shows_a_secret():
    seen = " ".join(f"{one!r} {one}" for one, _ in objects("https://api.example"))
    assert not [secret for secret in SECRETS if secret in seen]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(raw=b"nonsense"),
        Answer(raw=b""),
        Answer(302, headers={"Location": "https://other.example/"}),
    ],
)
def test_no_traceback_holds_a_secret(answer: Answer):
    with (
        HttpServer(default=answer) as server,
        objects(server.url)[0][1] as client,
        pytest.raises((httpx2.HTTPError, ProviderError)) as caught,
    ):
        client.get("/me")
    found = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    told = "".join(found.format()) + repr(getattr(caught.value, "request", "")) + repr(caught.value)
    own = told.replace("Extra='secret-8841'", "")
    assert not [secret for secret in SECRETS if secret in own.partition("test_access.py")[0]]
    frames = [
        frame
        for frame, _ in traceback.walk_tb(caught.value.__traceback__)
        if "/providers/" in (name := frame.f_code.co_filename) and "/tests/" not in name
    ]
    assert not [secret for secret in SECRETS for frame in frames if secret in repr(frame.f_locals)]


def test_no_log_holds_a_secret(caplog: pytest.LogCaptureFixture):
    for name in ("", "httpx2", "httpcore2", "providers"):
        caplog.set_level(logging.DEBUG, name or None)
    echo = Answer(401, headers={"X-Echo": "secret-8841", "Set-Cookie": "a=secret-8841"})
    with HttpServer(default=echo) as server, objects(server.url)[0][1] as client:
        client.get("/me")
    assert not [
        secret
        for secret in SECRETS
        if secret in f"{caplog.text} {[vars(one) for one in caplog.records]}"
    ]
    assert len(server.requests) == 2
