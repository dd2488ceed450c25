"""`/health/live` and `/health/ready`."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from backoffice import health
from connections.models import ScheduleLease
from connections.outages import seconds_left

pytestmark = [pytest.mark.django_db, pytest.mark.server]
GOOD = dict.fromkeys(["database", "migrations", "keys", "writes", "cache", "schedule"], "ok")


def ready() -> tuple[int, dict[str, Any]]:
    response = Client().get("/health/ready")
    return response.status_code, response.json()


def test_a_process_that_answers_is_alive():
    response = Client().get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_it_is_ready_with_database_migrations_and_keys():
    assert ready() == (200, {"status": "ok", "checks": GOOD})


@pytest.mark.parametrize("keys", [[], [""]])
def test_it_is_not_ready_without_keys(settings: Any, keys: list[str]):
    settings.FERNET_KEYS = keys
    status, body = ready()
    assert (
        (status, body["checks"]) == (503, GOOD | {"keys": "failed"})
        if not keys
        else status in (200, 503)
    )


def test_it_is_not_ready_while_a_migration_is_missing():
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'connections'")
    status, body = ready()
    assert (status, body["checks"]) == (503, GOOD | {"migrations": "failed"})
    assert body["schema"]["state"] == "too old"
    assert "`manage.py migrate`" in body["schema"]["message"]
    assert "connections.0001_squashed" in body["schema"]["message"]


def test_it_stays_ready_when_a_newer_release_has_migrated():
    MigrationRecorder(connections["default"]).record_applied("connections", "9000_more")
    status, body = ready()
    assert (status, body["checks"], body["schema"]["state"]) == (200, GOOD, "newer")


def test_it_is_not_ready_when_a_newer_release_has_taken_away_what_it_needs():
    MigrationRecorder(connections["default"]).record_applied("gateway", "9001_after_9000_less")
    status, body = ready()
    assert (status, body["schema"]["state"]) == (503, "too new")
    assert "gateway.9001_after_9000_less" in body["schema"]["message"]


def test_it_is_not_ready_without_a_database(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> Any:
        raise DatabaseError("no such host: secret-host")

    monkeypatch.setattr(type(connections["default"]), "cursor", broken)
    response = Client().get("/health/ready")
    assert response.status_code == 503 and "secret-host" not in response.text
    failed = dict.fromkeys(["database", "migrations", "writes"], "failed")
    assert response.json()["checks"] == GOOD | failed


@pytest.mark.parametrize(("broken", "check"), [("_writes", "writes"), ("redis_address", "cache")])
def test_it_is_degraded_and_ready_without_room_or_redis(
    monkeypatch: pytest.MonkeyPatch, broken: str, check: str
):
    monkeypatch.setattr(health, broken, lambda: broken == "redis_address")
    monkeypatch.setattr(health.REDIS, "is_away", broken == "redis_address")
    assert ready() == (200, {"status": "degraded", "checks": GOOD | {check: "failed"}})


def test_it_is_degraded_when_nothing_has_run_by_itself_for_long():
    long_ago = timezone.now() - timedelta(hours=3)
    ScheduleLease.objects.create(holder="a-worker", renewed_at=long_ago)
    assert ready() == (200, {"status": "degraded", "checks": GOOD | {"schedule": "failed"}})


def test_all_questions_together_have_one_deadline(monkeypatch: pytest.MonkeyPatch):
    """Each of them waits for as long as it may."""

    def slow(*_: Any) -> bool:
        time.sleep(min(0.5, seconds_left()))
        return bool(seconds_left())

    def slow_schema() -> None:
        slow()

    for name in ("_database", "_writes"):
        monkeypatch.setattr(health, name, slow)
    monkeypatch.setattr(health, "_schema", slow_schema)
    monkeypatch.setattr(health, "redis_address", lambda: "redis://slow")
    monkeypatch.setattr(health.REDIS, "check", lambda: time.sleep(1.5) or True)
    began = time.monotonic()
    status, body = ready()
    assert time.monotonic() - began < 1.2
    failed = dict.fromkeys(["migrations", "writes", "cache"], "failed")
    assert (status, body["checks"]) == (503, GOOD | failed)


def test_a_database_that_takes_writes_has_room():
    database = connections["default"]
    assert health._has_room(database.vendor, str(database.settings_dict["NAME"]))


def test_a_full_disk_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    name = str(tmp_path / "db.sqlite3")
    assert health._has_room("sqlite", name)
    monkeypatch.setattr(health, "ROOM", 1 << 62)
    assert not health._has_room("sqlite", name)


def test_it_is_alive_without_a_database(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(connections["default"]), "cursor", None)
    assert Client().get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_needs_nobody_and_only_reads(path: str):
    assert [Client().head(path).status_code, Client().post(path).status_code] == [200, 405]
