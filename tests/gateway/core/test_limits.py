"""The requests of a worker's limited tokens, counted together."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.utils import timezone

from connections import services
from connections.services import Caller
from gateway.core import limits
from gateway.core.errors import GatewayError
from gateway.core.limit_blocks import settlement
from gateway.core.limit_states import Call, LimitState, Reservation
from gateway.core.limits import LimitCounter
from gateway.core.token_counts import settle_and_count
from gateway.models import TokenCount

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


@pytest.fixture
def caller() -> Caller:
    """A token of 5 requests a minute and 100 tokens a day."""
    user = User.objects.create_user("ann", is_superuser=True)
    limited = {"requests_per_minute": 5, "tokens_per_day": 100}
    _, text = services.create_token("t", user=user, actor=None, scopes=["gateway:use"], **limited)
    found = services.find_caller(text)
    assert found is not None
    return found


def counted(window: str) -> int:
    return TokenCount.objects.get(window=window).count


def today() -> str:
    return timezone.now().date().isoformat()


def test_calls_at_once_pass_the_budget_by_one_reservation_at_most(caller: Caller):
    async def calls() -> list[LimitState | BaseException]:
        counter = LimitCounter()
        one = [counter.count(caller, 10, 60) for _ in range(4)]
        return await asyncio.gather(*one, return_exceptions=True)

    found = asyncio.run(calls())
    going = [one for one in found if isinstance(one, LimitState)]
    refused = [one for one in found if isinstance(one, GatewayError)]
    assert [one.reservation and one.reservation.others for one in going] == [0, 60]
    assert {(one.status, one.code) for one in refused} == {(429, "token_limit")}
    assert len(refused) == 2 and counted(today()) == 120


def test_requests_beyond_the_minute_reserve_nothing(caller: Caller):
    async def calls() -> list[LimitState | BaseException]:
        counter = LimitCounter()
        return await asyncio.gather(
            *(counter.count(caller, 1, 2) for _ in range(8)), return_exceptions=True
        )

    found = asyncio.run(calls())
    assert [one.requests for one in found if isinstance(one, LimitState)] == [1, 2, 3, 4, 5]
    assert [one.code for one in found if isinstance(one, GatewayError)] == ["rate_limited"] * 3
    assert counted(today()) == 10


@pytest.mark.parametrize("moment", ["before", "meanwhile", "after"])
def test_whoever_hangs_up_while_counted_keeps_nothing_reserved(caller: Caller, moment: str):
    """`after`: the count is there, and not yet taken."""

    async def hang_up() -> None:
        counter = LimitCounter()
        call = asyncio.create_task(counter.count(caller, 10, 60))
        count = counter._count

        async def count_and_hang_up(calls: list[Any]) -> None:
            if moment == "meanwhile":
                asyncio.get_running_loop().call_soon(call.cancel)
            await count(calls)
            call.cancel()

        counter._count = count_and_hang_up  # type: ignore[method-assign]
        if moment == "before":
            await asyncio.sleep(0)
            call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        while counter._counting is not None:
            await asyncio.sleep(0.01)

    asyncio.run(hang_up())
    assert counted(today()) == 0


def test_a_call_that_has_ended_is_settled_before_the_next_one_is_judged(caller: Caller):
    async def calls() -> list[int | None]:
        counter, found = LimitCounter(), []
        for _ in range(5):  # each may use nearly all, and uses little
            state = await counter.count(caller, 1, 90)
            assert state.reservation is not None
            found.append(state.reservation.others)
            counter.settle(state.reservation, 10)
        await counter.stop()
        return found

    assert asyncio.run(calls()) == [0, 10, 20, 30, 40]
    assert counted(today()) == 50


@pytest.mark.parametrize("is_away", [False, True])
def test_the_end_of_an_answer_waits_until_its_call_is_settled(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, is_away: bool
):
    """Unless the database is away: then it goes out, and is settled later."""

    def away(*_: object) -> None:
        raise OperationalError

    async def call() -> int:
        counter = LimitCounter()
        state = await counter.count(caller, 1, 90)
        assert state.reservation is not None
        with monkeypatch.context() as patched:
            if is_away:
                patched.setattr(limits, "settle_and_count", away)
            began = asyncio.get_running_loop().time()
            await limits.settled(counter.settle(state.reservation, 10))
            assert asyncio.get_running_loop().time() - began < 0.5
        found = await asyncio.to_thread(counted, today())
        await counter.stop()
        return found

    assert asyncio.run(call()) == (90 if is_away else 10)
    assert counted(today()) == 10


@pytest.mark.parametrize("is_other_worker", [False, True])
def test_a_full_day_is_tried_again_soon_while_calls_run(caller: Caller, is_other_worker: bool):
    async def refused() -> list[float | None]:
        counter, found = LimitCounter(), []
        other = LimitCounter() if is_other_worker else counter
        state = await counter.count(caller, 1, 100)
        for used in (None, 100):
            if used and state.reservation:
                await limits.settled(counter.settle(state.reservation, used))
            with pytest.raises(GatewayError) as caught:
                await other.count(caller, 1, 1)
            found.append(caught.value.retry_after)
        return found

    soon, tomorrow = asyncio.run(refused())
    assert soon == 5 and tomorrow and tomorrow > 5


def test_what_is_spent_is_not_free_soon_though_calls_run(caller: Caller):
    now, spent = (
        timezone.now(),
        Reservation(caller.token_id or uuid4(), timezone.now().date(), 0, 0, 0),
    )
    settle_and_count([], [Call(caller, now, 1, 60)])
    (refused,) = settle_and_count([settlement(spent, 100)], [Call(caller, now, 1, 60)]).states
    assert isinstance(refused, GatewayError) and (refused.retry_after or 0) > 5


def test_what_a_killed_process_reserved_is_not_free_soon(caller: Caller):
    then = timezone.now().replace(hour=10)
    settle_and_count([], [Call(caller, then, 1, 100)])
    waits = []
    for minutes in (9, 11):
        later = then + timedelta(minutes=minutes)
        (refused,) = settle_and_count([], [Call(caller, later, 1, 1)]).states
        assert isinstance(refused, GatewayError)
        waits.append(refused.retry_after or 0)
    assert waits[0] == 5 < waits[1]


def test_a_version_that_knows_no_reserved_tokens_counts_on(caller: Caller):
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO gateway_tokencount ("token_id", "window", "count") VALUES (%s, %s, 100)
            ON CONFLICT ("token_id", "window")
            DO UPDATE SET "count" = gateway_tokencount."count" + excluded."count" """,
            [
                TokenCount._meta.get_field("token_id").get_db_prep_value(
                    caller.token_id, connection
                ),
                today(),
            ],
        )
    (refused,) = settle_and_count([], [Call(caller, timezone.now(), 1, 1)]).states
    assert isinstance(refused, GatewayError) and (refused.retry_after or 0) > 5


def test_what_ended_while_the_database_was_away_is_settled_when_it_is_back(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
):
    settle = limits.settle_and_count

    def away(*_: object) -> None:
        raise OperationalError

    async def calls() -> None:
        counter = LimitCounter()
        state = await counter.count(caller, 1, 90)
        monkeypatch.setattr(limits, "settle_and_count", away)
        assert state.reservation is not None
        counter.settle(state.reservation, 10)
        await asyncio.sleep(0.1)
        monkeypatch.setattr(limits, "settle_and_count", settle)
        await counter.stop()

    asyncio.run(calls())
    assert counted(today()) == 10


def test_a_database_that_fails_refuses_all_who_wait(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
):
    async def away(*_: object) -> None:
        raise GatewayError(503, "database_unavailable", "Away.", retry_after=1)

    monkeypatch.setattr(limits, "read_in_thread", away)

    async def calls() -> list[LimitState | BaseException]:
        counter = LimitCounter()
        return await asyncio.gather(
            *(counter.count(caller, 1, 2) for _ in range(3)), return_exceptions=True
        )

    found = asyncio.run(calls())
    assert [(one.status, one.retry_after) for one in found] == [(503, 1)] * 3
    assert len(set(map(id, found))) == 3, "each adds headers of its own"


def test_tokens_are_counted_apart(caller: Caller):
    other = Caller(caller.user_id, caller.user_name, uuid4(), tokens_per_day=7)

    async def calls() -> list[LimitState]:
        counter = LimitCounter()
        return await asyncio.gather(counter.count(caller, 1, 2), counter.count(other, 1, 3))

    first, second = asyncio.run(calls())
    assert (first.requests, second.requests) == (1, None)
    assert second.reservation is not None and second.reservation.tokens == 3


@pytest.mark.parametrize(("limit", "waits"), [(6_500, False), (6_400, True)])
def test_the_end_of_an_answer_waits_only_where_the_limit_is_near(
    caller: Caller, limit: int, waits: bool
):
    far = Caller(caller.user_id, caller.user_name, uuid4(), tokens_per_day=limit)

    async def call() -> bool:
        counter = LimitCounter()
        state = await counter.count(far, 10, 100)
        assert state.reservation is not None
        settlement = counter.settle(state.reservation, 13)
        await counter.stop()
        return settlement is not None

    assert asyncio.run(call()) is waits
    assert counted(today()) == 13


def test_what_ended_for_others_and_yesterday_is_settled_with_the_next_call(caller: Caller):
    yesterday = timezone.now().date() - timedelta(days=1)
    other = Reservation(uuid4(), timezone.now().date(), 5, 50, 0)
    late = Reservation(caller.token_id or uuid4(), yesterday, 5, 50, 0)
    call = Call(caller, timezone.now(), 1, 90)
    (state,) = settle_and_count([settlement(other, 20), settlement(late, 20)], [call]).states
    assert isinstance(state, LimitState) and state.reservation is not None
    counts = {(row.token_id, row.window): row.count for row in TokenCount.objects.all()}
    assert counts.pop((other.token_id, today())) == -30
    assert counts.pop((caller.token_id, yesterday.isoformat())) == -30
    assert sorted(counts.values()) == [1, 90]
