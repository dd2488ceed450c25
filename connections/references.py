"""`$Section:Key`: the form of a reference, the policy what it may name, and its resolution.

Pure: the sources are passed in.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation.trans_null import gettext_noop  # Django's own asks the settings

from .sources import (
    EnvironmentSource,
    KeptStore,
    ListsNames,
    MappingSource,
    Outage,
    Source,
    SourceError,
)

LONGEST = 500
SEGMENT = re.compile(r"[A-Za-z0-9_.-]+")
ENV_SECTION = "env"
OR_A_DOLLAR = gettext_noop("For a value that begins with a dollar sign, write $$.")
HOW_TO_ADD = gettext_noop("the key in a source that CONNECTIONS_SOURCES names")
HOW_TO_WRITE = gettext_noop(
    "Write a reference as $Section:Key, for example $OpenAI:ApiKey, or $Env:NAME. For a value that "
    "begins with a dollar sign, write $$."
)
SET_VARIABLE = gettext_noop(
    "Set the environment variable %(name)s, there or in .env, and start again."
)
SET_VARIABLE_OR = gettext_noop(
    "Set the environment variable %(name)s, there or in .env, and start again; or set %(places)s."
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
    not hold it any more, or the value itself ends, as the store says.
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


def plain_name(name: str) -> str:
    """A name without regard to case and the signs between its words: `BaseUrl` is `base_url`."""
    return re.sub(r"[-_.]", "", name.lower())


@dataclass(frozen=True)
class Policy:
    """The names that references may use. All are in lower case.

    `sections`: set aside by listing or by a built-in provider, in whatever source; what a source
    itself holds it sets aside for itself. `variables`: plain variables for `$Env:NAME`.

    `public`: what settings that are shown in clear may name, a section with the plain name of a
    key, or `*` for each that has none of `secret_words` in it.
    """

    sections: frozenset[str]
    variables: frozenset[str]
    secret_words: tuple[str, ...]
    public: frozenset[tuple[str, str]] = frozenset()

    def is_public(self, key: Sequence[str]) -> bool:
        """True if a setting that is shown in clear may name this key."""
        section, names = key[0].lower(), [plain_name(one) for one in key[1:]]
        if (section, ":".join(names)) in self.public:
            return True
        if any(word in name for word in self.secret_words for name in names):
            return False
        # an account of its own, $OpenAI:Europe:BaseUrl, or an entry of a map, $Custom:Configs:Name
        return any((section, one) in self.public for one in (names[0], names[-1], "*"))


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
            return self._ask(reference, key, [self._environment])
        return self._ask(reference, key)

    @property
    def stores(self) -> tuple[KeptStore, ...]:
        """The sources that are secret stores, in order."""
        return tuple(one for one in self._sources if isinstance(one, KeptStore))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source, in order."""
        return self._sources

    def may_name(self, reference: str, secret: bool) -> bool:
        """True if a setting that is `secret` or not may name the reference, whatever it is."""
        try:
            return not self._denied(parse(reference), secret)
        except (InvalidReference, SourceError):
            return False

    def names(self) -> list[str]:
        """The references that sources list by name without being asked over a network, of sections
        that are set aside. A source that cannot be read lists none.
        """
        found: list[str] = []
        for source in self._sources:
            with suppress(SourceError):
                keys = source.names() if isinstance(source, ListsNames) else ()
                found += [
                    f"${':'.join(key)}"
                    for key in keys
                    if len(key) > 1
                    and all(SEGMENT.fullmatch(one) for one in key)
                    and (key[0].lower() in self._policy.sections or source.holds(key[0].lower()))
                ]
        return found

    def _denied(self, key: tuple[str, ...], secret: bool) -> str:
        section, name = key[0].lower(), key[-1]
        if not secret and not self._policy.is_public(key):
            text = _(
                "%(name)s counts as a secret, and this setting is shown in clear. Only secret "
                "settings may name it, unless CONNECTIONS_REFERENCE_PUBLIC lists %(key)s."
            )
            return text % {"name": name, "key": ":".join(key)}
        if section == ENV_SECTION and (len(key) != 2 or name.lower() not in self._policy.variables):
            text = _(
                "$Env may not name %(name)s. List it in CONNECTIONS_REFERENCE_ENV to allow it."
            )
            return f"{text % {'name': ':'.join(key[1:])}} {_(OR_A_DOLLAR)}"
        return ""

    def _ask(
        self, reference: str, key: tuple[str, ...], only: Sequence[Source] | None = None
    ) -> Resolution:
        """The first value among the sources that may be asked for this section."""
        tried: list[str] = []
        section = key[0].lower()
        for source in self._sources if only is None else only:
            try:
                if only is None and not (section in self._policy.sections or source.holds(section)):
                    continue
                tried.append(source.name)
                value = self._environment.variable(key[1]) if only else source.lookup(key)
            except SourceError as error:
                state = State(error.fault)
                return Resolution(reference, state, source.name, tuple(tried), str(error))
            if value is not None:
                return self._found(reference, source, key, tuple(tried), value.strip())
        if not tried:
            text = _(
                "References may not name the section %(section)s. List it in "
                "CONNECTIONS_REFERENCE_SECTIONS to allow it."
            )
            text = f"{text % {'section': key[0]}} {_(OR_A_DOLLAR)}"
            return Resolution(reference, State.DENIED, message=text)
        text = _("%(reference)s is not set.") % {"reference": reference}
        text = f"{text} {self._cure(key, tried)}"
        return Resolution(reference, State.MISSING, "", tuple(tried), text)

    def _found(
        self,
        reference: str,
        source: Source,
        key: tuple[str, ...],
        tried: tuple[str, ...],
        value: str,
    ) -> Resolution:
        if not value:
            text = _("%(reference)s is set in %(source)s, but empty. Give it a value there.")
            text %= {"reference": reference, "source": source.name}
            return Resolution(reference, State.MISSING, source.name, tried, text)
        kept = source if isinstance(source, KeptStore) else None
        outage = kept.outage if kept else None
        return Resolution(
            reference,
            State.RESOLVED,
            source.name,
            tried,
            outage.message if outage else "",
            outage,
            kept.asked_at(key) if kept else None,
            value,
            kept.ends_at(key) if kept else None,
        )

    def _cure(self, key: tuple[str, ...], tried: Sequence[str]) -> str:
        is_variable = key[0].lower() == ENV_SECTION
        # no shell sets - or .
        name = key[1] if is_variable else re.sub(r"[-.]", "_", "__".join(key))
        if is_variable:
            return _(SET_VARIABLE) % {"name": name}
        # CONNECTIONS_CONFIG is code
        fixed = (self._environment.name, MappingSource.name)
        places = [
            str(one.store.cure)
            if isinstance(one, KeptStore)
            else _("the key in %(source)s") % {"source": one.name}
            for one in self._sources
            if one.name in tried and one.name not in fixed
        ]
        listed = _(", or ").join(places) or _(HOW_TO_ADD)
        if self._environment.name in tried:
            return _(SET_VARIABLE_OR) % {"name": name, "places": listed}
        return _("Set %(places)s.") % {"places": listed} if places else listed
