"""What a profile adds to a request, what it lets a request change, and which profile answers when
none is named.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.serving import HELLO, Gateway
from tests.gateway.upstream import SAID, VECTOR

from .test_fallbacks import own

WITHOUT = ("model", "messages")


def arrived(
    gate: Gateway, connection: str = "", settings: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """What a service gets of a request to a profile with these settings."""
    model = own("words")
    response = gate.chat(gate.profile(model, connection, **(settings or {})), **fields)
    assert response.status_code == 200, response.text
    return dict(gate.upstream.of(model)[-1].body)


def refused(gate: Gateway, settings: dict[str, Any], **fields: Any) -> dict[str, Any]:
    response = gate.chat(gate.profile(**settings), **fields)
    assert response.status_code == 400, response.text
    return dict(response.json()["error"])


DEFAULTS = {
    "temperature": 0.3,
    "top_p": 0.9,
    "max_tokens": 50,
    "seed": 7,
    "presence_penalty": 0.5,
    "frequency_penalty": -0.5,
    "stop": ["END"],
}


def test_a_profile_fills_in_what_a_request_leaves_out(gate: Gateway):
    body = arrived(gate, settings=DEFAULTS)
    assert {name: body[name] for name in DEFAULTS} == DEFAULTS


def test_a_request_wins_over_its_profile(gate: Gateway):
    asked = {"temperature": 1.5, "stop": "STOP", "max_completion_tokens": 9}
    body = arrived(gate, settings=DEFAULTS, **asked)
    assert (
        {name: body[name] for name in asked} == asked
        and body["seed"] == 7
        and "max_tokens" not in body
    )


def test_a_null_in_a_request_is_no_wish(gate: Gateway):
    assert arrived(gate, settings=DEFAULTS, temperature=None)["temperature"] == 0.3


def test_fields_that_nobody_here_knows_arrive(gate: Gateway):
    asked = {
        "logit_bias": {"50256": -100},
        "user": "somebody",
        "made_up": {"deep": [1, 2.5, None, "ü"]},
    }
    body = arrived(gate, **asked)
    assert {name: body[name] for name in asked} == asked


def test_a_profile_says_what_a_request_may_set(gate: Gateway):
    settings = {"allowed_overrides": ["temperature"]}
    assert arrived(gate, settings=settings, temperature=0.1)["temperature"] == 0.1
    error = refused(gate, settings, seed=7)
    assert (error["code"], error["param"]) == ("override_not_allowed", "seed")


@pytest.mark.parametrize(
    "fields", [{"logit_bias": {"1": 5}}, {"max_completion_tokens": 9}, {"n": 2}, {"stop": ["x"]}]
)
def test_a_profile_may_let_nothing_be_set(gate: Gateway, fields: dict[str, Any]):
    assert refused(gate, {"allowed_overrides": []}, **fields)["code"] == "override_not_allowed"


def test_saying_what_the_profile_says_is_allowed(gate: Gateway):
    body = arrived(
        gate,
        settings={"allowed_overrides": [], "temperature": 0.3, "max_tokens": 50},
        temperature=0.3,
        max_completion_tokens=50,
    )
    assert body["temperature"] == 0.3


def test_a_longer_answer_than_the_limit_is_refused(gate: Gateway):
    for name in ("max_tokens", "max_completion_tokens"):
        error = refused(gate, {"max_tokens_limit": 100}, **{name: 101})
        assert error["code"] == "max_tokens_limit" and "100" in error["message"]


def test_both_names_of_a_length_are_held_to_the_limit(gate: Gateway):
    response = gate.chat(
        gate.profile(max_tokens_limit=100), max_tokens=5000, max_completion_tokens=50
    )
    assert response.status_code == 400 or gate.upstream.seen[-1].body["max_tokens"] <= 100


def test_the_limit_holds_where_nobody_asked_for_a_length(gate: Gateway):
    assert arrived(gate, settings={"max_tokens_limit": 100})["max_tokens"] == 100


def test_the_lowest_limit_of_a_chain_holds(gate: Gateway):
    model = own("words")
    fallback = gate.profile(model, max_tokens=80)
    gate.chat(gate.profile("status?code=500", fallbacks=[fallback], max_tokens_limit=60))
    assert gate.upstream.of(model)[-1].body["max_tokens"] == 60


def test_a_fallback_has_its_own_settings(gate: Gateway):
    model = own("words")
    fallback = gate.profile(model, temperature=0.9, system_prompt_template="Second.")
    gate.chat(
        gate.profile(
            "status?code=500",
            fallbacks=[fallback],
            temperature=0.1,
            seed=7,
            system_prompt_template="First.",
        )
    )
    body = gate.upstream.of(model)[-1].body
    assert (body["temperature"], body["seed"], body["messages"][0]["content"]) == (
        0.9,
        7,
        "Second.",
    )


# The system prompt


def test_a_system_prompt_comes_first_with_its_places_filled(gate: Gateway):
    settings = {"system_prompt_template": "Speak {language}, at most {words} words. {{braces}}"}
    body = arrived(gate, settings=settings, variables={"language": "Danish", "words": 20})
    assert body["messages"] == [
        {"role": "system", "content": "Speak Danish, at most 20 words. {braces}"},
        *HELLO,
    ]
    assert "variables" not in body


def test_a_systems_message_of_the_request_stays_behind_it(gate: Gateway):
    messages = [{"role": "system", "content": "Be brief."}, *HELLO]
    body = arrived(gate, settings={"system_prompt_template": "Be kind."}, messages=messages)
    assert body["messages"] == [{"role": "system", "content": "Be kind."}, *messages]


def test_a_value_is_never_read_as_a_template(gate: Gateway):
    settings = {"system_prompt_template": "About {topic}."}
    body = arrived(gate, settings=settings, variables={"topic": "{topic.__class__} {other} }{"})
    assert body["messages"][0]["content"] == "About {topic.__class__} {other} }{."


@pytest.mark.parametrize("value", [True, None, [], {}])
def test_a_value_is_a_text_or_a_number(gate: Gateway, value: Any):
    error = refused(gate, {"system_prompt_template": "About {topic}."}, variables={"topic": value})
    assert (error["code"], error["param"]) == ("invalid_variable", "topic")


def test_variables_that_no_place_asks_for_are_ignored(gate: Gateway):
    assert "variables" not in arrived(gate, variables={"topic": "tea"})


# Models that refuse a parameter


@pytest.fixture
def reasoning(gate: Gateway) -> Iterator[str]:
    """A connection to OpenAI, whose model o4-mini takes no temperature."""
    gate.upstream.behave["o4-mini"] = "words"
    yield gate.connection("openai")
    del gate.upstream.behave["o4-mini"]


def test_a_parameter_of_the_profile_that_a_model_refuses_is_left_out_and_that_is_told(
    gate: Gateway, reasoning: str
):
    response = gate.chat(gate.profile("o4-mini", reasoning, temperature=0.3, max_tokens=50))
    body = gate.upstream.of("o4-mini")[-1].body
    assert response.headers["x-switchboard-left-out"] == "temperature"
    assert (
        "temperature" not in body
        and "max_tokens" not in body
        and body["max_completion_tokens"] == 50
    )


def test_a_parameter_of_the_request_that_a_model_refuses_is_refused(gate: Gateway, reasoning: str):
    response = gate.chat(gate.profile("o4-mini", reasoning), temperature=0.3)
    assert (
        response.status_code,
        response.json()["error"]["code"],
        response.json()["error"]["param"],
    ) == (
        400,
        "unsupported",
        "temperature",
    )


# Which profile


@pytest.mark.server
def test_a_profile_is_named_by_its_id_and_in_any_letter_case(gate: Gateway):
    profile = gate.profile()
    found = gate.record(profile) if gate.chat(profile).status_code == 200 else {}
    assert gate.chat(found["profile_id"]).headers["x-switchboard-profile"] == profile
    assert gate.chat(profile.upper()).headers["x-switchboard-profile"] == profile


@pytest.fixture
def default(gate: Gateway) -> Iterator[str]:
    """The default profile for chats."""
    profile = gate.profile()
    gate.office.make_default("Chat", profile)
    yield profile
    gate.office.make_default("Chat", None)


@pytest.mark.server
def test_the_default_answers_where_none_is_named(gate: Gateway, default: str):
    response = gate.post("/api/v1/chat/complete", {"messages": HELLO})
    assert response.json()["message"] == {"role": "assistant", "content": SAID}
    assert response.headers["x-switchboard-profile"] == default


@pytest.mark.server
def test_the_default_answers_at_v1_too(gate: Gateway, default: str):
    assert gate.chat("").headers["x-switchboard-profile"] == default


@pytest.mark.server
def test_another_default_answers_at_once(gate: Gateway, default: str):
    other = gate.profile()
    gate.office.make_default("Chat", other)
    assert gate.chat("").headers["x-switchboard-profile"] == other


def test_without_a_default_a_profile_must_be_named(gate: Gateway):
    response = gate.post("/api/v1/embeddings/generate", {"values": ["one"]})
    assert (response.status_code, response.json()["code"]) == (404, "no_default_profile")


@pytest.mark.server
def test_header_and_field_name_a_profile(gate: Gateway):
    first, second = gate.profile(), gate.profile()
    named = gate.post(
        "/api/v1/chat/complete",
        {"messages": HELLO, "profileIdOrAlias": second},
        profileIdOrAlias=first,
    )
    assert named.headers["x-switchboard-profile"] == first
    assert (
        gate.post("/api/v1/chat/complete", {"messages": HELLO, "profileIdOrAlias": second}).headers[
            "x-switchboard-profile"
        ]
        == second
    )


def test_the_other_door_embeds(gate: Gateway):
    response = gate.post(
        f"/api/v1/embeddings/{gate.known('words', 'Embedding')}/generate",
        {"values": ["one", "two"]},
    )
    assert response.json() == {
        "embeddings": [{"index": 0, "vector": VECTOR}, {"index": 1, "vector": VECTOR}]
    }


def test_the_other_door_streams(gate: Gateway):
    response = gate.post(f"/api/v1/chat/{gate.known('words')}/stream", {"messages": HELLO})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.startswith('data: {"content":"Grüße"}\n\n')
    assert response.text.endswith('data: {"finishReason":"stop"}\n\ndata: [DONE]\n\n')
