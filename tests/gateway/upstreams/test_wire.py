"""The way back of the names of tools, in bytes that are passed on."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gateway.upstreams.wire import WireRequest
from providers.core.base import Capability
from providers.core.errors import from_answer
from providers.core.registry import get_provider
from tests.providers.samples import sample

TOOLS = [{"type": "function", "function": {"name": "get weather"}}]
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": TOOLS}


def wire(provider: str = "openai", *, asks_usage: bool = False, **fields: Any) -> WireRequest:
    made = sample(get_provider(provider))
    return WireRequest(made, Capability.CHAT, {**BODY, **fields}, asks_usage)


def called(name: str, place: str = "message") -> dict[str, Any]:
    call = {"index": 0, "id": "c", "function": {"name": name, "arguments": "get_weather"}}
    return {"choices": [{"index": 0, place: {"tool_calls": [call]}}], "usage": None}


def test_a_whole_answer_gets_the_callers_name_back_and_nothing_else_changes():
    told = json.dumps(called("get_weather")).encode()
    assert json.loads(wire().restored(told)) == called("get weather")


@pytest.mark.parametrize("raw", [b"{}", b"<html>get_weather", b'["get_weather"]', b'{"choices":5}'])
def test_what_is_no_answer_stays_for_its_reader_to_refuse(raw: bytes):
    assert wire().restored(raw).replace(b" ", b"") == raw.replace(b" ", b"")


@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_a_stream_gets_the_callers_name_back_however_it_is_cut(cut: int):
    told = json.dumps(called("get_weather", "delta") | {"half": "\ud83d"}).encode()
    sent = b": comment\n\ndata: " + told + b"\r\n\r\ndata: [DONE]\n\n"

    async def pieces() -> AsyncGenerator[bytes, None]:
        for at in range(0, len(sent), cut):
            yield sent[at : at + cut]

    async def collected() -> bytes:
        return b"".join([one async for one in wire().restored_pieces(pieces())])

    lines = [line for line in asyncio.run(collected()).splitlines() if line]
    assert (lines[0], lines[-1], len(lines)) == (b": comment", b"data: [DONE]", 3)
    assert json.loads(lines[1].removeprefix(b"data: ")) == {
        **called("get weather", "delta"),
        "half": "\ud83d",
    }


def test_bytes_are_not_looked_at_where_every_name_is_taken():
    sent = [b'data: {"a"', b": 1}\n", b"\n"]

    async def collected() -> list[bytes]:
        async def pieces() -> AsyncGenerator[bytes, None]:
            for one in sent:
                yield one

        return [one async for one in wire("ollama").restored_pieces(pieces())]

    assert asyncio.run(collected()) == sent


def test_a_stream_is_not_asked_for_its_usage_by_who_refused_that():
    one = wire("openai-compatible", asks_usage=True, stream=True, stream_options=None)
    assert one.body["stream_options"] == {"include_usage": True}
    refusal = {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs not permitted"}]}
    assert one.learns(from_answer(422, "a.example", {}, refusal))
    assert "stream_options" not in one.body
    assert WireRequest(one.provider, Capability.CHAT, one.asked, True).body == one.body
