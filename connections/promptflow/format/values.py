"""The meaning of one value in a file (a text, a reference, a placeholder), and the way back."""

import re
from enum import StrEnum
from typing import Any

from connections.references import InvalidReference, is_reference, parse, unescape
from connections.secret_texts import FILL_IN, placeholder

USER_INPUT, NO_CHANGE, SCRUBBED = "<user-input>", "<no-change>", "******"
ENVIRONMENT = re.compile(r"\s*\$\{env:([^{}]*)\}\s*")
NAME = re.compile(r"[A-Za-z0-9_.-]+")
OURS = re.compile(r"\$+(?=\$)")


class ValueKind(StrEnum):
    """The kinds of values that a file can have."""

    TEXT = "text"
    KEEP = "keep"  # what is stored; nothing was given
    ASK = "ask"  # a person, at a terminal
    REFUSED = "refused"


def read_value(text: str, *, secret: bool, free: bool = False) -> tuple[ValueKind, str]:
    """The kind of a text in a file, with the text to store or the sentence that refuses it.

    `secret`: only these may be kept or scrubbed. `free`: an entry of `configs` or `secrets`, where
    `<s>` may be a real value.
    """
    if text.strip() == USER_INPUT:
        return ValueKind.ASK, ""
    if secret and is_scrubbed(text):
        return ValueKind.KEEP, ""
    bare = text.strip()
    if found := bare if bare == NO_CHANGE else placeholder(bare, secret, free):
        return ValueKind.REFUSED, f"{found} {FILL_IN}."
    if variable := ENVIRONMENT.fullmatch(text):
        return _environment(variable[1].strip())
    if "${env:" in text:
        return (
            ValueKind.REFUSED,
            "${env:NAME} must be the whole value, with nothing before or behind it.",
        )
    return ValueKind.TEXT, stored(text)


def is_scrubbed(text: str) -> bool:
    """True if a secret was left out or hidden when the file was written: empty, only `*`, or
    `<no-change>`.
    """
    return not text.strip().strip("*") or text.strip() == NO_CHANGE


def _environment(name: str) -> tuple[ValueKind, str]:
    if not NAME.fullmatch(name):
        return (
            ValueKind.REFUSED,
            "${env:...} takes the name of one environment variable: letters, digits and "
            "underscores.",
        )
    return ValueKind.TEXT, f"$Env:{name}"


def stored(text: str) -> str:
    """A text as it is stored: `$Section:Key` and `$$Section:Key` mean what they mean here, any
    other `$` is only a `$`.
    """
    bare = text.strip()
    if not bare.startswith("$"):
        return text
    return bare if _speaks_our_language(bare) else f"${bare}"


def is_odd(text: str) -> bool:
    """True if the text looks like a variable of a shell, which files of promptflow never have."""
    return bool(re.fullmatch(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?", text.strip()))


def written(value: Any) -> str:
    """A stored value as a file has it: `$Env:NAME` as `${env:NAME}`, an escaped text as it was, a
    number as a text.
    """
    if not isinstance(value, str):
        whole = isinstance(value, float) and value.is_integer()
        return (
            str(value).lower() if isinstance(value, bool) else str(int(value) if whole else value)
        )
    if not value.startswith("$"):
        return value
    if is_reference(value):
        section, _, name = value[1:].partition(":")
        return f"${{env:{name}}}" if section.lower() == "env" and ":" not in name else value
    return value if _speaks_our_language(value) else unescape(value)


def _speaks_our_language(text: str) -> bool:
    """`$Section:Key`, with any number of `$` before it."""
    try:
        parse(OURS.sub("", text.strip(), count=1))
    except InvalidReference:
        return False
    return text.strip().startswith("$")
