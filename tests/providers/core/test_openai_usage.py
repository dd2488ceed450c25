"""Tokens as OpenAI and the services that resemble it tell them."""

from typing import Any

import pytest

from providers.core.openai_usage import usage_in
from providers.core.results import MOST_TOKENS, Usage

TOLD: dict[str, tuple[Any, Usage | None]] = {
    "openai": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "total_tokens": 13,
            "prompt_tokens_details": {"cached_tokens": 6},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
        Usage(9, 4, cached_tokens=6, reasoning_tokens=3),
    ),
    "responses": (
        {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 6}},
        Usage(9, 4, cached_tokens=6),
    ),
    "deepseek": (
        {"prompt_tokens": 9, "completion_tokens": 4, "prompt_cache_hit_tokens": 6},
        Usage(9, 4, cached_tokens=6),
    ),
    "reasoning apart": (
        {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 20},
        Usage(9, 11),
    ),
    "total only": ({"total_tokens": 13}, Usage(13, 0, is_estimated=True)),
    "nulls": ({"prompt_tokens": None, "completion_tokens": 4, "total_tokens": 13}, Usage(9, 4)),
    "floats": ({"prompt_tokens": 9.0, "completion_tokens": 4.0}, Usage(9, 4)),
    "details are null": (
        {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": None},
        Usage(9, 4),
    ),
    "absurd": ({"prompt_tokens": MOST_TOKENS + 1, "completion_tokens": 10**20}, None),
    "negative": ({"prompt_tokens": -1, "completion_tokens": -5}, None),
    "text": ({"prompt_tokens": "many"}, None),
    "digits": ({"prompt_tokens": "9", "completion_tokens": "4"}, Usage(9, 4)),
    "absurd digits": ({"prompt_tokens": "9" * 5000}, None),
    "other digits": ({"prompt_tokens": "\u0669"}, None),
    "true": ({"prompt_tokens": True}, None),
    "empty": ({}, None),
    "null": (None, None),
    "a list": ([1], None),
}


@pytest.mark.parametrize(("told", "usage"), TOLD.values(), ids=TOLD)
def test_the_tokens_are_those_that_were_told(told: Any, usage: Usage | None):
    assert usage_in({"usage": told}) == usage


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [], "x_groq": {"usage": {"prompt_tokens": 9, "completion_tokens": 4}}},
        {"choices": [{"usage": {"prompt_tokens": 9, "completion_tokens": 4}}]},
        {"usage": None, "choices": [{"usage": {"prompt_tokens": 9, "completion_tokens": 4}}]},
    ],
)
def test_they_are_found_where_a_service_puts_them(chunk: dict[str, Any]):
    assert usage_in(chunk) == Usage(9, 4)
