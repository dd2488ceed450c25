"""The import of a package.

Everything is judged before anything is locked (planning.py). A small package is then saved in one
short transaction: all of it, or nothing. A larger one is saved in parts (saving.py), so that nobody
waits for it long. A small import that installs types judges in its transaction, because the types
decide; a larger one installs them first.
"""

from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import act, forget_notes
from connections.catalog import confirm_types
from connections.courtesy import long_computation
from connections.former_aliases import actor_name, former_aliases_among, note_use
from connections.locks import hold, long_change, retried
from connections.models import Connection, ConnectionType, Profile, Team
from connections.services import Actor, Invalid

from ..format.errors import PackageConflict, PackageError
from ..format.plan import Decisions, Plan, PlanItem
from .events import record_import, record_refused_import, record_types
from .planning import Judged, Opened, judge, open_package
from .saving import AT_ONCE, CHANGED, CHANGED_EACH_TIME, passed, save_at_once, save_in_parts
from .types import install_taken

MOST_TRIES = 5

Told = Callable[[int, int], None]


@act("package.import")
@long_computation()
@sensitive_variables("content", "passphrase", "decisions")
def import_package(
    content: bytes,
    *,
    actor: Actor,
    passphrase: str = "",
    decisions: Decisions = Decisions(),
    told: Told | None = None,
    team: Team | None = None,
) -> Plan:
    """Imports a package. Returns the plan that was carried out.

    `team`: of the rows that it makes, None: all share them. `told` is called before and after each
    part of a large one, with how many rows are saved and how many there are. Raises PackageConflict
    with the plan while something stands in the way, PackageError, PermissionDenied; then nothing
    was written, unless the PackageError says how much.
    """
    try:
        return _tried(open_package(content, actor, passphrase, decisions, team), told)
    except (PackageConflict, PackageError) as error:
        record_refused_import(content, error, actor)
        raise


def _tried(opened: Opened, told: Told | None) -> Plan:
    for _attempt in range(MOST_TRIES):
        try:
            plan = _imported(opened, told)
            _note_former_aliases(plan, opened.actor)
            return plan
        except IntegrityError:  # an alias that is taken now, a row that is not there now
            if transaction.get_connection().in_atomic_block:
                raise
            forget_notes()
    raise PackageError("changed", _(CHANGED_EACH_TIME))


def _note_former_aliases(plan: Plan, actor: Actor) -> None:
    """Notes the former aliases by which rows were found, in the place of their ids."""
    by = actor_name(actor)
    for model in (Connection, Profile):
        kind = model._meta.model_name
        found = [one.alias for one in plan.items if one.kind == kind and _is_by_alias(one)]
        for former in former_aliases_among(model, found):
            note_use(former, by)


def _is_by_alias(item: PlanItem) -> bool:
    return item.row_id is not None and item.id != f"{item.kind}:{item.row_id}"


@retried
@sensitive_variables()
def _imported(opened: Opened, told: Told | None) -> Plan:
    judged = passed(judge(opened, is_dry=False))
    if not judged.run.changes and not judged.run.types:
        return judged.plan
    if len(judged.run.changes) > AT_ONCE:
        if judged.run.types:
            judged = _after_types(opened, judged)
        save_in_parts(judged, told)
        return judged.plan
    if judged.run.types:
        return _imported_with_types(opened, judged)
    with long_change():
        save_at_once(judged)
        record_import(judged)
    return judged.plan


def _after_types(opened: Opened, before: Judged) -> Judged:
    """Installs the types, with an event of their own. Returns the judgement of the rest, as it is
    with them.
    """
    with long_change():
        _install(before)
        record_types(before)
    try:
        judged = passed(judge(opened, is_dry=False))
    except PackageConflict:
        values = {"saved": 0, "total": len(before.run.changes)}
        raise PackageError("changed", _(CHANGED) % values) from None
    judged.types = before.types
    return judged


@sensitive_variables()
def _imported_with_types(opened: Opened, before: Judged) -> Plan:
    is_written = False
    try:
        with long_change():
            hold(ConnectionType.objects.all(), before.run.types)
            users = Connection.objects.filter(provider_id__in=before.run.types)
            changed = [one.row for one in before.run.changes.values() if one.version]
            hold(Connection.objects.only("version"), [row.pk for row in [*users, *changed]])
            _install(before)
            judged = passed(judge(opened, is_dry=False))
            judged.types = before.types
            save_at_once(judged)
            record_import(judged)
        is_written = True
    finally:
        if not is_written:
            confirm_types()  # what was installed is gone again
    return judged.plan


def _install(judged: Judged) -> None:
    try:
        with long_change():
            install_taken(judged.run)
    except Invalid as refused:  # somebody installed another version meanwhile
        raise PackageError("changed", str(refused)) from None
