"""Estimates of tokens, where a service has not said how many there were.

Tokenizers differ by model. Four bytes a token is what OpenAI names for English text:
help.openai.com/en/articles/4936856.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from connections.profile_settings import ChatSettings
from connections.runtime import StoredProfile
from providers.core.results import MOST_TOKENS, Usage

from .requests import MAX_TOKENS, GatewayRequest

BYTES_A_TOKEN = 4
IMAGE_TOKENS = 1000  # about a picture of 1000 x 1000: platform.openai.com/docs/guides/images-vision
DATA_A_TEXT = 10  # how much larger a PDF or a sound is than what a model reads of it, at least
# Fields of a request that the model does not read, or that are a word.
NOT_READ = frozenset(
    {
        *("model", "user", "metadata", "stop", "logit_bias", "stream_options", "service_tier"),
        *("safety_identifier", "prompt_cache_key", "reasoning_effort", "verbosity", "modalities"),
        *("encoding_format", "tool_choice", "function_call", "audio"),
    }
)
SCHEMAS = ("tools", "functions", "response_format")  # the model reads the names in these too
DATA = ("url", "file_data", "data")  # the parts of messages that hold files
MESSAGE_TOKENS = 4  # around each message: github.com/openai/openai-cookbook, token counting
LONGEST_ANSWER = 1024  # tokens to reserve where nobody bounds the answer


class Answer(Protocol):
    """An answer, of which a service may have told the `usage`. `counted`: its tokens, as they are
    estimated from its text.
    """

    @property
    def usage(self) -> Usage | None:
        """The tokens as the service told them."""

    @property
    def counted(self) -> int:
        """The tokens of the output, estimated."""


def counted_by_service(answer: Answer) -> Usage | None:
    """The tokens as the service counted them, None where it did not tell both input and output. A 0
    where there was a text is no count.
    """
    told = answer.usage
    if told is None or told.is_estimated or not told.input_tokens:
        return None
    return told if told.output_tokens or not answer.counted else None


def divided(told: Usage, asked: int, answered: int) -> Usage:
    """The sum that a service told alone, as input and output in the proportion of these estimates
    of both.
    """
    total, estimate = told.total_tokens, asked + answered
    sent = round(total * asked / estimate) if estimate else total
    return replace(told, input_tokens=sent, output_tokens=total - sent)


def text_tokens(size: int) -> int:
    """The tokens of a text of so many bytes."""
    return -(-size // BYTES_A_TOKEN)


def input_tokens(request: GatewayRequest, profile: StoredProfile) -> int:
    """The tokens of a request with the system prompt of its profile."""
    found, settings = body_tokens(request.body), profile.settings
    if isinstance(settings, ChatSettings) and settings.system_prompt_template:
        found += MESSAGE_TOKENS + text_tokens(len(settings.system_prompt_template.encode()))
    return found


def body_tokens(body: Mapping[str, Any]) -> int:
    """The tokens of a request in OpenAI's format."""
    found = 0
    waiting: list[tuple[str, Any]] = [
        (name, one) for name, one in body.items() if name not in NOT_READ
    ]
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, str):
            found += _data_tokens(one) if name in DATA else _tokens(one)
        elif isinstance(one, dict):  # of JSON: an abstract type takes five times as long to tell
            found += MESSAGE_TOKENS if "role" in one else 0
            is_schema = name in SCHEMAS
            found += sum(map(_tokens, one)) if is_schema else 0
            waiting.extend((name if is_schema else key, inner) for key, inner in one.items())
        elif isinstance(one, list):
            waiting.extend((name, inner) for inner in one)
        elif name == "input" and isinstance(one, int) and not isinstance(one, bool):
            found += 1  # an input may be a list of tokens
    return found


def _tokens(text: str) -> int:
    return text_tokens(len(text.encode(errors="replace")))


def _data_tokens(address: str) -> int:
    """The tokens of a file that came along; those behind an address count as a picture."""
    if address.startswith("data:image/") or "://" in address[:20]:
        return IMAGE_TOKENS
    size = text_tokens(len(address) * 3 // 4)
    is_text = address.startswith(("data:text/", "data:application/json"))
    return size if is_text else max(IMAGE_TOKENS, size // DATA_A_TEXT)


def longest_answer(request: GatewayRequest, profile: StoredProfile) -> int:
    """The most tokens that the answers to a request may have; LONGEST_ANSWER for each where neither
    the request nor the profile says. Never above MOST_TOKENS: a request may ask for anything.
    """
    settings = profile.settings
    if not isinstance(settings, ChatSettings):
        return 0
    asked = [request.body[name] for name in MAX_TOKENS if request.body.get(name) is not None]
    longest = max(asked) if asked else settings.max_tokens or LONGEST_ANSWER
    if settings.max_tokens_limit is not None:
        longest = min(longest, settings.max_tokens_limit)
    return min(int(longest * (request.body.get("n") or 1)), MOST_TOKENS)
