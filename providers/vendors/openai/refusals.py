"""What a service refuses of OpenAI's protocol, read from its refusal, so that it is asked once more
without.

There is no common code for it. Services name the field in a sentence ("Unsupported parameter:
'max_tokens'"), in `param`, or in the path of a validator (["body", "stream_options"]).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from providers.core.errors import ProviderError

from .dialect import ECHOES, has_text_parts

STATUSES = (400, 422, 500)  # 500: of llama.cpp, where it is about the request
LONGEST = 20_000  # characters of a refusal that are looked at
UNKNOWN = re.compile(
    r"unsupported|n[o']t support|unknown|unrecogni[sz]ed|unexpected|forbidden|additional propert"
    r"|not (?:known|accept|allowed|permitted|recogni|implement|valid)|instead|no such"
    r"|invalid (?:parameter|field|argument|value)|deprecated",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sign:
    """The sign of one refusal.

    `is_asked`: whether the body asks for it at all; `named`: how a refusal names it; `is_plain`:
    being named is not enough, the refusal has to say that it is unknown.
    """

    is_asked: Callable[[dict[str, Any]], bool]
    named: re.Pattern[str]
    is_plain: bool = True


def _field(name: str) -> Sign:
    return Sign(lambda body: body.get(name) is not None, re.compile(rf"\b{name}\b"))


SIGNS: dict[str, Sign] = {
    "stream_options": Sign(
        lambda body: body.get("stream_options") is not None,
        re.compile(r"\bstream_options\b|\binclude_usage\b"),
    ),
    "max_tokens": _field("max_tokens"),
    "max_completion_tokens": _field("max_completion_tokens"),
    "parallel_tool_calls": _field("parallel_tool_calls"),
    "developer": Sign(
        lambda body: any(one.get("role") == "developer" for one in body.get("messages") or ()),
        re.compile(r"\bdeveloper\b|\broles?\b", re.IGNORECASE),
        is_plain=False,
    ),
    "content_parts": Sign(
        lambda body: any(has_text_parts(one) for one in body.get("messages") or ()),
        re.compile(
            r"content\b.{0,80}\b(?:string|str)\b|sequence, expected a string"
            r"|unmarshal array into .{0,80}string",
            re.IGNORECASE | re.DOTALL,
        ),
        is_plain=False,
    ),
    "echoes": Sign(
        lambda body: any(name in one for one in body.get("messages") or () for name in ECHOES),
        re.compile(rf"\b(?:{'|'.join(ECHOES)})\b"),
    ),
    "cache_control": Sign(
        lambda body: "cache_control" in str(body), re.compile(r"\bcache_control\b")
    ),
}


def refused_in(body: dict[str, Any], error: ProviderError) -> frozenset[str]:
    """The words of `dialect.WORDS` for what the service refused of this body, empty for a refusal
    with another reason.
    """
    if error.status not in STATUSES or error.refusal is None:
        return frozenset()
    said = " ".join(_texts(error.refusal))[:LONGEST]
    is_unknown = UNKNOWN.search(said) is not None
    return frozenset(
        word
        for word, sign in SIGNS.items()
        if sign.named.search(said) and (is_unknown or not sign.is_plain) and sign.is_asked(body)
    )


def _texts(found: Any) -> Iterator[str]:
    """The texts of a refusal, but not what validators repeat of the request."""
    if isinstance(found, dict):
        for name, value in found.items():
            if name != "input":
                yield from _texts(value)
    elif isinstance(found, list):
        for value in found:
            yield from _texts(value)
    elif isinstance(found, str):
        yield found
