"""A backup has all rows as they were, and a restore brings back all of them or none."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils import timezone

from backoffice.backup import on_postgresql, on_sqlite, restoring, schema, services
from backoffice.backup.services import BackupError
from connections import services as core
from connections.audit.services import verify
from connections.change_counter import read_change_counter
from connections.models import ApiToken, AuditEvent, Connection, ScheduleLease
from gateway.models import UsageRecord
from tests.event_doors import last
from tests.events import body_of
from tests.fakes import NEWEST_KEY, OLDER_KEY, SECRET, connect

from .world import everything, fill, record

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def file(tmp_path: Path, fake: Any, administrator: User) -> Path:
    """A backup of a few rows."""
    fill(administrator)
    services.make_backup(tmp_path / "a.zip")
    return tmp_path / "a.zip"


def restore(file: Path, **how: Any) -> services.Restored:
    return services.restore_backup(file, replaces=True, **how)


def test_all_rows_come_back_as_they_were(file: Path):
    before = everything()
    Connection.every.filter(alias="one").update(name="Changed")
    connect(name="Since")
    UsageRecord.objects.all().delete()
    restore(file)
    after = everything()
    differ = [label for label in before if before[label] != after[label]]
    assert [one for one in differ if not one.startswith("connections.Audit")] == []


def test_a_secret_opens_again_and_no_secret_is_in_the_file_in_clear(file: Path, tmp_path: Path):
    Connection.every.filter(alias="one").update(credentials=None)
    restore(file)
    assert Connection.every.get(alias="one").credentials["api_key"] == SECRET
    with zipfile.ZipFile(file) as archive:
        texts = [archive.read(one) for one in archive.namelist()]
    assert not [one for one in texts if SECRET.encode() in one or NEWEST_KEY.encode() in one]


def test_what_was_ended_since_and_is_in_force_again_is_named(file: Path, administrator: User):
    core.revoke_token(ApiToken.objects.get(name="Robot"), actor=administrator)
    Connection.every.filter(alias="one").update(is_active=False)
    found = restore(file)
    assert found.again == {"API tokens": ["Robot"], "connections": ["one"]}
    counts = body_of(last(action="backup.restore"))["detail"]["in_force_again"]
    assert counts == {"API tokens": 1, "connections": 1}


def test_nobody_stays_signed_in(file: Path):
    Session.objects.create(session_key="x", session_data="", expire_date=timezone.now())
    restore(file)
    assert not Session.objects.exists()


def test_the_stamp_grows_and_the_clock_never_goes_back(file: Path):
    ScheduleLease.objects.get_or_create(pk=1)
    ScheduleLease.objects.update(holder="somebody", seconds=10**6)
    before = read_change_counter()
    restore(file)
    lease = ScheduleLease.objects.get()
    assert read_change_counter() > before
    assert (lease.holder, lease.seconds) == ("", 10**6)


def test_a_number_that_was_given_once_is_not_given_again(file: Path):
    newest = UsageRecord.objects.create(**usage())
    restore(file)
    assert UsageRecord.objects.create(**usage()).pk > newest.pk


def usage() -> dict[str, Any]:
    return {**record(None), "started_at": timezone.now()}


def test_the_audit_keeps_what_was_done_since_and_is_whole(file: Path, administrator: User):
    core.revoke_token(ApiToken.objects.get(name="Robot"), actor=administrator)
    number = AuditEvent.objects.count()
    assert restore(file).keeps_audit
    assert AuditEvent.objects.count() == number + 1
    assert last().action == "backup.restore" and verify().problems == []


def test_the_audit_of_another_installation_is_replaced_and_is_whole(file: Path):
    AuditEvent.objects.all().delete()
    core.create_team("Other", actor=None)
    assert not restore(file).keeps_audit
    assert not AuditEvent.objects.filter(object_name="Other").exists()


def test_a_making_leaves_an_event(file: Path):
    event = last(action="backup.create")
    assert event.object_name == "a.zip" and body_of(event)["detail"]["keys"] == "apart"


def test_an_installation_in_use_is_replaced_only_on_demand(file: Path):
    before = everything()
    with pytest.raises(BackupError, match="--replace"):
        services.restore_backup(file)
    assert everything() == before


def test_a_copy_of_what_is_replaced_brings_it_back(file: Path, tmp_path: Path):
    connect(name="Since", alias="since")
    restore(file, safety_copy=tmp_path / "before.zip")
    assert not Connection.every.filter(alias="since").exists()
    restore(tmp_path / "before.zip")
    assert Connection.every.filter(alias="since").exists()


def test_other_keys_are_told_before_anything_is_written(file: Path, settings: Any):
    Connection.every.filter(alias="one").update(name="Since")
    settings.FERNET_KEYS = [OLDER_KEY]
    with pytest.raises(BackupError, match=r"needs, by name: .* secrets") as refused:
        restore(file)
    assert refused.value.code == "other_keys"
    assert Connection.every.get(alias="one").name == "Since"
    restore(file, with_other_keys=True)
    assert not Connection.every.get(alias="one").credentials


def test_an_older_key_behind_a_newer_one_is_enough(file: Path, settings: Any):
    settings.FERNET_KEYS = [OLDER_KEY, NEWEST_KEY]
    restore(file)
    assert Connection.every.get(alias="one").credentials["api_key"] == SECRET


def test_rows_that_do_not_fit_change_nothing(file: Path, monkeypatch: pytest.MonkeyPatch):
    before, insert = everything(), restoring._insert

    def broken(reader: Any, writing: Any, table: Any, told: Any) -> int:
        if table.label == "connections.Profile":
            with connection.cursor() as cursor:  # a second row with the id of the first
                cursor.execute("INSERT INTO auth_group (id, name) SELECT id, 'x' FROM auth_group")
        return insert(reader, writing, table, told)

    monkeypatch.setattr(restoring, "_insert", broken)
    with pytest.raises(BackupError, match="do not fit") as refused, transaction.atomic():
        restore(file)
    assert refused.value.code == "unfit" and everything() == before


def test_a_backup_of_a_newer_version_is_refused_by_name(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    later = ("connections", "9999_later")
    with monkeypatch.context() as patch:
        known = schema.applied()
        patch.setattr(schema, "applied", lambda: [*known, later])
        services.make_backup(file, overwrite=True)
    with pytest.raises(BackupError, match=r"newer version.*connections\.9999_later") as refused:
        restore(file)
    assert refused.value.code == "newer"


def test_two_restores_at_once_are_refused(file: Path):
    with held(), pytest.raises(BackupError, match="Another restore") as refused:
        restore(file)
    assert refused.value.code == "busy"


@contextmanager
def held() -> Iterator[None]:
    """Another process restores."""
    if connection.vendor == "sqlite":
        with on_sqlite.alone():
            yield
        return
    given = connection.get_connection_params()
    known = {name: given[name] for name in ("dbname", "user", "host", "port") if name in given}
    with psycopg.connect(**known) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [on_postgresql.RESTORING])
        yield
