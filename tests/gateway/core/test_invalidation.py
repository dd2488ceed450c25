"""What callers get while the database does not answer: one shared refusal, soon."""

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from gateway.core import db_threads, invalidation
from gateway.core.db_threads import read_in_thread
from gateway.core.errors import GatewayError
from gateway.core.invalidation import Invalidation

SERVER = SimpleNamespace(vendor="postgresql", close=lambda: None)


@pytest.fixture(autouse=True)
def on_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the database were a server that is asked through a pool."""
    monkeypatch.setattr(db_threads, "connection", SERVER)
    monkeypatch.setattr(db_threads, "ANSWER_SECONDS", 0.2)


def confirmed(number: int) -> list[object]:
    """What so many callers get who ask at once."""

    async def ask() -> list[object]:
        one = Invalidation(lambda: None)
        asking = (one.confirm() for _ in range(number))
        return await asyncio.gather(*asking, return_exceptions=True)

    return asyncio.run(ask())


def test_all_who_wait_share_a_reading(monkeypatch: pytest.MonkeyPatch):
    readings: list[int] = []
    monkeypatch.setattr(
        invalidation, "read_state", lambda: (len(readings) or readings.append(1), {})
    )
    assert (confirmed(20), readings) == ([None] * 20, [1])


def test_all_who_wait_share_a_failure(monkeypatch: pytest.MonkeyPatch):
    readings: list[int] = []

    def fails() -> None:
        readings.append(1)
        time.sleep(0.05)
        raise OperationalError

    monkeypatch.setattr(invalidation, "read_state", fails)
    found = confirmed(20)
    assert len(readings) == 1 and len(set(map(id, found))) == 20
    assert {(one.status, one.code, one.retry_after) for one in found} == {
        (503, "database_unavailable", 1)
    }


def test_a_database_that_hangs_is_not_waited_for():
    over = threading.Event()

    async def ask() -> None:
        await read_in_thread(over.wait, 10)

    began = time.monotonic()
    with pytest.raises(GatewayError) as refused:
        asyncio.run(ask_and_end(ask, over))
    assert refused.value.status == 503 and time.monotonic() - began < 2


async def ask_and_end(ask, over: threading.Event) -> None:
    try:
        await ask()
    finally:
        over.set()


def test_a_long_queue_of_a_database_that_answers_is_waited_for():
    async def ask() -> list[object]:
        asking = (read_in_thread(time.sleep, 0.05) for _ in range(20))
        return await asyncio.gather(*asking, return_exceptions=True)

    assert asyncio.run(ask()) == [None] * 20  # half a second in two threads


def test_a_reading_from_before_a_message_does_not_count(monkeypatch: pytest.MonkeyPatch):
    stamps, forgotten = iter([1, 2, 3]), []

    def slow() -> tuple[int, dict]:
        stamp = next(stamps)
        time.sleep(0.1)
        return stamp, {}

    monkeypatch.setattr(invalidation, "read_state", slow)

    async def ask() -> int | None:
        one = Invalidation(lambda: forgotten.append(1))
        early = asyncio.create_task(one.read())
        await asyncio.sleep(0.05)
        told = asyncio.create_task(one._forget_and_read())
        await one.confirm()
        found = one._stamp
        await asyncio.gather(early, told)
        return found

    assert asyncio.run(ask()) == 2
