"""The watch of a new key: going back by itself when the service refuses it, and its end."""

import copy
import logging
from dataclasses import replace
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Origin, act, coming_from
from connections.change_counter import bump_change_counter
from connections.credentials import SecretDict
from connections.errors import Unusable
from connections.locks import hold, retried
from connections.models import Connection, KeyReplacement
from connections.runtime import StoredConnection
from connections.services import CheckResult, prepare_check, run_check

from .clock import schedule_clock
from .ending import end_watch
from .finding import NEWS, OPEN_STATES, is_untouched
from .purge import purge
from .replacing import swap_back
from .slots import put_slot

State = KeyReplacement.State
# What a service says of a key that it does not take. A key without the rights of the one before is
# refused too, unless it was switched although its test said so.
REFUSED, WITHOUT_RIGHTS = "unauthorized", "forbidden"
WENT_BACK = gettext_noop("The service refused the new key: gone back to the one before, by itself.")
BOTH = gettext_noop(
    "The service refuses the new key and the one before. The new one stays: enter another."
)
ENDED_WELL = gettext_noop("The watch has ended: the service did not refuse the new key.")
CHANGED = gettext_noop("The settings were changed by hand: the watch has ended.")

WATCH = "watch-keys"  # the job

logger = logging.getLogger(__name__)


@sensitive_variables("row", "slot")
def previous_connection(connection: StoredConnection) -> tuple[UUID, StoredConnection] | None:
    """The connection with its previous key while the new one is watched, and the id of the
    replacement; None while nothing is watched. One query.
    """
    rows = KeyReplacement.objects.filter(
        connection_id=connection.id,
        state=State.WATCHING,
        is_both_refused=False,
        connection__settings_version=F("settings_version"),
    )
    row = rows.only("fields", "credentials").first()
    slot = row.values_for(connection) if row else None
    if not row or not slot or not isinstance(connection.credentials, dict | None):
        return None
    kept = [
        {name: one for name, one in values.items() if name not in row.fields}
        for values in (connection.settings, connection.credentials or {})
    ]
    return row.pk, replace(
        connection,
        settings=kept[0] | slot["settings"],
        credentials=SecretDict(kept[1] | slot["credentials"]),
    )


def is_refusal(code: str) -> bool:
    """True if a service that ends a request with this code names the key as the cause of it."""
    return code in (REFUSED, WITHOUT_RIGHTS)


def are_both_refused(new: str, previous: str) -> bool:
    """True if a service that ends the same request with these codes takes neither key: without
    rights are both where what was asked is nobody's to ask.
    """
    return is_refusal(new) and is_refusal(previous) and REFUSED in (new, previous)


def refused_replacements() -> list[KeyReplacement]:
    """The new keys of active connections that services refused, while nobody has acted on it."""
    rows = KeyReplacement.objects.filter(NEWS, connection__is_active=True).defer("credentials")
    return list(rows.filter(Q(is_by_itself=True) | Q(is_both_refused=True)))


@retried
@act("replacement.take_back")
def go_back_by_itself(replacement_id: UUID) -> bool:
    """Puts the previous key into its place, because the service refused the new one and took the
    previous. False when it is not watched any more: somebody else was first, or it changed.
    """
    found = KeyReplacement.objects.filter(pk=replacement_id, state=State.WATCHING)
    pk = found.values_list("connection_id", flat=True).first()
    if pk is None:
        return False
    # the gateway, which met the refusal, acts for the watch too
    with coming_from(Origin("schedule", program=WATCH)), transaction.atomic():
        row = hold(Connection.objects.all(), [pk]).get(pk)
        held = hold(found, [replacement_id]).get(replacement_id)
        if row is None or held is None or not held.values_for(row) or not is_untouched(held, row):
            return False
        held.is_by_itself = True
        swap_back(row, held, None, WENT_BACK)
    logger.warning("Connection %s went back to its previous key", pk)
    return True


@retried
def note_both_refused(replacement_id: UUID) -> None:
    """Says that the service refuses the new key and the previous one: nothing is exchanged, and the
    previous one is not tried any more.
    """
    found = KeyReplacement.objects.filter(
        pk=replacement_id, state=State.WATCHING, is_both_refused=False
    )
    with transaction.atomic():
        if found.update(is_both_refused=True, said=BOTH):
            bump_change_counter()


def run_replacements() -> str:
    """What is due of all replacements: looks at watched keys, ends watches, gives up what nobody
    finished, forgets keys whose time is over. Says what it did.
    """
    now = schedule_clock()
    watched = list(KeyReplacement.objects.filter(state=State.WATCHING))
    connections = {
        row.pk: row
        for row in Connection.objects.filter(pk__in={one.connection_id for one in watched})
    }
    for one in watched:
        _look(one, connections.get(one.connection_id), now)
    over = KeyReplacement.objects.filter(due__lte=now)
    given_up = over.filter(state=State.OPEN)
    kept = over.exclude(state__in=OPEN_STATES).exclude(credentials__isnull=True)
    purged = [purge(one) for one in [*given_up, *kept]]
    return f"{len(watched)} new keys watched, {len(purged)} old ones forgotten."


def _look(one: KeyReplacement, row: Connection | None, now: float) -> None:
    if row is None or not is_untouched(one, row):
        end_watch(one, CHANGED)
        return
    if row.is_active and not one.is_both_refused and is_refusal(new := _code(row)):
        is_known = new == WITHOUT_RIGHTS == one.tests.get("next", {}).get("code")
        previous = "" if is_known or not one.values_for(row) else _code(with_other_key(row, one))
        if are_both_refused(new, previous):
            note_both_refused(one.pk)
        elif previous == "ok":
            go_back_by_itself(one.pk)
            return
    if one.due <= now:
        end_watch(one, one.said or ENDED_WELL)


@sensitive_variables()
def with_other_key(row: Connection, replacement: KeyReplacement) -> Connection:
    """The connection with the other key of its replacement, not saved."""
    other = copy.copy(row)
    put_slot(other, replacement.fields, replacement.credentials)
    return other


@sensitive_variables("asked")
def _code(row: Connection) -> str:
    """How a check that costs nothing ends; empty where there is none."""
    try:
        asked = prepare_check(row)
    except Unusable as error:
        return error.code
    if isinstance(asked, CheckResult):
        return asked.code
    return run_check(asked).code if asked.has_free_check else ""
