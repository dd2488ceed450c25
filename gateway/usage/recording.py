"""Usage records: collected while requests are answered, and written beside them in batches.

A `kill -9` loses the records of the last WRITE_EVERY seconds and of the requests that run. What was
reserved for them stays counted.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta

from django.db import InterfaceError, OperationalError

from connections.outages import BUSY, database_outage
from connections.telemetry import metrics
from connections.telemetry.declared import RECORDS_LOST, RECORDS_WRITTEN
from connections.texts import counted

from ..core.db_threads import in_thread
from ..core.limit_states import Reservation
from ..core.requests import GatewayRequest
from .counting import count_new
from .health import note_health
from .metering import count_request
from .pending import SERVER_STOPPED, PendingRecord
from .rows import insert
from .spans import end_spans, tell_log

WRITE_EVERY = 0.5  # seconds
BATCH = 1000
MOST_WAITING = 100_000
STUCK_AFTER = 10.0  # seconds
LOSS_TOLD = 600.0  # seconds for which a loss is told
TELL_EVERY = 30.0  # seconds between two log lines about the same trouble
COUNT_EVERY, COUNT_AT_ONCE = timedelta(minutes=5), 10_000  # records

logger = logging.getLogger(__name__)


def _is_of_database(error: Exception) -> bool:
    """True where the database is away, busy, full or read-only: no fault of a record."""
    is_plain = isinstance(error, OperationalError | InterfaceError)
    return is_plain or database_outage(error) is not None


def _store(records: list[PendingRecord], with_text: bool) -> None:
    """Inserts records, then notes what they say of the health of connections. Raises as `insert`
    does.
    """
    insert(records, with_text)
    note_health(records)


class Recorder:
    """Writes the records of requests that have ended, every WRITE_EVERY seconds.

    When it stops it writes those that are left, also of requests that still run. `with_text`: the
    texts of prompts and answers are recorded too. `settle` gets what was reserved for a request
    that has ended, and the tokens that it used. `lost`: records that will never be written.
    `unknown_callers`: requests without a token that is known, which leave no record.
    """

    def __init__(
        self,
        with_text: bool,
        settle: Callable[[Reservation, int], "Future[None] | None"] | None = None,
    ) -> None:
        self.with_text, self._settle = with_text, settle
        self._is_counted = metrics.is_on()
        self.lost = self.unknown_callers = 0
        self._running: dict[int, PendingRecord] = {}
        self._waiting: deque[PendingRecord] = deque()
        self._task: asyncio.Task[None] | None = None
        self._overflowed = 0
        self._told = self._told_unknown = float("-inf")
        self._unknown = 0  # since the last line about them
        self._uncounted = 1  # others may have left some
        self._count_at = time.monotonic() + COUNT_EVERY.total_seconds()
        self._written_at, self._lost_at = time.monotonic(), float("-inf")

    @property
    def trouble(self) -> str:
        """What is wrong with the writing, a sentence; empty where nothing is."""
        now, waiting = time.monotonic(), len(self._waiting)
        if waiting >= MOST_WAITING:
            return f"The queue of usage records is full: {waiting} wait, and the oldest get lost."
        if waiting and now - self._written_at > STUCK_AFTER:
            return f"{counted(waiting, 'usage record')} waiting for the database."
        if now - self._lost_at < LOSS_TOLD:
            return f"Of usage records {self.lost} were lost, the last within ten minutes."
        return ""

    @property
    def running(self) -> int:
        """The number of requests that are being answered."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """The number of records that wait for the database."""
        return len(self._waiting)

    def begin(self, request: GatewayRequest) -> PendingRecord:
        """The record of a request that begins. It ends with `finish`."""
        record = PendingRecord(request)
        self._running[id(record)] = record
        return record

    def finish(self, record: PendingRecord, outcome: str) -> None:
        """Takes the record of a request that has ended. Only its first end counts."""
        if self._running.pop(id(record), None) is None:
            return
        record.end(outcome)
        if self._is_counted:
            count_request(record)
        tell_log(record)
        if record.span is not None:
            end_spans(record)
        if self._settle is not None:
            used = record.usage.total_tokens if record.usage else 0
            for reservation in record.reservations:
                record.settlement = self._settle(reservation, used) or record.settlement
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._overflowed += 1
        self._waiting.append(record)

    def note_unknown_caller(self) -> None:
        """Counts a request that nobody can be named for. The log tells how many there were."""
        self.unknown_callers += 1
        self._unknown += 1
        self._tell_unknown()

    def _tell_unknown(self) -> None:
        if self._unknown and time.monotonic() - self._told_unknown >= TELL_EVERY:
            self._told_unknown = time.monotonic()
            logger.warning(
                "Requests without a known token, refused since the last line about them: %s",
                self._unknown,
            )
            self._unknown = 0

    async def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._write_often())

    async def stop(self) -> None:
        """Writes the records that are left."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._write_all()

    async def _write_often(self) -> None:
        try:
            while True:
                await asyncio.sleep(WRITE_EVERY)
                await self._write_waiting()
                await self._count()
        except asyncio.CancelledError:
            await self._write_all()  # the server is told to stop at once and cancels everything
            raise

    async def _count(self) -> None:
        """Adds new records to the totals: once in COUNT_EVERY, unless another worker did, and at
        once where there are many.
        """
        is_pressing = self._uncounted >= COUNT_AT_ONCE
        if not is_pressing and (not self._uncounted or time.monotonic() < self._count_at):
            return
        self._uncounted, self._count_at = 0, time.monotonic() + COUNT_EVERY.total_seconds()
        try:
            if await in_thread(count_new, timedelta(0) if is_pressing else COUNT_EVERY / 2):
                self._uncounted = COUNT_AT_ONCE
        except Exception as error:  # noqa: BLE001 of any kind: the records are there, and are read
            self._uncounted = 1
            if database_outage(error) is not BUSY:
                logger.warning("Usage is not in the totals yet: %s", type(error).__name__)

    async def _write_all(self) -> None:
        for record in list(self._running.values()):
            self.finish(record, SERVER_STOPPED)
        await self._write_waiting()

    async def _write_waiting(self) -> None:
        """Writes the records that wait now in batches. Raises nothing: no record may end the
        writing.

        What comes meanwhile is left for the next round: written at once, it would be a batch of a
        few records after the other, each of which costs three times as much. A database that is
        away is asked again later; up to MOST_WAITING records wait for it.
        """
        left = len(self._waiting)
        while left:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, left))]
            if not await self._write_batch(batch):
                break
            left -= len(batch)
            self._uncounted += len(batch)
        else:
            self._written_at = time.monotonic()
        self._tell_unknown()
        if self._overflowed:
            self._count_lost(self._overflowed)
            logger.error(
                "%s usage records were lost: more than %s had to wait for the database",
                self._overflowed,
                MOST_WAITING,
            )
            self._overflowed = 0

    async def _write_batch(self, batch: list[PendingRecord]) -> bool:
        """Writes a batch. What the database refuses is looked for by halves, so that all others are
        written. False when the database is away; then what is not written waits again.
        """
        parts = [batch]
        while parts:
            part = parts.pop()
            writing = asyncio.ensure_future(in_thread(_store, part, self.with_text))
            try:
                await asyncio.shield(writing)
                metrics.add(RECORDS_WRITTEN, amount=len(part))
            except asyncio.CancelledError:
                await asyncio.wait([writing])  # a thread cannot be stopped
                self._wait_again(parts if writing.exception() is None else [*parts, part])
                raise
            except Exception as error:  # noqa: BLE001 of any kind: no record may end the writing
                if _is_of_database(error):
                    self._wait_again([*parts, part])
                    self._tell(error)
                    return False
                if len(part) > 1:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]
                else:
                    self._lose(part[0], error)
        return True

    def _wait_again(self, parts: list[list[PendingRecord]]) -> None:
        """Puts back what is not written; the last part was to be written first."""
        for part in parts:
            self._waiting.extendleft(reversed(part))

    def _tell(self, error: Exception) -> None:
        if time.monotonic() - self._told >= TELL_EVERY:
            self._told = time.monotonic()
            logger.error(
                "%s usage records wait for the database: %s",
                len(self._waiting),
                type(error).__name__,
            )

    def _count_lost(self, number: int) -> None:
        self.lost += number
        self._lost_at = time.monotonic()
        metrics.add(RECORDS_LOST, amount=number)

    def _lose(self, record: PendingRecord, error: Exception) -> None:
        self._count_lost(1)
        logger.error(
            "The usage record of request %s is lost, %s in all: the database does not take it (%s)",
            record.request.request_id,
            self.lost,
            type(error).__name__,
        )
