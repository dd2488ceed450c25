"""Errors that services answer with status 200, through their SDKs: in place of an answer, as the
first event of a stream, in its middle.
"""

import asyncio
import json
from typing import Any

import pytest

from providers.core.base import Limits
from providers.core.chat import ChatRequest
from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from tests.providers.samples import sample_settings

ASKED = {"model": "model-1", "messages": [{"role": "user", "content": "Hello"}]}
CLAUDE = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": []}
STARTED = {"type": "message_start", "message": {**CLAUDE, "usage": {"input_tokens": 1}}}
GEMINI = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}}], "modelVersion": "m"}
OPENAI = {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
BUSY = {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}
LIMIT = {"code": 429, "message": "Slowly", "status": "RESOURCE_EXHAUSTED"}
RESPONSE = {"id": "r", "object": "response", "model": "m", "output": [], "status": "failed"}


def events(*found: dict[str, Any]) -> bytes:
    lines = [
        (f"event: {one['type']}\n" if "type" in one else "") + f"data: {json.dumps(one)}\n\n"
        for one in found
    ]
    return "".join(lines).encode()


def claude_s(kind: str, message: str = "No") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


FAILED = {**RESPONSE, "error": {"code": "rate_limit_exceeded", "message": "No"}}
CASES: dict[str, tuple[str, bytes, str]] = {
    "Anthropic: an answer": (
        "anthropic",
        json.dumps(claude_s("overloaded_error")).encode(),
        "error",
    ),
    "Anthropic: first": ("anthropic", events(claude_s("rate_limit_error")), "rate_limited"),
    "Anthropic: later": ("anthropic", events(STARTED, claude_s("overloaded_error")), "error"),
    "Anthropic: a context": (
        "anthropic",
        events(claude_s("invalid_request_error", "prompt is too long: 9 tokens")),
        "context_too_long",
    ),
    "Google: an answer": ("google", json.dumps({"error": LIMIT}).encode(), "rate_limited"),
    "Google: an array": ("google", json.dumps([GEMINI, {"error": LIMIT}]).encode(), "rate_limited"),
    "Google: first": ("google", events({"error": LIMIT}), "rate_limited"),
    "Google: later": ("google", events(GEMINI, {"error": BUSY}), "error"),
    "OpenAI: an answer": ("mistral", json.dumps({"error": LIMIT}).encode(), "rate_limited"),
    "OpenAI: beside choices": ("mistral", events({**OPENAI, "error": LIMIT}), "rate_limited"),
    "OpenAI: later": ("mistral", events(OPENAI, {"error": LIMIT}), "rate_limited"),
    "Responses: failed": (
        "microsoft-foundry",
        events({"type": "response.failed", "response": FAILED}),
        "rate_limited",
    ),
    "Responses: an event": (
        "microsoft-foundry",
        events({"type": "error", "code": "rate_limit_exceeded", "message": "No"}),
        "rate_limited",
    ),
}


async def asked(name: str, body: bytes) -> str:
    """The code of the error that a service's body leads to; empty for none."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r")[0]))
        kind = "application/json" if body[:1] in b"{[" else "text/event-stream"
        lines = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(lines.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        kind = get_provider(name)
        settings = sample_settings(kind, url, "sk-1234567")
        if name == "microsoft-foundry":
            settings["use_responses_api"] = True
        provider = kind(kind.Settings.model_validate(settings), limits=Limits(max_retries=0))
        try:
            async for _ in provider.stream_chat(ChatRequest.model_validate(ASKED)):
                pass
        except ProviderError as error:
            return error.code
        finally:
            await provider.aclose()
    return ""


@pytest.mark.parametrize(("name", "body", "code"), CASES.values(), ids=CASES)
def test_an_error_inside_is_told_as_the_refusal_it_is(name: str, body: bytes, code: str):
    assert asyncio.run(asked(name, body)) == code
