"""Texts with `{name}` in them, and nothing more than names: no expressions, no attributes, no
formats.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LABEL = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)  # of a host's name: RFC 1123, section 2.1
NAMES = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*")  # a host, or a part of one with dots
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class TemplateError(ValueError):
    """A text is not a template, or a value does not fit where it stands.

    `str()` is a sentence that repeats no value.
    """


class Name(str):
    """A part of a template that stands for a field."""


@dataclass(frozen=True)
class Template:
    """A parsed text: literals, and names where values go."""

    parts: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The fields it asks for, in their order."""
        return [str(part) for part in self.parts if isinstance(part, Name)]

    @property
    def only(self) -> str:
        """The field, if the text is nothing but that one, else empty."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Name) else ""

    def filled(self, values: Mapping[str, str], fit: Callable[[str, str], str]) -> str:
        """The text, with `fit(name, value)` in place of each name. Raises what `fit` raises."""
        return "".join(
            fit(str(part), values.get(part, "")) if isinstance(part, Name) else part
            for part in self.parts
        )


@lru_cache(maxsize=4096)
def parsed(text: str) -> Template:
    """The template that `text` is. Raises TemplateError."""
    parts: list[str] = []
    end = 0
    for found in PIECE.finditer(text):
        parts.append(text[end : found.start()])
        parts.append(_piece(found))
        end = found.end()
    parts.append(text[end:])
    return Template(tuple(_joined(parts)))


def _piece(found: re.Match[str]) -> str:
    if found[0] in ("{{", "}}"):
        return found[0][0]
    if found[1] is None:
        raise TemplateError(
            "A single brace stands here. Write {name} for a field, or {{ and }} for braces."
        )
    if not NAME.fullmatch(found[1]):
        raise TemplateError(
            f"{{{found[1][:50]}}} is not a field: only a name may stand in braces, without dots, "
            "brackets or formats."
        )
    return Name(found[1])


def _joined(parts: list[str]) -> list[str]:
    """Literals beside each other are one."""
    found: list[str] = []
    for part in filter(None, parts):
        if found and not isinstance(part, Name) and not isinstance(found[-1], Name):
            found[-1] += part
        else:
            found.append(part)
    return found


def in_host(name: str, value: str) -> str:
    """A value as part of a host's name: no dot, no separator, nothing that could end it."""
    if not LABEL.fullmatch(value):
        raise TemplateError(
            f"{name} is part of a host's name: letters, digits and hyphens, at most 63."
        )
    return value


def in_path(name: str, value: str) -> str:
    """A value as part of a path, every separator in it encoded. A colon is none: RFC 3986, section
    3.3, and a path of ours begins with a slash.
    """
    if not value:
        raise TemplateError(f"{name} is part of the address and must not be empty.")
    return quote(value, safe=":")


def in_header(name: str, value: str) -> str:
    """A value as part of a header: one line of ASCII."""
    if CONTROL.search(value) or not value.isascii():
        raise TemplateError(
            f"{name} is sent in a header, which takes one line of plain characters only."
        )
    return value


def as_it_is(_name: str, value: str) -> str:
    """A value where every character may stand."""
    return value


def path(text: str, values: Mapping[str, str]) -> str:
    """A path with its values, none of which changes the levels of it. Raises TemplateError."""
    made = parsed(text).filled(values, in_path)
    if any(unquote(segment) in (".", "..") for segment in made.split("/")):
        raise TemplateError("A level of the address may not be . or ..")
    return made
