"""Errors of services, over the wire: what reaches the caller of them, who is asked then, and what
is recorded.
"""

import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from tests.gateway.routing.test_fallbacks import own
from tests.gateway.serving import HELLO, Gateway
from tests.gateway.upstream import SAID

FILTERED = {"content_filter_result": {"violence": {"filtered": True, "severity": "high"}}}
REFUSED: dict[str, tuple[int, dict[str, Any], tuple[int, str, str | None]]] = {
    "a context": (
        400,
        {"message": "Too long", "code": "context_length_exceeded", "param": "messages"},
        (400, "context_length_exceeded", "messages"),
    ),
    "a context without a code": (
        400,
        {"message": "prompt is too long: 9 tokens > 8 maximum"},
        (400, "context_length_exceeded", None),
    ),
    "a filter": (
        400,
        {
            "message": "Filtered",
            "code": "content_filter",
            "param": "prompt",
            "innererror": FILTERED,
        },
        (400, "content_filter", "prompt"),
    ),
    "a model": (404, {"message": "No", "code": "model_not_found"}, (404, "model_not_found", None)),
    "a field": (422, {"message": "No", "param": "n"}, (400, "bad_request", "n")),
    "a moderation": (
        403,
        {"code": 403, "message": "Flagged", "metadata": {"reasons": ["violence"]}},
        (403, "bad_request", None),
    ),
    "a key": (401, {"message": "No", "code": "invalid_api_key"}, (502, "unauthorized", None)),
    "a fault": (500, {"message": "No", "code": "server_error"}, (502, "error", None)),
}


def answering(gate: Gateway, body: Any, options: str, **more: Any) -> str:
    """A profile whose service answers just this."""
    model = own(f"raw?{options}")
    gate.upstream.raw[model] = body if isinstance(body, list) else [json.dumps(body)]
    return gate.profile(model, gate.connection(), **more)


@pytest.mark.parametrize(("status", "error", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_service_s_code_and_field_reach_the_caller(
    gate: Gateway, status: int, error: dict[str, Any], expected: tuple[int, str, str | None]
):
    profile = answering(gate, {"error": error}, f"code={status}")
    response = gate.chat(profile)
    found = response.json()["error"]
    assert (response.status_code, found["code"], found["param"]) == expected
    assert found.get("innererror") == error.get("innererror")
    assert "metadata" not in error or "violence" in found["message"]
    problem = gate.post(f"/api/v1/chat/{profile}/complete", {"messages": HELLO}).json()
    assert problem["status"] == expected[0] and problem.get("innererror") == error.get("innererror")
    assert problem.get("serviceCode", problem["code"]) == expected[1]
    assert problem.get("serviceParam") == (expected[2] if expected[0] < 500 else None)


def test_a_model_that_the_service_does_not_have_is_named(gate: Gateway):
    profile = answering(gate, {"error": {"message": "No", "code": "model_not_found"}}, "code=404")
    for response in (
        gate.chat(profile).json()["error"]["message"],
        gate.post(f"/api/v1/chat/{profile}/complete", {"messages": HELLO}).json()["detail"],
    ):
        assert f"does not have the model {gate.record(profile)['model']}" in response
        assert "Enter a model in the profile" in response and "address" not in response


def test_the_record_has_one_of_our_codes(gate: Gateway):
    error = {"error": {"message": "Too long", "code": "context_length_exceeded"}}
    profile = answering(gate, error, "code=400")
    gate.chat(profile)
    assert gate.record(profile)["outcome"] == "context_too_long"


def test_a_code_that_repeats_the_key_is_not_told(gate: Gateway):
    from tests.gateway.office import KEY

    text = gate.chat(answering(gate, {"error": {"message": "No", "code": KEY}}, "code=400")).text
    assert KEY not in text and '"code":"bad_request"' in text


ERROR = {"code": 502, "message": "Provider disconnected"}
CHUNK = {"id": "1", "object": "chat.completion.chunk", "model": "x/y", "error": ERROR}
IN_STREAM = [
    ": OPENROUTER PROCESSING\n\n",
    "data: "
    + json.dumps(CHUNK | {"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]})
    + "\n\n",
]
IN_ANSWER = {
    "choices": [{"message": {"role": "assistant", "content": ""}, "finish_reason": "error"}],
    "error": ERROR,
}
FAILING: dict[str, tuple[Any, str, bool]] = {
    "an event": (IN_STREAM, "sse=1", True),
    "JSON in place of a stream": ({"error": ERROR}, "", True),
    "an answer": (IN_ANSWER, "", False),
}


@pytest.mark.parametrize(("body", "options", "stream"), FAILING.values(), ids=FAILING)
def test_an_error_in_a_good_answer_moves_on(gate: Gateway, body: Any, options: str, stream: bool):
    fallback = gate.known("words")
    profile = answering(gate, body, options, fallbacks=[fallback])
    response = gate.chat(profile, stream=stream)
    assert (response.status_code, response.headers["x-switchboard-profile"]) == (200, fallback)
    alone = answering(gate, body, options)
    assert gate.chat(alone, stream=stream).status_code == 502
    assert gate.record(alone)["outcome"] == "error"


@pytest.mark.parametrize(
    ("middle", "code"),
    [(IN_STREAM, "error"), (["data: {oops\n\n", "data: [DONE]\n\n"], "bad_response")],
)
def test_an_error_in_the_middle_is_an_error_at_every_door(
    gate: Gateway, middle: list[str], code: str
):
    first = 'data: {"model": "m", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
    profile = answering(gate, [first, *middle], "sse=1&delay=0.05")
    text = gate.chat(profile, stream=True).text
    assert first in text and '"error":{' in text and "[DONE]" not in text
    assert gate.record(profile)["outcome"] == code
    text = gate.post(f"/api/v1/chat/{profile}/stream", {"messages": HELLO}).text
    assert '"content":"Hi"' in text and f'"code":"{code}"' in text and "[DONE]" not in text


def test_an_error_event_of_anthropic_moves_on(gate: Gateway):
    model = own("raw?sse=1")
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    gate.upstream.raw[model] = [f"event: error\ndata: {json.dumps(event)}\n\n"]
    url = gate.upstream.url.removesuffix("/v1")
    connection = gate.connection("anthropic", base_url=url, api_key="sk-1234567", max_retries=0)
    fallback = gate.known("words")
    response = gate.chat(gate.profile(model, connection, fallbacks=[fallback]), stream=True)
    assert response.headers["x-switchboard-profile"] == fallback and "[DONE]" in response.text


def test_a_prompt_that_is_too_long_moves_on_where_that_is_chosen(gate: Gateway):
    error = {"error": {"message": "Too long", "code": "context_length_exceeded"}}
    larger = gate.profile()
    chosen = answering(
        gate, error, "code=400", fallbacks=[larger], fallback_on=["context_too_long"]
    )
    assert gate.chat(chosen).json()["choices"][0]["message"]["content"] == SAID
    usual = answering(gate, error, "code=400", fallbacks=[larger])
    assert gate.chat(usual).status_code == 400


@pytest.mark.parametrize("status", [400, 403])
def test_a_refused_prompt_rests_nobody(gate: Gateway, status: int):
    connection, model = gate.connection(), own(f"raw?code={status}")
    gate.upstream.raw[model] = ['{"error": {"message": "Flagged", "metadata": {"reasons": ["a"]}}}']
    chain = {"fallbacks": [gate.known("words")], "fallback_on": ["forbidden", "context_too_long"]}
    assert gate.chat(gate.profile(model, connection, **chain)).status_code == status
    assert gate.office.resting(connection) is None


def test_one_model_s_limit_rests_that_model(gate: Gateway):
    connection, fallback = gate.connection(), gate.known("words")
    limited = gate.profile(own("status?code=429&after=20"), connection, fallbacks=[fallback])
    healthy = gate.profile(own("words"), connection, fallbacks=[fallback])
    assert gate.chat(limited).headers["x-switchboard-profile"] == fallback
    assert gate.chat(healthy).headers["x-switchboard-profile"] == healthy
    assert gate.office.resting(connection)["model"].startswith("status?code=429")


def test_a_refused_key_rests_every_model(gate: Gateway):
    connection, fallback = gate.connection(), gate.known("words")
    refused = gate.profile(own("status?code=401"), connection, fallbacks=[fallback])
    other = gate.profile(own("words"), connection, fallbacks=[fallback])
    assert gate.chat(refused).headers["x-switchboard-profile"] == fallback
    assert gate.chat(other).headers["x-switchboard-profile"] == fallback
    assert gate.office.resting(connection)["model"] == ""


def test_a_wait_until_a_date_is_told_and_kept(gate: Gateway):
    date = formatdate(time.time() + 100, usegmt=True).replace(" ", "%20").replace(",", "%2C")
    model, connection = own(f"status?code=429&after={date}"), gate.connection()
    response = gate.chat(gate.profile(model, connection))
    assert 90 <= int(response.headers["retry-after"]) <= 100
    gate.chat(gate.profile(model, connection, fallbacks=[gate.known("words")]))
    assert 85 < gate.office.resting(connection)["seconds"] <= 100


def test_a_service_that_closes_after_reading_is_asked_once(gate: Gateway):
    model = own("closes")
    assert gate.chat(gate.profile(model)).status_code == 502
    assert len(gate.upstream.of(model)) == 1
