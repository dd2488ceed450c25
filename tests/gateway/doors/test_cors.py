"""What a browser is told about pages of other origins."""

import pytest

from gateway.core.errors import GatewayError
from gateway.doors.cors import Cors
from tests.gateway.serving import HELLO, Gateway

from .test_v1_errors import API, V1, error_of

PAGE, OTHER = "https://chat.example", "https://other.example"
PATHS = ("/v1/chat/completions", "/v1/nothing", "/v1/models", "/api/v1/chat/complete")


def preflight(gate: Gateway, path: str, origin: str, **more: str):
    return gate.client.options(
        gate.url + path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,x-stainless-os",
            **more,
        },
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_a_listed_origin_may_ask(gate: Gateway, path: str):
    answer = preflight(gate, path, PAGE)
    assert (answer.status_code, answer.content) == (204, b"")
    allowed = {
        name.removeprefix("access-control-"): value
        for name, value in answer.headers.items()
        if name.startswith("access-control-")
    }
    assert allowed["allow-origin"] == PAGE and "allow-credentials" not in allowed
    assert allowed["allow-headers"] == "authorization,x-stainless-os"
    assert "POST" in allowed["allow-methods"] and int(allowed["max-age"]) > 0
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(("path", "door"), [(PATHS[0], V1), (PATHS[3], API)])
def test_a_page_of_another_origin_may_not(gate: Gateway, path: str, door: str):
    for origin in (OTHER, "null", f"{PAGE}.evil.example", f"{PAGE}:444", "http://chat.example"):
        answer = preflight(gate, path, origin)
        assert error_of(answer, door, 403)["code"] == "origin_not_allowed"
        assert "access-control-allow-origin" not in answer.headers


def test_an_answer_is_for_the_listed_origin_alone(gate: Gateway):
    body = {"model": gate.echo(), "messages": HELLO}
    for origin, allowed in ((PAGE, PAGE), (OTHER, None)):
        answer = gate.post("/v1/chat/completions", body, Origin=origin)
        assert answer.status_code == 200
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": "", "messages": HELLO, "stream": True}),
        ("/api/v1/chat/stream", {"profileIdOrAlias": "", "messages": HELLO}),
    ],
)
def test_a_stream_can_be_read_with_its_headers(gate: Gateway, path: str, body: dict):
    name = "model" if "model" in body else "profileIdOrAlias"
    answer = gate.post(path, body | {name: gate.echo()}, Origin=PAGE)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["access-control-allow-origin"] == PAGE
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"x-request-id", "retry-after", "x-switchboard-attempts"} <= set(exposed)


@pytest.mark.parametrize("path", PATHS)
def test_a_refusal_can_be_read_too(gate: Gateway, path: str):
    answer = gate.post(path, {}, token="", Origin=PAGE)
    assert answer.status_code in (401, 403)
    assert answer.headers["access-control-allow-origin"] == PAGE


def test_other_addresses_are_not_opened(gate: Gateway):
    for path in ("/api/v1/connections", "/", "/sign-in/"):
        assert "access-control-allow-origin" not in preflight(gate, path, PAGE).headers


ASKED = {b"origin": PAGE.encode(), b"access-control-request-method": b"GET"}


def test_without_a_setting_no_page_may_ask():
    with pytest.raises(GatewayError) as caught:
        Cors(frozenset()).preflight(ASKED)
    assert "GATEWAY_CORS_ORIGINS" in caught.value.message


def test_what_is_no_list_of_headers_is_not_repeated():
    for asked in (b"x\r\nset-cookie: a=b", b"", b"x" * 5000):
        headers = {**ASKED, b"access-control-request-headers": asked}
        found = dict(Cors(frozenset("*")).preflight(headers).headers)
        assert found[b"access-control-allow-headers"] == b"authorization, content-type"


def test_no_cache_keeps_an_answer_or_a_refusal(gate: Gateway):
    body = {"model": gate.echo(), "messages": HELLO}
    for answer in (
        gate.post("/v1/chat/completions", body),
        gate.post("/v1/chat/completions", body, token="sb_nobodys"),
        gate.get("/v1/models"),
    ):
        assert "no-store" in answer.headers["cache-control"]
