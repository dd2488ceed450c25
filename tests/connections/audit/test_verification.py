"""Whatever is done to events in the database is found, and named."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from connections.audit import chain as chains
from connections.audit.services import (
    Subject,
    make_checkpoints,
    prune_events,
    record,
    reseal,
    verify,
)
from connections.models import AuditChain, AuditCheckpoint, AuditEvent, AuditMention
from tests.fakes import NEWEST_KEY, OLDER_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def events(number: int) -> list[AuditEvent]:
    found = [
        record(Subject("team", str(one), f"team {one}"), actor=None, action="team.create")
        for one in range(number)
    ]
    return [one for one in found if one]


def yesterday(number: int, monkeypatch: pytest.MonkeyPatch, days: int = 1) -> list[AuditEvent]:
    before = timezone.now() - timedelta(days=days)
    with monkeypatch.context() as patch:
        patch.setattr(chains.timezone, "now", lambda: before)
        return events(number)


def sql(text: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text, values)


def codes() -> set[str]:
    return {one.code for one in verify().problems}


def named() -> set[int]:
    return {one.event for one in verify().problems if one.event}


def test_what_was_written_is_whole(monkeypatch: pytest.MonkeyPatch):
    yesterday(3, monkeypatch), events(4)
    assert make_checkpoints() == 1
    report = verify()
    assert (report.problems, report.events, report.checkpoints) == ([], 8, 1)
    assert make_checkpoints() == 0 and verify().problems == []


TABLE = "connections_auditevent"


def swapped(rows: list[AuditEvent]) -> None:
    """Two events change places, digests and all."""
    sql(f"UPDATE {TABLE} SET number = 99 WHERE id = %s", rows[1].pk)
    sql(f"UPDATE {TABLE} SET number = 2 WHERE id = %s", rows[2].pk)
    sql(f"UPDATE {TABLE} SET number = 3 WHERE id = %s", rows[1].pk)


def inserted(rows: list[AuditEvent]) -> None:
    row = AuditEvent.objects.get(pk=rows[-1].pk)
    row.pk, row.number, row.object_name = None, row.number + 1, "put in"
    row.save(force_insert=True)


def forged(rows: list[AuditEvent]) -> None:
    """An event is changed, and every digest after it made again, the chain's head too."""
    sql(f"UPDATE {TABLE} SET actor_name = 'eve' WHERE id = %s", rows[1].pk)
    head = AuditChain.objects.get(pk=rows[0].chain)
    digest = chains.start_of(head)
    for row in AuditEvent.objects.filter(chain=head.pk).order_by("number"):
        texts = [getattr(row, name) for name in chains.HASHED]
        digest = chains.digest_of(digest, str(row.chain), row.number, row.at, texts)
        sql(f"UPDATE {TABLE} SET digest = %s WHERE id = %s", digest, row.pk)
    AuditChain.objects.filter(pk=head.pk).update(digest=digest)


FAULTS: dict[str, tuple[Callable[[list[AuditEvent]], Any], str]] = {
    "changed": (
        lambda rows: sql(f"UPDATE {TABLE} SET object_name = 'x' WHERE id = %s", rows[1].pk),
        "event_changed",
    ),
    "its time changed": (
        lambda rows: AuditEvent.objects.filter(pk=rows[1].pk).update(at=timezone.now()),
        "event_changed",
    ),
    "taken out": (
        lambda rows: sql(f"DELETE FROM {TABLE} WHERE id = %s", rows[1].pk),
        "events_gone",
    ),
    "the last taken out": (
        lambda rows: sql(f"DELETE FROM {TABLE} WHERE id = %s", rows[-1].pk),
        "events_gone",
    ),
    "put in": (inserted, "events_put_in"),
    "places changed": (swapped, "event_changed"),
    "made anew with all digests": (forged, "head_changed"),
    "the head made shorter": (
        lambda rows: (
            sql(f"DELETE FROM {TABLE} WHERE id = %s", rows[-1].pk),
            AuditChain.objects.update(length=len(rows) - 1, digest=rows[-2].digest),
        ),
        "head_changed",
    ),
    "of a chain that nobody began": (
        lambda rows: AuditChain.objects.all().delete(),
        "unknown_chain",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_done_to_an_event_is_found(name: str):
    act, code = FAULTS[name]
    rows = events(5)
    act(rows)
    assert code in codes()


def test_the_event_that_was_changed_is_named():
    rows = events(5)
    sql(f"UPDATE {TABLE} SET body = 'x' WHERE id = %s", rows[2].pk)
    assert named() == {rows[2].pk}


def test_further_objects_are_compared(db: None):
    others = [Subject("team", "2", "two"), Subject("team", "3", "three")]
    event = record(Subject("team", "1", "one"), actor=None, action="team.create", others=others)
    assert event and codes() == set()
    AuditMention.objects.filter(event=event, object_id="3").delete()
    assert codes() == {"mentions_changed"} and named() == {event.pk}


SIGNED_FAULTS: dict[str, tuple[Callable[[], Any], str]] = {
    "all events of a day and its head": (
        lambda: (
            AuditEvent.objects.filter(number__lte=3, at__lt=_midnight()).delete(),
            AuditChain.objects.filter(day__lt=timezone.now().date()).delete(),
        ),
        "chain_gone",
    ),
    "the head and its seal are those of a shorter chain": (
        lambda: AuditChain.objects.filter(day__lt=timezone.now().date()).update(length=2),
        "not_as_signed",
    ),
    "the checkpoint's text": (
        lambda: AuditCheckpoint.objects.update(body='{"day":"x","before":"","chains":[]}'),
        "checkpoint_changed",
    ),
    "signed by another key": (
        lambda: _signed_by_somebody(AuditCheckpoint.objects.get()),
        "unknown_key",
    ),
    "said to be deleted for its age": (
        lambda: AuditCheckpoint.objects.update(pruned_at=timezone.now(), pruning="{}"),
        "pruning_not_signed",
    ),
}


def _midnight() -> Any:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _signed_by_somebody(row: AuditCheckpoint) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    row.signature = key.sign(row.body.encode()).hex()
    row.public_key = key.public_key().public_bytes_raw().hex()
    row.save()


@pytest.mark.parametrize("name", SIGNED_FAULTS)
def test_what_is_done_to_a_signed_day_is_found(name: str, monkeypatch: pytest.MonkeyPatch):
    act, code = SIGNED_FAULTS[name]
    yesterday(3, monkeypatch)
    make_checkpoints()
    act()
    assert code in codes()


def test_a_checkpoint_that_is_gone_is_missed_by_the_next(monkeypatch: pytest.MonkeyPatch):
    for days in (3, 2, 1):
        yesterday(2, monkeypatch, days)
    assert make_checkpoints() == 3
    middle = AuditCheckpoint.objects.order_by("day")[1]
    AuditEvent.objects.filter(at__date=middle.day).delete()
    AuditChain.objects.filter(day=middle.day).delete()
    middle.delete()
    assert "checkpoint_gone" in codes()


def test_a_checkpoint_that_was_kept_elsewhere_is_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
):
    yesterday(2, monkeypatch)
    make_checkpoints()
    file = tmp_path / "checkpoints.jsonl"
    call_command("verify_audit", write=str(file))
    AuditEvent.objects.all().delete(), AuditChain.objects.all().delete()
    AuditCheckpoint.objects.all().delete()
    assert codes() == set()  # the database alone says nothing
    with pytest.raises(CommandError, match=r"1 fault\."):
        call_command("verify_audit", against=str(file))


def test_what_is_too_old_goes_and_leaves_a_signed_record(monkeypatch: pytest.MonkeyPatch):
    old, kept = yesterday(3, monkeypatch, 40), yesterday(2, monkeypatch, 2)
    make_checkpoints()
    assert prune_events(30) == 3 and prune_events(30) == 0
    assert not AuditEvent.objects.filter(pk__in=[one.pk for one in old]).exists()
    assert AuditEvent.objects.filter(pk__in=[one.pk for one in kept]).count() == 2
    report = verify()
    assert (report.problems, report.pruned) == ([], 1)
    event = AuditEvent.objects.latest("id")
    assert event.action == "audit.prune"
    assert list(json.loads(event.body)["detail"]["events"].values()) == [3]


def test_what_is_put_into_a_day_that_went_is_found(monkeypatch: pytest.MonkeyPatch):
    [old, *_others] = yesterday(3, monkeypatch, 40)
    make_checkpoints(), prune_events(30)
    old.pk = None
    old.save(force_insert=True)
    assert codes() == {"left_over"}


def test_what_older_keys_sealed_is_read_with_them_and_told_without(
    settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.FERNET_KEYS = [OLDER_KEY]
    yesterday(1, monkeypatch), events(2), make_checkpoints()
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY]
    assert verify().problems == [] and verify().unsealed == 0
    settings.FERNET_KEYS = [NEWEST_KEY]
    assert codes() == {"unknown_key", "seal_unknown"} and verify().unsealed == 2
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY]
    assert reseal() == 1 and reseal() == 0
    settings.FERNET_KEYS = [NEWEST_KEY]
    settings.AUDIT_PUBLIC_KEYS = [AuditCheckpoint.objects.get().public_key]
    assert codes() == set()


def test_a_key_of_its_own_signs(settings: Any, monkeypatch: pytest.MonkeyPatch):
    settings.AUDIT_SIGNING_KEYS = ["a-signing-key-for-tests-only-0123456789"]
    yesterday(1, monkeypatch), make_checkpoints()
    settings.FERNET_KEYS = [NEWEST_KEY]
    assert verify(public_keys=[AuditCheckpoint.objects.get().public_key]).problems == []
    settings.AUDIT_SIGNING_KEYS = []
    assert codes() == {"unknown_key"}
