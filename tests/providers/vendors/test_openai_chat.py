"""Answers in OpenAI's protocol that aimock does not play: odd but valid, broken, and of the
Responses API. And echo.
"""

import json
import time
from typing import Any

import pytest

from providers.core.base import Limits
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported
from providers.core.registry import get_provider
from providers.core.results import ChatChunk, EmbeddingAnswer, FinishReason, Usage
from tests.providers.samples import sample
from tests.providers.test_chat_contract import (
    ANSWER,
    TOOL,
    chat,
    failure,
    made,
    request,
    run,
    stream,
)
from tests.upstreams import Upstream, aimock

PATH = "/v1/chat/completions"
EMPTY = {"id": "1", "created": 1, "model": "m-1"}


def whole(
    message: dict[str, Any] | None = None, finish: Any = "stop", **more: Any
) -> dict[str, Any]:
    """An answer, its message with what is given."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "Hi.", **(message or {})},
        "finish_reason": finish,
    }
    return {**EMPTY, "object": "chat.completion", "choices": [choice], **more}


def piece(
    delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any
) -> dict[str, Any]:
    """A chunk."""
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return {**EMPTY, "object": "chat.completion.chunk", "choices": choices, **more}


def events(*data: Any, done: bool = True) -> bytes:
    """A stream that ends in good order, with or without its last line."""
    return "".join(f"data: {json.dumps(one)}\n\n" for one in data).encode() + (
        b"data: [DONE]\n\n" if done else b""
    )


def asked_of(
    answer: Any, how: Any = chat, one: str = "openai", status: int = 200, **asks: Any
) -> Any:
    """What a provider makes of this answer."""
    with Upstream(answers={PATH: (status, answer)}) as upstream:
        return how(sample(get_provider(one), upstream.url), request(**asks))


def error_of(answer: Any, how: Any = chat, **more: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        asked_of(answer, how, **more)
    return caught.value


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
        (None, "stop"),
        ("", "stop"),
    ],
)
def test_every_reason_to_end_is_told(word: str | None, reason: str):
    assert asked_of(whole(finish=word)).finish_reason == reason
    assert [
        chunk.finish_reason
        for chunk in asked_of(events(piece({"content": "Hi."}), piece(finish=word)), stream)
    ][-1] == reason


@pytest.mark.parametrize("word", ["tool_calls", "function_call", "stop", "unheard_of"])
def test_a_call_is_a_call_by_whatever_name(word: str):
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    answer = asked_of(whole({"content": None, "tool_calls": calls}, finish=word))
    assert (answer.content, answer.tool_calls[0].id) == (None, "c1")
    assert (answer.finish_reason is FinishReason.TOOL_CALLS) == (word != "stop")


def test_a_service_that_ends_with_an_error_gave_no_answer():
    assert error_of(whole(finish="error")).code == "error"
    assert error_of(events(piece({"content": "Hi"}), piece(finish="error")), stream).code == "error"


def test_a_refusal_is_told():
    assert asked_of(whole({"content": None, "refusal": "No."})).refusal == "No."
    chunks = asked_of(events(piece({"refusal": "No."}), piece(finish="stop")), stream)
    assert "".join(chunk.content for chunk in chunks) == "No."


def test_of_a_message_in_parts_the_text_is_the_answer():
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Hi "},
        {"type": "text", "text": "you."},
    ]
    assert asked_of(whole({"content": parts})).content == "Hi you."
    chunks = asked_of(events(piece({"content": parts}), piece(finish="stop")), stream)
    assert "".join(chunk.content for chunk in chunks) == "Hi you."


def test_an_answer_without_usage_costs_who_knows_what():
    assert asked_of(whole()).usage is None
    assert all(
        chunk.usage is None
        for chunk in asked_of(events(piece({"content": "Hi"}), piece(finish="stop")), stream)
    )


def test_tokens_are_those_the_service_counted():
    counted = {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}
    assert asked_of(whole(**counted)).usage == Usage(3, 4)


@pytest.mark.parametrize(
    "message",
    [
        {"content": 5},
        {"content": {"a": 1}},
        {"tool_calls": [{"id": 7, "function": {"name": "f"}}]},
        {"tool_calls": [{"id": "a"}]},
        {"tool_calls": 1},
    ],
)
def test_an_answer_of_another_shape_is_none(message: dict):
    assert error_of(whole(message)).code == "bad_response"


@pytest.mark.parametrize(
    "delta",
    [
        {"content": 5},
        {"tool_calls": 1},
        {"tool_calls": [5]},
        {"tool_calls": [{"id": 7, "function": {}}]},
    ],
)
def test_a_piece_of_another_shape_is_none(delta: dict):
    assert error_of(events(piece(delta), piece(finish="stop")), stream).code == "bad_response"


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": []},
        {"choices": None},
        {"choices": [{}]},
        {"choices": [1]},
        {"choices": {"a": 1}},
        "text",
        5,
    ],
)
def test_choices_of_another_shape_are_none(answer: Any):
    assert error_of(answer).code == "bad_response"


@pytest.mark.parametrize("usage", [{"prompt_tokens": "many"}, {}, 5])
def test_usage_of_another_shape_is_none_and_no_reason_to_fail(usage: Any):
    assert asked_of(whole(usage=usage)).usage is None


def test_a_stream_with_its_last_line_has_ended_even_if_it_says_not_why():
    chunks = asked_of(events(piece({"content": "Hi"})), stream)
    assert chunks == [
        ChatChunk("Hi", model="m-1"),
        ChatChunk(finish_reason=FinishReason.STOP, model="m-1"),
    ]


def test_a_stream_that_says_why_has_ended_even_without_its_last_line():
    assert (
        asked_of(events(piece({"content": "Hi"}), piece(finish="stop"), done=False), stream)[
            -1
        ].finish_reason
        == "stop"
    )


def test_a_stream_with_neither_broke_off():
    error = error_of(events(piece({"content": "Hi"}), done=False), stream)
    assert (error.code, error.permanent) == ("error", False) and "broke off" in error.message


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"data: [DONE]\n\n",
        b": ping\n\n",
        b"<!doctype html>\n<p>Sign in</p>\n\n",
        b"data: <p>\n\n",
    ],
)
def test_a_stream_of_nothing_is_no_answer(answer: bytes):
    assert error_of(answer, stream).code == "bad_response"


@pytest.mark.parametrize(
    "answer",
    [
        b"data: [1]\n\n",
        b"data: null\n\n",
        b'data: {"choices": 1}\n\n',
        b'data: {"choices": [{"delta": 1}]}\n\n',
    ],
)
def test_chunks_of_another_shape_are_none(answer: bytes):
    assert error_of(answer, stream).code == "bad_response"


def test_usage_that_comes_with_every_chunk_is_told_once_at_the_end():
    counted = [{"usage": {"prompt_tokens": 3, "completion_tokens": number}} for number in range(3)]
    chunks = asked_of(
        events(piece({"content": "Hi"}, **counted[1]), piece(finish="stop", **counted[2])), stream
    )
    assert [chunk.usage for chunk in chunks] == [None, None, Usage(3, 2)]


def test_a_reason_that_comes_twice_is_told_once():
    chunks = asked_of(
        events(piece({"content": "Hi"}), piece(finish="stop"), piece(finish="stop")), stream
    )
    assert [chunk.finish_reason for chunk in chunks] == [None, "stop"]


def test_chunks_without_choices_are_passed_over():
    filters = {**EMPTY, "choices": [], "prompt_filter_results": []}  # how a stream of Azure begins
    assert [
        chunk.content
        for chunk in asked_of(
            events(filters, piece({"content": "Hi"}), piece(finish="stop")), stream
        )
    ] == ["Hi", ""]


def test_a_chunk_that_says_nothing_is_passed_over():
    nothing = {**EMPTY, "choices": [{"index": 0, "delta": None, "finish_reason": None}]}
    assert len(asked_of(events(nothing, piece({"content": "Hi"}, "stop")), stream)) == 1


def test_calls_without_a_number_are_numbered():
    calls = [
        {"id": "a", "function": {"name": "f", "arguments": "{"}},
        {"id": "b", "function": {"name": "g"}},
    ]
    chunks = asked_of(events(piece({"tool_calls": calls}), piece(finish="stop")), stream)
    assert [(one.index, one.id, one.name, one.arguments) for one in chunks[0].tool_calls] == [
        (0, "a", "f", "{"),
        (1, "b", "g", ""),
    ]


@pytest.mark.parametrize(
    ("said", "code"),
    [("server_error", "error"), (None, "error"), (429, "rate_limited"), (401, "unauthorized")],
)
def test_an_error_within_a_stream_is_told(said: Any, code: str):
    error = error_of(
        events(piece({"content": "Hi"}), {"error": {"message": "you sent good-key", "code": said}}),
        stream,
    )
    assert error.code == code and "good-key" not in error.message


def test_what_mistral_streams_is_counted():
    counted = {"usage": {"prompt_tokens": 5, "total_tokens": 7, "completion_tokens": 2}}
    with Upstream(
        answers={
            PATH: (200, events(piece({"content": "Hi"}), piece({"content": ""}, "stop", **counted)))
        }
    ) as upstream:
        chunks = stream(
            sample(get_provider("mistral"), upstream.url),
            request(stream_options={"include_usage": True}),
        )
    assert chunks[-1].usage == Usage(5, 2) and "stream_options" not in json.loads(
        upstream.requests[0].body
    )


def test_a_stream_is_asked_for_its_usage():
    with Upstream(answers={PATH: (200, events(piece({"content": "Hi"}, "stop")))}) as upstream:
        stream(sample(get_provider("openai"), upstream.url), request(stream=False))
    body = json.loads(upstream.requests[0].body)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_a_whole_answer_is_not_streamed_whatever_was_asked():
    with Upstream(answers={PATH: (200, whole())}) as upstream:
        chat(
            sample(get_provider("openai"), upstream.url),
            request(stream=True, stream_options={"include_usage": True}),
        )
    assert {"stream", "stream_options"}.isdisjoint(json.loads(upstream.requests[0].body))


def test_fields_nobody_here_knows_arrive():
    asked = {
        "brand_new": {"a": [1, None]},
        "verbosity": "low",
        "seed": 7,
        "response_format": {"type": "json_object"},
    }
    with Upstream(answers={PATH: (200, whole())}) as upstream:
        chat(
            sample(get_provider("openai"), upstream.url),
            request(**asked, messages=[{"role": "user", "content": "Hi", "extra": 1}]),
        )
    body = json.loads(upstream.requests[0].body)
    assert body == {
        "model": "any-model",
        "messages": [{"role": "user", "content": "Hi", "extra": 1}],
        **asked,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("logprobs", True),
        ("top_logprobs", 2),
        ("functions", []),
        ("modalities", ["text", "audio"]),
        ("audio", {"a": 1}),
    ],
)
def test_what_an_answer_here_cannot_hold_is_refused(name: str, value: Any, upstream: Upstream):
    error = failure(sample(get_provider("openai"), upstream.url), request(**{name: value}))
    assert isinstance(error, Unsupported) and error.feature == name and upstream.requests == []


def test_why_a_request_was_refused_is_kept():
    error = error_of(
        {"error": {"message": "Too long: 9 tokens.", "code": "context_length_exceeded"}}, status=400
    )
    assert (error.code, error.said) == ("context_too_long", "Too long: 9 tokens.")


def test_no_credit_is_told():
    assert (
        error_of({"error": {"message": "x", "code": "insufficient_quota"}}, status=429).code
        == "quota"
    )


def test_a_service_that_hangs_is_a_timeout():
    with Upstream(mode="hang") as upstream:
        started = time.monotonic()
        provider = sample(
            get_provider("openai"), upstream.url, limits=Limits(timeout=0.4, max_retries=0)
        )
        assert failure(provider, request()).code == "timeout" and time.monotonic() - started < 5


def test_what_failed_is_repeated_as_the_settings_say():
    with Upstream(mode="500") as upstream:
        failure(
            sample(get_provider("openai"), upstream.url, limits=Limits(), max_retries=1), request()
        )
    assert len(upstream.requests) == 2


def embedded(data: Any, given: Any = ("a", "b"), **more: Any) -> EmbeddingAnswer:
    with Upstream(
        answers={"/v1/embeddings": (200, {"object": "list", "model": "e", "data": data, **more})}
    ) as upstream:
        provider = sample(get_provider("openai"), upstream.url)
        asked = EmbeddingRequest.model_validate(
            {"model": "e", "input": list(given) if isinstance(given, tuple) else given}
        )
        return run(provider, lambda: provider.embed(asked))


def test_vectors_come_in_the_order_of_the_input():
    rows = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1]}]
    answer = embedded(rows, usage={"prompt_tokens": 4, "total_tokens": 4})
    assert (answer.vectors, answer.usage, answer.model) == (((1.0,), (2.0,)), Usage(4, 0), "e")


@pytest.mark.parametrize("given", ["one text", [1, 2, 3], [[1, 2, 3]], ["one text"]])
def test_one_input_is_one_vector(given: Any):
    assert embedded([{"index": 0, "embedding": [1.5]}], given).vectors == ((1.5,),)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        None,
        5,
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0}] * 2,
        [{"index": 0, "embedding": "AAAA"}] * 2,
    ],
)
def test_vectors_of_another_shape_or_number_are_none(rows: Any):
    with pytest.raises(ProviderError) as caught:
        embedded(rows)
    assert caught.value.code == "bad_response"


# The Responses API

RESPONSES = "/openai/v1/responses"
COUNTED = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
SAID = {
    "type": "message",
    "id": "m",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi.", "annotations": []}],
}


def responded(answer: Any, how: Any = chat, **asks: Any) -> tuple[Any, dict[str, Any]]:
    """What comes of it, and what was asked."""
    with Upstream(answers={RESPONSES: (200, answer)}) as upstream:
        found = how(
            made("microsoft-foundry", upstream.url, use_responses_api=True), request(**asks)
        )
    assert (
        upstream.requests[0].headers["api-key"] == "good-key"
        and "authorization" not in upstream.requests[0].headers
    )
    return found, json.loads(upstream.requests[0].body)


def response(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": "m-1",
        "status": status,
        "output": list(output),
        "usage": COUNTED,
        **more,
    }


def test_a_chat_may_go_by_the_responses_api():
    found, body = responded(
        response(SAID), max_tokens=9, temperature=0.5, reasoning_effort="low", n=1, stop=None
    )
    assert (found.content, found.usage, found.finish_reason, found.model) == (
        "Hi.",
        Usage(3, 4),
        "stop",
        "m-1",
    )
    assert body == {
        "model": "any-model",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "How are you?"}]}],
        "max_output_tokens": 9,
        "temperature": 0.5,
        "reasoning": {"effort": "low"},
        "store": False,
    }


def test_a_whole_conversation_is_translated():
    image = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "See"}, image]},
        {"role": "assistant", "content": "I ask.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    schema = {"name": "s", "schema": {"type": "object"}, "strict": True}
    choice = {"type": "function", "function": {"name": "get_weather"}}
    _, body = responded(
        response(SAID),
        messages=messages,
        tools=[TOOL],
        tool_choice=choice,
        response_format={"type": "json_schema", "json_schema": schema},
    )
    assert body["input"] == [
        {"role": "system", "content": [{"type": "input_text", "text": "Be kind."}]},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "See"},
                {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "auto"},
            ],
        },
        {"role": "assistant", "content": [{"type": "output_text", "text": "I ask."}]},
        {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]
    assert body["tools"] == [{"type": "function", **TOOL["function"], "strict": False}]
    assert body["tool_choice"] == {"type": "function", "name": "get_weather"}
    assert body["text"] == {"format": {"type": "json_schema", **schema}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stop", "x"),
        ("seed", 1),
        ("presence_penalty", 1),
        ("logit_bias", {"1": 1}),
        ("brand_new", 1),
    ],
)
@pytest.mark.parametrize("how", [chat, stream])
def test_what_the_responses_api_does_not_know_is_refused_by_name(
    name: str, value: Any, how: Any, upstream: Upstream
):
    error = failure(
        made("microsoft-foundry", upstream.url, use_responses_api=True),
        request(**{name: value}),
        how,
    )
    assert isinstance(error, Unsupported) and error.feature == name and upstream.requests == []


def test_a_sound_is_refused_by_the_responses_api(upstream: Upstream):
    asked = request([{"type": "input_audio", "input_audio": {"data": "x"}}])
    error = failure(made("microsoft-foundry", upstream.url, use_responses_api=True), asked)
    assert isinstance(error, Unsupported) and error.feature == "input_audio"


@pytest.mark.parametrize(
    ("why", "reason"), [("max_output_tokens", "length"), ("content_filter", "content_filter")]
)
def test_an_incomplete_response_says_why(why: str, reason: str):
    answer = response(SAID, status="incomplete", incomplete_details={"reason": why})
    assert responded(answer)[0].finish_reason == reason
    assert (
        responded(events({"type": "response.incomplete", "response": answer}, done=False), stream)[
            0
        ][-1].finish_reason
        == reason
    )


def test_a_response_may_refuse():
    refused = {**SAID, "content": [{"type": "refusal", "refusal": "No."}]}
    found, _ = responded(response(refused))
    assert (found.content, found.refusal) == (None, "No.")


@pytest.mark.parametrize("answer", [response(SAID, status="failed"), response(status="cancelled")])
def test_a_response_that_failed_is_none(answer: Any):
    with pytest.raises(ProviderError) as caught:
        responded(answer)
    assert caught.value.code == "error"


@pytest.mark.parametrize(
    "last",
    [
        [],
        [{"type": "response.failed", "response": response(status="failed")}],
        [{"type": "error", "message": "x"}],
    ],
)
def test_a_stream_of_a_response_that_breaks_off_is_told(last: list):
    with pytest.raises(ProviderError) as caught:
        responded(
            events(
                {"type": "response.output_text.delta", "delta": "Hi", "output_index": 0},
                *last,
                done=False,
            ),
            stream,
        )
    assert caught.value.code == "error"


def test_the_responses_api_of_somebody_else_agrees():
    with aimock(options=("--chunk-size", "5")) as url:
        provider = made("microsoft-foundry", url, use_responses_api=True)
        assert chat(provider, request()).content == ANSWER
        chunks = stream(provider, request())
        assert "".join(one.content for one in chunks) == ANSWER and len(chunks) > 3
        assert (chunks[-1].finish_reason, chunks[-1].usage) == ("stop", Usage(11, 9))
        called = stream(provider, request("What is the weather?", tools=[TOOL]))
        pieces = [one for chunk in called for one in chunk.tool_calls]
        assert pieces[0].name == "get_weather" and json.loads(
            "".join(one.arguments for one in pieces)
        ) == {"city": "Oslo"}
        assert called[-1].finish_reason == "tool_calls"
        assert (
            chat(provider, request("What is the weather?", tools=[TOOL]))
            .tool_calls[0]
            .function.name
            == "get_weather"
        )
        assert failure(provider, request("Too many requests")).retry_after == 7


# Echo


def echoed(**asks: Any) -> Any:
    return chat(made("echo"), request(**asks))


def test_echo_repeats_the_last_thing_the_user_said():
    talk = [("user", "one"), ("assistant", "two"), ("user", "three  four\n"), ("assistant", "five")]
    answer = echoed(messages=[{"role": role, "content": text} for role, text in talk])
    assert (answer.content, answer.usage) == ("Echo: three  four\n", Usage(5, 3))


def test_echo_ends_where_it_should():
    short = echoed(max_tokens=2)
    assert (short.content, short.finish_reason, short.usage.output_tokens) == (
        "Echo: How",
        "length",
        2,
    )
    stopped = echoed(stop=["you", "are"])
    assert (stopped.content, stopped.finish_reason) == ("Echo: How ", "stop")
    assert echoed(max_completion_tokens=4).finish_reason == "stop"


def test_echo_makes_the_same_vector_for_the_same_text():
    provider = made("echo")
    answer = run(provider, lambda: provider.embed(EmbeddingRequest(input=["a", "b", "a"])))
    assert answer.vectors[0] == answer.vectors[2] != answer.vectors[1] and {
        len(one) for one in answer.vectors
    } == {8}
    assert all(abs(sum(number * number for number in one) - 1) < 1e-9 for one in answer.vectors)


@pytest.mark.parametrize("size", [1, 3, 4096])
def test_echo_makes_vectors_as_long_as_asked(size: int):
    provider = made("echo")
    assert (
        len(
            run(
                provider, lambda: provider.embed(EmbeddingRequest(input="a", dimensions=size))
            ).vectors[0]
        )
        == size
    )


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"input": [1]}, "input"),
        ({"input": "a", "dimensions": 5000}, "dimensions"),
        ({"input": "a", "x": 1}, "x"),
    ],
)
def test_echo_refuses_other_vectors(asked: dict, name: str):
    provider = made("echo")
    with pytest.raises(Unsupported) as caught:
        run(provider, lambda: provider.embed(EmbeddingRequest.model_validate(asked)))
    assert caught.value.feature == name


def test_a_request_without_a_role_to_echo_is_echoed_all_the_same():
    asked = ChatRequest.model_validate({"messages": [{"role": "system", "content": "alone"}]})
    assert chat(made("echo"), asked).content == "Echo: alone"
