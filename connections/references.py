"""`$Section:Key`: the form of a reference, and what it was resolved to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation.trans_null import gettext_noop  # Django's own asks the settings

from .sources import (
    Outage,
)

LONGEST = 500
SEGMENT = re.compile(r"[A-Za-z0-9_.-]+")
ENV_SECTION = "env"
HOW_TO_WRITE = gettext_noop(
    "Write a reference as $Section:Key, for example $OpenAI:ApiKey, or $Env:NAME. For a value that "
    "begins with a dollar sign, write $$."
)


class State(StrEnum):
    """The state of a reference."""

    RESOLVED = "resolved"
    MISSING = "missing"
    DENIED = "denied"
    AWAY = "away"
    SIGN_IN_FAILED = "sign_in_failed"
    ERROR = "error"


class InvalidReference(ValueError):
    """The text starts with `$` but is not a reference. `str()` says how to write one."""


@dataclass(frozen=True)
class Resolution:
    """The result of resolving a reference.

    `source`: where it was found, or which one failed; a denial without one is our own. `tried`: the
    sources asked, in order; `message`: cause and cure. `outage`: of the store whose last value this
    is. `asked_at`: when its store was asked, by the monotonic clock. `ends_at`: when its store will
    not hold it any more, or the value itself ends, as the store says. `is_of_teams`: denied because
    the section belongs to teams, and the connection to none of them.
    """

    reference: str
    state: State
    source: str = ""
    tried: tuple[str, ...] = ()
    message: str = ""
    outage: Outage | None = None
    asked_at: float | None = field(default=None, compare=False)
    value: str | None = field(default=None, repr=False, compare=False)
    ends_at: datetime | None = field(default=None, compare=False)
    is_of_teams: bool = False


def is_reference(value: object) -> bool:
    """True for a text that starts with one `$`, not two."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def references_in(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every reference in stored settings, also those inside of maps: (setting, key in its map or an
    empty text, reference).
    """
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from ((name, key, one) for key, one in value.items() if is_reference(one))
        elif is_reference(value):
            yield name, "", value


def place(name: str, key: str) -> str:
    """The name of a setting, or of one entry of it: `secrets.api-key`."""
    return f"{name}.{key}" if key else name


def unescape(value: str) -> str:
    """`$$foo` -> `$foo`; any other text as it is."""
    return value[1:] if value.startswith("$$") else value


@lru_cache(maxsize=4096)  # a reference is no secret
def parse(reference: str) -> tuple[str, ...]:
    """`$OpenAI:ApiKey` -> ("OpenAI", "ApiKey"). Raises InvalidReference."""
    if len(reference) > LONGEST:
        text = _("A reference has at most %(longest)d characters.") % {"longest": LONGEST}
        raise InvalidReference(f"{text} {_(HOW_TO_WRITE)}")
    key = tuple(reference[1:].split(":"))
    if len(key) < 2 or not all(SEGMENT.fullmatch(segment) for segment in key):
        raise InvalidReference(_(HOW_TO_WRITE))
    return key


def section_of(reference: str) -> str:
    """The section of a reference in lower case: `openai`, or `env:name` for a variable. Empty for
    what is not a reference.
    """
    try:
        return section_of_key(parse(reference))
    except InvalidReference:
        return ""


def section_of_key(key: Sequence[str]) -> str:
    """`section_of` a reference that is parsed."""
    first = key[0].lower()
    return f"{first}:{key[1].lower()}" if first == ENV_SECTION else first


def plain_name(name: str) -> str:
    """A name without regard to case and the signs between its words: `BaseUrl` is `base_url`."""
    return re.sub(r"[-_.]", "", name.lower())
