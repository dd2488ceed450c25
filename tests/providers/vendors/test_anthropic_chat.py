"""Chats with Claude: what leaves, what comes back, and how a stream may end."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from providers.anthropic import STATUSES, Anthropic
from providers.core.chat import ChatRequest
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported
from providers.core.results import FinishReason, Usage
from providers.vendors.anthropic.response import usage_of
from tests.providers.samples import sample
from tests.providers.streams import TOOLS, WEATHER, arguments, asked, request, streamed, streaming
from tests.upstreams import Upstream

PATH = "/v1/messages"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
OLD, MIDDLE, NEW = "claude-3-haiku-20240307", "claude-sonnet-4-6", "claude-opus-4-7"


def message(*content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 100,
        "output_tokens": 7,
    }
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-made-up",
        "stop_reason": "end_turn",
        "usage": usage,
    }
    return {**whole, "content": list(content) or [{"type": "text", "text": "Hello."}], **fields}


def ask(given: ChatRequest, answer: Any = None, status: int = 200) -> tuple[Any, Any]:
    """The answer, and the request as it left."""
    with Upstream(answers={PATH: (status, answer or message())}) as upstream:
        found = asyncio.run(asked(sample(Anthropic, upstream.url), given))
        return found, upstream.requests[0]


def sent(given: ChatRequest) -> dict[str, Any]:
    return json.loads(ask(given)[1].body)


def refused(given: ChatRequest) -> Unsupported:
    with Upstream(answers={PATH: (200, message())}) as upstream:
        with pytest.raises(Unsupported) as caught:
            asyncio.run(asked(sample(Anthropic, upstream.url), given))
        assert upstream.requests == []
    return caught.value


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def start(place: int, **block: Any) -> bytes:
    return event("content_block_start", index=place, content_block=block)


def delta(place: int, **piece: Any) -> bytes:
    return event("content_block_delta", index=place, delta=piece)


def stop(place: int) -> bytes:
    return event("content_block_stop", index=place)


USAGE = {"input_tokens": 3, "cache_read_input_tokens": 100, "output_tokens": 1}
BEGIN = event(
    "message_start", message={**message(), "content": [], "stop_reason": None, "usage": USAGE}
)
TEXT = (
    start(0, type="text", text=""),
    delta(0, type="text_delta", text="Hel"),
    delta(0, type="text_delta", text="lo."),
    stop(0),
)
END = (
    event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9}),
    event("message_stop"),
)


async def stream_of(*pieces: bytes, ending: str = "clean") -> Any:
    async with streaming(*pieces, ending=ending) as server:
        return await streamed(sample(Anthropic, server.url), request())


def broken(*pieces: bytes, ending: str = "clean") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        asyncio.run(stream_of(*pieces, ending=ending))
    return caught.value


# What leaves


def test_instructions_go_into_the_system_field():
    body = sent(
        request(
            {"role": "system", "content": "Be brief."},
            "Hi",
            {"role": "developer", "content": "Be kind."},
        )
    )
    assert body["system"] == "Be brief.\n\nBe kind."
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]


def test_results_of_tools_go_into_one_message_of_the_user():
    calls = [
        {
            "id": f"c{n}",
            "type": "function",
            "function": {"name": "weather", "arguments": f'{{"n": {n}}}'},
        }
        for n in (1, 2)
    ]
    results = [
        {"role": "tool", "tool_call_id": "c1", "content": "Sun"},
        {"role": "tool", "tool_call_id": "c2", "content": ""},
    ]
    body = sent(
        request(
            "Hi", {"role": "assistant", "content": "Well.", "tool_calls": calls}, *results, "Thanks"
        )
    )
    assert [one["role"] for one in body["messages"]] == ["user", "assistant", "user"]
    uses = [
        {"type": "tool_use", "id": f"c{n}", "name": "weather", "input": {"n": n}} for n in (1, 2)
    ]
    assert body["messages"][1]["content"] == [{"type": "text", "text": "Well."}, *uses]
    found = [
        {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "Sun"}]},
        {"type": "tool_result", "tool_use_id": "c2"},
        {"type": "text", "text": "Thanks"},
    ]
    assert body["messages"][2]["content"] == found


def test_images_go_as_base64_or_by_their_address():
    parts = [
        {"type": "image_url", "image_url": {"url": url}}
        for url in (PIXEL, "https://example.com/a.png")
    ]
    body = sent(request({"role": "user", "content": [{"type": "text", "text": "Look"}, *parts]}))
    sources = [block["source"] for block in body["messages"][0]["content"][1:]]
    assert sources[0] == {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert sources[1] == {"type": "url", "url": "https://example.com/a.png"}


def test_a_tool_is_described_in_anthropics_words():
    bare = {"type": "function", "function": {"name": "now", "strict": True}}
    found = sent(request(tools=[*TOOLS, bare]))["tools"]
    assert found[0] == {
        "name": "weather",
        "description": "Tells it.",
        "input_schema": WEATHER["parameters"],
    }
    assert found[1] == {
        "name": "now",
        "input_schema": {"type": "object", "properties": {}},
        "strict": True,
    }


CHOICES: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({}, None),
    ({"tool_choice": "auto"}, {"type": "auto"}),
    ({"tool_choice": "none"}, {"type": "none"}),
    ({"tool_choice": "required"}, {"type": "any"}),
    (
        {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
        {"type": "tool", "name": "weather"},
    ),
    ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
    (
        {"parallel_tool_calls": False, "tool_choice": "required"},
        {"type": "any", "disable_parallel_tool_use": True},
    ),
    ({"parallel_tool_calls": True}, None),
]


@pytest.mark.parametrize(("fields", "choice"), CHOICES)
def test_the_choice_of_tools_is_passed_on(fields: dict[str, Any], choice: dict[str, Any] | None):
    assert sent(request(tools=TOOLS, **fields)).get("tool_choice") == choice


def test_a_schema_and_an_effort_go_into_the_output_config():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": False,
    }
    wanted = {
        "type": "json_schema",
        "json_schema": {
            "name": "it",
            "description": "One number.",
            "schema": schema,
            "strict": True,
        },
    }
    body = sent(request(response_format=wanted, reasoning_effort="medium"))
    assert body["output_config"] == {
        "format": {"type": "json_schema", "schema": {"description": "One number.", **schema}},
        "effort": "medium",
    }


def test_stops_and_the_user_are_passed_on():
    body = sent(request(stop=["A", "B"], user="somebody"))
    assert body["stop_sequences"] == ["A", "B"] and body["metadata"] == {"user_id": "somebody"}


@pytest.mark.parametrize(
    ("model", "longest"),
    [(OLD, 4096), ("other-model", 4096), (MIDDLE, 32_000), (NEW, 32_000), ("claude-new", 32_000)],
)
def test_without_a_longest_length_the_generations_own_is_asked_for(model: str, longest: int):
    assert sent(request(model=model))["max_tokens"] == longest


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_answer_of_any_length_may_be_asked_for_without_a_stream(name: str):
    assert sent(request(**{name: 128_000}))["max_tokens"] == 128_000


def test_a_temperature_is_asked_for_in_the_version_that_has_it():
    _, plain = ask(request(model=MIDDLE))
    _, warm = ask(request(model=MIDDLE, temperature=0.5))
    assert warm.headers["anthropic-version"] == "2023-06-01" != plain.headers["anthropic-version"]
    assert json.loads(warm.body)["temperature"] == 0.5 and "temperature" not in json.loads(
        plain.body
    )


def test_old_models_take_temperature_and_top_p():
    body = sent(request(model=OLD, temperature=1, top_p=0.5))
    assert (body["temperature"], body["top_p"]) == (1, 0.5)


# What is refused, before anything leaves

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("temperature", {"temperature": 1.1}),
    ("temperature", {"temperature": 0.9, "model": NEW}),
    ("temperature", {"temperature": 0.2, "model": "claude-mythos-preview"}),
    ("top_p", {"top_p": 0.5, "model": "claude-sonnet-5"}),
    ("top_p", {"top_p": 0.5, "temperature": 0.5, "model": MIDDLE}),
    ("top_p", {"top_p": 0.5, "temperature": 0.5, "model": "claude-opus-4-1-20250805"}),
    ("seed", {"seed": 1}),
    ("n", {"n": 2}),
    ("presence_penalty", {"presence_penalty": 1}),
    ("frequency_penalty", {"frequency_penalty": 1}),
    ("logprobs", {"logprobs": True}),
    ("logit_bias", {"logit_bias": {"1": 2}}),
    ("response_format", {"response_format": {"type": "json_object"}}),
    (
        "response_format",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "it"}}},
    ),
    ("reasoning_effort", {"reasoning_effort": "minimal"}),
    ("reasoning_effort", {"reasoning_effort": 3}),
    ("user", {"user": 3}),
    ("parallel_tool_calls", {"parallel_tool_calls": "no"}),
    ("made_up", {"made_up": 1}),
    ("tools", {"tools": [{"type": "function", "function": {"name": "a", "made_up": 1}}]}),
]


@pytest.mark.parametrize(("feature", "fields"), REFUSED)
def test_what_claude_cannot_do_is_named(feature: str, fields: dict[str, Any]):
    error = refused(request(**fields))
    assert error.feature == feature and (error.code, error.permanent) == ("bad_request", True)


MESSAGES: list[tuple[str, dict[str, Any]]] = [
    ("input_audio", {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}),
    (
        "image_url",
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}}],
        },
    ),
    (
        "image_url",
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "ftp://example.com/a.png"}}],
        },
    ),
    (
        "image_url",
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}],
        },
    ),
    ("messages", {"role": "user", "content": [{"type": "text", "text": "a", "made_up": 1}]}),
    ("messages", {"role": "user", "content": "a", "made_up": 1}),
    ("messages", {"role": "user", "content": ""}),
    ("messages", {"role": "system", "content": "a"}),
    ("messages", {"role": "tool", "content": "a"}),
    (
        "messages",
        {"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]},
    ),
]


@pytest.mark.parametrize(("feature", "given"), MESSAGES)
def test_a_message_that_claude_cannot_take_is_named(feature: str, given: dict[str, Any]):
    assert refused(request(given)).feature == feature


def test_what_openais_answers_carry_comes_back_without_complaint():
    before = {
        "role": "assistant",
        "content": None,
        "refusal": "I will not.",
        "annotations": [],
        "audio": None,
        "function_call": None,
    }
    assert sent(request("Hi", before, "Why?"))["messages"][1]["content"] == [
        {"type": "text", "text": "I will not."}
    ]


def test_a_default_that_the_model_refuses_can_be_known_before():
    made = sample(Anthropic)
    assert {"temperature", "top_p"} <= made.refused_parameters(
        NEW
    ) and "temperature" not in made.refused_parameters(MIDDLE)


# What comes back


def test_cached_tokens_count_as_input():
    assert ask(request())[0].usage == Usage(123, 7, cached_tokens=100, cache_write_tokens=20)


def test_what_was_thought_is_no_part_of_the_answer():
    blocks = [
        {"type": "thinking", "thinking": "Hm", "signature": "x"},
        {"type": "text", "text": "A"},
        {"type": "text", "text": "B"},
    ]
    assert ask(request(), message(*blocks))[0].content == "AB"


REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "made_up": "stop",
}


@pytest.mark.parametrize("reason", REASONS)
def test_why_an_answer_ended_is_told_in_openais_words(reason: str):
    assert ask(request(), message(stop_reason=reason))[0].finish_reason == REASONS[reason]


def test_a_refusal_says_why():
    details = {"type": "refusal", "category": "cyber", "explanation": "It would do harm."}
    assert (
        ask(request(), message(stop_reason="refusal", stop_details=details))[0].refusal
        == "It would do harm."
    )


# Streams


def test_a_stream_ends_with_its_reason_and_its_usage():
    chunks = asyncio.run(stream_of(BEGIN, *TEXT, *END))
    assert [chunk.content for chunk in chunks] == ["Hel", "lo.", ""]
    assert [chunk.finish_reason for chunk in chunks] == [None, None, FinishReason.STOP]
    told = [Usage(103, 1, cached_tokens=100), None, Usage(103, 9, cached_tokens=100)]
    assert [chunk.usage for chunk in chunks] == told
    assert {chunk.model for chunk in chunks} == {"claude-made-up"}


def test_a_streamed_call_without_arguments_has_an_empty_object():
    call = (
        start(0, type="tool_use", id="t1", name="now", input={}),
        delta(0, type="input_json_delta", partial_json=""),
        stop(0),
    )
    assert arguments(asyncio.run(stream_of(BEGIN, *call, *END))) == {0: ("t1", "now", "{}")}


def test_events_of_a_kind_that_came_later_are_passed_over():
    strange = (
        event("ping"),
        event("made_up", x=1),
        start(0, type="thinking", thinking=""),
        delta(0, type="thinking_delta", thinking="Hm"),
    )
    assert (
        "".join(chunk.content for chunk in asyncio.run(stream_of(BEGIN, *strange, stop(0), *END)))
        == ""
    )


@pytest.mark.parametrize("ending", ["clean", "abrupt"])
@pytest.mark.parametrize(
    "pieces", [(BEGIN,), (BEGIN, *TEXT), (BEGIN, *TEXT, END[0])], ids=["begun", "text", "no stop"]
)
def test_a_stream_that_ends_before_its_end_is_an_error(pieces: tuple[bytes, ...], ending: str):
    error = broken(*pieces, ending=ending)
    assert (error.code, error.permanent) == ("error", False)


def test_a_stream_of_something_else_is_no_answer():
    assert broken(b"<!doctype html>\n\n").code == "bad_response"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", "error"),
        ("rate_limit_error", "rate_limited"),
        ("invalid_request_error", "bad_request"),
        ("x", "error"),
    ],
)
def test_an_error_in_a_stream_is_told_by_its_type(kind: str, code: str):
    assert (
        broken(BEGIN, *TEXT, event("error", error={"type": kind, "message": "Made up."})).code
        == code
    )


def test_a_stream_that_is_closed_early_hangs_up():
    async def first() -> str:
        async with streaming(BEGIN, *TEXT, ending="hang") as server:
            made = sample(Anthropic, server.url)
            chunks = made.stream_chat(request())
            found = await anext(chunks)
            await chunks.aclose()  # type: ignore[attr-defined]
            await asyncio.wait_for(server.ended.wait(), 5)
            await made.aclose()
            return found.content

    assert asyncio.run(first()) == "Hel"


# Faults


@pytest.mark.parametrize("kind", STATUSES)
def test_a_refusal_is_told_by_its_status(kind: str):
    body = {"type": "error", "error": {"type": kind, "message": "Made up."}}
    with pytest.raises(ProviderError) as caught:
        ask(request(), body, STATUSES[kind])
    assert caught.value.said == ("Made up." if STATUSES[kind] in (400, 404, 413) else "")
    assert caught.value.permanent == (STATUSES[kind] < 429)


def test_a_message_with_nothing_in_it_is_no_answer():
    with pytest.raises(ProviderError) as caught:
        ask(request(), {"type": "made_up"})
    assert caught.value.code == "bad_response"


def test_a_client_that_was_closed_is_made_again():
    async def twice(url: str) -> list[str | None]:
        made = sample(Anthropic, url)
        return [(await asked(made, request())).content for _ in range(2)]

    with Upstream(answers={PATH: (200, message())}) as upstream:
        assert asyncio.run(twice(upstream.url)) == ["Hello.", "Hello."]


def test_an_odd_number_of_fresh_tokens_leaves_the_input_to_be_estimated():
    """The cached ones alone are not the input."""
    told = SimpleNamespace(input_tokens="many", cache_read_input_tokens=40, output_tokens=2)
    assert usage_of(told) == Usage(0, 2, cached_tokens=40)


@pytest.mark.parametrize("count", ["12", True, 12.0, 10**30, "many", None, [1], {"a": 1}])
def test_an_odd_count_is_the_same_whole_and_streamed(count: Any):
    usage = {"input_tokens": count, "output_tokens": 5}
    began = event("message_start", message={**message(), "content": [], "usage": usage})
    streamed = asyncio.run(stream_of(began, *TEXT, END[1]))[-1].usage
    assert ask(request(), message(usage=usage))[0].usage == streamed


@pytest.mark.parametrize("model", [None, {"id": "claude"}, 5])
def test_a_model_that_is_no_name_is_left_to_be_filled(model: Any):
    began = event("message_start", message={**message(), "content": [], "model": model})
    assert {one.model for one in asyncio.run(stream_of(began, *TEXT, *END))} == {""}
    assert ask(request(), message(model=model))[0].model == ""
