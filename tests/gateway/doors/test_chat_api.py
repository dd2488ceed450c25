"""`/api/v1/chat...` and `/embeddings...` as a signed-in browser asks them, through Django: its
session, its CSRF token, the contract.
"""

import json
import re
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from connections import services
from connections.api.openapi import operations_of, read_data
from connections.models import ApiToken
from gateway.api import chat, openapi, urls
from gateway.core.errors import invalid
from gateway.doors.management_api import refusal
from gateway.models import UsageRecord
from tests.connections.api.calls import Api, errors, problem, token_of
from tests.people import browser

pytestmark = pytest.mark.django_db(transaction=True)  # the gateway reads in threads of its own
HELLO = {"messages": [{"role": "user", "content": "Hello there"}]}
ADDRESSES = tuple(
    f"/chat/{path}" for path in ("complete", "stream", "writer/complete", "writer/stream")
)
ADDRESSES += ("/embeddings/generate", "/embeddings/search/generate")
USED = {"administrator": 200, "operator": 200, "viewer": 403, "stranger": 403, "nobody": 401}
PIXEL = "iVBORw0KGgo="


@pytest.fixture
def profiles(operator: Any) -> dict[str, Any]:
    """Profiles of the echo provider, which need no network; the first of each kind is the
    default.
    """
    echo = services.create_connection(
        "echo", actor=None, name="Echo", alias="echo", settings={}
    ).row
    made = {}
    for alias, capability, settings in (
        ("writer", "Chat", {}),
        ("poet", "Chat", {"system_prompt_template": "Answer in {language}."}),
        ("search", "Embedding", {"dimensions": 4}),
    ):
        values = {"name": alias, "alias": alias, "model": "echo-1", "settings": settings}
        made[alias] = services.create_profile(echo, actor=None, capability=capability, **values).row
    services.set_default_profiles({"Chat": made["writer"], "Embedding": made["search"]}, actor=None)
    return made


@pytest.fixture
def api(operator: Any, profiles: dict[str, Any]) -> Api:
    """An operator's browser."""
    return Api(client=browser(operator))


def frames(response: Any) -> list[str]:
    """What stands after `data: ` in each event."""
    assert response["Content-Type"].startswith("text/event-stream")
    events = response.getvalue().decode().split("\n\n")
    assert events.pop() == ""
    assert all(one.startswith("data: ") for one in events)
    return [one.removeprefix("data: ") for one in events]


def content(response: Any) -> str:
    assert response.status_code == 200, response.content
    return str(response.json()["message"]["content"])


# Who may


@pytest.mark.parametrize("address", ADDRESSES)
def test_who_may_use_profiles(people: dict[str, Any], profiles: dict[str, Any], address: str):
    body = {"values": ["a"]} if "embeddings" in address else HELLO
    assert {
        name: Api(client=browser(one)).post(address, body).status_code
        for name, one in people.items()
    } == USED


@pytest.mark.server
def test_which_tokens_may_use_profiles(people: dict[str, Any], profiles: dict[str, Any]):
    boss = people["administrator"]
    tokens: dict[str, str] = {scope: token_of(boss, scope) for scope in services.Scope}
    tokens |= {name: token_of(boss) for name in ("expired", "revoked")} | {
        "unknown": "sb_" + "x" * 43,
        "viewer's": token_of(people["viewer"]),
    }
    ApiToken.objects.filter(prefix=tokens["expired"][:11]).update(expires_at=timezone.now())
    ApiToken.objects.filter(prefix=tokens["revoked"][:11]).update(revoked_at=timezone.now())
    wanted = (
        dict.fromkeys(tokens, 403)
        | {"gateway:use": 200, "admin": 200}
        | dict.fromkeys(("expired", "revoked", "unknown"), 401)
    )
    assert {
        name: Api(token).post("/chat/complete", HELLO).status_code for name, token in tokens.items()
    } == wanted


def test_every_address_is_asked_here():
    found = [
        str(one.pattern) for one in urls.urlpatterns if one.callback.cls.__module__ == chat.__name__
    ]
    by_alias = {"chat": "writer", "embeddings": "search"}
    assert sorted(ADDRESSES) == sorted(
        "/" + re.sub("<.*>", by_alias[one.partition("/")[0]], one) for one in found
    )


def test_a_refused_person_is_told_in_a_problem(viewer: Any, profiles: dict[str, Any]):
    assert (
        "Ask an administrator"
        in problem(Api(client=browser(viewer)).post("/chat/complete", HELLO), 403)["detail"]
    )


def test_a_session_without_its_csrf_token_is_refused(operator: Any, profiles: dict[str, Any]):
    strict = browser(operator, enforce_csrf_checks=True)
    assert "CSRF" in problem(Api(client=strict).post("/chat/complete", HELLO), 403)["detail"]


def test_a_session_with_its_csrf_token_is_answered(operator: Any, profiles: dict[str, Any]):
    strict = browser(operator, enforce_csrf_checks=True)
    strict.get("/")
    answer = Api(client=strict).post(
        "/chat/complete", HELLO, x_csrftoken=strict.cookies["csrftoken"].value
    )
    assert content(answer) == "Echo: Hello there"


def test_a_token_limited_to_another_profile_is_refused(operator: Any, profiles: dict[str, Any]):
    token = token_of(operator, "gateway:use", profiles=["poet"])
    assert (
        problem(Api(token).post("/chat/writer/complete", HELLO), 404)["code"] == "profile_not_found"
    )


# The contract


@pytest.mark.server
def test_a_chat_answers_as_the_contract_says(api: Api):
    answer = api.post("/chat/complete", HELLO)
    assert answer.json() == {
        "message": {"role": "assistant", "content": "Echo: Hello there"},
        "finishReason": "stop",
        "usage": {"inputTokens": 2, "outputTokens": 3, "totalTokens": 5},
    }
    served = [answer[f"X-Switchboard-{name}"] for name in ("Profile", "Connection", "Attempts")]
    assert served == ["writer", "echo", "1"]


def test_a_stream_has_exactly_the_frames_of_the_contract(api: Api):
    assert frames(api.post("/chat/stream", HELLO, accept="text/event-stream")) == [
        '{"content":"Echo:"}',
        '{"content":" Hello"}',
        '{"content":" there"}',
        '{"finishReason":"stop"}',
        "[DONE]",
    ]


def test_a_stream_that_is_asked_for_its_usage_tells_it_at_the_end(api: Api):
    asked = {**HELLO, "streamOptions": {"include_usage": True}}
    assert frames(api.post("/chat/stream", asked))[-2:] == [
        '{"finishReason":"stop","usage":{"inputTokens":2,"outputTokens":3,"totalTokens":5}}',
        "[DONE]",
    ]


def test_stream_options_are_judged_where_nothing_streams(api: Api):
    assert (
        problem(api.post("/chat/complete", {**HELLO, "streamOptions": [None]}), 400)["code"]
        == "invalid"
    )


def test_embeddings_answer_as_the_contract_says(api: Api):
    found = api.post("/embeddings/generate", {"values": ["one", "two"]}).json()["embeddings"]
    assert [one["index"] for one in found] == [0, 1]
    assert [len(one["vector"]) for one in found] == [4, 4]


def test_a_refusal_before_a_stream_is_a_problem(api: Api):
    answer = api.post("/chat/nothing/stream", HELLO, accept="text/event-stream")
    assert problem(answer, 404)["code"] == "profile_not_found"


@pytest.mark.server
def test_a_person_leaves_a_usage_record_without_a_token(api: Api, operator: Any):
    api.post("/chat/writer/complete", HELLO)
    record = UsageRecord.objects.get()
    assert (record.endpoint, record.user_name, record.token_id, record.outcome) == (
        "api",
        operator.username,
        None,
        "ok",
    )


# Naming the profile


@pytest.mark.parametrize(
    ("address", "headers", "body", "answers"),
    [
        ("/chat/complete", {}, {}, "writer"),
        ("/chat/poet/complete", {}, {}, "poet"),
        ("/chat/POET/complete", {}, {}, "poet"),
        ("/chat/complete", {"profileidoralias": "poet"}, {}, "poet"),
        ("/chat/complete", {}, {"profileIdOrAlias": "poet"}, "poet"),
        ("/chat/complete", {}, {"profileIdOrAlias": None}, "writer"),
        ("/chat/complete", {"profileidoralias": "poet"}, {"profileIdOrAlias": "writer"}, "poet"),
        (
            "/chat/poet/complete",
            {"profileidoralias": "writer"},
            {"profileIdOrAlias": "writer"},
            "poet",
        ),
    ],
)
def test_the_profile_is_named_by_path_header_or_body(
    api: Api, address: str, headers: Any, body: Any, answers: str
):
    answer = api.post(address, HELLO | {"variables": {"language": "Danish"}} | body, **headers)
    assert answer["X-Switchboard-Profile"] == answers


def test_the_profile_may_be_named_by_its_id(api: Api, profiles: dict[str, Any]):
    assert (
        api.post(f"/chat/{profiles['writer'].pk}/complete", HELLO)["X-Switchboard-Profile"]
        == "writer"
    )


def test_embeddings_name_the_profile_in_the_body(api: Api):
    assert (
        api.post(
            "/embeddings/generate", {"values": ["a"], "profileIdOrAlias": "search"}
        ).status_code
        == 200
    )


def test_a_profile_of_the_wrong_kind_is_refused(api: Api):
    refused = problem(api.post("/chat/search/complete", HELLO), 400)
    assert (refused["code"], refused["errors"][0]["pointer"]) == (
        "wrong_capability",
        "/profileIdOrAlias",
    )


def test_without_a_default_the_cure_is_told(api: Api):
    services.set_default_profiles({"Chat": None}, actor=None)
    assert "choose a default" in problem(api.post("/chat/complete", HELLO), 404)["detail"]


# What is sent


def test_content_parts_win_over_content(api: Api):
    parts = [{"$type": "text", "text": "from parts"}]
    message = {"role": "user", "content": "from content", "contentParts": parts}
    assert content(api.post("/chat/complete", {"messages": [message]})) == "Echo: from parts"


def test_an_image_part_reaches_the_provider(api: Api):
    parts = [{"type": "binary", "mimeType": "image/png", "data": PIXEL, "filename": "dot.png"}]
    refused = problem(
        api.post("/chat/complete", {"messages": [{"role": "user", "contentParts": parts}]}), 400
    )
    assert (refused["code"], refused["detail"]) == (
        "unsupported",
        "Echo reads text only, no image_url. Leave it out, or ask a profile of another provider.",
    )


def test_a_pdf_part_reaches_the_provider_as_a_file(api: Api):
    parts = [{"mimeType": "application/pdf", "data": PIXEL, "filename": "a.pdf"}]
    refused = problem(
        api.post("/chat/complete", {"messages": [{"role": "user", "contentParts": parts}]}), 400
    )
    assert refused["detail"].startswith("Echo reads text only, no file.")


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"text": 5},
        {"text": "a", "data": PIXEL},
        {"mimeType": "text/plain", "data": PIXEL},
        {"mimeType": "image/png", "data": "not base64!"},
    ],
)
def test_a_part_that_makes_no_sense_is_refused(api: Api, part: dict[str, Any]):
    found = errors(
        api.post("/chat/complete", {"messages": [{"role": "user", "contentParts": [part]}]})
    )
    assert found == {"/messages/0/contentParts": "invalid"}


def test_null_is_not_sent(api: Api):
    nothing = dict.fromkeys(
        (
            "temperature",
            "maxTokens",
            "topP",
            "stop",
            "seed",
            "tools",
            "toolChoice",
            "responseFormat",
            "variables",
        )
    )
    message = HELLO["messages"][0] | dict.fromkeys(
        ("contentParts", "name", "toolCalls", "toolCallId")
    )
    assert (
        content(api.post("/chat/complete", {**nothing, "messages": [message]}))
        == "Echo: Hello there"
    )


def test_overrides_are_obeyed(api: Api):
    answer = api.post("/chat/complete", HELLO | {"maxTokens": 2}).json()
    assert (answer["message"]["content"], answer["finishReason"]) == ("Echo: Hello", "length")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"maxTokens": -1}, "/maxTokens", "invalid"),
        ({"topP": 7}, "/topP", "invalid"),
        ({"max_tokens": 5}, "/max_tokens", "unknown_field"),
        ({"messages": []}, "/messages", "invalid"),
        ({"messages": [{"role": "wizard", "content": "a"}]}, "/messages/0/role", "invalid"),
        ({"messages": [{"role": "user", "text": "a"}]}, "/messages/0/text", "unknown_field"),
        (
            {"messages": [{"role": "tool", "toolCallId": 5}]},
            "/messages/0/toolCallId",
            "invalid",
        ),
        ({"profileIdOrAlias": 0}, "/profileIdOrAlias", "invalid"),
        ({"tools": [{"function": {"name": ""}}]}, "/tools/0/function/name", "invalid"),
        ({"variables": []}, "/variables", "invalid_variable"),
    ],
)
def test_a_wrong_field_is_pointed_at_by_its_name_here(
    api: Api, change: dict[str, Any], pointer: str, code: str
):
    response = api.post("/chat/complete", HELLO | change)
    assert errors(response) == {pointer: code}
    assert (
        response.json()["detail"].startswith(pointer[1:].replace("/", "."))
        or code == "invalid_variable"
    )


def test_a_missing_variable_is_named(api: Api):
    refused = problem(api.post("/chat/poet/complete", HELLO), 400)
    assert (refused["code"], refused["errors"][0]["pointer"]) == (
        "missing_variable",
        "/variables/language",
    )


def test_a_misplaced_secret_is_not_repeated(api: Api):
    response = api.post("/chat/complete", HELLO | {"sk-proj-abcdefghij": 1})
    assert problem(response, 400)["code"] == "invalid"
    assert b"sk-proj" not in response.content


@pytest.mark.parametrize(
    "body", ["{", "[]", "NaN", '{"messages": [], "temperature": NaN}', b"\xff", "[" * 100_000]
)
def test_a_body_that_is_no_json_object_is_refused(api: Api, body: Any):
    assert problem(api("POST", "/chat/complete", body), 400)["code"] == "parse_error"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]
)
def test_a_body_that_is_not_json_is_refused(api: Api, kind: str):
    problem(api("POST", "/chat/complete", json.dumps(HELLO), kind), 415)


def test_a_body_above_one_megabyte_is_taken(api: Api):
    long = {"messages": [{"role": "user", "content": "a" * 3_000_000}]}
    assert len(content(api.post("/chat/complete", long))) > 3_000_000


def test_a_body_above_the_limit_is_refused(api: Api, settings: Any):
    settings.GATEWAY_MAX_BODY = 1024 * 1024
    refused = problem(
        api.post("/chat/complete", {"messages": [{"role": "user", "content": "a" * 1024 * 1024}]}),
        413,
    )
    assert refused["detail"] == "A request body has at most 1 MB here."


def test_another_method_is_refused_by_name(api: Api):
    response = api.get("/chat/complete")
    assert (problem(response, 405)["status"], response["Allow"]) == (405, "POST")


def test_an_inactive_connection_is_refused_by_its_alias(api: Api, profiles: dict[str, Any]):
    services.set_active(profiles["writer"].connection, False, actor=None)
    refused = problem(api.post("/chat/complete", HELLO), 409)
    assert (refused["code"], "echo" in refused["detail"]) == ("connection_inactive", True)


def test_a_client_without_a_session_is_asked_for_a_token(profiles: dict[str, Any]):
    response = Api(client=Client()).post("/chat/complete", HELLO)
    assert (problem(response, 401)["status"], response["WWW-Authenticate"]) == (401, "Bearer")


# The document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(
        json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str)
    )


@pytest.mark.parametrize(
    "name",
    [
        one
        for one in read_data(openapi.OPERATIONS)["operations"]
        if "Chat" in one or "Embeddings" in one
    ],
)
def test_examples_are_accepted_and_answered_as_documented(
    api: Api, document: dict[str, Any], profiles: dict[str, Any], name: str
):
    values = {
        "capability": "Chat",
        "name": "Support",
        "alias": "content-writer",
        "model": "echo-1",
    }
    services.create_profile(profiles["writer"].connection, actor=None, **values)
    path, _, operation = next(
        found for found in operations_of(document) if found[2]["operationId"] == name
    )
    known = (
        {one["name"]: one["example"] for one in operation["parameters"] if one["in"] == "path"}
        if "ByProfile" in name
        else {}
    )
    [(media, described)] = operation["responses"]["200"]["content"].items()
    for one in operation["requestBody"]["content"]["application/json"]["examples"].values():
        response = api.post(path.format(**known).removeprefix("/api/v1"), one["value"])
        assert (response.status_code, response["Content-Type"].partition(";")[0]) == (200, media)
        found = (
            json.loads(response.content)
            if media == "application/json"
            else response.getvalue().decode()
        )
        jsonschema.validate(
            found,
            described["schema"] | {"components": document["components"]},
            jsonschema.Draft202012Validator,
        )


def test_a_name_that_a_caller_made_up_is_told_as_it_is():
    refused = refusal(invalid("missing_variable", "a\\g<9>: it is missing.", "a\\g<9>"))
    (error,) = json.loads(refused.body)["errors"]
    assert error["pointer"] == "/variables/a\\g<9>"
    assert error["detail"] == "variables.a\\g<9>: it is missing."
