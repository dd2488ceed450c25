"""The list of references: filtered, sorted, and what a row shows."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .references import State, section_of
from .selectors import ReferenceUse
from .texts import name_key, sort_key

STATES = {
    State.RESOLVED: _("resolved"),
    State.MISSING: _("missing"),
    State.DENIED: _("denied"),
    State.AWAY: _("store away"),
    State.SIGN_IN_FAILED: _("sign-in failed"),
    State.ERROR: _("error"),
}
SORTS: Mapping[str, Callable[[ReferenceUse], Any]] = {
    "name": lambda use: sort_key(use.resolution.reference),
    "state": lambda use: use.resolution.state == State.RESOLVED,
    "source": lambda use: sort_key(", ".join(use.resolution.tried)),
    "users": lambda use: _users(use),
    "read": lambda use: use.resolution.asked_at or 0.0,
}
NAMED = 1  # connections that a row names


@dataclass(frozen=True)
class ReferenceLine:
    """A reference with its users. `more`: how many connections use it beside the one that is
    named. `read_at`: when its store was asked, None where it is looked up each time. `teams`: to
    which its section belongs, as far as one may know them; empty for one of all.
    """

    row: ReferenceUse
    more: int
    read_at: datetime | None
    teams: str = ""


def listed_references(
    uses: Sequence[ReferenceUse], filters: Mapping[str, str], sort: str = "state"
) -> list[ReferenceUse]:
    """The references by `q` (words in them or in the names of their users), `state` and `source`
    (which has it, or was asked for it in vain); `-` before a sort reverses it. An unknown value of
    a filter filters nothing, an unknown sort has the broken ones first.
    """
    words = name_key(filters.get("q", "")).split()
    state, source = filters.get("state", ""), filters.get("source", "")
    found = [
        use
        for use in uses
        if all(word in _text(use) for word in words)
        and (state not in list(State) or use.resolution.state == state)
        and (not source or source in _sources(use))
    ]
    key = SORTS.get(sort.removeprefix("-"), SORTS["state"])
    return sorted(sorted(found, key=SORTS["name"]), key=key, reverse=sort.startswith("-"))


def reference_lines(uses: Sequence[ReferenceUse], teams: Mapping[str, str]) -> list[ReferenceLine]:
    """The rows of references. `teams`: of the sections that belong to some. Asks nothing."""
    return [
        ReferenceLine(
            use,
            _users(use) - NAMED,
            _read_at(use),
            teams.get(section_of(use.resolution.reference), ""),
        )
        for use in uses
    ]


def _sources(use: ReferenceUse) -> Sequence[str]:
    return [use.resolution.source] if use.resolution.source else use.resolution.tried


def _users(use: ReferenceUse) -> int:
    return len({pk for pk, _name, _alias, _setting in use.uses})


def _text(use: ReferenceUse) -> str:
    names = (f"{name} {alias}" for _pk, name, alias, _setting in use.uses)
    return name_key(" ".join([use.resolution.reference, *names]))


def _read_at(use: ReferenceUse) -> datetime | None:
    asked_at = use.resolution.asked_at
    if asked_at is None:
        return None
    return timezone.now() - timedelta(seconds=time.monotonic() - asked_at)
