"""Nothing is served while the schema does not fit."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError

from backoffice import schema_gate
from backoffice.schema import Schema, State
from backoffice.schema_gate import FittingSchema, SchemaGate

OLD = Schema(State.TOO_OLD, ("connections.0099_more",))


class Beside:
    def __init__(self) -> None:
        self.began = threading.Event()

    def start(self) -> None:
        self.began.set()

    def stop(self) -> None:
        self.began.clear()


class Stage:
    """A gate in front of something that says "served", over a schema that tests choose."""

    def __init__(self) -> None:
        self.schema: Schema | Exception = OLD
        self.beside = Beside()
        self.fitting = FittingSchema(self.beside)

    def read(self) -> Schema:
        if isinstance(self.schema, Exception):
            raise self.schema
        return self.schema

    def ask(self, path: str, accept: str = "*/*") -> tuple[int, str]:
        sent: list[dict[str, Any]] = []

        async def served(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"served"})

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "path": path, "headers": [(b"accept", accept.encode())]}
        asyncio.run(SchemaGate(served, self.fitting)(scope, None, send))  # type: ignore[arg-type]
        return sent[0]["status"], sent[1]["body"].decode()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    made = Stage()
    monkeypatch.setattr(schema_gate, "read_schema", made.read)
    monkeypatch.setattr(schema_gate, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(schema_gate, "LONGEST_LOOK", 0.2)
    yield made
    made.fitting.stop()


def test_while_the_schema_is_too_old_nothing_is_served_and_nothing_runs_by_itself(stage: Stage):
    stage.fitting.start()
    status, body = stage.ask("/v1/chat/completions")
    assert (status, json.loads(body)["error"]["code"]) == (503, "schema_does_not_fit")
    status, body = stage.ask("/api/v1/connections")
    assert (status, json.loads(body)["code"]) == (503, "schema_does_not_fit")
    assert "Missing: connections.0099_more" in json.loads(body)["detail"]
    status, body = stage.ask("/connections/", "text/html,*/*")
    assert status == 503 and "<h1>Not now</h1>" in body and "`manage.py migrate`" in body
    assert not stage.beside.began.is_set()


def test_health_is_answered_whatever_the_schema_is(stage: Stage):
    stage.fitting.start()
    assert stage.ask("/health/ready") == (200, "served")


def test_once_it_was_migrated_all_is_served(stage: Stage):
    stage.fitting.start()
    stage.schema = Schema(State.CURRENT)
    assert stage.beside.began.wait(10)
    assert stage.ask("/connections/") == (200, "served")


@pytest.mark.parametrize("state", [State.CURRENT, State.NEWER])
def test_a_schema_that_works_is_served_from_the_start(stage: Stage, state: State):
    stage.schema = Schema(state)
    stage.fitting.start()
    assert stage.beside.began.is_set() and stage.ask("/connections/") == (200, "served")


def test_a_database_that_is_away_is_told_by_whoever_asks_it(stage: Stage):
    stage.schema = OperationalError("away")
    stage.fitting.start()
    assert stage.ask("/connections/") == (200, "served")


def test_neither_start_nor_stop_waits_for_a_look_that_does_not_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    ends = threading.Event()

    def look() -> Schema:
        ends.wait(10)
        return Schema(State.CURRENT)

    monkeypatch.setattr(schema_gate, "read_schema", look)
    began = time.monotonic()
    stage.fitting.start()
    stage.fitting.stop()
    assert time.monotonic() - began < 5
    ends.set()
    stage.fitting.stop()
    assert not stage.beside.began.is_set()
