"""Estimates of tokens, where a service has not said how many there were.

Tokenizers differ by model. Four bytes a token is what OpenAI names for English text:
help.openai.com/en/articles/4936856.
"""

from collections.abc import Mapping
from typing import Any

from connections.profile_settings import ChatSettings
from connections.runtime import StoredProfile
from providers.core.results import MOST_TOKENS

from .requests import MAX_TOKENS, GatewayRequest

BYTES_A_TOKEN = 4
IMAGE_TOKENS = 1000  # about a picture of 1000 x 1000: platform.openai.com/docs/guides/images-vision
MESSAGE_TOKENS = 4  # around each message: github.com/openai/openai-cookbook, token counting
LONGEST_ANSWER = 1024  # tokens to reserve where nobody bounds the answer


def text_tokens(size: int) -> int:
    """The tokens of a text of so many bytes."""
    return -(-size // BYTES_A_TOKEN)


def input_tokens(request: GatewayRequest, profile: StoredProfile) -> int:
    """The tokens of a request with the system prompt of its profile."""
    found = 0
    settings = profile.settings
    if isinstance(settings, ChatSettings) and settings.system_prompt_template:
        found += MESSAGE_TOKENS + text_tokens(len(settings.system_prompt_template.encode()))
    waiting: list[Any] = [request.body.get(one) for one in ("messages", "input", "tools")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            is_data = one.startswith("data:")
            found += IMAGE_TOKENS if is_data else text_tokens(len(one.encode(errors="replace")))
        elif isinstance(one, Mapping):
            found += MESSAGE_TOKENS if "role" in one else 0
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, int) and not isinstance(one, bool):
            found += 1  # an input may be a list of tokens
    return found


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
