"""Estimates of a request's tokens: nothing that a model reads is left out, wherever it stands."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from connections.profile_settings import ChatSettings
from gateway.core.estimates import IMAGE_TOKENS, input_tokens

LONG = "word " * 20_000  # 25,000 tokens as plain text


@dataclass
class Profile:
    settings: ChatSettings = field(default_factory=ChatSettings)


@dataclass
class Request:
    body: dict[str, Any]


def estimated(**body: Any) -> int:
    return input_tokens(cast("Any", Request(body)), cast("Any", Profile()))


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


PLACES: dict[str, dict[str, Any]] = {
    "a text that begins like a file": {
        "messages": [{"role": "user", "content": f"data:image/png;base64,{LONG}"}]
    },
    "a part of a text": message({"type": "text", "text": f"data:{LONG}"}),
    "a text file": message(
        {"type": "file", "file": {"file_data": f"data:text/plain;base64,{LONG}{LONG}"}}
    ),
    "the schema of an answer": {"response_format": {"json_schema": {"description": LONG}}},
    "functions": {"functions": [{"name": "f", "description": LONG}]},
    "names of a tool's parameters": {
        "tools": [{"function": {"parameters": {"properties": {LONG: {"type": "string"}}}}}]
    },
    "a prediction": {"prediction": {"type": "content", "content": LONG}},
    "what is not known yet": {"instructions": LONG},
}


@pytest.mark.parametrize("body", PLACES.values(), ids=PLACES)
def test_a_long_text_counts_wherever_it_stands(body: dict[str, Any]):
    assert 25_000 <= estimated(**body) <= 40_000


def test_a_picture_counts_as_one_and_a_large_document_as_more():
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{LONG}"}}
    assert estimated(**message(picture)) < 2 * IMAGE_TOKENS
    document = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{LONG * 4}"}}
    assert estimated(**message(document)) > 5 * IMAGE_TOKENS


def test_what_a_model_does_not_read_counts_nothing():
    assert estimated(model="x" * 100, user=LONG, metadata={"a": LONG}, max_tokens=5, n=2) == 0
