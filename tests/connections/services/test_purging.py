"""The end of secrets that nothing uses any more: when, where, and what a dump still opens."""

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.utils import timezone
from fernet_fields.hkdf import derive_fernet_key

from connections import services
from connections.errors import NotUndone
from connections.jobs import declared
from connections.models import (
    AccessToken,
    AuditEvent,
    Connection,
    KeyReplacement,
    PackageUpload,
)
from connections.packages.services import keep_upload
from connections.replacement.services import begin_replacement, switch_key
from tests.fakes import OTHER_SECRET, SECRET, connect, reload
from tests.people import browser

pytestmark = [pytest.mark.django_db, pytest.mark.server]
FIRST, SPARE = "sk-first-9d31c7e0f2", "sk-spare-5e80aa1b94"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the clock on."""

    def move(**by: float) -> None:
        now = datetime.now(tz=timezone.get_current_timezone()) + timedelta(**by)
        monkeypatch.setattr(timezone, "now", lambda: now)

    return move


def replace(row: Connection, **settings: Any) -> Connection:
    services.update_connection(row, actor=None, settings=settings, merge=True)
    return reload(row)


def dump() -> str:
    """Every column of every row of every table, and what any key opens in it."""
    keys = [Fernet(derive_fernet_key(key)) for key in django_settings.FERNET_KEYS]
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")
            for value in (one for row in cursor.fetchall() for one in row):
                found.append(str(value))
                token = bytes(value) if isinstance(value, bytes | memoryview) else str(value)
                for key in keys:
                    try:
                        found.append(key.decrypt(token).decode(errors="replace"))
                    except (InvalidToken, TypeError, ValueError):
                        continue
    return "\n".join(found)


def versions_with(secret: str) -> int:
    history: Any = Connection.history.all()
    return sum(secret in json.dumps(one.credentials) for one in history if one.credentials)


def test_a_dump_of_a_day_later_opens_no_secret_of_before(fake: Any, administrator: Any, later: Any):
    replaced = connect(name="Replaced", settings={"api_key": FIRST, "spare_key": SPARE})
    replace(replaced, api_key=SECRET)
    cleared = replace(
        connect(name="Cleared", settings={"api_key": SECRET, "spare_key": SPARE}), spare_key=None
    )
    gone = connect(name="Gone", settings={"api_key": OTHER_SECRET})
    services.delete_connection(gone, actor=administrator)
    replace(replaced, spare_key=None)
    keep_upload(FIRST.encode(), "one.zip", actor=administrator)
    seen = dump()
    assert FIRST in seen and SPARE in seen and OTHER_SECRET in seen
    later(hours=23)
    services.purge_secrets()
    assert OTHER_SECRET in dump()
    later(hours=24, seconds=1)
    next(one for one in declared() if one.name == "purge-secrets").run()
    seen = dump()
    assert FIRST not in seen and SPARE not in seen and OTHER_SECRET not in seen
    assert reload(replaced).credentials == {"api_key": SECRET}
    assert reload(cleared).credentials == {"api_key": SECRET}
    assert PackageUpload.objects.count() == 0


def test_a_secret_in_use_stays_in_its_versions_however_old(fake: Any, later: Any):
    row = connect()
    services.update_connection(row, actor=None, name="Other")
    later(days=400)
    assert services.purge_secrets()["versions"] == 0
    assert versions_with(SECRET) == 2


def test_the_time_begins_when_a_secret_is_replaced_not_when_it_was_saved(fake: Any, later: Any):
    row = connect(settings={"api_key": FIRST})
    later(days=400)
    replace(row, api_key=SECRET)
    assert services.purge_secrets()["versions"] == 0 and versions_with(FIRST) == 1


def test_one_that_comes_back_is_in_use_again(fake: Any, later: Any):
    row = replace(replace(connect(settings={"api_key": FIRST}), api_key=SECRET), api_key=FIRST)
    later(days=2)
    services.purge_secrets()
    assert versions_with(SECRET) == 0 and versions_with(FIRST) == 2
    assert reload(row).credentials["api_key"] == FIRST


def test_a_purged_version_says_so_and_what_was_replaced_when(fake: Any, later: Any):
    row = connect(settings={"api_key": FIRST, "spare_key": SPARE})
    services.update_connection(row, actor=None, name="Renamed")
    row = replace(row, api_key=OTHER_SECRET)
    row = replace(row, api_key=SECRET)
    later(days=2)
    services.purge_secrets()
    found = services.versions(row)
    assert [one.changes for one in found] == [
        ("api_key replaced",),
        ("api_key replaced", "api_key of this version is purged"),
        ("name changed", "api_key of this version is purged"),
        ("created", "api_key of this version is purged"),
    ]
    assert [(one.before, one.after) for one in found[1].differences] == [("purged", "purged")]
    assert [(one.before, one.after) for one in found[0].differences] == [("purged", "***")]
    assert services.purge_secrets()["versions"] == 0


def test_a_change_and_a_deletion_can_be_undone_as_long_as_ever(
    fake: Any, administrator: Any, settings: Any, later: Any
):
    settings.CONNECTIONS_SECRETS_KEPT_HOURS = 0
    row = connect(settings={"api_key": FIRST})
    services.update_connection(row, actor=administrator, settings={"api_key": SECRET}, merge=True)
    later(minutes=9)
    services.purge_secrets()
    services.undo_last_act(administrator)
    assert reload(row).credentials["api_key"] == FIRST
    services.delete_connection(reload(row), actor=administrator)
    later(minutes=18)
    services.purge_secrets()
    services.undo_last_act(administrator)
    assert reload(row).credentials["api_key"] == FIRST
    later(minutes=40)
    services.purge_secrets()
    assert SECRET not in dump()


def test_what_is_purged_at_once_cannot_be_undone_and_says_so(fake: Any, administrator: Any):
    row = connect(settings={"api_key": FIRST})
    services.update_connection(row, actor=administrator, settings={"api_key": SECRET}, merge=True)
    assert services.purge_connection(row, actor=administrator) == 1
    with pytest.raises(NotUndone, match="purged"):
        services.undo_last_act(administrator)
    services.delete_connection(reload(row), actor=administrator)
    services.purge_secrets(row.pk, at_once=True)
    with pytest.raises(NotUndone, match="purged"):
        services.undo_last_act(administrator)


def test_who_deletes_may_have_the_secrets_go_along(fake: Any, administrator: Any):
    row = connect(settings={"api_key": FIRST})
    client = browser(administrator)
    client.post(f"/connections/{row.pk}/delete/", {"purge": "on"})
    assert FIRST not in dump() and services.last_step(administrator) is None


def test_the_page_offers_it_while_there_is_something_and_who_may_change_does_it(
    fake: Any, operator: Any, viewer: Any
):
    row = replace(connect(settings={"api_key": FIRST}), api_key=SECRET)
    client, words = browser(operator), "Purge them now"
    assert words in client.get(row.get_absolute_url()).content.decode()
    assert words not in browser(viewer).get(row.get_absolute_url()).content.decode()
    client.post(f"/connections/{row.pk}/purge/")
    assert words not in client.get(row.get_absolute_url()).content.decode()
    assert FIRST not in dump()
    with pytest.raises(PermissionDenied):
        services.purge_connection(row, actor=viewer)


def test_the_previous_key_of_a_replacement_goes_along(fake: Any, operator: Any):
    row = connect(settings={"api_key": FIRST})
    switch_key(begin_replacement(row, {"api_key": SECRET}, actor=operator), actor=operator)
    assert services.purge_connection(row, actor=operator) == 2
    assert not KeyReplacement.objects.filter(credentials__isnull=False).exists()
    assert FIRST not in dump()


def test_the_key_beside_a_connection_that_is_gone_is_purged(
    fake: Any, administrator: Any, later: Any
):
    row = connect(settings={"api_key": FIRST})
    begin_replacement(row, {"api_key": SECRET}, actor=administrator)
    services.delete_connection(row, actor=administrator)
    later(days=2)
    services.purge_secrets()
    assert FIRST not in dump() and SECRET not in dump()


def test_a_token_for_a_secret_that_is_gone_is_deleted(fake: Any):
    row = connect()
    AccessToken.objects.create(connection=row, key="another", credentials={"token": "t-1"})
    assert services.purge_secrets()["access-tokens"] == 1
    assert not AccessToken.objects.exists()


def test_a_lost_key_purges_nothing(fake: Any, settings: Any, later: Any):
    row = replace(connect(settings={"api_key": FIRST}), api_key=SECRET)
    later(days=2)
    with mock.patch.object(settings, "FERNET_KEYS", ["another-key-for-tests-0123456789abcdef"]):
        assert services.purge_secrets()["versions"] == 0
    assert reload(row).credentials == {"api_key": SECRET}
    assert services.purge_secrets()["versions"] == 1


def test_the_command_counts_purges_and_finds_what_is_deleted(fake: Any, later: Any):
    row = replace(connect(name="One", settings={"api_key": FIRST}), api_key=SECRET)
    gone = connect(name="Gone", settings={"api_key": FIRST})
    services.delete_connection(gone, actor=None)

    def said(*arguments: str) -> list[str]:
        out = StringIO()
        call_command("purge_secrets", *arguments, stdout=out)
        return [one for one in out.getvalue().splitlines() if one.startswith("versions")]

    assert said("--check") == ["versions: 3 unused, 0 overdue"]
    assert said(row.alias) == ["versions: 0 purged"]
    assert said("gone", "--now") == ["versions: 2 purged"]
    later(days=2)
    with pytest.raises(CommandError, match="overdue"):
        said("--check")
    assert said() == ["versions: 1 purged"]
    assert said("--check") == ["versions: 0 unused, 0 overdue"]
    with pytest.raises(CommandError, match="There is no connection"):
        said("nobody")


def test_every_encrypted_column_is_known_to_what_counts_and_rotates():
    """A new one has to say how its secrets end."""
    from connections.credentials import CredentialsField
    from connections.services.rotation import tables

    found = {
        model
        for model in apps.get_models()
        if any(isinstance(one, CredentialsField) for one in model._meta.fields)
    }
    assert found - {AccessToken} == set(tables())


def test_a_purge_leaves_one_event_and_one_that_finds_nothing_leaves_none(fake: Any, operator: Any):
    row = replace(connect(settings={"api_key": FIRST}), api_key=SECRET)
    events = AuditEvent.objects.filter(action="secret.purge")
    services.purge_connection(row, actor=operator)
    assert [one.actor_name for one in events] == [operator.username]
    services.purge_secrets()
    assert events.count() == 1
