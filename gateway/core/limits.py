"""Limits of a token: requests in a minute, tokens in a day (UTC).

They are counted in the database, so that all workers count together. Only tokens that have a limit
cost a write. The tokens of a day are reserved before a call: those of its prompt, and the most that
it may answer. When it has ended the reservation is settled. What was reserved by a process that was
killed stays counted.
"""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import DatabaseError
from django.utils import timezone

from connections.services import Caller

from .db_threads import in_thread, read_in_thread
from .errors import GatewayError
from .limit_states import LimitState, Reservation
from .token_counts import Call, settle_and_count

SETTLE_EVERY = 1.0  # seconds, while the database is away
SETTLED_WITHIN = 1.0  # seconds for which the end of an answer waits for a database that hangs


@dataclass(slots=True)
class _Waiting:
    """A request that waits to be counted."""

    call: Call
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
        self._counting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def count(self, caller: Caller, asked: int, tokens: int) -> LimitState:
        """Counts a request of the caller against the limits of its token, and reserves its tokens.

        `asked`: the tokens of the prompt; `tokens`: with the most that may be answered. Raises
        GatewayError 429, with the seconds to wait, when a limit is reached, and 503 without a
        database.
        """
        counted: asyncio.Future[LimitState] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(Call(caller, timezone.now(), asked, tokens), counted))
        self._go_on()
        try:
            return await counted
        except asyncio.CancelledError:
            if not counted.cancelled() and counted.exception() is None:
                self._give_back(counted.result())
            raise

    def settle(self, reservation: Reservation, used: int) -> "Future[None] | None":
        """Puts the tokens that a call has used in the place of those that were reserved for it.

        Returns what `settled` waits for: None while the limit is far away, since who comes next is
        then judged alike.
        """
        ended = _Ended(reservation, used)
        with self._ended_lock:
            self._ended.append(ended)
        self._go_on()
        return ended.tried if reservation.is_near else None

    async def stop(self) -> None:
        """Settles what has ended."""
        while self._counting is not None:
            await asyncio.wait([self._counting])
        if self._timer is not None:
            self._timer.cancel()
        if self._ended:
            with suppress(DatabaseError):
                await in_thread(self._settle_and_count, [])

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
                await in_thread(self._settle_and_count, [])
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
                if not call.counted.cancelled():
                    call.counted.set_exception(state)
            elif call.counted.cancelled():
                self._give_back(state)
            else:
                call.counted.set_result(state)

    def _settle_and_count(self, calls: list[_Waiting]) -> list[LimitState | GatewayError]:
        """In a thread. What the database does not take of the ended is kept for the next time."""
        with self._ended_lock:
            ended, self._ended = self._ended, []
        try:
            return settle_and_count(
                [(one.reservation, one.used) for one in ended], [one.call for one in calls]
            )
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
