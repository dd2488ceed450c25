"""Bad input and bad services, at both doors: always an answer in the door's own shape, never a
fault of ours.
"""

import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import openai
import pytest

from tests.gateway.office import KEY, Refused
from tests.gateway.serving import HELLO, Gateway, eventually

V1, API = "v1", "api"
DOORS = (V1, API)
IMAGE = "iVBORw0KGgo="
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
both = pytest.mark.parametrize("door", DOORS)


def error_of(response: Any, door: str, status: int) -> dict[str, Any]:
    """The error in the door's shape, which is judged here."""
    assert response.status_code == status, (response.status_code, response.text[:500])
    body = response.json()
    if door == V1:
        assert response.headers["content-type"] == "application/json" and set(body) == {"error"}
        assert (
            set(body["error"]) == {"message", "type", "param", "code"} and body["error"]["message"]
        )
        assert body["error"]["type"] == TYPES.get(
            status, "invalid_request_error" if status < 500 else "api_error"
        )
        return dict(body["error"])
    assert (
        response.headers["content-type"] == "application/problem+json" and body["status"] == status
    )
    assert all(body[name] for name in ("type", "title", "detail", "code"))
    return {**body, "message": body["detail"]}


def at(gate: Gateway, door: str, profile: str, body: Any, **options: Any) -> Any:
    """A chat at a door; a body that is no bytes gets its profile as the door has it."""
    if door == V1:
        return gate.post(
            "/v1/chat/completions",
            {"model": profile, **body} if isinstance(body, dict) else body,
            **options,
        )
    return gate.post(f"/api/v1/chat/{quote(profile, safe='')}/complete", body, **options)


def tool(**function: Any) -> dict[str, Any]:
    return {
        "messages": HELLO,
        "tools": [{"type": "function", "function": {"name": "f", **function}}],
    }


def said(content: Any, role: Any = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content}]}


WRONG: dict[str, Any] = {
    "no messages": {},
    "empty messages": {"messages": []},
    "messages that are a text": {"messages": "Hello"},
    "messages that are texts": {"messages": ["Hello"]},
    "messages that are null": {"messages": None},
    "an unknown role": said("Hello", "wizard"),
    "a role that is a number": said("Hello", 7),
    "content that is a number": said(7),
    "content that is an object": said({"text": "Hello"}),
    "a hot temperature": {"messages": HELLO, "temperature": 3},
    "a temperature that is a text": {"messages": HELLO, "temperature": "hot"},
    "a boolean temperature": {"messages": HELLO, "temperature": True},
    "a tool without a name": {"messages": HELLO, "tools": [{"type": "function", "function": {}}]},
    "a tool with an empty name": tool(name=""),
    "a tool whose parameters are a list": tool(parameters={"type": "array"}),
    "a tool whose properties are texts": tool(
        parameters={"type": "object", "properties": {"city": "string"}}
    ),
    "tools that are an object": {"messages": HELLO, "tools": {}},
    "a stop that is a number": {"messages": HELLO, "stop": 7},
    "a seed that is a fraction": {"messages": HELLO, "seed": 1.5},
    "variables that are a list": {"messages": HELLO, "variables": ["one"]},
}
OWN = {
    V1: {
        "negative tokens": {"messages": HELLO, "max_tokens": -5},
        "no tokens at all": {"messages": HELLO, "max_completion_tokens": 0},
        "many answers": {"messages": HELLO, "n": 1000},
        "a format without its schema": {
            "messages": HELLO,
            "response_format": {"type": "json_schema"},
        },
        "a stream that is a text": {"messages": HELLO, "stream": "yes"},
    },
    API: {
        "negative tokens": {"messages": HELLO, "maxTokens": -5},
        "a name of another protocol": {"messages": HELLO, "max_tokens": 5},
        "a format without its schema": {
            "messages": HELLO,
            "responseFormat": {"type": "json_schema"},
        },
        "a part of nothing": {"messages": [{"role": "user", "contentParts": [{"type": "text"}]}]},
        "an image that is none": {
            "messages": [
                {"role": "user", "contentParts": [{"mimeType": "text/html", "data": IMAGE}]}
            ]
        },
    },
}
CASES = [(door, name, body) for door in DOORS for name, body in {**WRONG, **OWN[door]}.items()]


@pytest.mark.parametrize(
    ("door", "body"),
    [(one[0], one[2]) for one in CASES],
    ids=[f"{one[0]}: {one[1]}" for one in CASES],
)
def test_a_request_that_is_wrong_is_refused(gate: Gateway, door: str, body: dict[str, Any]):
    before = len(gate.upstream.seen)
    error = error_of(at(gate, door, gate.known("words"), body), door, 400)
    assert error["code"] in ("invalid_request", "invalid", "invalid_variable")
    assert len(gate.upstream.seen) == before


RAW: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"hello", "parse_error"),
    "nothing": (b"", "parse_error"),
    "half of it": (b'{"messages": [', "parse_error"),
    "a list": (b"[]", "parse_error"),
    "a text": (b'"hello"', "parse_error"),
    "NaN": (
        b'{"model": "M", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        "parse_error",
    ),
    "a number beyond all": (
        b'{"model": "M", "messages": [{"role": "user", "content": "x"}], "temperature": 1e999}',
        "",
    ),
    "half a character": (
        b'{"model": "M", "messages": [{"role": "user", "content": "\\ud800"}]}',
        "parse_error",
    ),
    "no UTF-8": (
        b'{"model": "M", "messages": [{"role": "user", "content": "\xff"}]}',
        "parse_error",
    ),
    "very deep": (
        b'{"model": "M", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "parse_error",
    ),
    "too deep": (b'{"model": "M", "messages": ' + b"[" * 250 + b"]" * 250 + b"}", ""),
}


@both
@pytest.mark.parametrize(("body", "code"), RAW.values(), ids=RAW)
def test_what_is_no_request_is_refused(gate: Gateway, door: str, body: bytes, code: str):
    profile = gate.known("words")
    body = body.replace(
        b'"model": "M", ', f'"model": "{profile}", '.encode() if door == V1 else b""
    )
    error = error_of(at(gate, door, profile, body), door, 400)
    assert error["code"] in ((code,) if code else ("parse_error", "invalid_request", "invalid"))


@pytest.mark.parametrize("depth", [90, 150, 190, 199])
def test_a_deep_schema_is_answered_one_way_or_the_other(gate: Gateway, depth: int):
    schema: Any = {}
    for _ in range(depth // 2):
        schema = {"properties": {"a": schema}} if depth % 20 else {"a": {"b": schema}}
    response = gate.chat(
        gate.known("words"),
        tools=[{"type": "function", "function": {"name": "f", "parameters": schema}}],
    )
    assert response.status_code in (200, 400)


@both
def test_an_unknown_profile_is_not_found(gate: Gateway, door: str):
    assert (
        error_of(at(gate, door, "nobody-made-this", {"messages": HELLO}), door, 404)["code"]
        == "profile_not_found"
    )


NAMES = {
    "very long": "a" * 5000,
    "a null": "a\x00b",
    "not a name": "../../etc/passwd",
    "a path": "a b/ü?#%2f",
    "an id": "0" * 32,
}


@pytest.mark.server
@both
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_odd_names_of_profiles_are_not_found(gate: Gateway, door: str, name: str):
    if door == V1 or len(name) < 1000:  # no server takes a path of any length
        response = at(gate, door, name, {"messages": HELLO})
        assert error_of(
            response,
            door if response.headers["content-type"] != "application/problem+json" else API,
            404,
        )


@both
def test_a_profile_of_another_capability_is_refused(gate: Gateway, door: str):
    error = error_of(
        at(gate, door, gate.known("words", "Embedding"), {"messages": HELLO}), door, 400
    )
    assert error["code"] == "wrong_capability" and "Embedding" in error["message"]


def test_an_image_is_too_much_for_a_provider_of_text(gate: Gateway):
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}
    error = error_of(
        gate.chat(gate.echo(), messages=[{"role": "user", "content": [part]}]), V1, 400
    )
    assert error["code"] == "unsupported" and "image_url" in error["message"]


def test_an_image_is_too_much_for_a_provider_of_text_at_the_other_door(gate: Gateway):
    messages = [
        {
            "role": "user",
            "contentParts": [{"type": "binary", "mimeType": "image/png", "data": IMAGE}],
        }
    ]
    assert (
        error_of(at(gate, API, gate.echo(), {"messages": messages}), API, 400)["code"]
        == "unsupported"
    )


@both
def test_what_a_provider_cannot_do_is_named(gate: Gateway, door: str):
    error = error_of(at(gate, door, gate.echo(), tool()), door, 400)
    assert error["code"] == "unsupported" and "tools" in error["message"]


@both
def test_a_missing_variable_is_named(gate: Gateway, door: str):
    profile = gate.profile(system_prompt_template="Speak {language}.")
    error = error_of(at(gate, door, profile, {"messages": HELLO}), door, 400)
    assert error["code"] == "missing_variable" and "language" in error["message"]


def test_a_template_with_an_open_brace_cannot_be_saved(gate: Gateway):
    with pytest.raises(Refused, match="brace"):
        gate.profile(system_prompt_template="Speak {language.")


@both
def test_a_template_with_an_open_brace_that_was_stored_all_the_same_is_refused(
    gate: Gateway, door: str
):
    profile = gate.profile()
    gate.office.spoil("profile", profile, settings={"system_prompt_template": "Speak {language."})
    error = error_of(at(gate, door, profile, {"messages": HELLO}), door, 409)
    assert error["code"] == "invalid_settings" and profile in error["message"]


@both
def test_another_content_type_is_refused(gate: Gateway, door: str):
    response = at(
        gate, door, "any", json.dumps({"messages": HELLO}).encode(), content_type="text/plain"
    )
    assert error_of(response, door, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(gate: Gateway, method: str, path: str):
    response = gate.client.request(
        method, gate.url + path, headers={"Authorization": f"Bearer {gate.token}"}
    )
    assert error_of(response, V1, 405)["code"] == "method_not_allowed"
    assert response.headers["allow"] == "POST"


def test_another_method_is_refused_at_the_other_door(gate: Gateway):
    assert error_of(gate.get("/api/v1/chat/complete"), API, 405)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/completions",
        "/v1",
        "/v1/",
        "//v1//",
        "/v1/chat",
        "/v1/files/1",
        "/v1/chat%2Fnothing",
        "/v1%2f",
        "/v1/%ff%00",
        "/v1/../v1/nothing",
    ],
)
def test_an_unknown_address_is_not_found(gate: Gateway, path: str):
    assert error_of(gate.post(path, {}), V1, 404)["code"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions/",
        "//v1/chat//completions",
        "/v1/chat%2Fcompletions",
        "/api/v1/chat/complete/",
        "/api/v1//chat/complete",
    ],
)
def test_a_slash_too_many_changes_nothing(gate: Gateway, path: str):
    body = {"model": gate.echo(), "messages": HELLO}
    if path.startswith("/api"):
        body = {"profileIdOrAlias": body.pop("model"), **body}
    assert gate.post(path, body).status_code == 200


def test_the_head_of_an_answer_can_be_asked_for(gate: Gateway):
    gate.echo()
    for path, status in (("/v1/models", 200), ("/v1/models/nobody", 404), ("/v1/embeddings", 405)):
        url, headers = gate.url + path, {"Authorization": f"Bearer {gate.token}"}
        head = gate.client.head(url, headers=headers)
        assert (head.status_code, head.content) == (status, b"")
        assert head.headers["content-type"] == "application/json"
    assert head.headers["allow"] == "POST"


def test_what_an_address_takes_is_told(gate: Gateway):
    for path, allowed in (("/v1/models", "GET, HEAD"), ("/v1/embeddings", "POST")):
        headers = {"Authorization": f"Bearer {gate.token}"}
        response = gate.client.options(gate.url + path, headers=headers)
        assert error_of(response, V1, 405)
        assert response.headers["allow"] == allowed


def test_a_token_may_come_as_azure_clients_send_it(gate: Gateway):
    body = {"model": gate.echo(), "messages": HELLO}
    sent = gate.post("/v1/chat/completions", body, token="", api_key=gate.token)
    assert sent.status_code == 200
    refused = gate.post("/v1/chat/completions", body, token="", api_key="sb_nobody")
    assert error_of(refused, V1, 401)["code"] == "invalid_token"
    two = gate.post("/v1/chat/completions", body, token="sb_nobody", api_key=gate.token)
    assert error_of(two, V1, 401)["code"] == "invalid_token"


UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
UNREAD: dict[str, tuple[str, tuple[str, ...], int, str]] = {
    "a WebSocket": ("/v1/realtime", UPGRADE, 400, "invalid_http"),
    "a WebSocket elsewhere": ("/", UPGRADE, 400, "invalid_http"),
    "a path of other letters": ("/v1/modèles", (), 400, "invalid_http"),
    "a path that is too long": (f"/v1/{'a' * 9000}", (), 414, "uri_too_long"),
    "a header that is too long": (
        "/v1/models",
        (f"X-A: {'a' * 9000}",),
        431,
        "header_too_large",
    ),
    "a line that is none": ("/v1/models extra", (), 400, "invalid_http"),
}


def asked_raw(gate: Gateway, target: str, *headers: str) -> tuple[bytes, bytes]:
    """Head and body of the answer to a request with this target."""
    place = urlsplit(gate.url)
    lines = (f"GET {target} HTTP/1.1", f"Host: {place.netloc}", *headers, "", "")
    with socket.create_connection((place.hostname, place.port), timeout=10) as caller:
        caller.sendall("\r\n".join(lines).encode())
        answer = b""
        while piece := caller.recv(4000):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize(("path", "headers", "status", "code"), UNREAD.values(), ids=UNREAD)
def test_what_no_application_is_asked_about_is_refused_in_json(
    gate: Gateway, path: str, headers: tuple[str, ...], status: int, code: str
):
    head, body = asked_raw(gate, path, *headers)
    error = json.loads(body)["error"]
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    head, body = asked_raw(gate, f"/api{path}", *headers)
    problem = json.loads(body)
    assert b"Content-Type: application/problem+json" in head
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["instance"].startswith("/api/")


def test_a_target_may_be_a_whole_url(gate: Gateway):
    headers = (f"Authorization: Bearer {gate.token}", "Connection: close")
    head, body = asked_raw(gate, f"{gate.url}/v1/models?a=b", *headers)
    assert head.startswith(b"HTTP/1.1 200 ") and json.loads(body)["object"] == "list"


@both
def test_without_a_token_nobody_is_served(gate: Gateway, door: str):
    path = {V1: "/v1/chat/completions", API: "/api/v1/chat/complete"}[door]
    response = gate.post(path, {"model": "any", "messages": HELLO}, token="")
    assert error_of(response, door, 401)["code"] in ("missing_token", "not_authenticated")


@both
@pytest.mark.parametrize(
    "header", ["Bearer", "Basic abc", "sb_abc", "Bearer \xff\xfe", "Bearer sb_" + "a" * 5000]
)
def test_an_odd_token_is_nobodys(gate: Gateway, door: str, header: str):
    sent = {"Authorization": header.encode("latin-1"), "Content-Type": "application/json"}
    path = {V1: "/v1/chat/completions", API: "/api/v1/chat/complete"}[door]
    error_of(gate.client.post(gate.url + path, content=b"{}", headers=sent), door, 401)


@both
def test_a_header_of_two_tokens_is_told_as_malformed(gate: Gateway, door: str):
    path = {V1: "/v1/chat/completions", API: "/api/v1/chat/complete"}[door]
    answer = gate.client.post(
        gate.url + path, content=b"{}", headers={"Authorization": "Bearer a b"}
    )
    assert error_of(answer, door, 401)["code"] == "authentication_failed"


@both
def test_who_is_refused_before_the_body_came_learns_that_the_connection_ends(
    gate: Gateway, door: str
):
    path = {V1: "/v1/chat/completions", API: "/api/v1/chat/complete"}[door]
    parts = urlsplit(gate.url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer sb_nobody\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    )
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20) as line:
        line.sendall(head.encode())
        answer = line.recv(65536).lower()
    assert answer.startswith(b"http/1.1 401 ") and b"\r\nconnection: close\r\n" in answer


def test_embeddings_of_nothing_are_refused(gate: Gateway):
    profile = gate.known("words", "Embedding")
    for given in ([], "", [""], None, 7, {"text": "x"}):
        assert (
            error_of(gate.post("/v1/embeddings", {"model": profile, "input": given}), V1, 400)[
                "code"
            ]
            == "invalid_request"
        )
    for given in ([], "text", [7], None):
        assert (
            error_of(
                gate.post(f"/api/v1/embeddings/{profile}/generate", {"values": given}), API, 400
            )["code"]
            == "invalid"
        )


# Large bodies

TEN_MB = 10 * 1024 * 1024


def large(gate: Gateway, path: str, head: list[str], pieces: Callable[[], Any]) -> bytes:
    """What a client gets that sends all it has before it reads, as most do."""
    parts = urlsplit(gate.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20) as line:
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {gate.token}",
            "Content-Type: application/json",
        ]
        line.sendall("\r\n".join([*lines, *head, "", ""]).encode())
        for piece in pieces():
            line.sendall(piece)
        found = b""
        while b"\r\n\r\n" not in found and (more := line.recv(65536)):
            found += more
        return found


@both
def test_ten_megabytes_are_too_much(gate: Gateway, door: str):
    path = {V1: "/v1/chat/completions", API: "/api/v1/chat/complete"}[door]
    answer = large(
        gate, path, [f"Content-Length: {TEN_MB}"], lambda: [b" " * 65536] * (TEN_MB // 65536)
    )
    assert answer.startswith(b"HTTP/1.1 413 ")


@both
def test_ten_megabytes_in_chunks_are_too_much(gate: Gateway, door: str):
    path = {V1: "/v1/chat/completions", API: "/api/v1/chat/complete"}[door]
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    answer = large(
        gate,
        path,
        ["Transfer-Encoding: chunked"],
        lambda: [*[piece] * (TEN_MB // 65536), b"0\r\n\r\n"],
    )
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_the_sdk_learns_that_its_body_is_too_large(gate: Gateway):
    with openai.OpenAI(base_url=f"{gate.url}/v1", api_key=gate.token, max_retries=0) as sdk:
        with pytest.raises(openai.APIStatusError) as caught:
            sdk.chat.completions.create(
                model="any", messages=[{"role": "user", "content": "x" * TEN_MB}]
            )
        assert (caught.value.status_code, caught.value.code) == (413, "too_large")
        assert sdk.chat.completions.create(
            model=gate.known("words"), messages=[{"role": "user", "content": "x" * 7_000_000}]
        )


# Services that fail

FAILING = {
    "html": (502, "bad_response"),
    "html-as-json": (502, "bad_response"),
    "wrong-shape": (502, "bad_response"),
    "compressed": (502, "bad_response"),
    "redirect": (502, "bad_response"),
    "dies": (502, "error"),
    "status?code=400": (400, "bad_request"),
    "status?code=401": (502, "unauthorized"),
    "status?code=402": (502, "quota"),
    "status?code=403": (502, "forbidden"),
    "status?code=404": (404, "not_found"),
    "status?code=408": (504, "timeout"),
    "status?code=429": (429, "rate_limited"),
    "status?code=429&reason=insufficient_quota": (502, "quota"),
    "status?code=500": (502, "error"),
    "status?code=529": (502, "error"),
}


@both
@pytest.mark.parametrize(("model", "expected"), FAILING.items(), ids=FAILING)
def test_a_service_that_fails_is_told_with_its_cause(
    gate: Gateway, door: str, model: str, expected: tuple[int, str]
):
    error = error_of(at(gate, door, gate.known(model), {"messages": HELLO}), door, expected[0])
    assert error["code"] == expected[1]


IN_STREAMS = {**FAILING, "empty": (502, "error"), "error-event?before=0": (502, "error")}
del IN_STREAMS["dies"]


@both
@pytest.mark.parametrize(("model", "expected"), IN_STREAMS.items(), ids=IN_STREAMS)
def test_a_stream_that_never_began_is_a_plain_refusal(
    gate: Gateway, door: str, model: str, expected: tuple[int, str]
):
    profile = gate.known(model)
    response = (
        gate.chat(profile, stream=True)
        if door == V1
        else gate.post(f"/api/v1/chat/{profile}/stream", {"messages": HELLO})
    )
    assert error_of(response, door, expected[0])["code"] == expected[1]


@both
@pytest.mark.parametrize("model", ["dies", "stops", "error-event?delay=0.05", "error-event"])
def test_a_stream_that_breaks_ends_with_an_error_and_is_never_done(
    gate: Gateway, door: str, model: str
):
    profile = gate.profile(model)
    response = (
        gate.chat(profile, stream=True)
        if door == V1
        else gate.post(f"/api/v1/chat/{profile}/stream", {"messages": HELLO})
    )
    if response.status_code == 502:  # it broke before anything had been passed on
        assert model == "error-event"
        return
    events = [
        json.loads(line[5:])
        for line in response.text.splitlines()
        if line.startswith("data:") and "[DONE]" not in line
    ]
    assert (response.status_code, events[-1]["error"]["code"]) == (200, "error")
    assert "[DONE]" not in response.text and response.text.count("Grüße") == 1
    assert gate.record(profile)["outcome"] == "error"


@pytest.mark.parametrize(
    "model", ["wrong-shape", "html-as-json", "status?code=401", "status?code=500", "dies"]
)
def test_embeddings_that_fail_are_told_too(gate: Gateway, model: str):
    response = gate.post(
        "/v1/embeddings", {"model": gate.known(model, "Embedding"), "input": "one"}
    )
    assert error_of(response, V1, 502)["code"] == FAILING[model][1]


def test_a_service_that_never_answers_is_a_timeout(gate: Gateway):
    profile = gate.profile("silent", gate.connection(timeout=0.4))
    assert error_of(gate.chat(profile), V1, 504)["code"] == "timeout"
    assert error_of(gate.chat(profile, stream=True), V1, 504)["code"] == "timeout"


@pytest.mark.parametrize(
    ("address", "code"),
    [("http://127.0.0.1:9/v1", "refused"), ("http://nobody-has-this.invalid/v1", "dns")],
    ids=["refused", "dns"],
)
def test_a_service_that_is_not_there_is_told(gate: Gateway, address: str, code: str):
    assert (
        error_of(gate.chat(gate.profile(connection=gate.connection(base_url=address))), V1, 502)[
            "code"
        ]
        == code
    )


def test_the_addresses_of_clouds_are_refused_also_where_one_was_stored_past_every_rule(
    gate: Gateway,
):
    connection = gate.connection(api_key=None)  # one with a key would not be used at all
    profile = gate.profile(connection=connection)
    gate.office.spoil("connection", connection, settings={"base_url": "http://169.254.169.254/v1"})
    error = error_of(gate.chat(profile), V1, 409)
    assert error["code"] == "invalid_settings" and "cannot be used" in error["message"]
    assert "169.254" not in error["message"]


def test_a_refusal_is_told_in_the_services_own_words(gate: Gateway):
    error = error_of(gate.chat(gate.known("status?code=400&message=Too many cooks.")), V1, 400)
    assert "Too many cooks." in error["message"]


def test_a_refusal_that_repeats_the_key_is_told_without_it(gate: Gateway):
    for repeated in (KEY, KEY[:-1], KEY[::-1], " ".join(KEY)):
        model = f"status?code=400&message=No cooks by {repeated}."
        error = error_of(gate.chat(gate.profile(model)), V1, 400)
        assert "No cooks by " in error["message"] and "***" in error["message"]
        assert repeated not in error["message"]


def test_a_service_is_asked_again_as_often_as_its_connection_says(gate: Gateway):
    model = "status?code=500&asked=again"
    gate.chat(gate.profile(model, gate.connection(max_retries=2)))
    assert len(gate.upstream.of(model)) == 3


def test_a_bad_request_is_not_asked_again(gate: Gateway):
    model = "status?code=400&asked=again"
    gate.chat(gate.profile(model, gate.connection(max_retries=2)))
    assert len(gate.upstream.of(model)) == 1


# Usage

REFUSED: dict[str, tuple[Any, str]] = {
    "wrong": ({"messages": []}, "invalid_request"),
    "no JSON": (b"{", "parse_error"),
    "a temperature": ({"messages": HELLO, "temperature": -1}, "invalid_request"),
}


@pytest.mark.server
@both
@pytest.mark.parametrize(("body", "code"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_was_refused_leaves_its_record(
    gate: Gateway, door: str, body: Any, code: str
):
    token = gate.office.token()
    at(gate, door, gate.known("words"), body, token=token)
    row = eventually(lambda: gate.office.records(token_id=gate.office.token_id(token)))[0]
    assert (row["outcome"], row["attempts"], row["endpoint"], row["user_name"]) == (
        code,
        0,
        door,
        "olaf",
    )
    assert row["profile_alias"] == (
        gate.known("words") if door == API or isinstance(body, dict) else ""
    )


@pytest.mark.server
@both
def test_an_unknown_profile_is_recorded_as_it_was_asked_for(gate: Gateway, door: str):
    name = f"nobody-made-{gate.name()}-{door}"
    at(gate, door, name, {"messages": HELLO})
    row = gate.record(name)
    assert (row["outcome"], row["profile_id"], row["connection_alias"], row["attempts"]) == (
        "profile_not_found",
        None,
        "",
        0,
    )
