"""What the product says to people: the texts of its code, its pages and its scripts."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .blocks import ROOT

ROOMS = ("backoffice", "connections", "gateway", "providers")
SCRIPTS = ("tools/ensure_venv", "tools/step")
VARYING = "\0"  # in the place of what is another one each time
PLACE = re.compile(r"%\(\w+\)[sdr]|%[sdr]|\{\{ [\w.|]+ \}\}|\{(?![%{ ])[^{}]*\}|\$\([^)]*\)")

SENTENCE = re.compile(r"(?<=[.?!]) ")


def is_said(message: str) -> bool:
    """True if the product has a text in which this occurs; `...` is what varies."""
    pieces = [re.escape(one.strip()) for one in message.split("...")]
    return bool(re.search(r"[^\n]*?".join(pieces), said()))


def is_example(text: str) -> bool:
    """True if all of this is what the product says, with its places filled: as one text, or each
    sentence of it. It may begin with the place that it is about.
    """
    of_place = text.partition(": ")[2]
    return any(
        _is_filled(one) or all(map(_is_filled, SENTENCE.split(one)))
        for one in (text, of_place)
        if one
    )


def _is_filled(text: str) -> bool:
    return any(
        longest in text and re.fullmatch(".+?".join(map(re.escape, pieces)), text)
        for longest, pieces in _patterns()
        if 3 * sum(map(len, pieces)) > len(text)
    )


@cache
def _patterns() -> list[tuple[str, list[str]]]:
    """The longest piece that does not vary, and all pieces, of each text and each sentence."""
    texts = {sentence for one in said().split("\n") for sentence in (one, *SENTENCE.split(one))}
    split = [one.split(VARYING) for one in texts]
    return [(max(one, key=len), one) for one in split]


@cache
def said() -> str:
    """Every text, one a line."""
    return "\n".join(PLACE.sub(VARYING, " ".join(one.split())) for one in _texts())


def _texts() -> Iterator[str]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            yield from _texts_of(path)
    for path in (ROOT / "templates").rglob("*.html"):
        yield path.read_text(encoding="utf-8")
    yield from ((ROOT / one).read_text(encoding="utf-8") for one in SCRIPTS)


def _texts_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(one.value) if isinstance(one, ast.Constant) else VARYING for one in node.values
            )
