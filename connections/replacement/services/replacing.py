"""Replacing a key: the next one is tested beside the current, then it takes its place.

Each step is one transaction, so that a process may end between any two of them.
"""

from collections.abc import Mapping
from copy import copy
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import act, record
from connections.change_counter import bump_change_counter
from connections.errors import Invalid, Unusable
from connections.fallback_codes import MISSING_KEY
from connections.locks import hold, retried
from connections.models import Connection, KeyReplacement
from connections.services import Actor, changes_of, require, save_version, update_connection
from connections.wording import outcome_in_words

from .beginning import begin_replacement, next_of
from .clock import kept_time, put_end, watch_time
from .ending import CHANGE, forget_other
from .finding import is_untouched
from .slots import put_slot, slot_of

State = KeyReplacement.State
SWITCHED = "The key was replaced. The one before is kept until {:%Y-%m-%d %H:%M} UTC."
SWITCHED_LOST = "The key was replaced. The one before cannot be decrypted, so it is not kept."
BACK = "Gone back to the key before."
CHANGED = gettext_noop(
    "The settings of %(name)s were changed since the next key was tested. Give it up, and begin "
    "again."
)
REFUSED = gettext_noop(
    "The next key cannot be used: %(reason)s Enter another one, or test it again."
)
NOT_TESTED = gettext_noop(
    "The next key is not known to work: %(reason)s Replace the key anyway, or try again later."
)
NO_PREVIOUS = gettext_noop("There is no previous key to go back to: it is not kept any more.")
# Of a key that surely does not work; an outage says nothing about it.
NEVER_ANYWAY = MISSING_KEY | {"unauthorized", "host_not_approved", "testing"}


@act("replacement.carry_out")
def switch_key(
    replacement: KeyReplacement, *, actor: Actor, anyway: bool = False
) -> KeyReplacement:
    """Puts the next key in the place of the current one, for all workers at once, and begins to
    watch it. `anyway`: also where the test could not reach the service.

    Raises Unusable where the service refused the next key, where it was not reached, where the
    connection changed since, or where the replacement has ended; Invalid, PermissionDenied.
    """
    return _switched(replacement, actor, anyway)


@retried
@sensitive_variables("given", "before", "saved")
def _switched(replacement: KeyReplacement, actor: Actor, anyway: bool) -> KeyReplacement:
    require(actor, CHANGE, on=replacement.connection)
    refuse_untested(replacement, anyway=anyway)
    with transaction.atomic():
        row, held = _held(replacement)
        given = next_of(held, row)
        if not is_untouched(held, row):
            raise Unusable("stale", _(CHANGED) % {"name": row.name})
        before, type_version = slot_of(row, held.fields), row.type_version
        saved = update_connection(row, actor=actor, settings=given, merge=True).row
        if saved.type_version != type_version:
            before = None  # of settings as they were called before
        held.settings_version = saved.settings_version
        held.state = State.WATCHING if before else State.DONE
        held.credentials, held.date_switched = before, timezone.now()
        put_end(held, watch_time() if before else kept_time())
        held.save()
        kept_until = held.date_switched + kept_time()
        note_reason(saved, SWITCHED.format(kept_until) if before else SWITCHED_LOST)
        record(held, actor=actor, detail={"anyway": True} if anyway else None)
        bump_change_counter()
    return held


def refuse_untested(replacement: KeyReplacement, *, anyway: bool) -> None:
    """Raises Unusable where the next key surely does not work, or (unless `anyway`) is not known
    to. An outage is not a refusal.
    """
    test = replacement.tests.get("next") or {"success": False, "code": "", "message": ""}
    if test["code"] in NEVER_ANYWAY:
        raise Unusable(
            test["code"],
            _(REFUSED) % {"reason": outcome_in_words(test["code"], _(test["message"]))},
        )
    if not test["success"] and not anyway:
        raise Unusable(
            "not_tested",
            _(NOT_TESTED) % {"reason": outcome_in_words(test["code"], _(test["message"]))},
        )


def may_switch_anyway(replacement: KeyReplacement) -> bool:
    """True where the test of the next key only could not reach the service."""
    test = replacement.tests.get("next") or {"code": ""}
    return test["code"] not in NEVER_ANYWAY


@act("replacement.carry_out")
def replace_key(
    connection: Connection, settings: Mapping[str, Any], *, actor: Actor, anyway: bool = False
) -> KeyReplacement:
    """Begins, tests and switches in one go, as programs do. Where it does not switch, nothing is
    kept. Raises as `begin_replacement` and `switch_key`.
    """
    replacement = begin_replacement(connection, settings, actor=actor)
    try:
        return _switched(replacement, actor, anyway)
    except (Unusable, Invalid):
        forget_other(replacement, actor=actor)
        raise


def _held(replacement: KeyReplacement) -> tuple[Connection, KeyReplacement]:
    """The connection and its replacement, locked and as they are now. Raises DoesNotExist."""
    pk = replacement.connection_id
    row = hold(Connection.objects.all(), [pk]).get(pk)
    held = hold(KeyReplacement.objects.all(), [replacement.pk]).get(replacement.pk)
    if row is None or held is None:
        raise Connection.DoesNotExist
    return row, held


def note_reason(row: Connection, reason: str) -> None:
    """Writes why into the version of a connection that was just saved."""
    history: Any = Connection.history
    history.filter(id=row.pk, version=row.version).update(history_change_reason=reason[:100])


@retried
@act("replacement.take_back")
def go_back(replacement: KeyReplacement, *, actor: Actor) -> KeyReplacement:
    """Puts the previous key into its place again.

    Raises Unusable when it is not kept any more, or somebody changed the connection since;
    PermissionDenied.
    """
    require(actor, CHANGE, on=replacement.connection)
    with transaction.atomic():
        row, held = _held(replacement)
        if not held.credentials or held.state not in (State.WATCHING, State.DONE):
            raise Unusable("no_previous_key", _(NO_PREVIOUS))
        if not is_untouched(held, row):
            text = _(
                "The settings of %(name)s were changed since its key was replaced, so the "
                "previous key does not come back by itself. Edit the connection instead."
            ) % {"name": row.name}
            raise Unusable("stale", text)
        if not held.values_for(row):
            raise Unusable("no_previous_key", _(NO_PREVIOUS))
        who = f" {actor}" if actor else " the command line"
        swap_back(row, held, actor, f"{BACK} Asked for by{who}.")
    return held


def swap_back(row: Connection, held: KeyReplacement, actor: Actor, said: str) -> None:
    """Exchanges the key of a locked connection with that of its locked replacement, and saves
    both.
    """
    refused, before = slot_of(row, held.fields), copy(row)
    put_slot(row, held.fields, held.credentials)
    row.settings_version = row.version + 1  # which the save will make it
    save_version(row, actor)
    note_reason(row, said)
    held.state, held.said, held.date_ended = State.GONE_BACK, said, timezone.now()
    held.settings_version, held.credentials = row.settings_version, refused
    put_end(held, kept_time())
    held.save()
    record(held, actor=actor, changes=changes_of(row, before))
