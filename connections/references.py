"""`$Section:Key`: the form of a reference, the policy what it may name, and its resolution.

Pure: the sources are passed in.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

from .sources import EnvironmentSource, MappingSource, Source, SourceError

LONGEST = 500
SEGMENT = re.compile(r"[A-Za-z0-9_.-]+")
ENV_SECTION = "env"
OR_A_DOLLAR = "For a value that begins with a dollar sign, write $$."
HOW_TO_ADD = "a source that CONNECTIONS_SECRETS_DIR or CONNECTIONS_CONFIG_FILE names"
HOW_TO_WRITE = (
    "Write a reference as $Section:Key, for example $OpenAI:ApiKey, or $Env:NAME. " + OR_A_DOLLAR
)


class State(StrEnum):
    """The state of a reference."""

    RESOLVED = "resolved"
    MISSING = "missing"
    DENIED = "denied"
    ERROR = "error"


class InvalidReference(ValueError):
    """The text starts with `$` but is not a reference. `str()` says how to write one."""


@dataclass(frozen=True)
class Resolution:
    """The result of resolving a reference.

    `source`: where it was found; `tried`: the sources asked, in order; `message`: cause and cure.
    """

    reference: str
    state: State
    source: str = ""
    tried: tuple[str, ...] = ()
    message: str = ""
    value: str | None = field(default=None, repr=False, compare=False)


def is_reference(value: object) -> bool:
    """True for a text that starts with one `$`, not two."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def references_in(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every reference in stored settings, also those inside of maps: (setting, key in its map or an
    empty text, reference).
    """
    for name, value in settings.items():
        for key, one in value.items() if isinstance(value, dict) else [("", value)]:
            if is_reference(one):
                yield name, key, one


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
        raise InvalidReference(f"A reference has at most {LONGEST} characters. {HOW_TO_WRITE}")
    key = tuple(reference[1:].split(":"))
    if len(key) < 2 or not all(SEGMENT.fullmatch(segment) for segment in key):
        raise InvalidReference(HOW_TO_WRITE)
    return key


@dataclass(frozen=True)
class Policy:
    """The names that references may use. All are in lower case.

    `sections`: set aside by listing or by a registered provider; `variables`: plain variables for
    `$Env:NAME`; `secret_words`: a key whose last segment contains one of them is secret.
    """

    sections: frozenset[str]
    variables: frozenset[str]
    secret_words: tuple[str, ...]

    def is_secret(self, key: Sequence[str]) -> bool:
        """True if this key holds a secret, so that only secret settings may name it."""
        last = key[-1].lower()
        return any(word in last for word in self.secret_words)


class Resolver:
    """Resolves references by a policy from an ordered list of sources; the first that has the key
    wins.
    """

    def __init__(
        self, sources: Iterable[Source], policy: Policy, environment: EnvironmentSource
    ) -> None:
        self._sources, self._policy, self._environment = tuple(sources), policy, environment

    def resolve(self, reference: str, secret: bool) -> Resolution:
        """Resolves `reference` for a setting that is `secret` or not. Never raises.

        The policy decides before anything is looked up, so a refusal tells nothing about existence.
        """
        try:
            key = parse(reference)
            if denied := self._denied(key, secret):
                return Resolution(reference, State.DENIED, message=denied)
        except (InvalidReference, SourceError) as error:
            return Resolution(reference, State.ERROR, message=str(error))
        if key[0].lower() == ENV_SECTION:
            return self._ask(
                reference,
                key,
                [(self._environment.name, partial(self._environment.variable, key[1]))],
            )
        return self._ask(
            reference, key, [(source.name, partial(source.lookup, key)) for source in self._sources]
        )

    def _denied(self, key: tuple[str, ...], secret: bool) -> str:
        section, name = key[0].lower(), key[-1]
        if not secret and self._policy.is_secret(key):
            return (
                f"{name} counts as a secret, and this setting is shown in clear. Only secret "
                "settings may name it."
            )
        if section == ENV_SECTION:
            if len(key) == 2 and name.lower() in self._policy.variables:
                return ""
            return (
                f"$Env may not name {':'.join(key[1:])}. List it in CONNECTIONS_REFERENCE_ENV to "
                f"allow it. {OR_A_DOLLAR}"
            )
        if section in self._policy.sections or any(
            section in source.sections() for source in self._sources
        ):
            return ""
        return (
            f"References may not name the section {key[0]}. List it in "
            f"CONNECTIONS_REFERENCE_SECTIONS to allow it. {OR_A_DOLLAR}"
        )

    def _ask(
        self,
        reference: str,
        key: tuple[str, ...],
        questions: list[tuple[str, Callable[[], str | None]]],
    ) -> Resolution:
        tried: list[str] = []
        for name, ask in questions:
            tried.append(name)
            try:
                value = ask()
            except SourceError as error:
                return Resolution(reference, State.ERROR, name, tuple(tried), str(error))
            if value is not None:
                return self._found(reference, name, tuple(tried), value.strip())
        return Resolution(
            reference, State.MISSING, "", tuple(tried), f"{reference} is not set. {self._cure(key)}"
        )

    def _found(self, reference: str, source: str, tried: tuple[str, ...], value: str) -> Resolution:
        if not value:
            return Resolution(
                reference,
                State.MISSING,
                source,
                tried,
                f"{reference} is set in {source}, but empty. Give it a value there.",
            )
        return Resolution(reference, State.RESOLVED, source, tried, value=value)

    def _cure(self, key: tuple[str, ...]) -> str:
        # no shell sets - or .
        name = key[1] if key[0].lower() == ENV_SECTION else re.sub(r"[-.]", "_", "__".join(key))
        start = f"Set the environment variable {name}, there or in .env, and start again"
        if key[0].lower() == ENV_SECTION:
            return f"{start}."
        # CONNECTIONS_CONFIG is code
        fixed = (self._environment.name, MappingSource.name)
        others = [one.name for one in self._sources if one.name not in fixed]
        return f"{start}; or put the key into {' or '.join(others) or HOW_TO_ADD}."
