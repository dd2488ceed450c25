"""The writing of what an import has judged: at once while that is short, else in parts.

Each part is a transaction that locks its rows, judges those again that somebody changed meanwhile,
and saves in few statements. So nobody waits for a large import longer than for one of its parts.
"""

import time
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from typing import Any
from uuid import UUID

from django.db import DatabaseError, IntegrityError
from django.db import connection as database
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.courtesy import step_aside
from connections.locks import hold, long_change, retried
from connections.models import Connection, Profile
from connections.services import replace_fallbacks, save_versions, settle_all_hosts

from ..format.errors import PackageConflict, PackageError
from .connections import take_connection
from .events import record_import
from .here import all_of
from .planning import Judged
from .profiles import take_profile, take_profiles
from .run import Change, Run

AT_ONCE = 100  # rows that are saved all or none
PART = 25  # rows of one part of more
# Seconds between two parts on SQLite. Whoever waits for its lock looks again after 1 to 100 ms
# (sqlite.org/c3ref/busy_timeout.html), so without a pause the next part would mostly win.
PAUSE = 0.015
CHANGED = gettext_noop(
    "Somebody made, changed or deleted rows that this package means while it was imported. "
    "%(saved)s of %(total)s rows are imported. Import it again for the rest: what is there will be "
    "identical."
)
CHANGED_EACH_TIME = gettext_noop(
    "Somebody made, changed or deleted rows that this package means while it was imported. 0 of "
    "the rows are imported. Import it again for the rest: what is there will be identical."
)
INTERRUPTED = gettext_noop(
    "The database stopped answering while the package was imported. %(saved)s of %(total)s rows "
    "are imported. Import it again for the rest: what is there will be identical."
)

Part = Callable[[], int]
Items = list[tuple[str, Change]]


def passed(judged: Judged) -> Judged:
    """The same, unless something stands in the way. Raises PackageConflict."""
    plan = judged.plan
    if plan.conflicts:
        raise PackageConflict(plan)
    return judged


@sensitive_variables()
def save_at_once(judged: Judged) -> None:
    """Saves all of it in the transaction that is open. Raises PackageConflict, IntegrityError.

    The rows that profiles will name are not locked: a foreign key holds them when this commits.
    """
    run = judged.run
    stale = _hold(run, Connection, list(run.changes.items()))
    stale |= _hold(run, Profile, list(run.changes.items()))
    if stale:
        _take_connections(judged, stale)
        judged.profiles = take_profiles(run)
        passed(judged)
    changes = [*run.changes.values()]
    _save(run, [one.row for one in changes if isinstance(one.row, Connection)])
    _save(run, [one.row for one in changes if isinstance(one.row, Profile)])
    replace_fallbacks([(one.row, one.fallbacks) for one in changes if one.fallbacks is not None])


@sensitive_variables()
def save_in_parts(judged: Judged, told: Callable[[int, int], None] | None = None) -> None:
    """Saves it part by part: the connections, then the profiles, each with its fallbacks once these
    are there. `told` is called before the first part and after each, with how many rows are saved
    and how many there are.

    Raises PackageConflict, IntegrityError and what the database raises while nothing is saved,
    PackageError after that.
    """
    saved, total = 0, len(judged.run.changes)
    if told:
        told(saved, total)
    try:
        for part in _parts(judged):
            saved += part() if saved else _save_first(judged, part)
            if told:
                told(saved, total)
            if database.vendor == "sqlite":
                time.sleep(PAUSE)
            step_aside()
    except (PackageConflict, DatabaseError) as error:
        if not saved:
            raise
        is_changed = isinstance(error, PackageConflict | IntegrityError)
        code, text = ("changed", CHANGED) if is_changed else ("interrupted", INTERRUPTED)
        raise PackageError(code, _(text) % {"saved": saved, "total": total}) from None


@retried
@sensitive_variables()
def _save_first(judged: Judged, part: Part) -> int:
    """Saves the first part, with the event of the import."""
    with long_change():
        saved = part()
        record_import(judged)
    return saved


@sensitive_variables()
def _parts(judged: Judged) -> Iterator[Part]:
    """Each saves a part, and returns how many rows that were."""
    run, stale = judged.run, set[UUID]()
    for names in _named(run, Connection):
        yield partial(_save_connections, judged, names, stale)
    if stale:
        judged.profiles = take_profiles(run)
        passed(judged)
    unsaved = {one.row.pk for one in run.changes.values() if not one.version and _is(Profile, one)}
    late: list[str] = []
    for names in _named(run, Profile):
        yield partial(_save_profiles, judged, names, unsaved, late)
    for start in range(0, len(late), PART):
        yield partial(_save_late_fallbacks, run, late[start : start + PART])


def _is(model: Any, change: Change) -> bool:
    return isinstance(change.row, model)


def _named(run: Run, model: Any) -> list[list[str]]:
    """The items of a kind in parts, in the order in which they were judged."""
    names = [name for name, change in run.changes.items() if _is(model, change)]
    return [names[start : start + PART] for start in range(0, len(names), PART)]


def _there(run: Run, names: list[str]) -> Items:
    return [(name, run.changes[name]) for name in names if name in run.changes]


@retried
@sensitive_variables()
def _save_connections(judged: Judged, names: list[str], stale: set[UUID]) -> int:
    """`stale`: gets the rows that somebody changed meanwhile."""
    run = judged.run
    with long_change():
        if others := _hold(run, Connection, _there(run, names)):
            _take_connections(judged, others)
            passed(judged)
        rows = [copy(change.row) for _, change in _there(run, names)]
        _save(run, rows)
    stale |= others
    return len(rows)


@retried
@sensitive_variables()
def _save_profiles(judged: Judged, names: list[str], unsaved: set[UUID], late: list[str]) -> int:
    """`unsaved`: the new profiles that are not there yet; `late`: gets the items whose fallbacks
    have to wait for one of them.
    """
    run = judged.run
    with long_change():
        if others := _hold(run, Profile, _there(run, names)):
            _take_profiles(judged, others)
            passed(judged)
        items = _there(run, names)
        _save(run, [copy(change.row) for _, change in items])
        waiting = unsaved - {change.row.pk for _, change in items}
        chains = [(name, one, one.fallbacks) for name, one in items if one.fallbacks is not None]
        waits = {name for name, _, chain in chains if any(one.pk in waiting for one in chain)}
        replace_fallbacks([(one.row, chain) for name, one, chain in chains if name not in waits])
    unsaved &= waiting
    late += sorted(waits)
    return len(items)


@retried
def _save_late_fallbacks(run: Run, names: list[str]) -> int:
    """The chains of profiles that name each other, of those that nobody changed since."""
    changes = [run.changes[name] for name in names]
    with long_change():
        held = hold(Profile.objects.only("version"), [one.row.pk for one in changes])
        replace_fallbacks(
            [
                (one.row, one.fallbacks or ())
                for one in changes
                if one.row.pk in held and held[one.row.pk].version == one.version + 1
            ]
        )
    return 0


def _hold(run: Run, model: Any, items: Items) -> set[UUID]:
    """Locks the rows of a kind that change, in the order of locks.py.

    Returns those that are not any more as they were judged, after reading them again.
    """
    changed = {one.row.pk: one.version for _, one in items if one.version and _is(model, one)}
    held = hold(model.objects.only("version"), changed)
    others = {pk for pk in changed if pk not in held or held[pk].version != changed[pk]}
    for pk in others:
        run.here.rows[model].drop(pk)
    for row in all_of(model).filter(pk__in=others) if others else ():
        run.here.rows[model].put(row)
    return others


def _take_connections(judged: Judged, stale: set[UUID]) -> None:
    for document in judged.run.package.connections:
        change = judged.run.changes.get(f"connection:{document.id}")
        if change and change.row.pk in stale:
            judged.connections[document.id] = take_connection(judged.run, document)


def _take_profiles(judged: Judged, stale: set[UUID]) -> None:
    for place, document in enumerate(judged.run.package.profiles):
        change = judged.run.changes.get(f"profile:{document.id}")
        if change and change.row.pk in stale:
            judged.profiles[place] = take_profile(judged.run, document)


@sensitive_variables()
def _save(run: Run, rows: list[Any]) -> None:
    """Saves rows of one kind."""
    save_versions(rows, run.actor)
    settle_all_hosts([row for row in rows if isinstance(row, Connection)], run.actor)
