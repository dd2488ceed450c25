"""`/health/live`, `/health/ready` and `/health/startup`, each check by itself."""

import time
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import pytest
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from backoffice import checks, draining, health
from connections.models import Connection, ScheduleLease
from connections.outages import seconds_left
from providers.core.version import version
from tests.fakes import connect

pytestmark = pytest.mark.django_db
GOOD = dict.fromkeys(
    ["database", "schema", "keys", "disk", "writes", "schedule", "cache", "sources", "recorder"],
    "ok",
)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No check runs out of time, and what was found before is not kept for the next test."""
    monkeypatch.setattr(health, "READY_SECONDS", 60)
    for one in vars(checks).values():
        if isinstance(one, checks.Kept):
            one.forget()


def ready() -> tuple[int, dict[str, Any]]:
    response = Client().get("/health/ready")
    return response.status_code, response.json()


def test_a_process_that_answers_is_alive():
    response = Client().get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.server
def test_it_is_ready_with_database_migrations_and_keys():
    assert ready() == (200, {"status": "ok", "version": version(), "checks": GOOD})


@pytest.mark.parametrize("keys", [[], [""]])
def test_it_is_not_ready_without_keys(settings: Any, keys: list[str]):
    settings.FERNET_KEYS = keys
    status, body = ready()
    assert (
        (status, body["checks"]) == (503, GOOD | {"keys": "failed"})
        if not keys
        else status in (200, 503)
    )


def test_keys_that_open_no_credential_or_not_all_are_told(settings: Any, connection: Connection):
    """One connection is there. With another key it cannot be opened, and one that is made then
    can.
    """
    assert ready()[1]["checks"] == GOOD
    settings.FERNET_KEYS = [token_urlsafe(32)]
    checks.closed_credentials.forget()
    status, body = ready()
    assert (status, body["checks"]["keys"]) == (503, "failed")
    assert "None of 1 stored credentials" in body["reasons"]["keys"]
    connect()
    checks.closed_credentials.forget()
    status, body = ready()
    assert (status, body["checks"]["keys"]) == (200, "degraded")
    assert "1 of 2 stored credentials" in body["reasons"]["keys"]


@pytest.mark.server
def test_it_is_not_ready_while_a_migration_is_missing():
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'connections'")
    status, body = ready()
    assert (status, body["checks"]) == (503, GOOD | {"schema": "failed"})
    assert "`manage.py migrate`" in body["reasons"]["schema"]
    assert "connections.0001_squashed" in body["reasons"]["schema"]


@pytest.mark.server
def test_it_stays_ready_when_a_newer_release_has_migrated():
    MigrationRecorder(connections["default"]).record_applied("connections", "9000_more")
    status, body = ready()
    assert (status, body["checks"]) == (200, GOOD)
    assert "A newer release" in body["reasons"]["schema"]


@pytest.mark.server
def test_it_is_not_ready_when_a_newer_release_has_taken_away_what_it_needs():
    MigrationRecorder(connections["default"]).record_applied("gateway", "9001_after_9000_less")
    status, body = ready()
    assert (status, body["checks"]["schema"]) == (503, "failed")
    assert "gateway.9001_after_9000_less" in body["reasons"]["schema"]


def test_it_is_not_ready_without_a_database(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> Any:
        raise DatabaseError("no such host: secret-host")

    monkeypatch.setattr(type(connections["default"]), "cursor", broken)
    response = Client().get("/health/ready")
    assert response.status_code == 503 and "secret-host" not in response.text
    unasked = dict.fromkeys(["schema", "disk", "writes", "schedule"], "unknown")
    assert response.json()["checks"] == GOOD | {"database": "failed"} | unasked


@pytest.mark.server
@pytest.mark.parametrize(
    ("broken", "said", "names"),
    [
        ("_lacking_room", "It is full.", ["disk", "writes"]),
        ("_lacking_reserve", "2 MB left.", ["disk"]),
        ("_refused_writes", "It is read-only.", ["writes"]),
    ],
)
def test_it_is_degraded_and_ready_without_room_or_writes(
    monkeypatch: pytest.MonkeyPatch, broken: str, said: str, names: list[str]
):
    monkeypatch.setattr(checks, broken.removeprefix("_"), lambda: said)
    status, body = ready()
    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"] == GOOD | dict.fromkeys(names, "degraded")
    assert body["reasons"] == dict.fromkeys(names, said)


@pytest.mark.server
def test_it_is_degraded_and_ready_without_redis(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "redis_address", lambda: "redis://away")
    monkeypatch.setattr(checks.REDIS, "is_away", True)
    status, body = ready()
    assert (status, body["checks"]) == (200, GOOD | {"cache": "degraded"})


def test_it_is_degraded_when_nothing_has_run_by_itself_for_long():
    long_ago = timezone.now() - timedelta(hours=3)
    ScheduleLease.objects.create(holder="a-worker", renewed_at=long_ago)
    status, body = ready()
    assert (status, body["checks"]) == (200, GOOD | {"schedule": "degraded"})


@pytest.mark.server
def test_all_questions_together_have_one_deadline(monkeypatch: pytest.MonkeyPatch):
    """Each of them waits for as long as it may."""

    def slow(*_: Any) -> checks.Finding:
        time.sleep(min(0.5, seconds_left()))
        return checks.GOOD

    monkeypatch.setattr(health, "READY_SECONDS", 0.8)
    for name in ("check_database", "check_schema", "check_writes"):
        monkeypatch.setattr(checks, name, slow)
    monkeypatch.setattr(checks, "redis_address", lambda: "redis://slow")
    monkeypatch.setattr(checks.REDIS, "check", lambda: time.sleep(1.5) or True)
    began = time.monotonic()
    status, body = ready()
    assert time.monotonic() - began < 1.2
    unknown = dict.fromkeys(["disk", "writes", "schedule"], "unknown")
    assert (status, body["checks"]) == (200, GOOD | unknown | {"cache": "degraded"})


@pytest.mark.server
def test_what_is_needed_and_was_not_asked_in_time_has_failed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "READY_SECONDS", 0)
    status, body = ready()
    needed = {body["checks"][name] for name in health.NEEDED}  # PostgreSQL is one of them itself
    assert (status, "failed" in needed, body["checks"]["disk"]) == (503, True, "unknown")


def test_a_stop_is_told_before_anything_else(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draining, "is_draining", lambda: True)
    status, body = ready()
    assert (status, body["status"]) == (503, "draining")


def test_the_log_says_once_why_it_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(health, "_told", "ok")
    monkeypatch.setattr(checks, "lacking_reserve", lambda: "2 MB left.")
    ready()
    ready()
    assert [one.getMessage() for one in caplog.records if one.name == "backoffice.health"] == [
        "/health/ready says degraded. disk: 2 MB left."
    ]


def test_a_worker_that_could_not_load_everything_has_not_started(monkeypatch: pytest.MonkeyPatch):
    troubles: dict[str, str] = {}
    monkeypatch.setattr(health, "load_troubles", lambda: troubles)
    assert Client().get("/health/startup").json() == {
        "status": "ok",
        "version": version(),
        "checks": dict.fromkeys(["code", "sdks", "schema"], "ok"),
    }
    troubles["sdks"] = "The SDK openai cannot be loaded."
    assert Client().get("/health/startup").status_code == 200
    troubles["code"] = "Not everything could be loaded."
    assert Client().get("/health/startup").status_code == 503


@pytest.mark.server
def test_a_database_that_takes_writes_has_room():
    assert (checks.check_disk(), checks.check_writes()) == (checks.GOOD, checks.GOOD)


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    found = tmp_path / "db.sqlite3"
    found.touch()
    monkeypatch.setattr(checks, "_file", lambda: found)
    return found


def test_a_full_disk_is_noticed(monkeypatch: pytest.MonkeyPatch, file: Path):
    assert checks._lacking_room() == ""
    monkeypatch.setattr(checks, "ROOM", 1 << 62)
    assert checks._lacking_room()


def test_a_disk_that_is_nearly_full_is_noticed(monkeypatch: pytest.MonkeyPatch, file: Path):
    total = 1024**3
    for free, is_told in ((total // 2, False), (total // 100, True)):
        usage = (total, total - free, free)
        monkeypatch.setattr("shutil.disk_usage", lambda _, usage=usage: usage)
        assert bool(checks._lacking_reserve()) is is_told, free


def test_a_file_that_may_not_be_written_is_noticed(monkeypatch: pytest.MonkeyPatch, file: Path):
    """root may write any file, so the system's answer is given."""
    assert checks._refused_writes() == ""
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "read-only" in checks._refused_writes()


def test_it_is_alive_without_a_database(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(connections["default"]), "cursor", None)
    assert Client().get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health/startup"])
def test_health_needs_nobody_and_only_reads(path: str):
    assert [Client().head(path).status_code, Client().post(path).status_code] == [200, 405]
