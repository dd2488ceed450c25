"""Limits of a token: requests in a minute, tokens in a day (UTC).

They are counted in the database, so that all workers count together. Only tokens that have a limit
cost a write. The tokens of a day are reserved before a call: those of its prompt, and the most that
it may answer. When it has ended the reservation is settled. What was reserved by a process that was
killed stays counted.
"""

import asyncio
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from connections.services import Caller

from .db_threads import in_thread, read_in_thread
from .errors import GatewayError
from .limit_blocks import IDLE_AFTER, Block, Settlement, settlement
from .limit_states import Call, LimitState, Reservation
from .token_counts import NOBODY, Counted, settle_and_count

SETTLE_EVERY = 1.0  # seconds, while the database is away
SETTLED_WITHIN = 1.0  # seconds for which the end of an answer waits for a database that hangs


@dataclass(slots=True)
class _Waiting:
    """A request that waits to be counted."""

    call: Call
    counted: "asyncio.Future[LimitState]"


@dataclass(slots=True)
class _Ended:
    """What is to be settled. `tried`: done when the database was asked to settle it."""

    change: Settlement
    tried: "Future[None]" = field(default_factory=Future)


class LimitCounter:
    """Counts the requests of a worker's limited tokens. Those that arrive while the database counts
    others are counted together after it: it takes as long for twenty as for one. Calls that have
    ended are settled before the next ones are judged. `settled` is for those of other workers.

    A token that is busy and far from its limits gets a block, from which calls are served without
    the database.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._ended: list[_Ended] = []
        self._ended_lock = threading.Lock()
        self._blocks: dict[UUID, Block] = {}
        self._counting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None

    async def count(self, caller: Caller, asked: int, tokens: int) -> LimitState:
        """Counts a request of the caller against the limits of its token, and reserves its tokens.

        `asked`: the tokens of the prompt; `tokens`: with the most that may be answered. Raises
        GatewayError 429, with the seconds to wait, when a limit is reached, and 503 without a
        database.
        """
        loop, call = asyncio.get_running_loop(), Call(caller, timezone.now(), asked, tokens)
        block = self._blocks.get(call.token_id)
        if block is not None:
            block.used_at = loop.time()
            if (state := block.take(call)) is not None:
                return state
        counted: asyncio.Future[LimitState] = loop.create_future()
        self._waiting.append(_Waiting(call, counted))
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
        if not reservation.is_near:
            block = self._blocks.get(reservation.token_id)
            if block is None or not block.settle(reservation, used):
                self._end(settlement(reservation, used))
                self._look_for_idle()
            return None
        ended = self._end(settlement(reservation, used))
        self._go_on()
        return ended.tried

    async def stop(self) -> None:
        """Settles what has ended."""
        while self._counting is not None:
            await asyncio.wait([self._counting])
        for timer in (self._timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._give_back_blocks(list(self._blocks))
        if self._ended:
            with suppress(DatabaseError):
                await in_thread(self._settle_and_count, [])

    def _end(self, change: Settlement) -> _Ended:
        ended = _Ended(change)
        with self._ended_lock:
            self._ended.append(ended)
        return ended

    def _give_back(self, state: LimitState) -> None:
        if state.reservation is not None:
            self.settle(state.reservation, 0)

    def _give_back_blocks(self, token_ids: Iterable[UUID]) -> None:
        for token_id in token_ids:
            for change in self._blocks.pop(token_id).drain():
                self._end(change)

    def _look_for_idle(self) -> None:
        if self._idle_timer is None:
            loop = asyncio.get_running_loop()
            self._idle_timer = loop.call_later(IDLE_AFTER, self._end_idle)

    def _end_idle(self) -> None:
        """Gives back the blocks that nobody has asked for lately, and settles."""
        self._idle_timer = None
        before = asyncio.get_running_loop().time() - IDLE_AFTER
        self._give_back_blocks([pk for pk, one in self._blocks.items() if one.used_at < before])
        if self._blocks:
            self._look_for_idle()
        if self._ended:
            self._go_on()

    def _go_on(self) -> None:
        if self._counting is None:
            self._counting = asyncio.create_task(self._count_waiting())

    async def _count_waiting(self) -> None:
        self._timer = None
        try:
            while self._waiting:
                calls, self._waiting = self._waiting, []
                # a block may have come while they waited
                calls = [one for one in calls if not self._is_served(one)]
                if calls:
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
        busy = self._busy(calls)
        try:
            counted = await read_in_thread(self._settle_and_count, calls, busy)
            found = [*counted.states]
            self._fill(calls, counted)
        except Exception as error:  # noqa: BLE001 each of those who wait is told, later ones too
            calls, self._waiting = calls + self._waiting, []
            found = [_copy(error) for _ in calls]
        for call, state in zip(calls, found, strict=True):
            if not isinstance(state, Exception):
                self._tell(call, state)
            elif not call.counted.cancelled():
                call.counted.set_exception(state)

    def _tell(self, waiting: _Waiting, state: LimitState) -> None:
        if waiting.counted.cancelled():
            self._give_back(state)
        else:
            waiting.counted.set_result(state)

    def _is_served(self, waiting: _Waiting) -> bool:
        """True if the call was served from a block."""
        block = self._blocks.get(waiting.call.token_id)
        state = block.take(waiting.call) if block is not None else None
        if state is not None:
            self._tell(waiting, state)
        return state is not None

    def _busy(self, calls: list[_Waiting]) -> dict[UUID, int]:
        """The tokens that get a block, and of how many calls. What is left of the one before is
        given back.
        """
        found = {}
        for token_id in {one.call.token_id for one in calls}:
            if (block := self._blocks.get(token_id)) is not None:
                found[token_id] = block.calls
                for change in block.drain():
                    self._end(change)
        return found

    def _fill(self, calls: list[_Waiting], counted: Counted) -> None:
        """Fills the blocks. A token that is far from its limits has one from now on, empty until
        it is asked for again soon.
        """
        now = asyncio.get_running_loop().time()
        for call in [one.call for one in calls]:
            if call.token_id not in counted.far:
                self._blocks.pop(call.token_id, None)
                continue
            block = self._blocks.setdefault(call.token_id, Block(call.token_id, now))
            block.calls = counted.far[call.token_id]
            if grant := counted.grants.pop(call.token_id, None):
                block.fill(grant)
        if self._blocks:
            self._look_for_idle()

    def _settle_and_count(
        self, calls: list[_Waiting], busy: Mapping[UUID, int] = NOBODY
    ) -> Counted:
        """In a thread. What the database does not take of the ended is kept for the next time."""
        with self._ended_lock:
            ended, self._ended = self._ended, []
        try:
            return settle_and_count(
                [one.change for one in ended], [one.call for one in calls], busy
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
