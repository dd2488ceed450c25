"""Limits of a token: requests in a minute, tokens in a day (UTC).

They are counted in the database, so that all workers count together. Only tokens that have a limit
cost a write. The tokens of a day are reserved before a call: those of its prompt, and the most that
it may answer. When it has ended the reservation is settled. What was reserved by a process that was
killed stays counted.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from connections.locks import retried
from connections.services import Caller

from ..models import TokenCount
from .db_threads import in_thread, read_in_thread
from .errors import GatewayError
from .limit_states import LimitState, Reservation, too_many_requests, used_up

MINUTE = "%Y-%m-%dT%H:%M"
SETTLE_EVERY = 1.0  # seconds, while the database is away
SETTLED_WITHIN = 1.0  # seconds for which the end of an answer waits for a database that hangs
SOON = 5.0  # seconds until another call is worth trying, while calls run


@dataclass(slots=True)
class _Waiting:
    """A request that waits to be counted. `tokens`: the most that it may use."""

    caller: Caller
    at: datetime
    asked: int
    tokens: int
    counted: "asyncio.Future[LimitState]"


@dataclass(slots=True)
class _Ended:
    """A call that has ended. `tried`: done when the database was asked to settle it."""

    reservation: Reservation
    used: int
    tried: "Future[None]" = field(default_factory=Future)


class LimitCounter:
    """Counts the requests of a worker's limited tokens. Those that arrive while the database counts
    others are counted together after it: it takes as long for twenty as for one. Calls that have
    ended are settled before the next ones are judged. `settled` is for those of other workers.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._ended: list[_Ended] = []
        self._ended_lock = threading.Lock()
        self._running: Counter[UUID] = Counter()  # calls of each token that hold a reservation
        self._counting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def count(self, caller: Caller, asked: int, tokens: int) -> LimitState:
        """Counts a request of the caller against the limits of its token, and reserves its tokens.

        `asked`: the tokens of the prompt; `tokens`: with the most that may be answered. Raises
        GatewayError 429, with the seconds to wait, when a limit is reached, and 503 without a
        database.
        """
        counted: asyncio.Future[LimitState] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(caller, timezone.now(), asked, tokens, counted))
        self._go_on()
        try:
            return await counted
        except asyncio.CancelledError:
            if not counted.cancelled() and counted.exception() is None:
                self._give_back(counted.result())
            raise

    def settle(self, reservation: Reservation, used: int) -> "Future[None]":
        """Puts the tokens that a call has used in the place of those that were reserved for it.

        Returns what `settled` waits for.
        """
        self._running[reservation.token_id] -= 1
        ended = _Ended(reservation, used)
        with self._ended_lock:
            self._ended.append(ended)
        self._go_on()
        return ended.tried

    async def stop(self) -> None:
        """Settles what has ended."""
        while self._counting is not None:
            await asyncio.wait([self._counting])
        if self._timer is not None:
            self._timer.cancel()
        if self._ended:
            with suppress(DatabaseError):
                await in_thread(self._settle_ended)

    def _give_back(self, state: LimitState) -> None:
        if state.reservation is not None:
            self.settle(state.reservation, 0)

    def _go_on(self) -> None:
        if self._counting is None:
            self._counting = asyncio.create_task(self._count_waiting())

    async def _count_waiting(self) -> None:
        self._timer = None
        try:
            while self._waiting:
                calls, self._waiting = self._waiting, []
                await self._count(calls)
            if self._ended:
                await in_thread(self._settle_ended)
        except DatabaseError:  # what has ended waits for it
            self._timer = asyncio.get_running_loop().call_later(SETTLE_EVERY, self._go_on)
        finally:
            self._counting = None
        if self._waiting or (self._ended and self._timer is None):
            self._go_on()

    async def _count(self, calls: list[_Waiting]) -> None:
        """Tells each call what was counted for it."""
        found: list[LimitState | Exception]
        try:
            found = [*await read_in_thread(self._settle_and_count, calls)]
        except Exception as error:  # noqa: BLE001 each of those who wait is told, later ones too
            calls, self._waiting = calls + self._waiting, []
            found = [_copy(error) for _ in calls]
        for call, state in zip(calls, found, strict=True):
            if isinstance(state, Exception):
                self._refuse(call, state)
                continue
            if state.reservation is not None:
                self._running[state.reservation.token_id] += 1
            if call.counted.cancelled():
                self._give_back(state)
            else:
                call.counted.set_result(state)

    def _refuse(self, call: _Waiting, error: Exception) -> None:
        """Refuses a call. While others of its token run, what they do not use is free soon."""
        is_full = isinstance(error, GatewayError) and error.code == "token_limit"
        if is_full and self._running[_token(call.caller)] > 0:
            error.retry_after = SOON  # type: ignore[attr-defined]
        if not call.counted.cancelled():
            call.counted.set_exception(error)

    def _settle_and_count(self, calls: list[_Waiting]) -> list[LimitState | GatewayError]:
        """In a thread: two transactions, because each locks the counts in an order of its own."""
        self._settle_ended()
        return _count(calls)

    def _settle_ended(self) -> None:
        """In a thread. What the database does not take is kept for the next time."""
        with self._ended_lock:
            ended, self._ended = self._ended, []
        try:
            with transaction.atomic():
                settle((one.reservation, one.used) for one in ended)
        except DatabaseError:
            with self._ended_lock:
                self._ended += ended
            raise
        finally:
            for one in ended:
                if not one.tried.done():
                    one.tried.set_result(None)


async def settled(settlement: "Future[None] | None") -> None:
    """Returns when the call is settled, for whoever is about to send the end of its answer: the
    caller may then ask another worker. A database that is away is not waited for.
    """
    if settlement is not None and not settlement.done():
        await asyncio.wait([asyncio.wrap_future(settlement)], timeout=SETTLED_WITHIN)


def _copy(error: Exception) -> Exception:
    """The same error for one more caller: each adds headers of its own."""
    if not isinstance(error, GatewayError):
        return error
    return GatewayError(error.status, error.code, error.message, retry_after=error.retry_after)


@retried
def _count(calls: list[_Waiting]) -> list[LimitState | GatewayError]:
    """Counts the calls in one transaction, token by token; the counts of a token are locked in one
    order. Returns where each call stands, or its refusal.
    """
    by_token: dict[UUID, list[int]] = {}
    for place, call in enumerate(calls):
        assert call.caller.token_id is not None  # noqa: S101 only tokens have limits
        by_token.setdefault(call.caller.token_id, []).append(place)
    found: dict[int, LimitState | GatewayError] = {}
    with transaction.atomic():
        for _, places in sorted(by_token.items()):
            states = _count_token([calls[place] for place in places])
            found |= dict(zip(places, states, strict=True))
    return [found[place] for place in range(len(calls))]


def _count_token(calls: list[_Waiting]) -> list[LimitState | GatewayError]:
    """Counts calls of one token: first their requests, then the tokens of those that may go on."""
    caller, now = calls[-1].caller, calls[-1].at.astimezone(UTC)
    found: list[LimitState | GatewayError] = [LimitState(caller, now) for _ in calls]
    if (most := caller.requests_per_minute) is not None:
        before = _add(_token(caller), now.strftime(MINUTE), len(calls)) - len(calls)
        for place in range(len(calls)):
            state = LimitState(caller, now, before + place + 1)
            found[place] = state if before + place < most else too_many_requests(state)
    if caller.tokens_per_day is not None:
        _reserve(calls, found, now.date())
    return found


def _reserve(calls: list[_Waiting], found: list[LimitState | GatewayError], day: date) -> None:
    """Reserves the tokens of the calls that may go on, in their order, while the count of the day
    is below the limit.

    All of them are added first, which locks the count; those of the refused are taken back.
    """
    caller = calls[-1].caller
    limit = caller.tokens_per_day or 0
    going = [place for place, state in enumerate(found) if isinstance(state, LimitState)]
    added = sum(calls[place].tokens for place in going)
    count = _add(_token(caller), day.isoformat(), added) - added
    for place in going:
        call, state = calls[place], found[place]
        assert isinstance(state, LimitState)  # noqa: S101 of those that go on
        if count < limit:
            reservation = Reservation(_token(caller), day, call.asked, call.tokens, count)
            found[place] = replace(state, reservation=reservation)
            count, added = count + call.tokens, added - call.tokens
        else:
            found[place] = used_up(state, Reservation(_token(caller), day, 0, 0, limit))
    add_tokens(_token(caller), day, -added)


def _token(caller: Caller) -> UUID:
    assert caller.token_id is not None  # noqa: S101 only tokens have limits
    return caller.token_id


def settle(ended: Iterable[tuple[Reservation, int]]) -> None:
    """Puts the tokens that calls have used in the place of those that were reserved for them."""
    changes = Counter[tuple[UUID, date]]()
    for reservation, used in ended:
        changes[reservation.token_id, reservation.day] += used - reservation.tokens
    for (token_id, day), tokens in sorted(changes.items()):
        add_tokens(token_id, day, tokens)


def add_tokens(token_id: UUID, day: date, tokens: int) -> None:
    """Adds tokens, or takes them back where they are negative, to the count of a day (UTC)."""
    if tokens:
        _add(token_id, day.isoformat(), tokens)


def _add(token_id: UUID, window: str, number: int) -> int:
    """Adds to the count of a window and returns the sum. Of two workers that add at once, both are
    counted.
    """
    with transaction.atomic():
        rows = TokenCount.objects.filter(token_id=token_id, window=window)
        if not rows.update(count=F("count") + number):
            _, is_new = TokenCount.objects.get_or_create(
                token_id=token_id, window=window, defaults={"count": number}
            )
            if not is_new:
                rows.update(count=F("count") + number)
        return rows.values_list("count", flat=True).get()
