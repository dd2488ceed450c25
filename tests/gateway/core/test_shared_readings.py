"""What the gateway reads of its configuration while that changes."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from gateway.core import shared_readings
from gateway.core.db_threads import in_one_snapshot
from gateway.core.shared_readings import REREADINGS, SharedReadings


class Told:
    """Readings whose reads are done at once; `snapshots` counts those of one moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = self.snapshots = 0
        self.readings = SharedReadings(self._confirm)
        monkeypatch.setattr(shared_readings, "read_in_thread", self._read_in_thread)
        monkeypatch.setattr(shared_readings, "in_one_snapshot", self._in_one_snapshot)

    async def _confirm(self) -> None:
        await asyncio.sleep(0)

    async def _read_in_thread(self, read: Callable[[], Any]) -> Any:
        self.reads += 1
        await asyncio.sleep(0.01)
        return read()

    def _in_one_snapshot(self, read: Callable[[], Any]) -> Any:
        self.snapshots += 1
        return read()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def test_what_changed_meanwhile_is_read_again(told: Told):
    changes = iter([1, 0])

    def read() -> int:
        told.readings.generation += next(changes)
        return told.readings.generation

    assert asyncio.run(told.readings.share("key", read)) == (1, 1)
    assert (told.reads, told.snapshots) == (2, 0)


def test_what_changes_all_the_time_is_answered_as_it_was_at_one_moment(told: Told):
    def read() -> str:
        told.readings.generation += 1
        return "value"

    value, generation = asyncio.run(told.readings.share("key", read))
    assert (value, told.reads, told.snapshots) == ("value", REREADINGS, 1)
    assert generation == REREADINGS - 1 < told.readings.generation  # so nobody remembers it


def test_a_request_is_not_answered_from_before_a_change_that_came_before_it(told: Told):
    seen: list[int] = []

    def read() -> int:
        told.readings.generation += len(seen) < REREADINGS  # each of the first reading
        seen.append(told.readings.generation)
        return seen[-1]

    async def story() -> list[tuple[int, int]]:
        first = asyncio.create_task(told.readings.share("key", read))
        while len(seen) < REREADINGS:
            await asyncio.sleep(0)
        # the snapshot of the first reading is older than this request
        second = asyncio.create_task(told.readings.share("key", read))
        return [await first, await second]

    (_, before), (value, after) = asyncio.run(story())
    assert before == REREADINGS - 1 and (value, after) == (REREADINGS, REREADINGS)


def test_all_who_ask_together_share_a_reading(told: Told):
    async def ask() -> list[Any]:
        return await asyncio.gather(*(told.readings.share("key", object) for _ in range(9)))

    assert len({id(value) for value, _ in asyncio.run(ask())}) == told.reads == 1


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_one_moment_is_without_what_others_do_meanwhile():
    def change() -> None:
        Group.objects.create(name="new")
        connection.close()

    changing = threading.Thread(target=change)

    def read() -> tuple[int, int]:
        before = Group.objects.count()
        changing.start()
        time.sleep(0.3)
        return before, Group.objects.count()

    before, after = in_one_snapshot(read)
    changing.join()
    assert before == after == Group.objects.count() - 1
