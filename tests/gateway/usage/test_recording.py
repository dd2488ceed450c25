"""The recorder goes on, whatever a record holds and wherever the database is."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, InternalError, OperationalError

from connections.services import Caller
from gateway.core.requests import parse_request
from gateway.usage import recording
from gateway.usage.pending import PendingRecord
from gateway.usage.recording import Recorder
from providers.core.base import Capability

BODY = {"messages": [{"role": "user", "content": "Hello"}]}


class Table:
    """A database that takes everything but what is called `poison`, while it is there."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.outage: Exception | None = None

    async def in_thread(self, _insert: Any, records: list[PendingRecord], _text: bool) -> None:
        names = [one.request.profile_ref for one in records]
        if self.outage is not None:
            raise self.outage
        if "poison" in names:
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        self.rows += names


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    table = Table()
    monkeypatch.setattr(recording, "in_thread", table.in_thread)
    return table


def add(recorder: Recorder, *names: str) -> None:
    for name in names:
        request = parse_request("v1", Capability.CHAT, Caller(1, "ada"), name, BODY)
        recorder.finish(recorder.begin(request), "ok")


def test_a_record_that_is_refused_is_lost_alone(table: Table, caplog: pytest.LogCaptureFixture):
    recorder = Recorder(False)
    names = [f"good-{number}" for number in range(20)]
    add(recorder, *names[:7], "poison", *names[7:])
    asyncio.run(recorder.stop())
    assert table.rows == names and recorder.lost == 1
    assert "is lost, 1 in all" in caplog.text


class ReadOnly(psycopg.Error):
    sqlstate = "25006"


def read_only() -> InternalError:
    """After a failover to a standby."""
    error = InternalError()
    error.__cause__ = ReadOnly()
    return error


@pytest.mark.parametrize("outage", [OperationalError(), InterfaceError(), read_only()], ids=repr)
def test_what_the_database_could_not_take_is_written_when_it_is_back(
    table: Table, caplog: pytest.LogCaptureFixture, outage: Exception
):
    recorder = Recorder(False)
    table.outage = outage
    add(recorder, "a", "b")
    with caplog.at_level(logging.ERROR):
        asyncio.run(recorder.stop())
        asyncio.run(recorder.stop())
    assert len(caplog.records) == 1  # not one for each try
    table.outage = None
    add(recorder, "c")
    asyncio.run(recorder.stop())
    assert table.rows == ["a", "b", "c"] and recorder.lost == 0


def test_trouble_with_writing_is_told_until_it_is_over(
    table: Table, monkeypatch: pytest.MonkeyPatch
):
    recorder = Recorder(False)
    table.outage = OperationalError()
    add(recorder, "a", "b")
    asyncio.run(recorder.stop())
    assert recorder.trouble == ""  # it has waited for a moment only
    monkeypatch.setattr(recording, "STUCK_AFTER", 0)
    assert recorder.trouble == "2 usage records waiting for the database."
    monkeypatch.setattr(recording, "MOST_WAITING", 2)
    assert "full: 2 wait" in recorder.trouble
    table.outage = None
    add(recorder, "poison")
    asyncio.run(recorder.stop())
    assert recorder.trouble == "Of usage records 2 were lost, the last within ten minutes."
    monkeypatch.setattr(recording, "LOSS_TOLD", 0)
    assert recorder.trouble == ""


def test_what_comes_while_records_are_written_waits_for_the_next_round(
    monkeypatch: pytest.MonkeyPatch,
):
    recorder, batches = Recorder(False), []

    async def write(_insert: Any, records: list[PendingRecord], _text: bool) -> None:
        batches.append([one.request.profile_ref for one in records])
        if len(batches) < 5:
            add(recorder, f"{len(batches)}")

    async def one_round() -> None:
        await recorder.start()
        while not batches:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)

    monkeypatch.setattr(recording, "in_thread", write)
    monkeypatch.setattr(recording, "WRITE_EVERY", 0.4)
    add(recorder, "a", "b")
    asyncio.run(one_round())
    # written one after the other, a record costs three times as much
    assert batches[0] == ["a", "b"] and len(batches) < 4


def test_requests_that_run_are_written_at_the_stop(table: Table):
    recorder = Recorder(False)
    running = recorder.begin(parse_request("v1", Capability.CHAT, Caller(1, "ada"), "a", BODY))
    asyncio.run(recorder.stop())
    assert table.rows == ["a"] and running.outcome == "server_stopped"


def test_callers_that_nobody_knows_are_counted_and_told_in_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    recorder = Recorder(False)
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            recorder.note_unknown_caller()
        assert recorder.unknown_callers == 50 and len(caplog.records) == 1
        monkeypatch.setattr(recording, "TELL_EVERY", 0)
        asyncio.run(recorder.stop())
    assert caplog.records[1].getMessage().endswith(": 49")


class Counted:
    """Stands for the totals: notes what it is asked, and fails or has more to count as told."""

    def __init__(self) -> None:
        self.asked: list[timedelta] = []
        self.answers: list[bool | Exception] = []

    async def in_thread(self, _count: Any, every: timedelta) -> bool:
        self.asked.append(every)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_records_are_counted_once_in_a_while_and_at_once_where_there_are_many(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    counted, recorder = Counted(), Recorder(False)
    monkeypatch.setattr(recording, "in_thread", counted.in_thread)
    counted.answers = [True, InternalError(), False]

    def tick(uncounted: int = 0, *, is_due: bool = False) -> int:
        recorder._uncounted += uncounted
        recorder._count_at = float("-inf") if is_due else float("inf")
        asyncio.run(recorder._count())
        return len(counted.asked)

    assert tick() == 0
    assert tick(recording.COUNT_AT_ONCE) == 1  # and there is more
    assert tick() == 2 and "not in the totals yet" in caplog.text
    assert tick() == 2 and tick(is_due=True) == 3 and tick(is_due=True) == 3
    assert [bool(every) for every in counted.asked] == [False, False, True]
