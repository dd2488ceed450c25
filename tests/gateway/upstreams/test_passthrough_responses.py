"""Answers of OpenAI's protocol as services write them: with errors inside, half characters, calls
without numbers.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gateway.core import sse
from gateway.upstreams.passthrough_embeddings import PassthroughEmbeddings
from gateway.upstreams.passthrough_responses import (
    PassthroughChat,
    PassthroughStream,
    failed,
)
from providers.core.errors import ProviderError
from providers.core.results import ChatChunk

HOST = "api.example.com"
DONE = "data: [DONE]\n\n"


def event(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'id': '1', 'model': 'm', 'choices': [choice], **more})}\n\n"


HI, END = event({"content": "Hi "}), event({}, "stop")


async def _source(pieces: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece.encode(errors="surrogateescape")


async def _opened(pieces: tuple[str, ...], heard: list[bytes]) -> PassthroughStream:
    stream = PassthroughStream(_source(pieces), HOST, False, "asked", heard.append)
    await stream.open()
    return stream


def opened(*pieces: str) -> list[bytes]:
    """The comments that are heard until the stream is open. Raises what opening it does."""
    heard = list[bytes]()
    asyncio.run(_opened(pieces, heard))
    return heard


def passed(*pieces: str) -> tuple[str, str]:
    """What is passed on, and the code of the error that ends it."""

    async def run() -> tuple[str, str]:
        text, stream = "", await _opened(pieces, [])
        try:
            async for block in stream.blocks():
                text += block.decode()
        except ProviderError as error:
            return text, error.code
        return text, ""

    return asyncio.run(run())


def chunks(*pieces: str) -> list[ChatChunk]:
    async def run() -> list[ChatChunk]:
        return [one async for one in (await _opened(pieces, [])).chunks()]

    return asyncio.run(run())


FAILURES: dict[str, tuple[str, str]] = {
    "alone": ('data: {"error": {"message": "No", "code": 429}}\n\n', "rate_limited"),
    "behind other fields": (event({"content": ""}, "error", error={"code": 502}), "error"),
    "in the choice": ('data: {"choices": [{"error": {"code": 429}}]}\n\n', "rate_limited"),
    "as the finish reason": (event({}, "error"), "error"),
    "as a type of event": (
        'event: error\ndata: {"message": "No", "code": 401}\n\n',
        "unauthorized",
    ),
    "as a sentence": ("event: error\ndata: out of memory\n\n", "error"),
    "as llama.cpp's line": ('error: {"code": 503, "message": "No slot"}\n\n', "error"),
}


ROLE = event({"role": "assistant", "content": "", "refusal": None})
SILENT = {  # what services send before the model has said anything
    "comment": (": OPENROUTER PROCESSING\n\n",),
    "role": (ROLE,),
    "Azure's filter results": ('data: {"choices": [], "prompt_filter_results": []}\n\n', ROLE),
    "role in the same block": (f": a\n\n{ROLE}{ROLE}",),
}


@pytest.mark.parametrize("silent", SILENT.values(), ids=SILENT)
@pytest.mark.parametrize(("failure", "code"), FAILURES.values(), ids=FAILURES)
def test_a_stream_that_fails_before_it_says_something_is_not_opened(
    failure: str, code: str, silent: tuple[str, ...]
):
    with pytest.raises(ProviderError) as caught:
        opened(*silent, failure)
    assert caught.value.code == code


SPOKEN = {
    "text": {"content": "Hi"},
    "reasoning": {"role": "assistant", "content": None, "reasoning_content": "Hm"},
    "audio": {"audio": {"data": "AAAA"}},
    "call": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]},
}


@pytest.mark.parametrize("delta", SPOKEN.values(), ids=SPOKEN)
def test_the_first_word_opens_a_stream(delta: dict[str, Any]):
    async def first() -> bytes:
        async def source() -> AsyncGenerator[bytes, None]:
            yield ROLE.encode()
            yield event(delta).encode()
            raise AssertionError("it waited for more")

        stream = PassthroughStream(source(), HOST, False, "asked")
        await stream.open()
        return stream.first

    assert asyncio.run(first()).decode() == ROLE + event(delta)


@pytest.mark.parametrize(("failure", "code"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("in_one_block", [False, True])
def test_an_error_in_the_middle_ends_a_stream(failure: str, code: str, in_one_block: bool):
    more = event({"content": "there"})
    pieces = (HI, more + failure) if in_one_block else (HI, more, failure)
    assert passed(*pieces, END, DONE) == (HI + more, code)


GOOD = {
    "a text with the word": event({"content": 'He said "error": {"code": 500}'}),
    "an error that is null": event({"content": "x"}, error=None),
    "an empty error": event({"content": "x"}, error={}),
}


@pytest.mark.parametrize("one", GOOD.values(), ids=GOOD)
def test_what_only_looks_like_an_error_passes_as_it_came(one: str):
    assert passed(HI, one, END, DONE) == (HI + one + END + DONE, "")


def test_comments_are_heard_before_the_first_event():
    assert opened(": one\n\n", ": two\n", HI) == [b": one\n\n", b": two\n"]


def test_a_comment_without_an_empty_line_passes_at_once():
    async def run() -> list[bytes]:
        stream = await _opened((HI, ": still here\n", "\n", END, DONE), [])
        return [block async for block in stream.blocks()]

    assert asyncio.run(run())[:2] == [HI.encode(), b": still here\n"]


def test_comments_between_objects_are_heard():
    heard = list[bytes]()

    async def run() -> list[str]:
        stream = await _opened((HI, ": still here\n\n", END, DONE), heard)
        return [one.content async for one in stream.chunks()]

    assert (asyncio.run(run()), heard) == (["Hi ", ""], [b": still here\n\n"])


NOTHING: dict[str, tuple[str, ...]] = {
    "no event": (),
    "a comment": (": only a comment\n\n",),
    "its end": (DONE,),
    "half JSON": ("data: {oops\n\n", HI, END, DONE),
    "a detail": ('data: {"detail":"overloaded"}\n\n', DONE),
    "a message": ('data: {"message": "No"}\n\n',),
    "a role": (ROLE, DONE),
}


@pytest.mark.parametrize("pieces", NOTHING.values(), ids=NOTHING)
def test_a_stream_that_says_nothing_failed(pieces: tuple[str, ...]):
    with pytest.raises(ProviderError) as caught:
        opened(*pieces)
    assert caught.value.code == "error"


def test_an_endless_stream_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sse, "LONGEST_EVENT", 100)
    with pytest.raises(ProviderError) as caught:
        opened(*[ROLE] * 9, HI)
    assert caught.value.code == "bad_response"


def test_events_of_another_shape_pass_in_the_middle():
    odd = 'data: {"detail": "busy"}\n\n'
    assert passed(HI, odd, END, DONE) == (HI + odd + END + DONE, "")


def contents(text: str) -> str:
    found = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    return "".join(one["choices"][0]["delta"].get("content") or "" for one in found)


HALVES: dict[str, tuple[list[str], str]] = {
    "in two pieces": (["\ud83d", "\ude00", " end"], "Hi 😀 end"),
    "the first alone": (["\ud83d", " end"], "Hi \ufffd end"),
    "the second alone": (["\ude00 end"], "Hi \ufffd end"),
    "the first at the end": ([" end", "\ud83d"], "Hi  end\ufffd"),
    "whole": (["😀"], "Hi 😀"),
}


@pytest.mark.parametrize(("pieces", "expected"), HALVES.values(), ids=HALVES)
def test_half_characters_are_joined_in_both_formats(pieces: list[str], expected: str):
    events = (HI, *(event({"content": one}) for one in pieces), END, DONE)
    text, code = passed(*events)
    assert (contents(text), code, text.endswith(DONE)) == (expected, "", True)
    assert "".join(one.content for one in chunks(*events)) == expected


CUTS: dict[str, tuple[tuple[str, ...], str]] = {
    "the service": ((), "error"),
    "an error": (('data: {"error": {"code": 429}}\n\n',), "rate_limited"),
    "an end without a finish reason": ((DONE,), ""),
}


@pytest.mark.parametrize(("end", "code"), CUTS.values(), ids=CUTS)
def test_a_half_character_before_a_cut_is_told_of(end: tuple[str, ...], code: str):
    text, found = passed(HI, event({"content": "\ud83d"}), *end)
    assert (contents(text), found) == ("Hi \ufffd", code)
    assert json.loads(text.split("data: ")[3])["id"] == "1"


def test_half_characters_of_arguments_are_joined():
    def call(arguments: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": arguments}}]}

    events = (event(call('{"a": "\ud83d')), event(call('\ude00"}')), END, DONE)
    calls = [one for chunk in chunks(*events) for one in chunk.tool_calls]
    assert "".join(one.arguments for one in calls) == '{"a": "😀"}'


def test_events_without_half_characters_are_not_written_anew():
    odd = 'data:  {"model":"m","choices":[ {"delta":{"content":"\\ud83d\\ude00 \\u00e4"}} ]}\n\n'
    assert passed(odd, END, DONE) == (odd + END + DONE, "")


def test_calls_without_numbers_are_numbered():
    events = [
        event({"tool_calls": [{"id": one, "function": {"name": "f", "arguments": {"a": 1}}}]})
        for one in ("a", "b")
    ]
    calls = [one for chunk in chunks(*events, END, DONE) for one in chunk.tool_calls]
    assert [(one.index, one.id, one.arguments) for one in calls] == [
        (0, "a", '{"a": 1}'),
        (1, "b", '{"a": 1}'),
    ]


def whole(message: dict[str, Any], **more: Any) -> PassthroughChat:
    choice = {"message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return PassthroughChat(json.dumps({"choices": [choice], **more}).encode(), HOST, "asked")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "No", "code": 429}},
        {"choices": [{"message": {"role": "assistant"}, "error": {"code": 429}}]},
        {"choices": [{"message": {"role": "assistant"}}], "error": {"code": 429}},
    ],
)
def test_a_whole_answer_that_is_an_error_is_refused(body: dict[str, Any]):
    with pytest.raises(ProviderError) as caught:
        PassthroughChat(json.dumps(body).encode(), HOST, "asked")
    assert caught.value.code == "rate_limited"


def test_vectors_that_are_an_error_are_refused():
    with pytest.raises(ProviderError) as caught:
        PassthroughEmbeddings(b'{"error": {"code": 429}}', HOST, "asked")
    assert caught.value.code == "rate_limited"


def test_half_characters_of_a_whole_answer_are_mended():
    answer = whole({"content": "a\ud83d\ude00b\ud83d"})
    assert (
        json.loads(answer.to_openai().decode())["choices"][0]["message"]["content"] == "a😀b\ufffd"
    )
    assert answer.chat_answer().content == "a😀b\ufffd"


def test_a_whole_call_without_id_and_type_and_with_an_object_is_read():
    answer = whole({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]})
    call = answer.chat_answer().tool_calls[0]
    assert (call.type, call.function.arguments, bool(call.id)) == ("function", '{"a": 1}', True)


@pytest.mark.parametrize("is_told_again", [False, True])
def test_a_usage_that_was_told_before_the_text_is_known_as_such(is_told_again: bool):
    async def read() -> PassthroughStream:
        usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
        last = event({}, "stop", **({"usage": usage} if is_told_again else {}))
        pieces = (event({"content": ""}, usage=usage), HI, last, DONE)
        stream = await _opened(pieces, [])
        _ = [one async for one in stream.blocks()]
        return stream

    assert asyncio.run(read()).is_usage_old is not is_told_again


COUNTED = 'data: {"choices": [], "usage": {"prompt_tokens": 500, "completion_tokens": 300}}\n\n'


def used(*pieces: str) -> tuple[str, Any, int]:
    """What is passed on, the usage that was told, and the tokens that were estimated."""

    async def run() -> tuple[str, Any, int]:
        text, stream = "", await _opened(pieces, [])
        with contextlib.suppress(ProviderError):
            async for block in stream.blocks():
                text += block.decode()
        return text, stream.usage, stream.counted

    return asyncio.run(run())


def test_what_comes_in_the_same_read_as_an_error_is_counted():
    long, failure = event({"content": "word " * 8000}), FAILURES["alone"][0]
    text, usage, counted = used(HI, long + COUNTED + failure)
    assert (text, usage.input_tokens, usage.output_tokens) == (HI + long, 500, 300)
    assert counted > 8000


def test_the_usage_beside_an_error_is_counted():
    usage = {"usage": {"prompt_tokens": 500, "completion_tokens": 300}}
    failure = event({}, "error", error={"code": 502}, **usage)
    assert used(HI, failure)[1].output_tokens == 300
    with pytest.raises(ProviderError) as caught:
        opened(failure)
    assert caught.value.usage.input_tokens == 500
    whole = {"choices": [{"finish_reason": "error", "error": {"code": 502}}], **usage}
    with pytest.raises(ProviderError) as caught:
        PassthroughChat(json.dumps(whole).encode(), HOST, "asked")
    assert caught.value.usage.output_tokens == 300


def test_a_stream_that_tells_nothing_but_its_usage_is_not_opened():
    with pytest.raises(ProviderError) as caught:
        opened(COUNTED, DONE)
    assert caught.value.usage.input_tokens == 500


def test_an_error_in_any_choice_is_one():
    good = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    bad = {"index": 1, "finish_reason": "error", "error": {"code": 429, "message": "No"}}
    with pytest.raises(ProviderError) as caught:
        PassthroughChat(json.dumps({"choices": [good, bad]}).encode(), HOST, "asked")
    assert caught.value.code == "rate_limited"


@pytest.mark.parametrize("error", ["upstream exploded", {"message": "upstream exploded"}])
def test_the_words_of_the_service_are_kept_for_records(error: Any):
    with pytest.raises(ProviderError) as caught:
        PassthroughChat(json.dumps({"error": error}).encode(), HOST, "asked")
    assert caught.value.heard.get_secret_value() == "upstream exploded" and not caught.value.said
    assert caught.value.message == f"{HOST} answered with an error. Ask again."


def test_a_text_that_says_done_is_not_the_end():
    text, code = passed(HI, event({"content": "data: [DONE]"}))
    assert (contents(text), code) == ("Hi data: [DONE]", "error")


@pytest.mark.parametrize("is_one_block", [False, True])
def test_what_comes_behind_the_end_is_left_out(is_one_block: bool):
    pieces = (HI, END, DONE, event({"content": "more"}))
    text, code = passed(*(["".join(pieces)] if is_one_block else pieces))
    assert (contents(text), code, text.endswith(DONE)) == ("Hi ", "", True)


@pytest.mark.parametrize("is_one_block", [False, True])
@pytest.mark.parametrize(
    "broken", ['data: {"choices": [{"del\n\n', "data: oops\n\n", "data: {}}\n\n"]
)
def test_a_stream_with_broken_json_in_its_middle_ends_there(broken: str, is_one_block: bool):
    pieces = (HI, broken, event({"content": "more"}), END, DONE)
    text, code = passed(*(["".join(pieces)] if is_one_block else pieces))
    assert (text, code) == (HI, "bad_response")


def test_broken_json_behind_the_end_spoils_nothing():
    assert passed(HI, END, DONE + "data: oops\n\n") == (HI + END + DONE, "")


@pytest.mark.parametrize("form", ["data: {}\r\n\r\n", "id: 1\ndata: {}\n\n", "data: {}\nid: 1\n\n"])
def test_events_are_sound_in_every_form_of_the_protocol(form: str):
    end = form.replace("{}", END[6:-2])
    assert passed(HI, end, DONE) == (HI + end + DONE, "")


def test_data_that_no_client_can_read_is_left_out_or_mended():
    kept = "event: ping\n\n: a comment\n\ndata:\n\n"
    assert passed(HI, "data: 5\n\ndata: null\n\n" + kept, END, DONE) == (HI + kept + END + DONE, "")
    text, code = passed(HI, event({"content": "a\udcffb"}), END, DONE)  # a byte that is not UTF-8
    assert (contents(text), code) == ("Hi a\ufffdb", "")


NAMELESS = ["", '"model": null, ', '"model": "", ', '"model": {"id": "m"}, ', '"model": 5, ']


@pytest.mark.parametrize("nameless", NAMELESS)
def test_every_chunk_names_a_model(nameless: str):
    without = HI.replace('"model": "m", ', nameless)
    said = event({"content": 'I write "choices" and "model"'}, "stop")
    text, code = passed(HI, without, f": a comment\n\n{without}{HI}", said, DONE)
    chunks = [json.loads(one[6:]) for one in text.split("\n\n") if one.startswith("data: {")]
    assert [one["model"] for one in chunks] == ["m", "asked", "asked", "m", "m"] and code == ""
    assert ": a comment" in text


@pytest.mark.parametrize("nameless", NAMELESS)
def test_every_whole_answer_names_a_model(nameless: str):
    choice = '{"index": 0, "message": {"role": "assistant", "content": "Hi"}}'
    chat = PassthroughChat(f'{{{nameless}"choices": [{choice}]}}'.encode(), HOST, "asked")
    assert json.loads(chat.to_openai())["model"] == chat.chat_answer().model == "asked"
    row = '{"object": "embedding", "index": 0, "embedding": [0.1]}'
    vectors = PassthroughEmbeddings(f'{{{nameless}"data": [{row}]}}'.encode(), HOST, "asked")
    assert json.loads(vectors.to_openai()) == {"data": [json.loads(row)], "model": "asked"}


def test_vectors_that_are_cut_off_are_refused():
    with pytest.raises(ProviderError) as caught:
        PassthroughEmbeddings(b'{"model": "m", "data": [{"embedding": [0.1, 0.', HOST, "asked")
    assert caught.value.code == "bad_response"


def test_an_answer_without_a_choice_may_move_on_as_a_stream_without_one_does():
    with pytest.raises(ProviderError) as caught:
        PassthroughChat(b'{"choices": [], "usage": {"prompt_tokens": 3}}', "host", "asked")
    assert (caught.value.code, caught.value.permanent) == ("error", False)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("context_length_exceeded", "context_too_long"), ("content_filter", "bad_request")],
)
def test_an_error_without_a_type_keeps_its_meaning(code: str, expected: str):
    told = {"message": "No.", "code": code, "param": "messages"}
    found = failed(told, "host")
    assert (found.code, found.service_code, found.service_param) == (expected, code, "messages")
