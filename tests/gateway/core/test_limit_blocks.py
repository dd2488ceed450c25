"""Blocks: calls of a busy token that is far from its limits are counted without the database."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from connections.services import Caller
from gateway.core import limits
from gateway.core.errors import GatewayError
from gateway.core.limit_blocks import IDLE_AFTER, Block, Grant, Settlement, limits_of
from gateway.core.limit_states import Call, LimitState
from gateway.core.limits import LimitCounter
from gateway.models import TokenCount

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]

USED, MOST, NUMBER = 30, 100, 150


def far(**limits: int) -> Caller:
    return Caller(1, "ann", uuid4(), **limits)


@pytest.fixture(autouse=True)
def _in_one_minute() -> None:
    """Requests are counted by the minute of the clock: waits where it is about to end."""
    if (left := 60 - time.time() % 60) < 4:
        time.sleep(left + 0.1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of calls that the database was asked to count, each time."""
    found, settle = [], limits.settle_and_count

    def count(ended: Any, calls: Any, busy: Any) -> Any:
        found.append(len(calls))
        return settle(ended, calls, busy)

    monkeypatch.setattr(limits, "settle_and_count", count)
    return found


async def one_call(counter: LimitCounter, caller: Caller) -> LimitState:
    state = await counter.count(caller, 10, MOST)
    if state.reservation is not None:
        counter.settle(state.reservation, USED)
    return state


async def calls(caller: Caller, end: Callable[[LimitCounter], Any]) -> list[LimitState]:
    counter = LimitCounter()
    found = [await one_call(counter, caller) for _ in range(NUMBER)]
    await end(counter)
    return found


async def wait(counter: LimitCounter) -> None:
    await asyncio.sleep(3 * IDLE_AFTER)
    while counter._counting is not None:
        await asyncio.sleep(0.01)


def rows(caller: Caller) -> list[tuple[int, int]]:
    """The counts of its minutes, then of its day."""
    found = TokenCount.objects.filter(token_id=caller.token_id).order_by("-window")
    minutes = [one for one in found if "T" in one.window]
    return [(sum(one.count for one in minutes), 0)] + [
        (one.count, one.reserved) for one in found if "T" not in one.window
    ]


@pytest.mark.parametrize("end", [LimitCounter.stop, wait])
def test_a_busy_token_asks_the_database_for_one_call_of_many(asked: list[int], end: Any):
    caller = far(requests_per_minute=10_000, tokens_per_day=10_000_000)
    found = asyncio.run(calls(caller, end))
    assert sum(asked) < NUMBER / 3
    assert [one.requests for one in found] == [*range(1, NUMBER + 1)]
    others = [one.reservation.others for one in found if one.reservation]
    assert others == [number * USED for number in range(NUMBER)]
    assert rows(caller) == [(NUMBER, 0), (NUMBER * USED, 0)], "all is given back, and no more"


def test_those_who_wait_for_a_block_are_served_from_it(asked: list[int]):
    caller, counter = far(requests_per_minute=10_000), LimitCounter()

    async def one_client() -> None:
        for _ in range(NUMBER // 5):
            await one_call(counter, caller)
            await asyncio.sleep(0.001)  # the call itself

    async def clients() -> None:
        await asyncio.gather(*(one_client() for _ in range(10)))
        await counter.stop()

    asyncio.run(clients())
    assert sum(asked) < NUMBER, "of twice as many calls"
    assert rows(caller) == [(2 * NUMBER, 0)]


def test_whoever_is_near_a_limit_gets_no_block(asked: list[int]):
    caller = far(requests_per_minute=1_000)
    asyncio.run(calls(caller, LimitCounter.stop))
    assert sum(asked) == NUMBER


@pytest.mark.parametrize(
    "limited", [{"requests_per_minute": 60}, {"tokens_per_day": 60 * USED}], ids=["minute", "day"]
)
def test_two_workers_with_blocks_pass_no_limit_and_refuse_nobody_before_it(
    monkeypatch: pytest.MonkeyPatch, limited: dict[str, int]
):
    """Small blocks, and who waits a little between two calls, so that they are given back."""
    for name, number in {"ROOM": 16, "SHARE": 4, "MOST_CALLS": 4}.items():
        monkeypatch.setattr(f"gateway.core.token_counts.{name}", number)
    caller, passed = far(**limited), [0]

    async def ask(counter: LimitCounter) -> None:
        for _ in range(10):
            try:
                state = await counter.count(caller, 1, USED)
            except GatewayError:
                continue
            passed[0] += 1
            if state.reservation is not None:
                counter.settle(state.reservation, USED)

    async def everybody() -> None:
        workers = [LimitCounter(), LimitCounter()]
        for _ in range(2):
            await asyncio.gather(*(ask(one) for one in workers for _ in range(4)))
            await asyncio.sleep(3 * IDLE_AFTER)
        for one in workers:
            await one.stop()

    asyncio.run(everybody())
    assert passed == [60]


def block(caller: Caller, call: Call) -> Block:
    found = Block(call.token_id, 0)
    minute, day = f"{call.at:%Y-%m-%dT%H:%M}", call.at.date()
    found.fill(Grant(limits_of(call), minute, day, 4, 400, 7, 1_000))
    return found


@pytest.fixture
def call() -> Call:
    noon = timezone.now().replace(hour=12, minute=0, second=0)
    return Call(far(requests_per_minute=10_000, tokens_per_day=10_000_000), noon, 10, 100)


def test_a_block_tells_where_a_call_stands(call: Call):
    given = block(call.caller, call)
    first, second = given.take(call), given.take(call)
    assert first and second and first.reservation and second.reservation
    assert (first.requests, second.requests) == (4, 5)
    assert (first.reservation.others, second.reservation.others) == (600, 700)
    assert given.settle(first.reservation, 30)
    third = given.take(call)
    assert third and third.reservation and third.reservation.others == 730


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"at": timedelta(minutes=1)}, id="of the next minute"),
        pytest.param({"at": timedelta(days=1)}, id="of the next day"),
        pytest.param({"tokens": 401}, id="larger than what is left"),
        pytest.param({"caller": {"tokens_per_day": 5}}, id="under limits that were changed"),
    ],
)
def test_a_block_serves_no_call(call: Call, other: dict[str, Any]):
    at = call.at + other.get("at", timedelta())
    token = {"requests_per_minute": 10_000, "tokens_per_day": 10_000_000} | other.get("caller", {})
    caller = Caller(1, "ann", call.token_id, **token)
    assert block(caller, call).take(Call(caller, at, 10, other.get("tokens", 100))) is None


def test_what_is_left_of_a_block_is_given_back_once_and_calls_that_run_settle_alone(call: Call):
    given = block(call.caller, call)
    first, second = given.take(call), given.take(call)
    assert first and second and first.reservation and second.reservation
    assert given.settle(first.reservation, 30)
    minute, day = f"{call.at:%Y-%m-%dT%H:%M}", call.at.date().isoformat()
    assert given.drain() == [
        Settlement(call.token_id, minute, -2),
        Settlement(call.token_id, day, -270, -300),
    ]
    assert given.drain() == [] and not given.settle(second.reservation, 30)
