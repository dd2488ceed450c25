"""The import of a package: all of it, or nothing.

Everything is judged before anything is locked (planning.py). Then one short transaction locks the
rows that change, judges those again that somebody changed meanwhile, and saves in few statements.
So nobody waits for an import unless for a row that it changes, and for as long as saving takes. An
import that installs types has to judge in the transaction, because the types decide.
"""

from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from connections.catalog import confirm_types
from connections.locks import hold, retried
from connections.models import Connection, ConnectionType, Profile
from connections.services import Actor, Invalid, replace_fallbacks, save_versions, settle_all_hosts

from ..format.errors import PackageConflict, PackageError
from ..format.plan import Decisions, Plan
from .connections import take_connection
from .here import ALL
from .planning import Judged, Opened, judge, open_package
from .profiles import take_profiles
from .types import install_taken

MOST_TRIES = 5
CHANGED = (
    "Somebody made or deleted rows that this package means while it was imported. Nothing was "
    "imported. Import it again."
)


@sensitive_variables("content", "passphrase", "decisions")
def import_package(
    content: bytes, *, actor: Actor, passphrase: str = "", decisions: Decisions = Decisions()
) -> Plan:
    """Imports a package in one transaction. Returns the plan that was carried out.

    Raises PackageConflict with the plan while something stands in the way, PackageError,
    PermissionDenied; then nothing was written.
    """
    opened = open_package(content, actor, passphrase, decisions)
    for _ in range(MOST_TRIES):
        try:
            return _imported(opened)
        except IntegrityError:  # an alias that is taken now, a row that is not there now
            if transaction.get_connection().in_atomic_block:
                raise
    raise PackageError("changed", CHANGED)


@retried
@sensitive_variables()
def _imported(opened: Opened) -> Plan:
    judged = _passed(judge(opened, is_dry=False))
    if not judged.run.types:
        if judged.run.changes:
            with transaction.atomic():
                _hold(judged)
                _save(_passed(judged))
        return judged.plan
    is_written = False
    try:
        with transaction.atomic():
            hold(ConnectionType.objects.all(), judged.run.types)
            _hold(judged)
            types = judged.types
            _install(judged)
            judged = _passed(judge(opened, is_dry=False))
            judged.types = types
            _save(judged)
        is_written = True
    finally:
        if not is_written:
            confirm_types()  # what was installed is gone again
    return judged.plan


def _install(judged: Judged) -> None:
    try:
        install_taken(judged.run)
    except Invalid as refused:  # somebody installed another version meanwhile
        raise PackageError("changed", str(refused)) from None


def _passed(judged: Judged) -> Judged:
    """The same, unless something stands in the way. Raises PackageConflict."""
    plan = judged.plan
    if plan.conflicts:
        raise PackageConflict(plan)
    return judged


def _hold(judged: Judged) -> None:
    """Locks the rows that change, in the order of locks.py, and judges those again that are not any
    more as they were.

    The rows that profiles will name are not locked: a foreign key holds them when this commits.
    """
    run, stale = judged.run, set()
    for model in (Connection, Profile):
        changed = {
            one.row.pk: one.version
            for one in run.changes.values()
            if one.version and isinstance(one.row, model)
        }
        of_types = model is Connection and run.types
        users = Connection.objects.filter(provider_id__in=run.types) if of_types else ()
        held = hold(model.objects.only("version"), [*changed, *(row.pk for row in users)])
        others = [pk for pk in changed if pk not in held or held[pk].version != changed[pk]]
        for pk in others:
            run.here.rows[model].drop(pk)
        for row in ALL[model].filter(pk__in=others) if others else ():
            run.here.rows[model].put(row)
        stale.update(others)
    for document in run.package.connections if stale else ():
        change = run.changes.get(f"connection:{document.id}")
        if change and change.row.pk in stale:
            judged.connections[document.id] = take_connection(run, document)
    if stale:
        judged.profiles = take_profiles(run)


@sensitive_variables()
def _save(judged: Judged) -> None:
    run = judged.run
    changes = list(run.changes.values())
    for model in (Connection, Profile):
        save_versions([one.row for one in changes if isinstance(one.row, model)], run.actor)
    settle_all_hosts([one.row for one in changes if isinstance(one.row, Connection)], run.actor)
    replace_fallbacks([(one.row, one.fallbacks) for one in changes if one.fallbacks is not None])
