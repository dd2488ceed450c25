"""Every error under /api/ is a problem, says what is wrong and where, and nothing that a library
said.
"""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve
from rest_framework.throttling import SimpleRateThrottle

from connections.models import Connection
from tests.fakes import SECRET

from .calls import MERGE, Api, errors, problem, token_of

pytestmark = pytest.mark.django_db
ONE = "/connections/production"
MEGABYTE = 1024 * 1024

# Addresses and methods


UNKNOWN = (
    *("/api/", "/api/v1", "/api/v1/", "/api/v2/connections", "/api/v1/nothing"),
    *("/api/v1/connections/", "/api/v1/connections/a/b", "/api/v1/connections/a%2Fb"),
    *("/api/%00", "/api/%ff", "/api/v1/connections//test", "/api/v1/connections/a/nothing"),
    *("/api/../x", "/api/v1/profiles/a/test", "/api/v1/providers/openai/"),
    *("/api/v1/providers/openai/models", "/api/v1/" + "x" * 3000),
)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_address_is_a_problem(method: str):
    for path in UNKNOWN:
        found = problem(Client().generic(method, path), 404)
        assert (found["code"], found["title"]) == ("not_found", "Not Found"), path


def test_an_unknown_address_elsewhere_is_a_page(administrator: Any):
    assert Client().get("/nothing")["Content-Type"].startswith("text/html")


ADDRESSES = [
    *(
        "/connections",
        "/connections/test",
        "/connections/capabilities",
        "/connections/capabilities/Chat",
        ONE,
        f"{ONE}/exists",
    ),
    *(
        f"{ONE}/test",
        f"{ONE}/models",
        f"{ONE}/references",
        f"{ONE}/usages",
        "/profiles",
        "/profiles/a",
        "/profiles/a/exists",
    ),
    *("/providers", "/providers/openai", "/settings"),
]


METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "x"}


def test_another_method_is_refused_with_those_that_are_allowed(api: Api, connection: Connection):
    for path in ADDRESSES:
        view: Any = resolve(f"/api/v1{path}").func
        allowed = {*view.cls.access, *(["HEAD"] if "GET" in view.cls.access else [])}
        for method in METHODS - allowed:
            response = api(method, path)
            assert problem(response, 405)["code"] == "method_not_allowed", (method, path)
            assert set(response["Allow"].split(", ")) == allowed, (method, path)


@pytest.mark.parametrize("path", ["/connections", ONE, "/providers/openai", "/settings"])
def test_head_answers_as_get_without_a_body(api: Api, connection: Connection, path: str):
    head, get = api("HEAD", path), api.get(path)
    assert (head.status_code, head.content, head.get("ETag")) == (200, b"", get.get("ETag"))
    assert api("HEAD", "/connections/nothing").status_code == 404


# What is wanted


@pytest.mark.parametrize(
    "accept",
    [
        *(
            None,
            "*/*",
            "application/json",
            "application/*",
            "text/html, application/json;q=0.1",
            "application/json; charset=utf-8",
        ),
        "application/json, application/problem+json",
    ],
)
def test_json_is_answered_to_whoever_takes_it(api: Api, accept: str | None):
    response = api.get("/connections", **({} if accept is None else {"accept": accept}))
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_whoever_takes_no_json_is_told_so_in_json(api: Api):
    for accept in (
        *("text/html", "application/xml", "application/json+x", "image/*", "nonsense", "a/b/c"),
    ):
        found = problem(api.get("/connections", accept=accept), 406)
        assert found["code"] == "not_acceptable", accept


def test_an_error_is_a_problem_whatever_is_accepted(api: Api):
    for accept in ("application/json", "*/*", "application/problem+json, application/json"):
        problem(api.get("/connections/nothing", accept=accept), 404)


def test_format_is_no_parameter_of_a_list(api: Api):
    answer = api.get("/connections?format=xml")
    assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == "/format"


# What is sent


def too_large() -> str:
    return json.dumps(
        {
            "alias": "large",
            "name": "L",
            "providerId": "echo",
            "settings": {"prefix": "x" * MEGABYTE},
        }
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/connections"), ("PUT", ONE), ("PATCH", ONE), ("POST", "/connections/test")],
)
def test_a_body_over_a_megabyte_is_refused(
    api: Api, connection: Connection, method: str, path: str
):
    assert problem(api(method, path, too_large()), 413)["code"] == "too_large"


def test_a_body_of_a_megabyte_is_read(api: Api):
    assert errors(api.post("/connections/test", '{"x": 1}'.ljust(MEGABYTE))) == {
        "/x": "unknown_field"
    }


NO_JSON = (
    *("text/plain", "application/xml", "application/x-www-form-urlencoded"),
    *("multipart/form-data; boundary=x", "x", "application/json2"),
)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/connections"), ("PUT", ONE), ("PATCH", ONE), ("PUT", "/settings")],
)
def test_a_body_that_is_no_json_by_its_type_is_refused(
    api: Api, connection: Connection, method: str, path: str
):
    for content_type in NO_JSON:
        found = problem(api(method, path, b"{}", content_type), 415)
        assert found["code"] == "unsupported_media_type", content_type


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/connections"), ("PUT", ONE), ("POST", "/profiles")]
)
def test_a_merge_patch_is_for_patch_alone(api: Api, connection: Connection, method: str, path: str):
    problem(api(method, path, b"{}", MERGE), 415)


DEEP = 100_000
MALFORMED: dict[str, bytes] = {
    "nothing closed": b'{"name": ',
    "words": b"name=N",
    "single quotes": b"{'name': 'N'}",
    "a comma too many": b'{"name": "N",}',
    "two values": b"{}{}",
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "a number beyond all": b'{"name": 1e999}',
    "a number of 5000 digits": b'{"name": ' + b"9" * 5000 + b"}",
    "a name twice": b'{"name": "a", "name": "b"}',
    "a name twice inside": b'{"settings": {"apiKey": "a", "apiKey": "b"}}',
    "no UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "N"}'.encode("utf-16"),
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "half a surrogate pair as a name": b'{"\\udc00": 1}',
    "a null character": b'{"name": "a\x00"}',
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"x":' * DEEP + b"1" + b"}" * DEEP,
    "a byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/connections"), ("PATCH", ONE), ("POST", "/connections/test"), ("PUT", "/settings")],
)
def test_a_malformed_body_is_refused(api: Api, connection: Connection, method: str, path: str):
    for what, body in MALFORMED.items():
        found = problem(api(method, path, body), 400)
        told = (found["code"], found["detail"])
        assert told == ("parse_error", "The body is not a JSON object. Send one, in UTF-8."), what


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/connections"),
        ("PUT", ONE),
        ("PATCH", ONE),
        ("POST", "/profiles"),
        ("PUT", "/settings"),
    ],
)
def test_a_body_that_is_no_object_is_refused(
    api: Api, connection: Connection, method: str, path: str
):
    for body in ("[]", '"text"', "1", "null", "true", "[{}]"):
        assert problem(api(method, path, body), 400)["code"] == "parse_error", body


@pytest.mark.parametrize("charset", ["utf-8", "UTF-16", "latin-1", "nonsense", "unicode_escape"])
def test_json_is_utf_8_whatever_the_charset_says(api: Api, charset: str):
    body = json.dumps(
        {"alias": "mine", "name": "Ünïcödé 日本", "providerId": "echo"}, ensure_ascii=False
    ).encode()
    response = api("POST", "/connections?x=%C3%A9", body, f"application/json; charset={charset}")
    assert (response.status_code, response.json()["name"]) == (201, "Ünïcödé 日本")


def test_a_query_is_utf_8_whatever_the_charset_says(api: Api):
    for charset in ("latin-1", "utf-16", "nonsense"):
        kind = f"application/json; charset={charset}"
        assert api("GET", "/connections?filter=%C3%A9", b"{}", kind).status_code == 200, charset


def test_a_form_without_a_boundary_is_no_fault_of_ours(operator: Any):
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    response = Api(client=client)("POST", "/connections", b"x", "multipart/form-data")
    assert (
        400 <= response.status_code < 500 and response["Content-Type"] == "application/problem+json"
    )


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a\0b"},
        {"tags": ["a\0"]},
        {"settings": {"organization": "a\0"}},
        {"settings": {"apiKey": "a\0b"}},
    ],
)
def test_a_null_character_in_a_value_is_refused_at_its_field(
    api: Api, connection: Connection, body: dict[str, Any]
):
    name, value = next(iter(body.items()))
    pointers = {
        "name": "/name",
        "tags": "/tags/0",
        "settings": f"/settings/{next(iter(value))}" if isinstance(value, dict) else "",
    }
    assert list(errors(api.patch(ONE, body))) == [pointers[name]]


def test_a_null_character_in_a_name_is_refused(api: Api, connection: Connection):
    problem(api.patch(ONE, {"a\0": 1}), 400)
    problem(api.patch(ONE, {"settings": {"a\0": 1}}), 400)


@pytest.mark.server
def test_a_null_character_in_an_address_is_no_fault_of_ours(api: Api):
    for path in (
        *("/connections/%00", "/profiles/%00/exists?excludeId=%00", "/providers/%00"),
        *("/connections?tag=%00", "/connections?%00=1"),
    ):
        assert api.get(path).status_code in (200, 400, 404), path


def test_every_wrong_field_is_pointed_at_at_once(api: Api, fake: Any):
    body = {
        "alias": "Upper Case",
        "name": "",
        "providerId": "fake",
        "tags": [1],
        "colour": 1,
        "isActive": 3,
    }
    assert set(errors(api.post("/connections", body | {"colour": 1}))) == {"/colour"}
    del body["colour"]
    assert set(errors(api.post("/connections", body))) >= {"/name", "/tags/0", "/isActive"}
    wrong = {"apiKey": SECRET, "samples": "x", "fast": 1, "a_b": 1}
    assert set(
        errors(
            api.post(
                "/connections", {"alias": "a", "name": "N", "providerId": "fake", "settings": wrong}
            )
        )
    ) == {
        *("/settings/samples", "/settings/fast", "/settings/a_b"),
    }


# Too many


@pytest.mark.server
def test_too_many_requests_are_told_when_to_try_again(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"user": "2/min"})
    answers = [api.get("/providers") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert (
        problem(answers[2], 429)["code"] == "throttled"
        and 1 <= int(answers[2]["Retry-After"]) <= 60
    )


@pytest.mark.server
def test_the_throttle_counts_each_person_apart(
    api: Api, operator: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"user": "1/min"})
    other = Api(token_of(operator))
    assert [one.get("/providers").status_code for one in (api, other, api, other)] == [
        200,
        200,
        429,
        429,
    ]


@pytest.mark.server
def test_too_many_tests_are_told_when_to_try_again(api: Api, connection: Connection, settings: Any):
    settings.CONNECTIONS_TEST_RATE = 1
    assert api.post(f"{ONE}/test").status_code == 200
    for response in (
        api.post(f"{ONE}/test"),
        api.post("/connections/test", {"providerId": "echo"}),
        api.get(f"{ONE}/models"),
    ):
        assert (
            problem(response, 429)["code"] == "throttled"
            and 1 <= int(response["Retry-After"]) <= 60
        )


# Faults

SAID = f"psycopg says: password={SECRET} at 10.0.0.1"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{ONE}/models"), ("POST", f"{ONE}/test"), ("POST", "/connections/test")],
)
def test_an_unexpected_fault_of_a_provider_is_a_problem_without_its_text(
    api: Api, connection: Connection, fake: Any, method: str, path: str
):
    fake.answer = RuntimeError(SAID)
    response = api(method, path, {"id": "production"} if path.endswith("s/test") else b"")
    if response.status_code == 500:
        assert problem(response, 500)["code"] == "error"
    assert (
        response.status_code in (200, 500)
        and "psycopg" not in response.text
        and SECRET not in response.text
    )


def test_an_unexpected_fault_of_ours_is_a_problem_without_its_text(
    api: Api, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(SAID)

    monkeypatch.setattr("connections.services.connections.save_version", broken)
    response = api.patch(ONE, {"name": "N"})
    assert (
        problem(response, 500)["title"] == "Internal Server Error"
        and "psycopg" not in response.text
    )
    assert Connection.objects.get().name == "Production"


def test_a_host_that_is_not_ours_is_refused(api: Api):
    response = api.get("/connections", host="evil.example.com")
    assert response.status_code == 400 and "ALLOWED_HOSTS" not in response.text
