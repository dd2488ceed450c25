"""The beginning of a replacement: the next key is kept and tested beside the current one."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import act, record
from connections.credentials import SecretDict
from connections.errors import Unusable
from connections.locks import retried
from connections.models import Connection, KeyReplacement
from connections.services import Actor, require

from .clock import kept_time, put_end
from .ending import CHANGE, end_watch
from .finding import OPEN_STATES, is_untouched
from .trying import judge, tested

State = KeyReplacement.State
TEST = "connections.test_connection"
NOT_YET = gettext_noop("It is being tested at this moment.")
TESTING = {"success": False, "code": "testing", "message": NOT_YET}
ENDED = gettext_noop("This replacement has ended already. Look at the page of the connection.")


@act("replacement.begin")
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
    _store_tests(row, row.tests, actor)
    return row


@retried
def _store_tests(row: KeyReplacement, tests: Mapping[str, Any], actor: Actor) -> None:
    with transaction.atomic():
        KeyReplacement.objects.filter(pk=row.pk, state=State.OPEN).update(tests=tests)
        codes = {name: test["code"] for name, test in tests.items()}
        record(row, actor=actor, detail={"settings": row.fields, **codes})


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


@act("replacement.test")
@sensitive_variables("given")
def test_again(replacement: KeyReplacement, *, actor: Actor) -> KeyReplacement:
    """Tests the next and the current key once more.

    Raises Unusable unless the replacement is open, Invalid, Throttled, PermissionDenied.
    """
    require(actor, CHANGE, TEST, on=replacement.connection)
    connection = Connection.objects.get(pk=replacement.connection_id)
    given = next_of(replacement, connection)
    tests = tested(connection, given, actor)
    _store_tests(replacement, tests, actor)
    replacement.tests = tests
    return replacement


def next_of(replacement: KeyReplacement, row: Connection) -> dict[str, Any]:
    """The next values of a connection. Raises Unusable."""
    if not replacement.is_open:
        raise Unusable("replacement_ended", _(ENDED))
    kept = replacement.values_for(row)
    if not kept:
        text = _("The next key cannot be decrypted. Give it up, and enter it again.")
        raise Unusable("undecryptable", text)
    return SecretDict(kept["next"])
