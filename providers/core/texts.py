"""Texts of models that are not Unicode: halves of a surrogate pair, as JSON's escapes write them.

A model's tokens may end inside an emoji, and services then send each half in a piece of its own.
UTF-8 cannot hold a half (www.rfc-editor.org/rfc/rfc3629#section-3).
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

OBJECT = (dict, Mapping)  # a dict first: to look whether something is a Mapping takes longer

HALF = re.compile("[\ud800-\udfff]")
LAST_HALF = re.compile("[\ud800-\udbff]\\Z")
# An escape of a half, perhaps one of a pair; whether it is alone, only parsing tells.
ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
REPLACEMENT = "\ufffd"

MOST_DIGITS = 4000  # docs.python.org/3/library/stdtypes.html#int-max-str-digits: 4300


def mended(text: str) -> str:
    """The text with its halves joined to pairs, and U+FFFD for a half that has no other."""
    if not HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mended_tree(value: Any) -> Any:
    """JSON whose texts are mended, names of fields included."""
    if isinstance(value, str):
        return mended(value)
    if isinstance(value, list):
        return [mended_tree(one) for one in value]
    if isinstance(value, dict):
        return {mended(name): mended_tree(one) for name, one in value.items()}
    return value


def has_half(value: Any) -> bool:
    """True for JSON with a text that holds half a pair."""
    if isinstance(value, str):
        return HALF.search(value) is not None
    if isinstance(value, list):
        return any(map(has_half, value))
    return isinstance(value, dict) and any(
        HALF.search(name) or has_half(one) for name, one in value.items()
    )


def parse_json(data: bytes) -> Any:
    """JSON as a service wrote it, with halves as they are and U+FFFD for bytes that are not UTF-8.
    A whole number of thousands of digits, which Python refuses to read, is None.

    Raises ValueError for what is not JSON.
    """
    try:
        return from_json(data)
    except ValueError as error:
        try:
            return json.loads(data.decode(errors="replace"), parse_int=_of_any_size)
        except (ValueError, RecursionError):
            raise error from None


def _of_any_size(text: str) -> int | None:
    return int(text) if len(text) <= MOST_DIGITS else None


def strict_json(text: str) -> Any:
    """JSON as RFC 8259 has it, with mended texts. Raises ValueError for anything else, such as
    `NaN`, `Infinity` and numbers that no double can hold, which Python's parser takes.
    """
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise ValueError("This is nested too deeply.") from None
    return mended_tree(found)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text[:20])


def _whole(text: str) -> int:
    """A whole number that a double can hold; services read no larger one."""
    _finite(text)
    return int(text)


class HalfJoiner:
    """Joins halves over the pieces of the texts of one stream. `key`: which text a piece is of."""

    def __init__(self) -> None:
        self._held: dict[Any, str] = {}

    @property
    def holds(self) -> bool:
        """True while the first half of a pair waits for the second."""
        return bool(self._held)

    def join(self, key: Any, piece: str) -> str:
        """The piece after what was held of its text. A first half at its end is held."""
        if not piece:
            return ""
        text = self._held.pop(key, "") + piece
        if last := LAST_HALF.search(text):
            self._held[key] = last[0]
            text = text[: last.start()]
        return mended(text)

    def flush(self, key: Any) -> str:
        """U+FFFD for a half that is held of a text that has ended, else nothing."""
        return REPLACEMENT if self._held.pop(key, "") else ""

    @property
    def held(self) -> list[Any]:
        """The texts of which a half is held."""
        return list(self._held)
