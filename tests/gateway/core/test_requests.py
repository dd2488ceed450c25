"""Requests as OpenAI's protocol has them today: what passes, what is wrong anywhere, and what
cannot be translated.
"""

from typing import Any

import pytest

from connections.services import Caller
from gateway.core.errors import GatewayError
from gateway.core.requests import GatewayRequest, parse_request, translatable
from providers.core.base import Capability
from providers.core.messages import Unsupported
from providers.core.registry import get_provider

HELLO = {"role": "user", "content": "Hello"}
CUSTOM = {"id": "c", "type": "custom", "custom": {"name": "code", "input": "1"}}
LONG = "n" * 70


def parsed(**fields: Any) -> GatewayRequest:
    body = {"messages": [HELLO], **fields}
    return parse_request("v1", Capability.CHAT, Caller(1, "ada"), "writer", body)


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def image(**more: Any) -> list[dict[str, Any]]:
    part = {"type": "image_url", "image_url": {"url": "https://a.example/1.png", **more}}
    return [{"role": "user", "content": [{"type": "text", "text": "Look"}, part]}]


NEWER: dict[str, tuple[dict[str, Any], str]] = {
    "custom tools": (
        {"tools": [tool("f"), {"type": "custom", "custom": {"name": "code"}}]},
        "tools.1.type",
    ),
    "allowed tools": (
        {"tools": [tool("f")], "tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
        "tool_choice.type",
    ),
    "custom calls": (
        {"messages": [HELLO, {"role": "assistant", "tool_calls": [CUSTOM]}]},
        "messages.1.tool_calls.0.type",
    ),
    "an image's detail": (
        {"messages": image(detail="original")},
        "messages.0.content.1.image_url.detail",
    ),
    "the role function": (
        {"messages": [HELLO, {"role": "function", "name": "f", "content": "1"}]},
        "messages.1.role",
    ),
    "a format": ({"response_format": {"type": "grammar"}}, "response_format.type"),
}


@pytest.mark.parametrize(("fields", "path"), NEWER.values(), ids=NEWER)
def test_what_openai_has_beyond_passes_and_is_refused_by_name_where_translated(
    fields: dict[str, Any], path: str
):
    body = parsed(**fields).body
    assert body == {"messages": [HELLO], **fields}
    with pytest.raises(Unsupported) as caught:
        translatable(body, get_provider("echo").__new__(get_provider("echo")))
    assert (caught.value.feature, path in caught.value.message) == (path, True)


PASSES: dict[str, dict[str, Any]] = {
    "a long name": {"tools": [tool(LONG)], "tool_choice": tool(LONG)},
    "audio": {"messages": [{"role": "user", "content": [{"type": "input_audio", "x": 1}]}]},
    "an unknown part": {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]},
    "a prediction": {"prediction": {"type": "content", "content": "a"}},
    "a field of tomorrow": {"quantum": {"a": [1]}},
}


@pytest.mark.parametrize("fields", PASSES.values(), ids=PASSES)
def test_what_only_the_service_can_judge_passes(fields: dict[str, Any]):
    assert parsed(**fields).body == {"messages": [HELLO], **fields}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a part's text": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]},
        "messages.0.content.0.text",
    ),
    "a missing text": (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages.0.content.0.text",
    ),
    "an image's address": ({"messages": image(url=7)}, "messages.0.content.1.image_url.url"),
    "content": ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
    "a role": ({"messages": [HELLO, {"role": "wizard", "content": "x"}]}, "messages.1.role"),
    "a tool's name": ({"tools": [tool("x" * 1001)]}, "tools.0.function.name"),
    "a missing function": ({"tools": [{"type": "function"}]}, "tools.0.function"),
    "a call's name": (
        {"messages": [HELLO, {"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}]},
        "messages.1.tool_calls.0.function.name",
    ),
    "a choice": ({"tool_choice": "sometimes"}, "tool_choice"),
    "a temperature": ({"temperature": "hot"}, "temperature"),
    "a stop": ({"stop": 7}, "stop"),
}


@pytest.mark.parametrize(("fields", "path"), WRONG.values(), ids=WRONG)
def test_a_wrong_field_is_named_as_the_caller_wrote_it(fields: dict[str, Any], path: str):
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert (caught.value.status, caught.value.param) == (400, path)


FIELDS = [
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "n",
    "tools",
    "tool_choice",
    "presence_penalty",
    "frequency_penalty",
    "response_format",
    "user",
    "logprobs",
    "variables",
    "model",
    "parallel_tool_calls",
    "metadata",
    "reasoning_effort",
]


def test_null_is_as_if_left_out():
    request = parsed(**dict.fromkeys(FIELDS))
    assert request.body == {"messages": [HELLO]} and request.parsed.asked() == []
    assert not request.is_stream and not request.wants_usage


def test_null_is_left_out_of_messages_and_functions_too():
    call = {"role": "assistant", "content": None, "name": None, "tool_calls": None}
    function = {"name": "f", "strict": None, "parameters": {"default": None}}
    body = parsed(messages=[HELLO, call], tools=[{"type": "function", "function": function}]).body
    assert body["messages"][1] == {"role": "assistant", "content": None}
    assert body["tools"][0]["function"] == {"name": "f", "parameters": {"default": None}}


def test_a_text_format_asks_for_nothing():
    assert parsed(response_format={"type": "text"}).parsed.asked() == []
