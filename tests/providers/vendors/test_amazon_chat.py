"""Bedrock's models: what boto3 is asked, what becomes of its answers.

The other side of botocore is in test_amazon_wire.py.
"""

import asyncio
import base64
import io
import json
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from providers.core.base import Provider
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported
from providers.core.registry import get_provider
from providers.core.results import ChatAnswer, ChatChunk, EmbeddingAnswer, FinishReason, Usage
from providers.vendors.bedrock.answers import _usage
from tests.providers.samples import sample

NOVA = "amazon.nova-lite-v1:0"
HELLO = [{"role": "user", "content": "Hello"}]
PIXEL = b"\x89PNG made up"
IMAGE = {
    "type": "image_url",
    "image_url": {"url": "data:image/png;base64," + base64.b64encode(PIXEL).decode()},
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells it.",
        "parameters": {"properties": {"city": {}}},
    },
}
USE = {
    "id": "c1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Bonn"}'},
}
CALLED = {"role": "assistant", "tool_calls": [USE]}


def picture(url: str, **more: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, **more}}]}
        ]
    }


def made_for(**changes: Any) -> Provider[Any]:
    return sample(get_provider("amazon"), region="eu-central-1", endpoint=None, **changes)


def request_of(messages: Any = HELLO, **fields: Any) -> ChatRequest:
    return ChatRequest.model_validate({"model": NOVA, "messages": messages, **fields})


def answered(*content: dict[str, Any], stop: str = "end_turn", **usage: int) -> dict[str, Any]:
    counted = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5, **usage}
    message = {"role": "assistant", "content": list(content)}
    return {
        "output": {"message": message},
        "stopReason": stop,
        "usage": counted,
        "metrics": {"latencyMs": 1},
    }


def chat(
    request: ChatRequest, answer: dict[str, Any], asked: dict[str, Any] | None = None
) -> ChatAnswer:
    made = made_for()
    with Stubber(made.async_client.boto) as stubber:
        stubber.add_response("converse", answer, asked)
        return asyncio.run(made.chat(request))


def asked_for(messages: Any = HELLO, **fields: Any) -> dict[str, Any]:
    """What Converse is asked for a request."""
    from providers.vendors.bedrock.converse import converse

    return converse(request_of(messages, **fields))


def streamed(*events: dict[str, Any]) -> list[ChatChunk]:
    made = made_for()

    async def read() -> list[ChatChunk]:
        return [chunk async for chunk in made.stream_chat(request_of())]

    answer: dict[str, Any] = {"stream": {}}
    with Stubber(made.async_client.boto) as stubber:
        stubber.add_response("converse_stream", answer, {"modelId": NOVA, "messages": ANY})
        answer["stream"] = (
            # afterwards: the Stubber takes a stream for an object and finds fault with any other
            events
        )
        return asyncio.run(read())


# What is asked


def test_a_chat_is_asked_in_the_words_of_converse():
    request = request_of(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be kind."},
            *HELLO,
        ],
        temperature=0.5,
        top_p=0.9,
        max_completion_tokens=20,
        stop="END",
    )
    asked = {
        "modelId": NOVA,
        "system": [{"text": "Be brief."}, {"text": "Be kind."}],
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
        "inferenceConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "maxTokens": 20,
            "stopSequences": ["END"],
        },
    }
    assert chat(request, answered({"text": "Hi"}), asked).content == "Hi"


def test_a_chat_that_asks_for_nothing_special_sends_nothing_special():
    fields = {
        "n": 1,
        "stream": True,
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "tools": [],
    }
    assert asked_for(**fields).keys() == {"modelId", "messages"}


def test_a_conversation_with_tools_is_sent_as_turns_of_user_and_assistant():
    answers = [
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        {"role": "user", "content": "And now?"},
    ]
    request = request_of(
        [*HELLO, {**CALLED, "content": "I look."}, *answers],
        tools=[WEATHER],
        tool_choice="required",
    )
    use = {"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Bonn"}}}
    result = {"toolResult": {"toolUseId": "c1", "content": [{"text": "sunny"}]}}
    schema = {"type": "object", "properties": {"city": {}}}
    asked = {
        "modelId": NOVA,
        "messages": [
            {"role": "user", "content": [{"text": "Hello"}]},
            {"role": "assistant", "content": [{"text": "I look."}, use]},
            {"role": "user", "content": [result, {"text": "And now?"}]},
        ],
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "weather",
                        "description": "Tells it.",
                        "inputSchema": {"json": schema},
                    }
                }
            ],
            "toolChoice": {"any": {}},
        },
    }
    assert chat(request, answered({"text": "Rain."}), asked).content == "Rain."


def test_one_tool_can_be_demanded():
    choice = {"type": "function", "function": {"name": "weather"}}
    assert asked_for(tools=[WEATHER], tool_choice=choice)["toolConfig"]["toolChoice"] == {
        "tool": {"name": "weather"}
    }


def test_a_tool_without_parameters_still_has_a_schema():
    spec = asked_for(tools=[{"type": "function", "function": {"name": "now", "strict": True}}])[
        "toolConfig"
    ]["tools"][0]["toolSpec"]
    assert spec == {
        "name": "now",
        "inputSchema": {"json": {"type": "object", "properties": {}}},
        "strict": True,
    }


def test_an_image_is_sent_as_its_bytes():
    parts = [{"type": "text", "text": "What is it?"}, IMAGE]
    asked = {
        "modelId": NOVA,
        "messages": [{"role": "user", "content": [{"text": "What is it?"}, {"image": ANY}]}],
    }
    assert (
        chat(
            request_of([{"role": "user", "content": parts}]), answered({"text": "A dot."}), asked
        ).content
        == "A dot."
    )
    block = asked_for([{"role": "user", "content": [IMAGE]}])["messages"][0]["content"][0]
    assert block == {"image": {"format": "png", "source": {"bytes": PIXEL}}}


def test_the_shape_of_an_answer_is_sent_as_a_schema():
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "place", "schema": schema, "strict": True},
    }
    format_ = asked_for(response_format=wanted)["outputConfig"]["textFormat"]
    assert (
        chat(request_of(response_format=wanted), answered({"text": "{}"})).content == "{}"
    )  # botocore knows these names
    assert json.loads(format_["structure"]["jsonSchema"].pop("schema")) == schema
    assert format_ == {"type": "json_schema", "structure": {"jsonSchema": {"name": "place"}}}


UNSUPPORTED = {
    "seed": ("seed", {"seed": 1}),
    "n": ("n", {"n": 2}),
    "penalty": ("frequency_penalty", {"frequency_penalty": 0.5}),
    "extra": ("logprobs", {"logprobs": True}),
    "one call at a time": (
        "parallel_tool_calls",
        {"tools": [WEATHER, WEATHER], "parallel_tool_calls": False},
    ),
    "any json": ("response_format", {"response_format": {"type": "json_object"}}),
    "json without a schema": (
        "response_format",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
    ),
    "no tool of many": ("tool_choice", {"tools": [WEATHER], "tool_choice": "none"}),
    "a history of unknown tools": ("tools", {"messages": [*HELLO, CALLED]}),
    "image elsewhere": ("image_url", picture("https://a.example/c.png")),
    "image of another kind": ("image_url", picture("data:image/bmp;base64,AAAA")),
    "image that is none": ("image_url", picture("data:image/png;base64,A")),
    "detail": ("image_url", picture("data:image/png;base64,AAAA", detail="low")),
    "image of the system": (
        "messages",
        {"messages": [{"role": "system", "content": [IMAGE]}, *HELLO]},
    ),
    "sound": (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
    ),
    "more in a message": ("messages", {"messages": [{**HELLO[0], "made_up": 1}]}),
    "more in a part": (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "a": 1}]}]},
    ),
    "nothing said": ("messages", {"messages": [{"role": "user", "content": ""}]}),
    "system only": ("messages", {"messages": [{"role": "system", "content": "x"}]}),
    "answer to no call": (
        "messages",
        {"messages": [{"role": "tool", "content": "x"}], "tools": [WEATHER]},
    ),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_a_chat_names_what_it_cannot_do(case: str):
    feature, fields = UNSUPPORTED[case]
    with pytest.raises(Unsupported) as caught:
        asyncio.run(made_for().chat(request_of(**fields)))
    assert (caught.value.feature, caught.value.code) == (feature, "bad_request")


def test_a_stream_names_what_it_cannot_do_at_its_first_step():
    with pytest.raises(Unsupported) as caught:
        asyncio.run(anext(made_for().stream_chat(request_of(seed=1))))
    assert caught.value.feature == "seed"


def test_what_an_answer_echoes_is_no_demand():
    echoed = {
        "role": "assistant",
        "content": "Hi",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "tool_calls": None,
    }
    assert asked_for([*HELLO, echoed, *HELLO])["messages"][1] == {
        "role": "assistant",
        "content": [{"text": "Hi"}],
    }


CLAUDES = {
    "anthropic.claude-opus-4-7": True,
    "us.anthropic.claude-opus-4-8-20260501-v1:0": True,
    "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-sonnet-5": True,
    "anthropic.claude-haiku-5-5-v1:0": True,
    "anthropic.claude-opus-4-20250514-v1:0": False,
    "anthropic.claude-sonnet-4-5-20250929-v1:0": False,
    "anthropic.claude-3-5-sonnet-20240620-v1:0": False,
    NOVA: False,
}


@pytest.mark.parametrize("model", CLAUDES)
def test_models_that_take_no_temperature_are_known(model: str):
    assert ({"temperature", "top_p"} <= made_for().refused_parameters(model)) == CLAUDES[model]


def test_no_model_takes_what_converse_has_no_word_for():
    assert made_for().refused_parameters(NOVA) == {"seed", "presence_penalty", "frequency_penalty"}


# What is answered


def test_texts_are_joined_and_the_thoughts_between_them_left_out():
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm."}}}
    answer = chat(request_of(), answered({"text": "Good "}, thought, {"text": "day"}))
    assert (answer.content, answer.model, answer.finish_reason) == (
        "Good day",
        NOVA,
        FinishReason.STOP,
    )


def test_tokens_of_the_cache_are_counted_too():
    answer = chat(
        request_of(), answered({"text": "x"}, cacheReadInputTokens=100, cacheWriteInputTokens=10)
    )
    assert answer.usage == Usage(113, 2, cached_tokens=100, cache_write_tokens=10)


def test_a_call_of_a_tool_comes_with_its_arguments_as_json():
    use = {"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Bonn"}}}
    answer = chat(request_of(tools=[WEATHER]), answered(use, stop="tool_use"))
    assert (answer.content, answer.finish_reason) == (None, FinishReason.TOOL_CALLS)
    call = answer.tool_calls[0]
    assert (call.id, call.function.name, call.function.parsed()) == (
        "c1",
        "weather",
        {"city": "Bonn"},
    )


STOPS = {
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


@pytest.mark.parametrize("reason", STOPS)
def test_it_is_told_why_an_answer_ended(reason: str):
    assert chat(request_of(), answered({"text": "x"}, stop=reason)).finish_reason == STOPS[reason]


def test_an_answer_that_the_model_spoiled_is_an_error():
    with pytest.raises(ProviderError) as caught:
        chat(request_of(), answered({"text": "x"}, stop="malformed_tool_use"))
    assert (caught.value.code, caught.value.permanent) == ("error", False)
    assert caught.value.usage.input_tokens, "it counted all the same"


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, Usage(0, 2, cached_tokens=4)), ({"totalTokens": 9}, Usage(7, 2, cached_tokens=4))],
)
def test_an_odd_number_of_fresh_tokens_leaves_the_input_to_be_estimated(
    more: dict[str, int], expected: Usage
):
    """The cached ones alone are not the input."""
    usage = {"inputTokens": "many", "outputTokens": 2, "cacheReadInputTokens": 4, **more}
    assert _usage(usage) == expected


# Streams

STOPPED = {"messageStop": {"stopReason": "end_turn"}}
TOKENS = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5, "cacheReadInputTokens": 4}
COUNTED = {"metadata": {"usage": TOKENS, "metrics": {"latencyMs": 1}}}


def text_delta(text: str) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": text}}}


def test_a_stream_gives_text_then_its_end_then_its_usage():
    chunks = streamed(
        {"messageStart": {"role": "assistant"}},
        text_delta("Good "),
        text_delta("day"),
        STOPPED,
        COUNTED,
    )
    assert [chunk.content for chunk in chunks] == ["Good ", "day", "", ""]
    assert [chunk.finish_reason for chunk in chunks] == [None, None, "stop", None]
    assert [chunk.usage for chunk in chunks] == [None, None, None, Usage(7, 2, cached_tokens=4)]


def test_calls_of_tools_are_streamed_in_pieces_with_numbers_of_their_own():
    def piece(index: int, text: str) -> dict[str, Any]:
        return {
            "contentBlockDelta": {"contentBlockIndex": index, "delta": {"toolUse": {"input": text}}}
        }

    def start(index: int, call: str) -> dict[str, Any]:
        return {
            "contentBlockStart": {
                "contentBlockIndex": index,
                "start": {"toolUse": {"toolUseId": call, "name": "weather"}},
            }
        }

    ends = [{"contentBlockStop": {"contentBlockIndex": index}} for index in (1, 2)]
    events = [
        text_delta("I look."),
        start(1, "c1"),
        piece(1, '{"city"'),
        piece(1, ': "Bonn"}'),
        ends[0],
        start(2, "c2"),
        ends[1],
    ]
    chunks = streamed(*events, {"messageStop": {"stopReason": "tool_use"}})
    pieces = [(one.index, one.id, one.arguments) for chunk in chunks for one in chunk.tool_calls]
    assert pieces == [
        (0, "c1", ""),
        (0, None, '{"city"'),
        (0, None, ': "Bonn"}'),
        (1, "c2", ""),
        (1, None, "{}"),
    ]
    assert chunks[-1].finish_reason == FinishReason.TOOL_CALLS


@pytest.mark.parametrize("is_counted", [True, False])
def test_a_stream_that_the_model_spoiled_is_an_error_with_its_usage(is_counted: bool):
    spoiled = {"messageStop": {"stopReason": "malformed_tool_use"}}
    with pytest.raises(ProviderError) as caught:
        streamed(text_delta("Good "), spoiled, *([COUNTED] if is_counted else []))
    assert (caught.value.code, caught.value.permanent) == ("error", False)
    assert caught.value.usage == (Usage(7, 2, cached_tokens=4) if is_counted else None)


def test_a_stream_that_breaks_off_is_an_error():
    with pytest.raises(ProviderError) as caught:
        streamed(text_delta("Good "))
    assert (caught.value.code, caught.value.permanent) == ("error", False)


# Errors

ERRORS = {
    "ThrottlingException": (429, "rate_limited", False),
    "ModelTimeoutException": (408, "timeout", False),
    "ValidationException": (400, "bad_request", True),
    "AccessDeniedException": (403, "forbidden", True),
    "UnrecognizedClientException": (403, "unauthorized", True),
    "ResourceNotFoundException": (404, "not_found", True),
    "ServiceUnavailableException": (503, "error", False),
    "ModelNotReadyException": (429, "error", False),
    "ModelErrorException": (424, "error", False),
    "InternalServerException": (500, "error", False),
    "ServiceQuotaExceededException": (400, "quota", True),
}


def fails(made: Provider[Any], method: str, name: str, status: int, call: Any) -> ProviderError:
    with Stubber(made.async_client.boto) as stubber:
        stubber.add_client_error(method, name, "The service's own words.", status)
        with pytest.raises(ProviderError) as caught:
            asyncio.run(call)
    return caught.value


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_told_apart_by_their_code(name: str):
    status, code, permanent = ERRORS[name]
    made = made_for()
    error = fails(made, "converse", name, status, made.chat(request_of()))
    assert (error.code, error.permanent) == (code, permanent)
    assert "own words" not in error.message


def test_a_refusal_says_why_in_the_service_s_own_words():
    made = made_for()
    error = fails(
        made, "converse_stream", "ValidationException", 400, anext(made.stream_chat(request_of()))
    )
    assert error.said == "The service's own words."


def test_what_botocore_itself_refuses_is_the_request_s_fault():
    with pytest.raises(ProviderError) as caught:
        asyncio.run(made_for().chat(request_of(model="")))
    assert caught.value.code == "bad_request"


# Embeddings


def embed(
    model: str,
    given: Any,
    calls: list[tuple[dict[str, Any], Any]],
    header: str | None = None,
    **fields: Any,
) -> EmbeddingAnswer:
    """`calls`: (body that is expected, body that is answered), in their order."""
    made = made_for()
    with Stubber(made.async_client.boto) as stubber:
        for body, answer in calls:
            found = {
                "body": io.BytesIO(json.dumps(answer).encode()),
                "contentType": "application/json",
            }
            headers = {"x-amzn-bedrock-input-token-count": header} if header else {}
            meta = {"ResponseMetadata": {"HTTPHeaders": headers, "HTTPStatusCode": 200}}
            asked = {
                "modelId": model,
                "body": json.dumps(body),
                "contentType": "application/json",
                "accept": "application/json",
            }
            stubber.add_response("invoke_model", {**found, **meta}, asked)
        answer = asyncio.run(
            made.embed(EmbeddingRequest.model_validate({"model": model, "input": given, **fields}))
        )
        stubber.assert_no_pending_responses()
        return answer


def test_titan_embeds_a_text_of_some_size():
    calls = [
        ({"inputText": "a", "dimensions": 256}, {"embedding": [1, 0.5], "inputTextTokenCount": 3})
    ]
    answer = embed("amazon.titan-embed-text-v2:0", "a", calls, dimensions=256)
    assert (answer.vectors, answer.usage) == (((1.0, 0.5),), Usage(3))


COHERES = (
    "cohere.embed-english-v3",
    "eu.cohere.embed-v4:0",
    "arn:aws:bedrock:us-east-1:123:inference-profile/us.cohere.embed-v4:0",
)


@pytest.mark.parametrize("model", COHERES)
def test_cohere_embeds_many_texts_at_once_and_counts_in_a_header(model: str):
    calls = [
        (
            {"texts": ["a", "b"], "input_type": "search_document"},
            {"embeddings": [[1], [2]], "response_type": "embeddings_floats"},
        )
    ]
    answer = embed(model, ["a", "b"], calls, header="9")
    assert (answer.vectors, answer.usage) == (((1.0,), (2.0,)), Usage(9))


def test_cohere_may_answer_by_type_and_be_asked_for_a_size_and_a_purpose():
    calls = [
        (
            {"texts": ["a"], "input_type": "search_query", "output_dimension": 512},
            {"embeddings": {"float": [[1]]}},
        )
    ]
    answer = embed("cohere.embed-v4:0", "a", calls, dimensions=512, input_type="search_query")
    assert (answer.vectors, answer.usage) == (((1.0,),), None)


def test_cohere_is_asked_for_96_texts_at_most():
    from providers.vendors.bedrock.embeddings import bodies

    found = bodies(
        EmbeddingRequest(model="cohere.embed-v4:0", input=[str(number) for number in range(200)])
    )
    assert [len(one["texts"]) for one in found] == [96, 96, 8]
    assert [text for one in found for text in one["texts"]] == [
        str(number) for number in range(200)
    ]


NOT_EMBEDDED = {
    "another model": ("model", {"model": "amazon.nova-lite-v1:0"}),
    "a model nobody can see": (
        "model",
        {"model": "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"},
    ),
    "size of titan 1": ("dimensions", {"model": "amazon.titan-embed-text-v1", "dimensions": 256}),
    "purpose of titan": (
        "input_type",
        {"model": "amazon.titan-embed-text-v1", "input_type": "search_query"},
    ),
    "numbers": ("input", {"model": "amazon.titan-embed-text-v1", "input": [1, 2]}),
}


@pytest.mark.parametrize("case", NOT_EMBEDDED)
def test_an_embedding_names_what_it_cannot_do(case: str):
    feature, fields = NOT_EMBEDDED[case]
    with pytest.raises(Unsupported) as caught:
        asyncio.run(made_for().embed(EmbeddingRequest.model_validate({"input": "a", **fields})))
    assert caught.value.feature == feature


def test_a_missing_vector_is_noticed():
    calls = [({"texts": ["a", "b"], "input_type": "search_document"}, {"embeddings": [[1]]})]
    with pytest.raises(ProviderError) as caught:
        embed("cohere.embed-english-v3", ["a", "b"], calls)
    assert caught.value.code == "bad_response"


# Addresses

ENDPOINTS = {
    "": "https://bedrock-runtime.eu-central-1.amazonaws.com",
    "https://bedrock.eu-central-1.amazonaws.com": "https://bedrock-runtime.eu-central-1.amazonaws.com",
    "https://bedrock-fips.us-east-1.amazonaws.com": "https://bedrock-runtime-fips.us-east-1.amazonaws.com",
    "https://gateway.example.com/bedrock.": "https://gateway.example.com/bedrock.",
    "https://vpce-1.bedrock.us-east-1.vpce.amazonaws.com": "https://vpce-1.bedrock.us-east-1.vpce.amazonaws.com",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_models_are_asked_where_the_endpoint_says(endpoint: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://elsewhere.example")
    made = sample(get_provider("amazon"), region="eu-central-1", endpoint=endpoint or None)
    assert made.async_client.boto.meta.endpoint_url == ENDPOINTS[endpoint]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"totalTokens": 88}, Usage(88, is_estimated=True)),
        ({"inputTokens": 8, "totalTokens": 88}, Usage(8, 80)),
        ({"outputTokens": 80, "totalTokens": 88}, Usage(8, 80)),
        ({"inputTokens": 8, "outputTokens": 80, "totalTokens": 1}, Usage(8, 80)),
        ({"totalTokens": "many"}, None),
        ([88], None),
    ],
)
def test_the_total_tells_what_is_not_told_apart(told: Any, expected: Usage | None):
    assert _usage(told) == expected
