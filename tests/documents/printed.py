"""What a block prints, against what the page says that it prints."""

import json
import re
from typing import Any

# What is another one each time: the same word takes its place on both sides.
VARYING = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00| UTC)?"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DAY"),
    (re.compile(r"chatcmpl-\w+"), "ID"),
    (re.compile(r"\bsbr?_[\w-]{6,}"), "TOKEN"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s)\b"), "DURATION"),
    (re.compile(r"\b\d+\.\d+\.\d+\b"), "VERSION"),
    (re.compile(r'"created": ?\d+'), '"created": 0'),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "ADDRESS"),
)
ANYTHING = "..."


def masked(text: str) -> str:
    """The text, with one word for everything that is another one each time."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


def difference(expected: str, printed: str, language: str) -> str:
    """How the printed text differs from the expected one, in words; empty where it does not."""
    if language == "json":
        return of_json(json.loads(expected), _document(printed))
    if _pattern(masked(expected).strip()).fullmatch(masked(printed).strip()):
        return ""
    return f"expected\n{expected.strip()}\nbut it printed\n{printed.strip()}"


def shape(value: object) -> object:
    """The names of an object and the kinds of its values; of a list, those of its first entry."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def _document(printed: str) -> Any:
    try:
        return json.loads(printed)
    except ValueError:
        return printed


def _pattern(expected: str) -> "re.Pattern[str]":
    """`...` is anything; a line of it alone any lines; blanks are blanks, however many."""
    parts = [r"\s+".join(map(re.escape, re.split(r"\s+", one))) for one in expected.split(ANYTHING)]
    return re.compile(".*?".join(parts), re.DOTALL)


def of_json(expected: Any, printed: Any, at: str = "") -> str:
    """As `difference`, of values. An entry "..." is any value, and a key "..." any other keys."""
    if expected == ANYTHING:
        return ""
    if isinstance(expected, dict) and isinstance(printed, dict):
        return _of_objects(expected, printed, at)
    if isinstance(expected, list) and isinstance(printed, list) and len(expected) == len(printed):
        pairs = enumerate(zip(expected, printed, strict=True))
        return next((d for i, (a, b) in pairs if (d := of_json(a, b, f"{at}/{i}"))), "")
    if isinstance(expected, str) and isinstance(printed, str):
        same = bool(_pattern(masked(expected)).fullmatch(masked(printed)))
    else:
        same = expected == printed
    return "" if same else f"at {at or '/'}: expected {expected!r}, but it printed {printed!r}"


def _of_objects(expected: dict[str, Any], printed: dict[str, Any], at: str) -> str:
    named = expected.keys() - {ANYTHING}
    if lacking := sorted(named - printed.keys()):
        return f"at {at or '/'}: {lacking} was not printed"
    if ANYTHING not in expected and (more := sorted(printed.keys() - named)):
        return f"at {at or '/'}: {more} was printed too"
    tried = (of_json(expected[one], printed[one], f"{at}/{one}") for one in sorted(named))
    return next((one for one in tried if one), "")
