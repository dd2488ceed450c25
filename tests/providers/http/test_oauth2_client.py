"""Tokens of OAuth2: how they are asked for, what a token service may answer, and how long they are
held.
"""

import base64
import gzip
import logging
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from providers.core.errors import ProviderError
from providers.http.allowance import LARGEST_ANSWER, Allowance
from providers.http.credentials import Grant
from providers.http.egress import EgressPolicy, GuardedTransport, guarded_client
from providers.http.oauth2_client import MemoryTokens, Token, fetch_token, grant_key
from tests.httpserver import Answer, HttpServer, OAuth2Server

CLIENT = ("my-client", "client-secret-7391")


def grant(
    url: str, scope: str = "", *, client: tuple[str, str] = CLIENT, **changes: object
) -> Grant:
    return Grant(url, {"grant_type": "client_credentials", "scope": scope}, *client, **changes)  # type: ignore[arg-type]


def client(seconds: float = 5) -> httpx2.Client:
    transport = GuardedTransport(EgressPolicy(), Allowance(seconds, LARGEST_ANSWER))
    return guarded_client(EgressPolicy(), seconds, transport=transport)


def fetched(one: Grant, seconds: float = 5) -> Token:
    with client(seconds) as asking:
        return fetch_token(asking, one)


def failure(answer: Answer, seconds: float = 5) -> ProviderError:
    with OAuth2Server(says=answer) as server, pytest.raises(ProviderError) as caught:
        fetched(grant(server.token_url), seconds)
    assert caught.value.__context__ is None or "Token" not in repr(caught.value.__context__)
    return caught.value


# The question


def test_a_token_is_asked_for_as_rfc_6749_has_it():
    with OAuth2Server() as server:
        token = fetched(grant(server.token_url, "read write"))
    request = server.requests[0]
    assert token.value == "token-secret-1" and request.line == "POST /token HTTP/1.1"
    assert request.values("authorization") == [
        "Basic " + base64.b64encode(b"my-client:client-secret-7391").decode()
    ]
    assert request.values("content-type") == ["application/x-www-form-urlencoded"]
    assert request.values("accept") == ["application/json"]
    assert request.body == b"grant_type=client_credentials&scope=read+write"


def test_the_client_in_the_header_is_encoded_as_in_a_form_first():
    odd = ("cli:ent ä", "s%c+r/t&=?")
    with OAuth2Server(client=odd) as server:
        assert fetched(grant(server.token_url, client=odd)).value
    sent = base64.b64decode(server.requests[0].values("authorization")[0].removeprefix("Basic "))
    assert sent == b"cli%3Aent+%C3%A4:s%25c%2Br%2Ft%26%3D%3F"


def test_the_client_in_the_body_is_in_no_header():
    with OAuth2Server() as server:
        assert fetched(grant(server.token_url, client_in="body")).value
    request = server.requests[0]
    assert (
        request.body
        == b"grant_type=client_credentials&client_id=my-client&client_secret=client-secret-7391"
    )
    assert request.values("authorization") == []


def test_a_client_without_a_secret_names_itself_in_the_body():
    with OAuth2Server(client=("my-client", "")) as server:
        assert fetched(grant(server.token_url, client=("my-client", ""))).value
    assert server.requests[0].body.endswith(b"client_id=my-client")


@pytest.mark.parametrize(
    "parameters",
    [
        {"grant_type": "password", "username": "me", "password": "p&w"},
        {"grant_type": "refresh_token", "refresh_token": "r"},
    ],
)
def test_other_grants_send_their_own_parameters(parameters: dict[str, str]):
    with OAuth2Server() as server:
        assert fetched(Grant(server.token_url, parameters, *CLIENT)).value
    assert server.requests[0].form == parameters


# The answer


@pytest.mark.parametrize(
    ("said", "code", "permanent", "words"),
    [
        ("invalid_client", "unauthorized", True, "client ID and client secret"),
        ("invalid_grant", "unauthorized", True, "refresh token"),
        ("unauthorized_client", "forbidden", True, "client's registration"),
        ("unsupported_grant_type", "bad_request", True, "token URL"),
        ("invalid_scope", "bad_request", True, "scope"),
        ("invalid_request", "bad_request", True, "header or body"),
        ("temporarily_unavailable", "error", False, "later"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_an_error_of_the_token_service_is_a_sentence(
    said: str, code: str, permanent: bool, words: str, status: int
):
    error = failure(
        Answer(
            status,
            {"error": said, "error_description": "secret-echo", "error_uri": "https://secret-echo"},
        )
    )
    assert (error.code, error.permanent) == (code, permanent) and words in error.message
    assert "secret-echo" not in f"{error} {error.said}" and "127.0.0.1" in error.message


NO_TOKENS = {
    "html": Answer(
        body="<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"}
    ),
    "empty": Answer(body=""),
    "list": Answer(body=["token-secret"]),
    "no token": Answer(body={"token_type": "Bearer"}),
    "null": Answer(body={"access_token": None}),
    "number": Answer(body={"access_token": 7}),
    "object": Answer(body={"access_token": {"a": 1}}),
    "empty token": Answer(body={"access_token": ""}),
    "line break": Answer(body={"access_token": "token-secret\r\nX-Evil: 1"}),
    "blank": Answer(body={"access_token": "token secret"}),
    "not ASCII": Answer(body={"access_token": "tökén-secret"}),
    "too long": Answer(body={"access_token": "x" * 40000}),
    "another kind": Answer(body={"access_token": "token-secret", "token_type": "mac"}),
    "kind is no text": Answer(body={"access_token": "token-secret", "token_type": ["Bearer"]}),
    "nested": Answer(body="[" * 100000),
    "gzip": Answer(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}),
    "5 MB": Answer(body={"access_token": "x" * 5 * 1024 * 1024}),
    "redirect elsewhere": Answer(307, headers={"Location": "https://other.example/token"}),
}


@pytest.mark.parametrize("one", NO_TOKENS)
def test_an_answer_without_a_token_is_a_bad_response(one: str):
    error = failure(NO_TOKENS[one])
    assert (error.code, error.permanent) == ("bad_response", True) and error.message.endswith(".")
    assert "secret" not in "".join(traceback.format_exception(error)).partition("ProviderError:")[2]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (429, "rate_limited"),
    ],
)
def test_a_status_without_a_known_error_has_its_usual_meaning(status: int, code: str):
    for body in (
        "<html>secret-echo",
        {"error": "made_up secret-echo"},
        {"error": {"message": "secret-echo"}},
    ):
        error = failure(Answer(status, body))
        assert error.code == code and "secret-echo" not in str(error)


def test_a_500_may_be_tried_again():
    assert (failure(Answer(500, "<html>")).code, failure(Answer(500)).permanent) == ("error", False)


def test_a_token_service_that_hangs_is_given_up():
    started = time.monotonic()
    assert failure(Answer(seconds=30), seconds=0.4).code == "timeout"
    assert time.monotonic() - started < 3


def test_a_token_service_that_hangs_up_is_told():
    assert failure(Answer(raw=b"")).code == "error"


def test_client_and_secret_do_not_follow_to_another_host():
    with (
        HttpServer() as other,
        OAuth2Server(says=Answer(307, headers={"Location": f"{other.url}/token"})) as server,
    ):
        for place in ("header", "body"):
            with pytest.raises(ProviderError):
                fetched(grant(server.token_url, client_in=place))
        assert other.requests == []


def test_a_token_service_that_may_not_be_asked_is_not():
    with (
        OAuth2Server() as server,
        guarded_client(EgressPolicy(private=False), 5) as asking,
        pytest.raises(ProviderError) as caught,
    ):
        fetch_token(asking, grant(server.token_url))
    assert caught.value.code == "blocked_address" and server.requests == []


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", "BearerToken", None])
def test_bearer_is_read_however_it_is_written(kind: str | None):
    with OAuth2Server(says=Answer(body={"access_token": "t", "token_type": kind})) as server:
        assert fetched(grant(server.token_url)).value == "t"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        *[
            ("3600", 3600),
            (3600, 3600),
            (3600.5, 3600.5),
            (10**12, 86400),
            ("1e9", 86400),
            (10**400, 86400),
            (0, 0),
            (-1, -1),
        ],
        *[
            (None, None),
            ("soon", None),
            ("", None),
            (True, None),
            (False, None),
            (["3600"], None),
            (float("nan"), None),
        ],
        (float("inf"), 86400),
    ],
)
def test_how_long_a_token_lives(said: object, seconds: float | None):
    with OAuth2Server(says=Answer(body={"access_token": "t", "expires_in": said})) as server:
        expires_at = fetched(grant(server.token_url)).expires_at
    assert (
        expires_at is None
        if seconds is None
        else expires_at == pytest.approx(time.time() + seconds, abs=3)
    )


# Holding


@pytest.mark.parametrize(
    ("life", "held"), [(3600, 3540), (600, 540), (100, 90), (10, 9), (0, 0), (-5, 0)]
)
def test_a_token_is_renewed_before_it_ends(life: float, held: float):
    now = time.time()
    assert Token("t", now + life).held_until(now) - now == pytest.approx(held, abs=0.01)


def test_a_token_of_unsaid_life_is_held_five_minutes():
    assert Token("t").held_until(1000.0) == 1300.0


def store_that_counts(*tokens: Token) -> tuple[MemoryTokens, Callable[[], Token], list[Token]]:
    given: list[Token] = []

    def ask() -> Token:
        given.append(tokens[min(len(given), len(tokens) - 1)])
        return given[-1]

    return MemoryTokens(), ask, given


def test_a_held_token_is_not_asked_for_again():
    store, ask, given = store_that_counts(Token("a"), Token("b"))
    assert [store.token("k", ask), store.token("k", ask), len(given)] == ["a", "a", 1]


def test_another_key_has_another_token():
    store, ask, _ = store_that_counts(Token("a"), Token("b"))
    assert [store.token("k", ask), store.token("other", ask)] == ["a", "b"]


def test_a_refused_token_is_not_given_again():
    store, ask, _ = store_that_counts(Token("a"), Token("b"))
    assert [store.token("k", ask), store.token("k", ask, "a"), store.token("k", ask)] == [
        "a",
        "b",
        "b",
    ]


@pytest.mark.parametrize("expires_at", [0.0, -5.0, 1.0])
def test_a_token_that_ended_already_is_used_once(expires_at: float):
    store, ask, _ = store_that_counts(Token("a", expires_at), Token("b", expires_at))
    assert [store.token("k", ask), store.token("k", ask)] == ["a", "b"]


def test_fifty_threads_ask_once():
    given = []

    def ask() -> Token:
        given.append(time.sleep(0.2))
        return Token("a")

    store, together = MemoryTokens(), threading.Barrier(50)

    def want(_: int) -> str:
        together.wait()
        return store.token("k", ask)

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(want, range(50))) == {"a"}
    assert len(given) == 1


def test_fifty_threads_are_told_of_one_failure():
    given = []

    def ask() -> Token:
        given.append(time.sleep(0.2))
        raise ProviderError("No token.", "unauthorized", True)

    store, together = MemoryTokens(), threading.Barrier(50)

    def want(_: int) -> ProviderError:
        together.wait()
        with pytest.raises(ProviderError) as caught:
            store.token("k", ask)
        return caught.value

    with ThreadPoolExecutor(50) as pool:
        errors = list(pool.map(want, range(50)))
    assert {error.code for error in errors} == {"unauthorized"} and len(
        {id(error) for error in errors}
    ) == 50
    assert len(given) == 1
    assert store.token("k", lambda: Token("later")) == "later"


def test_fifty_threads_renew_a_refused_token_once():
    store, given = MemoryTokens(), []
    store.token("k", lambda: Token("old"))

    def ask() -> Token:
        given.append(time.sleep(0.2))
        return Token("new")

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(lambda _: store.token("k", ask, "old"), range(50))) == {"new"}
    assert len(given) == 1


def test_everything_of_a_grant_makes_its_key():
    one = grant("https://a.example/token")
    others = [
        grant("https://b.example/token"),
        grant("https://a.example/token", "read"),
        grant("https://a.example/token", client=("my-client", "other")),
        grant("https://a.example/token", client=("other", CLIENT[1])),
        grant("https://a.example/token", client_in="body"),
    ]
    assert len({grant_key(each) for each in (one, *others)}) == 6 and grant_key(one) == grant_key(
        grant("https://a.example/token")
    )


# Leaks


def test_no_token_and_no_secret_is_shown_or_logged(caplog: pytest.LogCaptureFixture):
    for name in ("", "httpx2", "httpcore2", "providers"):
        caplog.set_level(logging.DEBUG, name or None)
    store = MemoryTokens()
    with OAuth2Server() as server:
        one = grant(server.token_url)
        token = fetched(one)
        store.token(grant_key(one), lambda: token)
        with pytest.raises(ProviderError) as caught:
            fetched(grant(server.token_url, client=("my-client", "wrong-secret-11")))
    trace = "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    )
    inner = trace.partition("providers/http/oauth2_client.py")[2]
    seen = f"{token!r} {token} {store!r} {one!r} {caplog.text} {caught.value!r} {inner}"
    assert not [
        secret
        for secret in ("token-secret", "client-secret-7391", "wrong-secret-11", "secret-echo")
        if secret in seen
    ]
