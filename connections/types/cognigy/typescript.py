"""Cognigy's schemas in the TypeScript they are written in: object literals are read, nothing is
run.
"""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from providers.core.yaml import DEEPEST
from providers.manifests.errors import ManifestError

SOURCE = re.compile(
    "\\s*(//|/\\*|['\\\"]use "
    "strict|(import|export|const|let|var|type|interface|declare|module\\.exports|exports\\.)\\b(?!\\s*:))"
)
TOKEN = re.compile(
    r"""(?P<blank>[\s\ufeff]+|//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<template>`(?:[^`\\]|\\.)*`)
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_$][\w$]*)
    |(?P<sign>.)""",
    re.DOTALL | re.VERBOSE,
)
ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
WORDS = {"true": True, "false": False, "null": None, "undefined": None}
ENDS = gettext_noop("The source ends in the middle of a schema.")

Tokens = list[tuple[str, str, int]]


class NotLiteral(Exception):
    """The token is not part of a literal."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at, self.message = at, message


def is_source(text: str) -> bool:
    """True if the text is a program rather than data."""
    return SOURCE.match(text) is not None or (
        text.lstrip()[:1] in ("{", "[")
        and re.search(r"^[ \t]*//|,[ \t]*//|/\*", text, re.MULTILINE) is not None
    )


def schemas(text: str) -> list[dict[str, Any]]:
    """Every object literal in the source that has a type and fields.

    Raises ManifestError with the line.
    """
    tokens: Tokens = [
        (str(found.lastgroup), found[0], found.start())
        for found in TOKEN.finditer(text)
        if found.lastgroup != "blank"
    ]
    found: list[dict[str, Any]] = []
    furthest: NotLiteral | None = None
    at = 0
    while at < len(tokens):
        if tokens[at][1] == "{" and tokens[at][0] == "sign":
            try:
                value, end = _literal(tokens, at, 1)
                if _is_schema(value):
                    found.append(value)
                    at = end
                    continue
            except NotLiteral as error:
                if furthest is None or error.at > furthest.at:
                    furthest = error
        at += 1
    _refuse_hidden(text, tokens, found, furthest)
    return found


def _refuse_hidden(
    text: str, tokens: Tokens, found: list[dict[str, Any]], furthest: NotLiteral | None
) -> None:
    """A schema that could not be read is an error, not one schema less."""
    mentioned = sum(
        kind in ("word", "text") and token.strip("'\"") == "fieldName" for kind, token, _ in tokens
    )
    read = sum("fieldName" in field for schema in found for field in schema["fields"])
    if found and mentioned <= read:
        return
    if mentioned and furthest:
        line = text.count("\n", 0, tokens[min(furthest.at, len(tokens) - 1)][2]) + 1
        raise ManifestError(
            [
                (
                    f"line {line}",
                    f"{furthest.message} "
                    + _("Write the schema with quoted texts, true, false and lists only."),
                )
            ]
        )
    raise ManifestError(
        [
            (
                "",
                _(
                    "There is no connection schema in this source: an object with type, label and "
                    "fields: [{ fieldName: ... }]."
                ),
            )
        ]
    )


def _is_schema(value: Any) -> bool:
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("type"), str)
        or not isinstance(value.get("fields"), list)
    ):
        return False
    return all(isinstance(field, dict) and "fieldName" in field for field in value["fields"])


def _literal(tokens: Tokens, at: int, depth: int) -> tuple[Any, int]:
    """The literal that begins at this token, and where it ends."""
    if depth > DEEPEST:
        raise NotLiteral(at, _("It is nested more than %(most)d levels deep.") % {"most": DEEPEST})
    kind, token, _place = tokens[at] if at < len(tokens) else ("end", "", 0)
    if _is(tokens, at, "{"):
        value, end = _object(tokens, at + 1, depth)
    elif _is(tokens, at, "["):
        value, end = _list(tokens, at + 1, depth)
    else:
        value, end = _scalar(kind, token, at), at + 1
    return value, _after_type(tokens, end)


def _scalar(kind: str, token: str, at: int) -> Any:
    if kind == "text":
        return ESCAPE.sub(_unescaped, token[1:-1])
    if kind == "number":
        return float(token) if "." in token else int(token[:18])
    if kind == "word" and token in WORDS:
        return WORDS[token]
    if kind == "template":
        raise NotLiteral(at, _("A template literal (`...`) is not read."))
    raise NotLiteral(
        at,
        _("%(token)s is not a literal.") % {"token": token[:30]} if token else _(ENDS),
    )


def _unescaped(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits:
        return chr(int(digits, 16)) if int(digits, 16) <= 0x10FFFF else ""
    return ESCAPES.get(found[4], found[4])


def _object(tokens: Tokens, at: int, depth: int) -> tuple[Any, int]:
    found: dict[str, Any] = {}
    while not _is(tokens, at, "}"):
        kind, token, _place = tokens[at] if at < len(tokens) else ("end", "", 0)
        if kind not in ("word", "text", "number") or not _is(tokens, at + 1, ":"):
            raise NotLiteral(
                at,
                _("%(token)s is not a name with a value.") % {"token": token[:30]}
                if token
                else _(ENDS),
            )
        name = str(_scalar(kind, token, at)) if kind == "text" else token
        if name in found:
            raise NotLiteral(at, _("%(token)s is there twice.") % {"token": name[:30]})
        found[name], at = _literal(tokens, at + 2, depth + 1)
        at = _after_comma(tokens, at, "}")
    return found, at + 1


def _list(tokens: Tokens, at: int, depth: int) -> tuple[Any, int]:
    found: list[Any] = []
    while not _is(tokens, at, "]"):
        value, at = _literal(tokens, at, depth + 1)
        found.append(value)
        at = _after_comma(tokens, at, "]")
    return found, at + 1


def _after_comma(tokens: Tokens, at: int, end: str) -> int:
    if _is(tokens, at, ","):
        return at + 1
    if not _is(tokens, at, end):
        token = tokens[at][1][:30] if at < len(tokens) else _("the end of the source")
        text = _("A comma or %(end)s is expected before %(token)s.")
        raise NotLiteral(at, text % {"end": end, "token": token})
    return at


def _after_type(tokens: Tokens, at: int) -> int:
    """Behind `as const`, `as IField` or `satisfies IConnectionSchema`, which say nothing about the
    value.
    """
    while (
        at + 1 < len(tokens)
        and tokens[at][1] in ("as", "satisfies")
        and tokens[at + 1][0] == "word"
    ):
        at += 2
        while _is(tokens, at, "[") and _is(tokens, at + 1, "]"):
            at += 2
    return at


def _is(tokens: Tokens, at: int, sign: str) -> bool:
    return at < len(tokens) and tokens[at][:2] == ("sign", sign)
