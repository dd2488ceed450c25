"""Replacing a key: the next one is tested beside the current, then it takes its place.

Each step is one transaction, so that a process may end between any two of them.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.change_counter import bump_change_counter
from connections.credentials import SecretDict
from connections.errors import Invalid, Unusable
from connections.locks import hold, retried
from connections.models import Connection, KeyReplacement
from connections.services import (
    Actor,
    require,
    save_version,
    update_connection,
)
from connections.wording import outcome_in_words

from .clock import kept_time, put_end, watch_time
from .finding import OPEN_STATES, is_untouched
from .purge import purge
from .slots import put_slot, slot_of
from .trying import judge, tested

State = KeyReplacement.State
CHANGE, TEST = "connections.change_connection", "connections.test_connection"
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
# Of a key that surely does not work; an outage says nothing about it.
NEVER_ANYWAY = frozenset(
    {"unauthorized", "host_not_approved", "unresolved_reference", "undecryptable", "testing"}
)
NOT_YET = gettext_noop("It is being tested at this moment.")
TESTING = {"success": False, "code": "testing", "message": NOT_YET}
ENDED = gettext_noop("This replacement has ended already. Look at the page of the connection.")


@sensitive_variables("settings", "given")
def begin_replacement(
    connection: Connection, settings: Mapping[str, Any], *, actor: Actor
) -> KeyReplacement:
    """Keeps the next key, tested beside the current one. `settings`: the settings of the key that
    are replaced; a text or a reference each, empty to keep what is stored, None to clear.

    Raises Invalid, Throttled, PermissionDenied; Unusable while another replacement is open.
    """
    require(actor, CHANGE, TEST, on=connection)
    given = {name: value for name, value in settings.items() if value != ""}
    judge(connection, given, actor)
    row = _begun(connection, given, actor)
    try:
        row.tests = tested(connection, given, actor)
    except BaseException:
        row.delete()
        raise
    KeyReplacement.objects.filter(pk=row.pk, state=State.OPEN).update(tests=row.tests)
    return row


@sensitive_variables("given")
def _begun(connection: Connection, given: Mapping[str, Any], actor: Actor) -> KeyReplacement:
    """The replacement, saved before its tests, so that whoever is second hears of it at once.
    Raises Unusable.
    """
    _refuse_another(connection)
    row = KeyReplacement(
        connection=connection,
        fields=list(given),
        credentials={"next": given},
        tests={"next": TESTING, "current": TESTING},
        settings_version=connection.settings_version,
        begun_by=actor,
    )
    put_end(row, kept_time())
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        _refuse_another(connection)
        raise
    return row


def _refuse_another(connection: Connection) -> None:
    """Raises Unusable, naming whoever has begun already, while a replacement is open or watched."""
    rows = KeyReplacement.objects.filter(connection=connection, state__in=OPEN_STATES)
    for row in rows.select_related("begun_by"):
        if row.is_watching and not is_untouched(row, connection):
            end_watch(row, "The settings were changed by hand: the watch has ended.")
            continue
        text = (
            _(
                "%(who)s replaced this key at %(time)s, and it is still watched. End the watch "
                "first."
            )
            if row.is_watching
            else _(
                "%(who)s began to replace this key at %(time)s. Finish that, or give it up first."
            )
        )
        who = row.begun_by or _("The command line")
        values = {"who": who, "time": f"{row.date_begun:%Y-%m-%d %H:%M} UTC"}
        raise Unusable("replacement_open", text % values)


@sensitive_variables("given")
def test_again(replacement: KeyReplacement, *, actor: Actor) -> KeyReplacement:
    """Tests the next and the current key once more.

    Raises Unusable unless the replacement is open, Invalid, Throttled, PermissionDenied.
    """
    require(actor, CHANGE, TEST, on=replacement.connection)
    connection = Connection.objects.get(pk=replacement.connection_id)
    given = _next_of(replacement)
    tests = tested(connection, given, actor)
    KeyReplacement.objects.filter(pk=replacement.pk, state=State.OPEN).update(tests=tests)
    replacement.tests = tests
    return replacement


def _next_of(replacement: KeyReplacement) -> dict[str, Any]:
    """The next values. Raises Unusable."""
    if not replacement.is_open:
        raise Unusable("replacement_ended", _(ENDED))
    if not replacement.credentials:
        text = _("The next key cannot be decrypted. Give it up, and enter it again.")
        raise Unusable("undecryptable", text)
    return SecretDict(replacement.credentials["next"])


@retried
@sensitive_variables("given", "before", "saved")
def switch_key(
    replacement: KeyReplacement, *, actor: Actor, anyway: bool = False
) -> KeyReplacement:
    """Puts the next key in the place of the current one, for all workers at once, and begins to
    watch it. `anyway`: also where the test could not reach the service.

    Raises Unusable where the service refused the next key, where it was not reached, where the
    connection changed since, or where the replacement has ended; Invalid, PermissionDenied.
    """
    require(actor, CHANGE, on=replacement.connection)
    refuse_untested(replacement, anyway=anyway)
    with transaction.atomic():
        row, held = _held(replacement)
        given = _next_of(held)
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


def replace_key(
    connection: Connection, settings: Mapping[str, Any], *, actor: Actor, anyway: bool = False
) -> KeyReplacement:
    """Begins, tests and switches in one go, as programs do. Where it does not switch, nothing is
    kept. Raises as `begin_replacement` and `switch_key`.
    """
    replacement = begin_replacement(connection, settings, actor=actor)
    try:
        return switch_key(replacement, actor=actor, anyway=anyway)
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
def go_back(replacement: KeyReplacement, *, actor: Actor) -> KeyReplacement:
    """Puts the previous key into its place again.

    Raises Unusable when it is not kept any more, or somebody changed the connection since;
    PermissionDenied.
    """
    require(actor, CHANGE, on=replacement.connection)
    with transaction.atomic():
        row, held = _held(replacement)
        if not held.credentials or held.state not in (State.WATCHING, State.DONE):
            text = _("There is no previous key to go back to: it is not kept any more.")
            raise Unusable("no_previous_key", text)
        if not is_untouched(held, row):
            text = _(
                "The settings of %(name)s were changed since its key was replaced, so the "
                "previous key does not come back by itself. Edit the connection instead."
            ) % {"name": row.name}
            raise Unusable("stale", text)
        who = f" {actor}" if actor else " the command line"
        swap_back(row, held, actor, f"{BACK} Asked for by{who}.")
    return held


def swap_back(row: Connection, held: KeyReplacement, actor: Actor, said: str) -> None:
    """Exchanges the key of a locked connection with that of its locked replacement, and saves
    both.
    """
    refused = slot_of(row, held.fields)
    put_slot(row, held.fields, held.credentials)
    row.settings_version = row.version + 1  # which the save will make it
    save_version(row, actor)
    note_reason(row, said)
    held.state, held.said, held.date_ended = State.GONE_BACK, said, timezone.now()
    held.settings_version, held.credentials = row.settings_version, refused
    put_end(held, kept_time())
    held.save()


@retried
def end_watch(replacement: KeyReplacement, said: str) -> bool:
    """Ends a watch; the previous key stays until its time. False when it has ended already."""
    put_end(replacement, kept_time())
    ended = KeyReplacement.objects.filter(pk=replacement.pk, state=State.WATCHING)
    with transaction.atomic():
        if not ended.update(
            state=State.DONE,
            said=said,
            date_ended=timezone.now(),
            due=replacement.due,
            until=replacement.until,
        ):
            return False
        bump_change_counter()
    return True


def forget_other(replacement: KeyReplacement, *, actor: Actor) -> None:
    """Gives an open replacement up, or ends the watch; in any case the key that the connection does
    not use is forgotten, and taken out of its history. Raises PermissionDenied.
    """
    require(actor, CHANGE, on=replacement.connection)
    purge(replacement)
