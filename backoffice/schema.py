"""The database's schema as this code sees it, told by the migrations that are applied.

While instances are upgraded one after the other, old code runs on a schema that newer code has
migrated. A migration after which older code fails is named NNNN_after_MMMM_...: it works only for
code that has the migration MMMM of the same app. docs/upgrading.md has the rules.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

AFTER = re.compile(r"\d+_after_(\d+)_")
NAMED = 5

Name = tuple[str, str]  # app and migration


class State(StrEnum):
    """How the schema and this code fit."""

    CURRENT = "current"
    TOO_OLD = "too old"
    NEWER = "newer"
    TOO_NEW = "too new"


@dataclass(frozen=True)
class Schema:
    """The state, and the migrations that decide it, as `app.name`: those that are missing, or those
    that this code does not know.
    """

    state: State
    migrations: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        """True if this code can work on it."""
        return self.state in (State.CURRENT, State.NEWER)

    @property
    def message(self) -> str:
        """What it is and what helps; empty where there is nothing to tell."""
        names = ", ".join(self.migrations[:NAMED])
        if len(self.migrations) > NAMED:
            names += f" and {len(self.migrations) - NAMED} more"
        return {
            State.CURRENT: "",
            State.TOO_OLD: "The database's schema is older than this code. Run `manage.py migrate` "
            f"of this release. Missing: {names}.",
            State.NEWER: "A newer release has migrated the database. This one goes on working. "
            f"Unknown here: {names}.",
            State.TOO_NEW: "The database's schema is too new for this code. Start the release that "
            f"migrated it, or the one before that. Unknown here: {names}.",
        }[self.state]


@dataclass(frozen=True)
class _Own:
    """The migrations of this code: those that a new database gets, what squashed ones stand for,
    and the highest number of each app.
    """

    needed: frozenset[Name]
    replaced: dict[Name, Sequence[Name]]
    highest: dict[str, int]


@cache
def _own() -> _Own:
    loader = MigrationLoader(None)
    highest: dict[str, int] = defaultdict(int)
    for app, name in loader.disk_migrations:
        highest[app] = max(highest[app], _number(name))
    replaced = {key: one.replaces for key, one in loader.replacements.items()}
    return _Own(frozenset(loader.graph.nodes), replaced, dict(highest))


def load_own_migrations() -> None:
    """Reads the migrations of this code, for which the first question would wait."""
    _own()


def _number(name: str) -> int:
    digits = name.partition("_")[0]
    return int(digits) if digits.isdecimal() else 0


def read_schema() -> Schema:
    """The state of the schema now, for two short queries. Raises DatabaseError."""
    return judge(set(MigrationRecorder(connections[DEFAULT_DB_ALIAS]).applied_migrations()))


def judge(applied: set[Name]) -> Schema:
    """The state of a schema to which these migrations were applied."""
    own = _own()
    missing = [
        one
        for one in own.needed - applied
        if one not in own.replaced or not applied.issuperset(own.replaced[one])
    ]
    # what has a lower number than ours was squashed, or is of a branch
    newer = [
        (app, name)
        for app, name in applied
        if app in own.highest and _number(name) > own.highest[app]
    ]
    ending = [one for one in newer if _needs(one[1]) > own.highest[one[0]]]
    for state, found in (
        (State.TOO_NEW, ending),
        (State.TOO_OLD, missing),
        (State.NEWER, newer),
    ):
        if found:
            return Schema(state, tuple(sorted(f"{app}.{name}" for app, name in found)))
    return Schema(State.CURRENT)


def _needs(name: str) -> int:
    """The number of the migration that code must have to work after this one; 0 for any code."""
    found = AFTER.match(name)
    return int(found[1]) if found else 0
