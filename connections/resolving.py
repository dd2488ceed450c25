"""The resolution of references: policy and teams say what may be named, the sources are asked in
turn.

Pure: the sources are passed in.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation.trans_null import gettext_noop  # Django's own asks the settings

from .references import (
    ENV_SECTION,
    SEGMENT,
    InvalidReference,
    Resolution,
    State,
    parse,
    plain_name,
    section_of_key,
)
from .sources import (
    EnvironmentSource,
    KeptStore,
    ListsNames,
    MappingSource,
    Source,
    SourceError,
)
from .telemetry import tracing

OR_A_DOLLAR = gettext_noop("For a value that begins with a dollar sign, write $$.")
HOW_TO_ADD = gettext_noop("the key in a source that CONNECTIONS_SOURCES names")
OF_TEAMS = gettext_noop(
    "The section %(section)s belongs to teams, and this connection to none of them. Move it to a "
    "team that has the section, name another one, or ask whoever manages all teams."
)
SET_VARIABLE = gettext_noop(
    "Set the environment variable %(name)s, there or in .env, and start again."
)
SET_VARIABLE_OR = gettext_noop(
    "Set the environment variable %(name)s, there or in .env, and start again; or set %(places)s."
)


@dataclass(frozen=True)
class Asker:
    """On whose behalf a reference is named: the team of a connection, None for one that all share.

    `limited`: reads the sections that belong to teams, in lower case, each with its teams; it is
    asked when a reference is judged, and not before.
    """

    team: UUID | None
    limited: Callable[[], Mapping[str, Collection[UUID]]]

    def may_use(self, section: str) -> bool:
        """True for a section of all, as `section_of` gives it, and for one of this team."""
        teams = self.limited().get(section)
        return teams is None or self.team in teams


MACHINE = Asker(None, dict)  # whoever sets up Switchboard, whom no team limits


@dataclass(frozen=True)
class Policy:
    """The names that references may use. All are in lower case.

    `sections`: set aside by listing or by a built-in provider, in whatever source; what a source
    itself holds it sets aside for itself. `variables`: plain variables for `$Env:NAME`.

    `public`: what settings that are shown in clear may name, a section with the plain name of a
    key, or `*` for each that has none of `secret_words` in it. `closed`: sections that hold the
    keys of Switchboard itself.
    """

    sections: frozenset[str]
    variables: frozenset[str]
    secret_words: tuple[str, ...]
    public: frozenset[tuple[str, str]] = frozenset()
    closed: frozenset[str] = frozenset()

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

    def resolve(self, reference: str, secret: bool, asker: Asker) -> Resolution:
        """Resolves `reference` for a setting that is `secret` or not. Never raises.

        The policy and the teams of its section decide before anything is looked up, so a refusal
        tells nothing about existence.
        """
        try:
            key = parse(reference)
            if denied := self._denied(key, secret):
                return Resolution(reference, State.DENIED, message=denied)
            if not asker.may_use(section_of_key(key)):
                text = _(OF_TEAMS) % {"section": section_of_key(key)}
                return Resolution(reference, State.DENIED, message=text, is_of_teams=True)
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
        if section in self._policy.closed:
            text = _("The section %(section)s holds keys of Switchboard's own.")
            return text % {"section": key[0]}
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
                with tracing.step("read source", _asked(source, key)) as span:
                    value = self._environment.variable(key[1]) if only else source.lookup(key)
                    if span is not None:
                        span.set_attribute("switchboard.found", value is not None)
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


def _asked(source: Source, key: tuple[str, ...]) -> dict[str, str]:
    """What a span tells of a question: the source and the section, and no more of the key."""
    return {"switchboard.source": source.name, "switchboard.section": key[0]}
