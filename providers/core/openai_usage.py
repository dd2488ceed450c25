"""Usage in OpenAI's format: read as OpenAI and the services that resemble it tell it, and written.

https://platform.openai.com/docs/api-reference/chat/object
"""

from collections.abc import Mapping
from typing import Any

from .results import Usage, token_count
from .texts import OBJECT

# The first name that a service uses is taken: those of OpenAI's two APIs, of DeepSeek
# (api-docs.deepseek.com/guides/kv_cache) and of OpenRouter (openrouter.ai/docs, usage accounting).
INPUT = ("prompt_tokens", "input_tokens")
OUTPUT = ("completion_tokens", "output_tokens")
INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details")
OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details")
CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")
CACHE_WRITES = ("cache_write_tokens", "cache_creation_input_tokens")
REASONING = ("reasoning_tokens",)


def usage_in(found: Any) -> Usage | None:
    """The usage of an answer or a chunk, None when it has none that makes sense.

    Most services tell it beside the choices; Groq tells a stream's in `x_groq`, Moonshot in the
    choice.
    """
    if not isinstance(found, OBJECT):
        return None
    choices = found.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for place in (found, found.get("x_groq"), first):
        usage = read_usage(place.get("usage")) if isinstance(place, OBJECT) else None
        if usage is not None:
            return usage
    return None


def read_usage(told: Any) -> Usage | None:
    """The usage in an object of OpenAI's format, None where it names no number of tokens."""
    if not isinstance(told, OBJECT):
        return None
    of_input, of_output = _places(told, INPUT_DETAILS), _places(told, OUTPUT_DETAILS)
    return Usage.told(
        _first([told], INPUT),
        _first([told], OUTPUT),
        token_count(told.get("total_tokens")),
        cached=_first(of_input, CACHED),
        written=_first(of_input, CACHE_WRITES),
        reasoning=_first(of_output, REASONING),
    )


def _places(told: Mapping[str, Any], details: tuple[str, ...]) -> list[Mapping[str, Any]]:
    """Where a count may be: inside one of the details, or beside the sums."""
    inside = [told[name] for name in details if name in told and isinstance(told[name], OBJECT)]
    return [*inside, told]


def _first(places: list[Mapping[str, Any]], names: tuple[str, ...]) -> int | None:
    """The first of these counts that is one."""
    for place in places:
        for name in names:
            if name in place and (count := token_count(place[name])) is not None:
                return count
    return None


def usage_json(usage: Usage) -> dict[str, Any]:
    """Usage in OpenAI's format, with details where the service told them."""
    found: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.cached_tokens is not None:
        found["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        found["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return found
