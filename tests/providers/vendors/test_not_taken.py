"""What a service does not take of OpenAI's protocol: said by its connection, or learned from its
refusal.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from providers.core.base import Capability
from providers.core.errors import ProviderError, from_answer
from providers.core.registry import get_provider
from providers.core.schema import validate
from providers.vendors.openai.dialect import WORDS
from providers.vendors.openai.refusals import refused_in
from tests.gateway.upstream import SAID, Upstream
from tests.providers.samples import sample
from tests.providers.streams import request, streamed

DEVELOPER = {"role": "developer", "content": "Be brief."}
TEXT_PARTS = {"role": "user", "content": [{"type": "text", "text": one} for one in ("a", "b")]}
SAYS = {"role": "assistant", "content": "x", "name": "bo", "reasoning_content": "hmm"}


def body_of(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}


# Said by the connection

SAID_SO: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("stream_options", {"stream": True, "stream_options": {}}, {"stream": True}),
    ("max_tokens", {"max_tokens": 5}, {"max_completion_tokens": 5}),
    ("max_completion_tokens", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("user", {"user": "ada", "prompt_cache_key": "k"}, {}),
]
MESSAGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("developer", DEVELOPER, {**DEVELOPER, "role": "system"}),
    ("content_parts", TEXT_PARTS, {"role": "user", "content": "a\nb"}),
    ("name", {**SAYS}, {name: one for name, one in SAYS.items() if name != "name"}),
    ("echoes", SAYS, {name: one for name, one in SAYS.items() if name != "reasoning_content"}),
]


@pytest.mark.parametrize(("word", "given", "sent"), SAID_SO)
def test_a_field_that_the_connection_names_is_not_sent(
    word: str, given: dict[str, Any], sent: dict[str, Any]
):
    made = sample(get_provider("openai-compatible"), not_taken=word)
    assert made.wire_body(Capability.CHAT, body_of(**given)) == body_of(**sent)
    plain = sample(get_provider("openai-compatible"))
    assert plain.wire_body(Capability.CHAT, body_of(**given)) == body_of(**given)


@pytest.mark.parametrize(("word", "given", "sent"), MESSAGES)
def test_a_message_is_sent_as_the_connection_says(
    word: str, given: dict[str, Any], sent: dict[str, Any]
):
    made = sample(get_provider("openai-compatible"), not_taken=word)
    assert made.wire_body(Capability.CHAT, body_of(messages=[given]))["messages"] == [sent]
    plain = sample(get_provider("openai-compatible"))
    assert plain.wire_body(Capability.CHAT, body_of(messages=[given]))["messages"] == [given]


def test_several_calls_at_once_and_odd_names_are_left_out_by_the_connections_word():
    odd = [{"type": "function", "function": {"name": one}} for one in ("a.b", "c d")]
    made = sample(get_provider("openai-compatible"), not_taken="parallel_tool_calls, tool_names")
    given = body_of(tools=odd, parallel_tool_calls=False)
    assert [one["function"]["name"] for one in made.wire_body(Capability.CHAT, given)["tools"]] == [
        "a_b",
        "c_d",
    ]
    assert "parallel_tool_calls" not in made.wire_body(Capability.CHAT, given)
    assert made.tool_names(given) == {"a_b": "a.b", "c_d": "c d"}


@pytest.mark.parametrize("provider", ["openai-compatible", "azure-openai", "ollama"])
def test_the_words_are_kept_in_their_order(provider: str):
    made = sample(get_provider(provider), not_taken=" developer,stream_options ,developer")
    assert made.settings.not_taken == "stream_options, developer"
    assert sample(get_provider(provider), not_taken=["user"]).settings.not_taken == "user"


def test_an_unknown_word_is_refused_with_those_that_there_are():
    given = {"base_url": "https://a.example/v1", "not_taken": "stream_option"}
    _, errors = validate(get_provider("openai-compatible"), given)
    assert [one.field for one in errors] == ["not_taken"]
    assert all(word in errors[0].message for word in WORDS)


# Learned from a refusal

REFUSALS: list[tuple[str, dict[str, Any], Any]] = [
    (
        "max_tokens",
        {"max_tokens": 5},
        {
            "error": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
    ),
    (
        "max_completion_tokens",
        {"max_completion_tokens": 5},
        {"message": "Unrecognized request argument supplied: max_completion_tokens"},
    ),
    (
        "stream_options",
        {"stream_options": {}},
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
    ),
    (
        "stream_options",
        {"stream_options": {}},
        {"object": "error", "message": {"detail": "unknown field include_usage"}},
    ),
    (
        "developer",
        {"messages": [DEVELOPER]},
        {"error": {"message": "messages[0].role: unknown variant `developer`"}},
    ),
    ("developer", {"messages": [DEVELOPER]}, {"error": "Unexpected message role."}),
    (
        "content_parts",
        {"messages": [TEXT_PARTS]},
        {"error": {"message": "messages[0].content must be a string"}},
    ),
    (
        "echoes",
        {"messages": [SAYS]},
        {"error": {"message": "property 'reasoning_content' is unsupported"}},
    ),
    (
        "parallel_tool_calls",
        {"parallel_tool_calls": True},
        {"error": {"message": "parallel_tool_calls is not supported"}},
    ),
]


@pytest.mark.parametrize(("word", "asked", "refusal"), REFUSALS)
@pytest.mark.parametrize("status", [400, 422])
def test_a_refusal_tells_what_is_not_taken(
    word: str, asked: dict[str, Any], refusal: Any, status: int
):
    error = from_answer(status, "a.example", {}, refusal)
    assert refused_in(body_of(**asked), error) == {word}
    assert refused_in(body_of(), error) == set()


OTHERS: list[tuple[int, Any]] = [
    (400, {"error": {"message": "max_tokens is too large: 99999"}}),
    (400, {"error": {"message": "maximum context length is 8192", "param": "messages"}}),
    (429, {"error": {"message": "max_tokens is not supported"}}),
    (
        400,
        {
            "detail": [
                {"msg": "Field required", "loc": ["body"], "input": {"max_tokens": "unknown"}}
            ]
        },
    ),
    (400, None),
]


@pytest.mark.parametrize(("status", "refusal"), OTHERS)
def test_a_refusal_for_another_reason_teaches_nothing(status: int, refusal: Any):
    error = from_answer(status, "a.example", {}, refusal)
    assert refused_in(body_of(max_tokens=5, stream_options={}), error) == set()


def test_the_template_of_a_model_of_llama_cpp_teaches_and_is_about_the_request():
    said = "\n------------\nWhile executing CallExpression\nError: Jinja Exception: {}"
    body = {"error": {"code": 500, "message": said.format("Unexpected message role.")}}
    error = from_answer(500, "a.example", {}, body)
    assert (error.code, error.permanent, error.is_about_request) == ("bad_request", True, True)
    assert refused_in(body_of(messages=[DEVELOPER]), error) == {"developer"}
    other = from_answer(500, "a.example", {}, {"error": {"message": "Unexpected message role."}})
    assert other.code == "error" and refused_in(body_of(messages=[DEVELOPER]), other) == set()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as one:
        yield one


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("field=stream_options", {}),
    ("field=max_tokens&code=400", {"max_tokens": 5}),
    ("field=max_completion_tokens", {"max_completion_tokens": 5}),
    ("role=developer&code=400", {"messages": [DEVELOPER]}),
]


@pytest.mark.parametrize(("options", "fields"), ASKED)
def test_a_refused_field_is_asked_without_once_and_never_again(
    options: str, fields: dict[str, Any], upstream: Upstream
):
    model = f"picky?{options}"
    made = sample(
        get_provider("openai-compatible"), upstream.url.removesuffix("/v1"), base_url=upstream.url
    )
    for tries in (2, 3):
        given = request(model=model).model_copy(update={})
        given = type(given).model_validate({**given.body(), **fields})
        chunks = asyncio.run(streamed(made, given))
        assert "".join(one.content for one in chunks) == SAID
        assert len(upstream.of(model)) == tries
    assert made.learned.keys() == {model}


def test_an_azure_deployment_of_a_reasoning_model_learns_the_other_name():
    made = sample(get_provider("azure-openai"))
    refusal = from_answer(400, "a.example", {}, REFUSALS[0][2])
    sent = made.wire_body(Capability.CHAT, body_of(max_tokens=500))
    assert made.learns(sent, refusal) and not made.learns(sent, refusal)
    again = made.wire_body(Capability.CHAT, body_of(max_tokens=500))
    assert again == body_of(max_completion_tokens=500)
    assert (
        made.wire_body(Capability.CHAT, {**body_of(max_tokens=5), "model": "other"})["max_tokens"]
        == 5
    )


def test_who_refuses_both_names_of_a_length_is_asked_twice_at_most():
    made = sample(get_provider("openai-compatible"))
    both = {"error": {"message": "max_tokens and max_completion_tokens are not supported"}}
    refusal, asked = from_answer(400, "a.example", {}, both), body_of(max_tokens=5)
    assert made.learns(made.wire_body(Capability.CHAT, asked), refusal)
    assert not made.learns(made.wire_body(Capability.CHAT, asked), refusal)


def test_a_refusal_that_goes_on_is_told(upstream: Upstream):
    made = sample(get_provider("openai-compatible"), base_url=upstream.url)
    with pytest.raises(ProviderError) as caught:
        asyncio.run(streamed(made, request(model="status?code=400&message=unknown+stream_options")))
    assert caught.value.code == "bad_request" and len(upstream.seen) == 2
