"""Chats and embeddings with Gemini: what leaves, what comes back, and how a stream may end."""

import asyncio
import base64
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported
from providers.core.results import FinishReason, Usage
from providers.google import Google
from providers.vendors.google.counts import mended
from providers.vendors.google.response import usage_of
from tests.providers.samples import sample
from tests.providers.streams import TOOLS, WEATHER, arguments, asked, request, streamed, streaming
from tests.upstreams import Upstream

MODEL, OLD, THINKS, NEW = (
    "gemini-2.5-flash",
    "gemini-2.0-flash",
    "gemini-3.1-pro-preview",
    "gemini-3.6-flash",
)
PATH = "/v1beta/models/{}:generateContent"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
TOLD = {
    "promptTokenCount": 3,
    "toolUsePromptTokenCount": 2,
    "candidatesTokenCount": 4,
    "thoughtsTokenCount": 5,
}


def piece(*parts: dict[str, Any], reason: str = "", **fields: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}} | (
        {"finishReason": reason} if reason else {}
    )
    return {
        "candidates": [candidate],
        "modelVersion": "gemini-made-up",
        "responseId": "r1",
        **fields,
    }


def whole(*parts: dict[str, Any], reason: str = "STOP", **fields: Any) -> dict[str, Any]:
    return piece(*parts or ({"text": "Hello."},), reason=reason, usageMetadata=TOLD, **fields)


def call(name: str, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args}}


def ask(given: ChatRequest, answer: Any = None, status: int = 200) -> tuple[Any, Any]:
    """The answer, and the body of the request as it left."""
    with Upstream(answers={PATH.format(given.model): (status, answer or whole())}) as upstream:
        found = asyncio.run(asked(sample(Google, upstream.url), given))
        return found, camel(json.loads(upstream.requests[0].body))


def camel(value: Any) -> Any:
    """Google's JSON has two spellings of every name, and the SDK uses both."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if isinstance(value, dict):
        return {
            re.sub("_([a-z])", lambda found: found[1].upper(), name): camel(one)
            for name, one in value.items()
        }
    return value


def sent(*messages: Any, **fields: Any) -> dict[str, Any]:
    return ask(request(*messages, **{"model": MODEL, **fields}))[1]


def answered(answer: dict[str, Any]) -> Any:
    return ask(request(model=MODEL), answer)[0]


def fault(answer: Any, status: int = 200) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        ask(request(model=MODEL), answer, status)
    return caught.value


def refused(given: ChatRequest) -> Unsupported:
    with Upstream() as upstream:
        with pytest.raises(Unsupported) as caught:
            asyncio.run(asked(sample(Google, upstream.url), given))
        assert upstream.requests == []
    return caught.value


def event(answer: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(answer)}\r\n\r\n".encode()


async def stream_of(*pieces: dict[str, Any], ending: str = "clean") -> Any:
    async with streaming(*map(event, pieces), ending=ending) as server:
        return await streamed(sample(Google, server.url), request(model=MODEL))


def broken(*pieces: dict[str, Any], ending: str = "clean") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        asyncio.run(stream_of(*pieces, ending=ending))
    return caught.value


# What leaves


def test_instructions_go_into_the_system_instruction():
    body = sent(
        {"role": "system", "content": "Be brief."},
        "Hi",
        {"role": "developer", "content": "Be kind."},
    )
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief.\n\nBe kind."}]
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]


def test_sampling_is_passed_on():
    body = sent(
        temperature=1.5,
        top_p=0.5,
        max_completion_tokens=9,
        stop="END",
        seed=7,
        presence_penalty=1,
        frequency_penalty=-1,
        model=OLD,
    )
    found = {
        "temperature": 1.5,
        "topP": 0.5,
        "maxOutputTokens": 9,
        "stopSequences": ["END"],
        "seed": 7,
    }
    assert body["generationConfig"] == {**found, "presencePenalty": 1, "frequencyPenalty": -1}


def test_nothing_is_sent_that_was_not_asked_for():
    assert {name for name, value in sent().items() if value} == {"contents"}


def conversation() -> list[Any]:
    calls = [
        {
            "id": f"c{n}",
            "type": "function",
            "function": {"name": f"f{n}", "arguments": f'{{"n": {n}}}'},
        }
        for n in (1, 2)
    ]
    results = [
        {"role": "tool", "tool_call_id": "c1", "content": '{"sun": true}'},
        {"role": "tool", "tool_call_id": "c2", "content": "Rain"},
    ]
    return [
        "Hi",
        {"role": "assistant", "content": "Well.", "tool_calls": calls},
        *results,
        "Thanks",
    ]


def test_results_of_tools_go_together_under_the_functions_names():
    contents = sent(*conversation())["contents"]
    assert [one["role"] for one in contents] == ["user", "model", "user", "user"]
    calls = [{"functionCall": {"id": f"c{n}", "name": f"f{n}", "args": {"n": n}}} for n in (1, 2)]
    assert contents[1]["parts"] == [{"text": "Well."}, *calls]
    results = [
        {"id": "c1", "name": "f1", "response": {"sun": True}},
        {"id": "c2", "name": "f2", "response": {"output": "Rain"}},
    ]
    assert contents[2]["parts"] == [{"functionResponse": one} for one in results]


def test_a_call_whose_signature_got_lost_goes_back_with_the_word_for_that():
    parts = sent(*conversation(), model=THINKS)["contents"][1]["parts"]
    assert (
        base64.urlsafe_b64decode(parts[1]["thoughtSignature"])
        == b"skip_thought_signature_validator"
    )
    assert "thoughtSignature" not in parts[2] and "thoughtSignature" not in str(
        sent(*conversation())
    )


def test_a_signature_comes_back_as_it_was():
    answer = answered(whole({**call("weather", city="Rome"), "thoughtSignature": "c2lnbmVk"}))
    back = {"role": "assistant", "tool_calls": [one.model_dump() for one in answer.tool_calls]}
    result = {"role": "tool", "tool_call_id": answer.tool_calls[0].id, "content": "Sun"}
    assert (
        sent("Hi", back, result, model=THINKS)["contents"][1]["parts"][0]["thoughtSignature"]
        == "c2lnbmVk"
    )


def test_images_go_as_bytes_or_by_their_address():
    parts = [
        {"type": "image_url", "image_url": {"url": url}}
        for url in (PIXEL, "https://example.com/a.png?b=c", "http://example.com/a")
    ]
    found = sent({"role": "user", "content": [{"type": "text", "text": "Look"}, *parts]})[
        "contents"
    ][0]["parts"]
    assert found[1] == {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    assert found[2] == {
        "fileData": {"fileUri": "https://example.com/a.png?b=c", "mimeType": "image/png"}
    }
    assert found[3] == {"fileData": {"fileUri": "http://example.com/a"}}


def test_a_tool_keeps_its_json_schema():
    bare = {"type": "function", "function": {"name": "now"}}
    found = sent(tools=[*TOOLS, bare])["tools"]
    declared = {
        "name": "weather",
        "description": "Tells it.",
        "parametersJsonSchema": WEATHER["parameters"],
    }
    assert found == [{"functionDeclarations": [declared, {"name": "now"}]}]


STRICT = [{"type": "function", "function": {**WEATHER, "strict": True}}]
CHOICES: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({}, None),
    ({"tool_choice": "auto"}, {"mode": "AUTO"}),
    ({"tool_choice": "none"}, {"mode": "NONE"}),
    ({"tool_choice": "required"}, {"mode": "ANY"}),
    (
        {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
        {"mode": "ANY", "allowedFunctionNames": ["weather"]},
    ),
    ({"tools": STRICT}, {"mode": "VALIDATED"}),
    ({"tools": STRICT, "tool_choice": "required"}, {"mode": "ANY"}),
]


@pytest.mark.parametrize(("fields", "mode"), CHOICES)
def test_the_choice_of_tools_is_passed_on(fields: dict[str, Any], mode: dict[str, Any] | None):
    assert (
        sent(**{"tools": TOOLS, **fields}).get("toolConfig", {}).get("functionCallingConfig")
        == mode
    )


def test_json_is_asked_for_by_its_type_and_its_schema():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": False,
    }
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "it", "description": "One number.", "schema": schema},
    }
    found = sent(response_format=wanted)["generationConfig"]
    assert found == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"description": "One number.", **schema},
    }
    assert sent(response_format={"type": "json_object"})["generationConfig"] == {
        "responseMimeType": "application/json"
    }


EFFORTS = [
    (MODEL, "none", {"thinkingBudget": 0}),
    (MODEL, "high", {"thinkingBudget": 24576}),
    (THINKS, "low", {"thinkingLevel": "LOW"}),
]


@pytest.mark.parametrize(("model", "effort", "config"), EFFORTS)
def test_an_effort_is_told_in_the_words_of_the_generation(
    model: str, effort: str, config: dict[str, Any]
):
    assert sent(model=model, reasoning_effort=effort)["generationConfig"] == {
        "thinkingConfig": config
    }


# What is refused, before anything leaves

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("presence_penalty", {"presence_penalty": 1}),
    ("frequency_penalty", {"frequency_penalty": 1, "model": "gemini-flash-latest"}),
    ("temperature", {"temperature": 0.5, "model": NEW}),
    ("top_p", {"top_p": 0.5, "model": "gemini-3.5-flash-lite"}),
    ("n", {"n": 2}),
    ("logprobs", {"logprobs": True}),
    ("logit_bias", {"logit_bias": {"1": 2}}),
    ("parallel_tool_calls", {"parallel_tool_calls": False, "tools": TOOLS * 2}),
    ("reasoning_effort", {"reasoning_effort": "low", "model": OLD}),
    ("reasoning_effort", {"reasoning_effort": "none", "model": THINKS}),
    ("reasoning_effort", {"reasoning_effort": "made_up"}),
    (
        "response_format",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "it"}}},
    ),
    ("made_up", {"made_up": 1}),
]


@pytest.mark.parametrize(("feature", "fields"), REFUSED)
def test_what_gemini_cannot_do_is_named(feature: str, fields: dict[str, Any]):
    error = refused(request(**{"model": MODEL, **fields}))
    assert error.feature == feature and (error.code, error.permanent) == ("bad_request", True)


UNSIGNED = [
    {
        "id": "c1",
        "function": {"name": "weather"},
        "extra_content": {"google": {"thought_signature": "!"}},
    }
]
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
            "content": [{"type": "image_url", "image_url": {"url": PIXEL, "detail": "high"}}],
        },
    ),
    ("messages", {"role": "user", "content": ""}),
    ("messages", {"role": "system", "content": "a"}),
    ("messages", {"role": "tool", "content": "a"}),
    ("messages", {"role": "tool", "content": "a", "tool_call_id": "nobody's"}),
    ("messages", {"role": "assistant", "tool_calls": UNSIGNED}),
]


@pytest.mark.parametrize(("feature", "given"), MESSAGES)
def test_a_message_that_gemini_cannot_take_is_named(feature: str, given: dict[str, Any]):
    assert refused(request(given, model=MODEL)).feature == feature


def test_a_default_that_the_model_refuses_can_be_known_before():
    made = sample(Google)
    assert made.refused_parameters(NEW) == {
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
    }
    assert (
        made.refused_parameters(THINKS) == {"presence_penalty", "frequency_penalty"}
        and made.refused_parameters(OLD) == frozenset()
    )


# What comes back


def test_thoughts_are_no_part_of_the_answer_but_count_as_output():
    answer = answered(whole({"text": "Hm", "thought": True}, {"text": "Hel"}, {"text": "lo."}))
    assert (answer.content, answer.usage, answer.model) == (
        "Hello.",
        Usage(5, 9, reasoning_tokens=5),
        "gemini-made-up",
    )


def test_calls_without_ids_get_different_ones_that_stay():
    first, again = (answered(whole(call("now"), call("now"))).tool_calls for _ in range(2))
    assert first == again and first[0].id != first[1].id and first[0].function.arguments == "{}"


def test_a_call_with_an_id_keeps_it():
    assert answered(whole({"functionCall": {"id": "x", "name": "now"}})).tool_calls[0].id == "x"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("OTHER", "content_filter"),
    ],
)
def test_why_an_answer_ended_is_told_in_openais_words(reason: str, expected: str):
    assert answered(whole(reason=reason)).finish_reason == expected


def test_a_prompt_that_is_blocked_is_a_filter():
    answer = answered({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": TOLD})
    assert (answer.content, answer.finish_reason) == (None, FinishReason.CONTENT_FILTER)


def test_a_model_that_ends_in_a_mistake_is_an_error():
    error = fault(whole(reason="MALFORMED_FUNCTION_CALL"))
    assert (error.code, error.permanent) == (
        "error",
        False,
    ) and "MALFORMED_FUNCTION_CALL" in error.message
    assert error.usage == Usage(5, 9, cached_tokens=None, reasoning_tokens=5), "it counted all"


def test_a_model_that_draws_is_no_model_that_writes():
    assert (
        fault(whole({"inlineData": {"mimeType": "image/png", "data": "AAAA"}})).code
        == "bad_response"
    )


# Streams


def test_a_stream_ends_with_its_reason_and_its_usage():
    pieces = (
        piece({"text": "Hm", "thought": True}),
        piece({"text": "Hel"}, usageMetadata={"promptTokenCount": 3}),
        whole({"text": "lo."}),
    )
    chunks = asyncio.run(stream_of(*pieces))
    assert [chunk.content for chunk in chunks] == ["Hel", "lo.", ""]
    assert [chunk.finish_reason for chunk in chunks] == [None, None, FinishReason.STOP]
    assert [chunk.usage for chunk in chunks] == [None, None, Usage(5, 9, reasoning_tokens=5)] and {
        chunk.model for chunk in chunks
    } == {"gemini-made-up"}


def test_streamed_calls_have_the_same_ids_as_whole_ones():
    chunks = asyncio.run(
        stream_of(piece(call("now")), piece(call("now", zone=1)), whole({"text": ""}))
    )
    expected = answered(whole(call("now"), call("now", zone=1))).tool_calls
    assert arguments(chunks) == {
        n: (one.id, "now", one.function.arguments) for n, one in enumerate(expected)
    }
    assert chunks[-1].finish_reason == FinishReason.TOOL_CALLS


def test_a_blocked_prompt_ends_a_stream_too():
    chunks = asyncio.run(stream_of({"promptFeedback": {"blockReason": "OTHER"}}))
    assert [chunk.finish_reason for chunk in chunks] == [FinishReason.CONTENT_FILTER]


@pytest.mark.parametrize("ending", ["clean", "abrupt"])
def test_a_stream_that_ends_before_its_end_is_an_error(ending: str):
    error = broken(piece({"text": "Hel"}), ending=ending)
    assert (error.code, error.permanent) == ("error", False)


def test_a_stream_of_something_else_is_no_answer():
    assert broken({"hello": 1}).code == "bad_response"


@pytest.mark.parametrize(
    ("status", "code"), [(503, "error"), (429, "rate_limited"), (400, "bad_request")]
)
def test_an_error_in_a_stream_is_told_by_its_code(status: int, code: str):
    assert (
        broken(piece({"text": "Hel"}), {"error": {"code": status, "message": "Made up."}}).code
        == code
    )


def test_a_stream_that_is_closed_early_hangs_up():
    async def first() -> str:
        async with streaming(event(piece({"text": "Hel"})), ending="hang") as server:
            made = sample(Google, server.url)
            chunks = made.stream_chat(request(model=MODEL))
            found = await anext(chunks)
            await chunks.aclose()  # type: ignore[attr-defined]
            await asyncio.wait_for(server.ended.wait(), 5)
            await made.aclose()
            return found.content

    assert asyncio.run(first()) == "Hel"


# Faults


def test_a_refusal_says_why_in_its_own_words():
    error = fault(
        {"error": {"code": 400, "message": "Made up.", "status": "INVALID_ARGUMENT"}}, 400
    )
    assert (error.code, error.said) == ("bad_request", "Made up.")


def test_too_many_requests_say_how_long_to_wait():
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "32.5s"}]
    error = fault(
        {
            "error": {
                "code": 429,
                "message": "Made up.",
                "status": "RESOURCE_EXHAUSTED",
                "details": details,
            }
        },
        429,
    )
    assert (error.code, error.retry_after) == ("rate_limited", 32.5)


@pytest.mark.parametrize(
    "told",
    [
        {"details": [{"reason": "API_KEY_INVALID"}]},
        {"message": "API key not valid. Please pass a valid API key."},
    ],
)
def test_a_key_that_is_none_is_told_in_a_chat_too(told: dict[str, Any]):
    found = fault({"error": {"code": 400, **told}}, 400)
    assert (found.code, found.status) == ("unauthorized", 400)


def test_a_page_of_html_says_nothing():
    with (
        Upstream(answers={PATH.format(MODEL): (404, b"<title>Sign in</title>")}) as upstream,
        pytest.raises(ProviderError) as caught,
    ):
        asyncio.run(asked(sample(Google, upstream.url), request(model=MODEL)))
    assert (caught.value.code, caught.value.said) == ("not_found", "")


def test_a_client_that_was_closed_is_made_again():
    async def twice(url: str) -> list[str | None]:
        made = sample(Google, url)
        return [(await asked(made, request(model=MODEL))).content for _ in range(2)]

    with Upstream(answers={PATH.format(MODEL): (200, whole())}) as upstream:
        assert asyncio.run(twice(upstream.url)) == ["Hello.", "Hello."]


# Embeddings


def embedded(given: EmbeddingRequest, answer: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    async def vectors(url: str) -> Any:
        made = sample(Google, url)
        try:
            return await made.embed(given)
        finally:
            await made.aclose()

    with Upstream(
        answers={f"/v1beta/models/{given.model}:batchEmbedContents": (200, answer)}
    ) as upstream:
        return asyncio.run(vectors(upstream.url)), [
            json.loads(one.body) for one in upstream.requests
        ]


ROWS = {"embeddings": [{"values": [1.0, 0.5]}, {"values": [2.0, 0.25]}]}


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
def test_each_text_has_its_own_vector_in_order(model: str):
    answer, (body,) = embedded(EmbeddingRequest(model=model, input=["a", "b"], dimensions=2), ROWS)
    assert (answer.vectors, answer.usage, answer.model) == (((1.0, 0.5), (2.0, 0.25)), None, model)
    assert [one["content"]["parts"] for one in body["requests"]] == [
        [{"text": "a"}],
        [{"text": "b"}],
    ]
    assert {one["outputDimensionality"] for one in body["requests"]} == {2} and {
        one["model"] for one in body["requests"]
    } == {f"models/{model}"}


def test_many_texts_go_in_several_requests():
    hundred = {"embeddings": [{"values": [1.0]}] * 100, "usageMetadata": {"promptTokenCount": 100}}
    answer, bodies = embedded(
        EmbeddingRequest(model="gemini-embedding-001", input=["a"] * 200), hundred
    )
    assert (len(answer.vectors), answer.usage) == (200, Usage(200)) and [
        len(body["requests"]) for body in bodies
    ] == [100, 100]


@pytest.mark.parametrize("answer", [{}, {"embeddings": []}, {"embeddings": [{}]}, ROWS])
def test_vectors_that_are_missing_are_no_answer(answer: dict[str, Any]):
    with pytest.raises(ProviderError) as caught:
        embedded(EmbeddingRequest(model="gemini-embedding-001", input="a"), answer)
    assert caught.value.code == "bad_response"


@pytest.mark.parametrize(
    ("feature", "fields"),
    [("input", {"input": [1, 2]}), ("made_up", {"input": "a", "made_up": 1})],
)
def test_what_an_embedding_cannot_do_is_named(feature: str, fields: dict[str, Any]):
    with pytest.raises(Unsupported) as caught:
        embedded(EmbeddingRequest.model_validate({"model": "gemini-embedding-001", **fields}), ROWS)
    assert caught.value.feature == feature


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"total_token_count": 88}, Usage(88, is_estimated=True)),
        ({"prompt_token_count": 8, "total_token_count": 88}, Usage(8, 80)),
        ({"prompt_token_count": 8, "candidates_token_count": 80}, Usage(8, 80)),
        ({"candidates_token_count": 80, "total_token_count": 88}, Usage(8, 80)),
        ({}, None),
    ],
)
def test_the_total_tells_what_is_not_told_apart(told: dict[str, int], expected: Usage | None):
    assert usage_of(SimpleNamespace(**told)) == expected


DIGITS = "9" * 5000  # Python's own parser reads 4300
ODD = (1e20, 8.5, "many", [1], -1, True, 10**30, float("nan"), {"a": 1}, None)


@pytest.mark.parametrize("count", ODD, ids=str)
def test_an_odd_count_costs_no_answer(count: Any):
    odd = whole() | {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": count}}
    found, _ = ask(request(MODEL), odd)
    assert (found.content, found.usage.input_tokens) == ("Hello.", 3)

    async def read() -> list[Any]:
        body = f"data: {json.dumps(odd)}\r\n\r\n".encode()
        async with streaming(body[:90], body[90:]) as server:
            return await streamed(sample(Google, server.url), request(MODEL))

    assert "".join(one.content for one in asyncio.run(read())) == "Hello."


def test_a_count_of_thousands_of_digits_and_odd_words_cost_no_answer():
    odd = whole() | {"usageMetadata": {"promptTokenCount": 3, "trafficType": ["x"]}}
    odd["usageMetadata"]["candidatesTokenCount"] = "digits"
    line = mended(b"data: " + json.dumps(odd).replace('"digits"', DIGITS).encode())
    kept = json.loads(line.removeprefix(b"data: "))
    assert kept == odd | {"usageMetadata": {"promptTokenCount": 3}}


def test_odd_counts_of_an_embedding_cost_no_answer():
    rows = [{"values": [1.0], "statistics": {"tokenCount": "many"}}]
    asked = EmbeddingRequest(model="gemini-embedding-001", input=["a"])
    answer, _ = embedded(asked, {"embeddings": rows, "usageMetadata": {"promptTokenCount": [1]}})
    assert answer.vectors == ((1.0,),) and answer.usage is None
