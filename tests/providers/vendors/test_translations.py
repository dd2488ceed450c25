"""What agents and the answers of others bring into a conversation, as each vendor takes it: a table
of cases for each kind, looked at as it leaves.
"""

import asyncio
import base64
import json
import re
from typing import Any

import pytest

from providers.amazon import Amazon
from providers.anthropic import Anthropic
from providers.core.base import Capability, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported
from providers.core.registry import get_provider
from providers.google import Google
from providers.vendors.tool_names import CLAUDE, GOOGLE, MISTRAL, OPENAI, TextRule, with_names
from tests.providers.samples import sample
from tests.providers.streams import asked, request, streamed, streaming
from tests.upstreams import Upstream

TRANSLATED: dict[str, type[Provider[Any]]] = {
    "anthropic": Anthropic,
    "google": Google,
    "amazon": Amazon,
}
MODELS = {
    "anthropic": "claude-sonnet-4-5",
    "google": "gemini-2.5-flash",
    "amazon": "anthropic.claude-sonnet-4-5",
}
WIRED = ("openai", "azure-openai", "openai-compatible", "mistral", "ollama", "serverless")
every_translated = pytest.mark.parametrize("vendor", TRANSLATED)
every_wired = pytest.mark.parametrize("vendor", WIRED)
EVERY = (*TRANSLATED, *WIRED)
PDF = base64.b64encode(b"%PDF-1.4").decode()
ODD = ["composio.NOTION_SEARCH", "mcp:search", "get weather", "погода", "прогноз", "x" * 70]
USER = {"role": "user", "content": "Hi"}


def tools(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": one}} for one in names]


def call(name: str = "f", number: str = "c1", arguments: str = "{}") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": number, "type": "function", "function": function}


def history(*calls: dict[str, Any]) -> list[dict[str, Any]]:
    """A conversation in which these calls were made and answered."""
    results = [{"role": "tool", "tool_call_id": one["id"], "content": "ok"} for one in calls]
    return [USER, {"role": "assistant", "content": None, "tool_calls": list(calls)}, *results]


def leaves(vendor: str, *messages: Any, **fields: Any) -> dict[str, Any]:
    """The JSON that is sent to the vendor."""
    fields = {"model": MODELS.get(vendor, "model-1"), **fields}
    if vendor in WIRED:
        given = request(*messages, **fields)
        return sample(get_provider(vendor)).wire_body(Capability.CHAT, given.body())
    with Upstream(mode="500") as upstream:
        made = sample(TRANSLATED[vendor], upstream.url)
        try:
            asyncio.run(asked(made, request(*messages, **fields)))
        except Unsupported:
            assert upstream.requests == []
            raise
        except ProviderError:
            return dict(json.loads(upstream.requests[0].body))
    raise AssertionError("the service failed and nobody noticed")


def texts_in(found: Any, *keys: str) -> list[str]:
    """The texts under these keys, wherever they are, in their order."""
    if isinstance(found, list):
        return [text for one in found for text in texts_in(one, *keys)]
    if not isinstance(found, dict):
        return []
    own = [found[key] for key in keys if isinstance(found.get(key), str)]
    return own + [text for one in found.values() for text in texts_in(one, *keys)]


# 1. Names of tools, and ids of their calls

NAME_RULES = {"google": r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}"}
FREE = ("openai-compatible", "ollama", "serverless")  # whose models are anybody's


@pytest.mark.parametrize("vendor", [one for one in EVERY if one not in FREE])
def test_a_vendor_gets_names_that_it_takes_and_no_two_the_same(vendor: str):
    body = leaves(
        vendor, *history(*(call(one, f"c{at}") for at, one in enumerate(ODD))), tools=tools(*ODD)
    )
    places = {"google": ("tools", "contents"), "amazon": ("toolConfig", "messages")}
    here, there = places.get(vendor, ("tools", "messages"))
    told, called = texts_in(body[here], "name"), texts_in(body[there], "name")
    assert len(set(told)) == len(ODD) and set(called) == set(told)
    rule = NAME_RULES.get(vendor, r"[a-zA-Z0-9_-]{1,64}")
    assert all(re.fullmatch(rule, one) for one in told)


@pytest.mark.parametrize("vendor", FREE)
def test_names_go_as_they_are_where_nobody_knows_the_rule(vendor: str):
    assert texts_in(leaves(vendor, "Hi", tools=tools(*ODD))["tools"], "name") == ODD


@pytest.mark.parametrize("vendor", [*TRANSLATED, "openai", "mistral"])
def test_a_chosen_tool_has_the_name_that_is_told(vendor: str):
    choice = {"type": "function", "function": {"name": "get weather"}}
    body = json.dumps(leaves(vendor, "Hi", tools=tools("get weather"), tool_choice=choice))
    assert "get weather" not in body and body.count('"get_weather"') == 2


def test_tools_of_openais_own_kinds_and_older_roles_are_told_the_same_names():
    body = {
        "messages": [
            {"role": "assistant", "tool_calls": [{"type": "custom", "custom": {"name": "a b"}}]},
            {"role": "function", "name": "a b", "content": "x"},
        ],
        "tools": [{"type": "custom", "custom": {"name": "a b"}}, {"type": "web_search"}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": tools("a b")}},
    }
    assert json.dumps(with_names(body, OPENAI)) == json.dumps(body).replace("a b", "a_b")


KIMI = [call("f", "functions.f:0"), call("f", "functions_f_0"), call("f", "functions f 0")]
IDS = {
    "anthropic": ("id", "tool_use_id"),
    "amazon": ("toolUseId",),
    "mistral": ("id", "tool_call_id"),
}
ID_RULES = {"mistral": r"[a-zA-Z0-9]{9}"}


@pytest.mark.parametrize("vendor", IDS)
def test_ids_of_another_vendor_are_mapped_in_both_places_and_stay_apart(vendor: str):
    body = leaves(vendor, *history(*KIMI), tools=tools("f"))
    ids = texts_in(body["messages"], *IDS[vendor])
    assert ids[:3] == ids[3:] and len(set(ids)) == 3
    assert all(re.fullmatch(ID_RULES.get(vendor, "[a-zA-Z0-9_-]{1,64}"), one) for one in ids)
    assert vendor == "mistral" or ids[1] == "functions_f_0"


@pytest.mark.parametrize("vendor", ["anthropic", "amazon"])
def test_an_id_that_comes_again_is_another_calls(vendor: str):
    again = [*history(call()), {"role": "user", "content": "More"}, *history(call())[1:]]
    ids = texts_in(leaves(vendor, *again, tools=tools("f"))["messages"], *IDS[vendor])
    assert ids[0] == ids[1] == "c1" and ids[2] == ids[3] != "c1"


@pytest.mark.parametrize("vendor", ["openai", "azure-openai"])
def test_openai_gets_ids_of_40_characters_at_most(vendor: str):
    body = leaves(vendor, *history(call("f", "a.b" * 20), call("f", "ok")), tools=tools("f"))
    told, short = (one["id"] for one in body["messages"][1]["tool_calls"])
    assert len(told) <= 40 and short == "ok"
    assert [one["tool_call_id"] for one in body["messages"][2:]] == [told, short]


@pytest.mark.parametrize("rules", [CLAUDE, GOOGLE, OPENAI, MISTRAL])
def test_what_a_vendor_takes_is_not_touched(rules: Any):
    body = {"messages": history(call("f", "abcDEF123")), "tools": tools("f", "g-2_x")}
    assert with_names(body, rules) is body


def test_the_same_text_is_always_told_the_same_way():
    rule = TextRule("a-z", 12)
    assert rule.other("a.b", set()) == rule.other("a.b", set()) == "a_b"
    long = rule.other("y" * 20, set())
    assert long == rule.other("y" * 20, {"another"}) != rule.other("y" * 21, set())


USE = {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [USE]}
MESSAGE |= {"stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}}
GEMINI = {"content": {"parts": [{"functionCall": {"name": "get_weather", "args": {}}}]}}
GEMINI |= {"finishReason": "STOP"}
CONVERSED = {
    "message": {"content": [{"toolUse": {"toolUseId": "t", "name": "get_weather", "input": {}}}]}
}
ANSWERS: dict[str, tuple[str, Any]] = {
    "anthropic": ("/v1/messages", MESSAGE),
    "google": ("/v1beta/models/gemini-2.5-flash:generateContent", {"candidates": [GEMINI]}),
    "amazon": (
        "/model/anthropic.claude-sonnet-4-5/converse",
        {"output": CONVERSED, "stopReason": "tool_use"},
    ),
}


@every_translated
def test_an_answer_has_the_callers_own_names(vendor: str):
    path, answer = ANSWERS[vendor]
    with Upstream(answers={path: (200, answer)}) as upstream:
        given = request("Hi", model=MODELS[vendor], tools=tools("get weather"))
        found = asyncio.run(asked(sample(TRANSLATED[vendor], upstream.url), given))
    assert [one.function.name for one in found.tool_calls] == ["get weather"]


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


STREAMS = {
    "anthropic": (
        event("message_start", message={**MESSAGE, "content": []}),
        event("content_block_start", index=0, content_block=USE),
        event("message_stop"),
    ),
    "google": (f"data: {json.dumps({'candidates': [GEMINI]})}\n\n".encode(),),
}


@pytest.mark.parametrize("vendor", STREAMS)
def test_a_stream_has_the_callers_own_names(vendor: str):
    async def pieces() -> list[Any]:
        async with streaming(*STREAMS[vendor]) as server:
            given = request("Hi", model=MODELS[vendor], tools=tools("get weather"))
            return await streamed(sample(TRANSLATED[vendor], server.url), given)

    names = [one.name for chunk in asyncio.run(pieces()) for one in chunk.tool_calls]
    assert names == ["get weather"]


# 2. Blank texts


@every_translated
@pytest.mark.parametrize("blank", ["", "\n\n", " \t"])
def test_a_blank_text_beside_calls_is_left_out(vendor: str, blank: str):
    messages = history(call())
    messages[1]["content"] = blank
    body = leaves(vendor, *messages, tools=tools("f"))
    turn = body["contents"][1]["parts"] if vendor == "google" else body["messages"][1]["content"]
    assert len(turn) == 1 and "text" not in turn[0]


@every_translated
def test_blank_parts_and_blank_instructions_are_left_out(vendor: str):
    parts = [{"type": "text", "text": one} for one in (" ", "Hi", "\n")]
    body = leaves(vendor, {"role": "system", "content": "  "}, {"role": "user", "content": parts})
    assert texts_in(body, "text") == ["Hi"]
    assert not {"system", "systemInstruction"} & body.keys()


@pytest.mark.parametrize("vendor", ["anthropic", "amazon"])
def test_a_blank_message_of_the_user_is_refused_by_name(vendor: str):
    with pytest.raises(Unsupported) as caught:
        leaves(vendor, {"role": "user", "content": " \n"})
    assert caught.value.feature == "messages" and "empty" in caught.value.message


@pytest.mark.parametrize("vendor", [*TRANSLATED, "mistral"])
@pytest.mark.parametrize("empty", ["", "  ", None])
def test_a_turn_of_the_assistant_that_says_nothing_is_left_out(vendor: str, empty: str | None):
    body = leaves(vendor, "One", {"role": "assistant", "content": empty}, "Two")
    roles = {one["role"] for one in body.get("contents") or body["messages"]}
    assert roles == {"user"} and "Two" in json.dumps(body)


@pytest.mark.parametrize("vendor", ["anthropic", "amazon"])
def test_white_space_behind_the_assistants_last_message_is_removed(vendor: str):
    prefill = {"role": "assistant", "content": "{ "}
    body = leaves(vendor, "JSON", {"role": "assistant", "content": "a "}, "More", prefill)
    assert texts_in(body["messages"], "text") == ["JSON", "a ", "More", "{"]


# 3. What asks for nothing

IDLE: list[dict[str, Any]] = [
    {"tool_choice": "none"},
    {"tool_choice": "auto", "tools": []},
    {"tool_choice": "required", "tools": []},
    {"tool_choice": {"type": "function", "function": {"name": "f"}}},
    {"parallel_tool_calls": False},
    {"parallel_tool_calls": False, "tools": []},
]


@pytest.mark.parametrize("fields", IDLE)
@pytest.mark.parametrize("vendor", EVERY)
def test_a_choice_among_no_tools_is_left_out(vendor: str, fields: dict[str, Any]):
    assert leaves(vendor, "Hi", **fields) == leaves(vendor, "Hi")


DEFAULTS: dict[str, Any] = {
    "n": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "parallel_tool_calls": True,
    "store": False,
    "user": "ada",
    "safety_identifier": "ada",
}


@every_translated
def test_a_default_that_the_vendor_does_not_know_is_left_out(vendor: str):
    body = leaves(vendor, "Hi", stream=False, **DEFAULTS)
    if vendor == "anthropic":
        assert body.pop("metadata") == {"user_id": "ada"}
    assert body == leaves(vendor, "Hi")


@pytest.mark.parametrize(
    ("model", "told"), [("claude-sonnet-4-5", {"temperature": 0.7}), ("claude-opus-4-7", {})]
)
@pytest.mark.parametrize("vendor", ["anthropic", "amazon"])
def test_top_p_of_1_is_nothing_where_claude_takes_one_of_two(
    vendor: str, model: str, told: dict[str, Any]
):
    given = {"temperature": 0.7 if told else 1, "top_p": 1}
    body = leaves(vendor, "Hi", model=model, **given)
    found = body.get("inferenceConfig", {}) if vendor == "amazon" else body
    sampling = {
        name: one for name, one in found.items() if name in ("temperature", "top_p", "topP")
    }
    assert sampling == told


@pytest.mark.parametrize("vendor", [*TRANSLATED, "ollama"])
def test_one_call_at_a_time_is_a_wish_only_where_there_are_two_tools(vendor: str):
    assert leaves(vendor, "Hi", tools=tools("a"), parallel_tool_calls=False)
    if vendor != "anthropic":
        with pytest.raises(Unsupported):
            leaves(vendor, "Hi", tools=tools("a", "b"), parallel_tool_calls=False)


# 4. Echoes of answers, broken arguments, who begins

ECHOES = {
    "reasoning_content": "hmm",
    "reasoning": "hmm",
    "annotations": [{"type": "url_citation"}],
    "refusal": None,
    "audio": None,
    "function_call": None,
}


@pytest.mark.parametrize(
    "vendor", [one for one in EVERY if one not in ("openai-compatible", "ollama")]
)
def test_what_an_answer_carried_beside_its_text_is_left_out(vendor: str):
    said = {"role": "assistant", "content": "Hello."}
    plain = leaves(vendor, "Hi", said, "More")
    assert leaves(vendor, "Hi", {**said, **ECHOES}, "More") == plain


@every_wired
def test_empty_fields_of_messages_are_left_out(vendor: str):
    said = {"role": "assistant", "content": "Hello.", "audio": None, "tool_calls": []}
    assert leaves(vendor, "Hi", said)["messages"][-1] == {"role": "assistant", "content": "Hello."}


@pytest.mark.parametrize("vendor", [*TRANSLATED, "mistral"])
def test_names_of_people_are_left_out(vendor: str):
    named = [{**USER, "name": "ada"}, {"role": "system", "content": "Be brief.", "name": "boss"}]
    plain = [{name: one for name, one in message.items() if name != "name"} for message in named]
    assert leaves(vendor, *named) == leaves(vendor, *plain)


@pytest.mark.parametrize("arguments", ['{"city": "Os', "[1]", "oops", '{"a": NaN}', '{"a": 1e999}'])
@pytest.mark.parametrize("vendor", EVERY)
def test_arguments_that_are_no_object_are_wrapped(vendor: str, arguments: str):
    body = leaves(vendor, *history(call(arguments=arguments)), tools=tools("f"))
    wrapped = [json.loads(one) for one in texts_in(body, "arguments")]
    assert texts_in([body, wrapped], "_raw") == [arguments]


@pytest.mark.parametrize("vendor", EVERY)
def test_half_a_character_in_arguments_is_replaced(vendor: str):
    half, whole = '{"a": "\\ud83d"}', '{"a": "\ufffd"}'
    sent, expected = (
        leaves(vendor, *history(call(arguments=one)), tools=tools("f")) for one in (half, whole)
    )
    assert sent == expected


@pytest.mark.parametrize("arguments", ["", " ", "null"])
@pytest.mark.parametrize("vendor", EVERY)
def test_no_arguments_are_an_empty_object(vendor: str, arguments: str):
    empty = leaves(vendor, *history(call(arguments="{}")), tools=tools("f"))
    assert leaves(vendor, *history(call(arguments=arguments)), tools=tools("f")) == empty


@pytest.mark.parametrize("vendor", [*TRANSLATED, "mistral"])
def test_the_user_begins(vendor: str):
    body = leaves(vendor, {"role": "assistant", "content": "Hello, I am Bo."}, "Hi")
    roles = [one["role"] for one in body.get("contents") or body["messages"]]
    assert roles[0] == "user" and len(roles) == 3


# 5. Documents, and marks for a cache


def document(
    name: str = "a.pdf", data: str = f"data:application/pdf;base64,{PDF}"
) -> dict[str, Any]:
    return {"type": "file", "file": {"filename": name, "file_data": data}}


def test_a_pdf_is_a_document_for_claude():
    body = leaves("anthropic", {"role": "user", "content": [document()]})
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert body["messages"][0]["content"] == [
        {"type": "document", "source": source, "title": "a.pdf"}
    ]


def test_a_pdf_is_data_for_gemini():
    body = leaves("google", {"role": "user", "content": [document()]})
    assert body["contents"][0]["parts"] == [
        {"inlineData": {"mime_type": "application/pdf", "data": PDF}}
    ]


def test_documents_of_bedrock_have_names_that_it_takes_and_a_text_beside_them():
    given = [document("Übersicht (1)_v2.pdf"), document("a.pdf"), document("a.pdf"), document("")]
    content = leaves("amazon", {"role": "user", "content": given})["messages"][0]["content"]
    found = [one["document"] for one in content if "document" in one]
    assert {one["format"] for one in found} == {"pdf"} and found[0]["source"] == {"bytes": PDF}
    names = [one["name"] for one in found]
    assert len(set(names)) == 4 and names[1] == "a"
    assert all(re.fullmatch(r"[a-zA-Z0-9()\[\]-]+( [a-zA-Z0-9()\[\]-]+)*", one) for one in names)
    assert "text" in content[-1]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_id": "file-1"}},
        document(data="data:application/pdf;base64,!"),
    ],
)
@every_translated
def test_a_file_that_did_not_come_along_is_refused_by_name(vendor: str, part: dict[str, Any]):
    with pytest.raises(Unsupported) as caught:
        leaves(vendor, {"role": "user", "content": [part]})
    assert caught.value.feature == "file"


MARK = {"cache_control": {"type": "ephemeral"}}
MARKED: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", **MARK}]},
        {"role": "user", "content": [{"type": "text", "text": "Hi", **MARK}]},
        {"role": "assistant", "content": "Hello.", **MARK},
        {"role": "user", "content": "More"},
    ],
    "tools": [{**tools("f")[0], **MARK}],
}


def test_marks_for_the_cache_go_to_anthropic_as_they_are():
    body = leaves("anthropic", *MARKED["messages"], tools=MARKED["tools"])
    assert body["system"] == [{"type": "text", "text": "Be brief.", **MARK}]
    assert ["cache_control" in one["content"][-1] for one in body["messages"]] == [
        True,
        True,
        False,
    ]
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral"}


def test_marks_for_the_cache_are_points_for_bedrock():
    body, point = leaves("amazon", *MARKED["messages"], tools=MARKED["tools"]), {"type": "default"}
    assert body["system"][-1] == body["toolConfig"]["tools"][-1] == {"cachePoint": point}
    assert ["cachePoint" in one["content"][-1] for one in body["messages"]] == [True, True, False]
    other = leaves("amazon", *MARKED["messages"], model="meta.llama3-8b", tools=MARKED["tools"])
    assert "cachePoint" not in json.dumps(other)


@pytest.mark.parametrize("vendor", ["google", "openai", "azure-openai", "mistral", "ollama"])
def test_others_get_no_marks_for_a_cache(vendor: str):
    body = leaves(vendor, *MARKED["messages"], tools=MARKED["tools"], **MARK)
    assert "cache_control" not in json.dumps(body)


def test_the_request_of_the_caller_stays_as_it_is():
    given = ChatRequest.model_validate(
        {**MARKED, "messages": [*MARKED["messages"], *history(KIMI[0])]}
    )
    before = given.body()
    for vendor in WIRED:
        sample(get_provider(vendor)).wire_body(Capability.CHAT, before)
    assert before == given.body()


@pytest.mark.parametrize(
    ("vendor", "model"),
    [("google", "gemini-embedding-001"), ("amazon", "cohere.embed-v4:0"), ("mistral", "m")],
)
def test_texts_are_embedded_without_the_user_where_no_user_is_known(vendor: str, model: str):
    given = EmbeddingRequest.model_validate({"model": model, "input": "a", "user": "ada"})
    with Upstream(mode="500") as upstream, pytest.raises(ProviderError) as caught:
        asyncio.run(sample(get_provider(vendor), upstream.url).embed(given))
    assert not isinstance(caught.value, Unsupported)
    assert b"ada" not in upstream.requests[0].body
