"""`/health/live` and `/health/ready`."""

from typing import Any

import pytest
from django.db import DatabaseError, connections
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.server]
GOOD = {"database": "ok", "migrations": "ok", "keys": "ok"}


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
    assert ready() == (503, {"status": "unavailable", "checks": GOOD | {"migrations": "failed"}})


def test_it_is_not_ready_without_a_database(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> Any:
        raise DatabaseError("no such host: secret-host")

    monkeypatch.setattr(type(connections["default"]), "cursor", broken)
    response = Client().get("/health/ready")
    assert response.status_code == 503 and "secret-host" not in response.text
    assert response.json()["checks"] == {"database": "failed", "migrations": "failed", "keys": "ok"}


def test_it_is_alive_without_a_database(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(connections["default"]), "cursor", None)
    assert Client().get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_needs_nobody_and_only_reads(path: str):
    assert [Client().head(path).status_code, Client().post(path).status_code] == [200, 405]
