"""Usage records: collected while requests are answered, and written beside them in batches.

A `kill -9` loses the records of the last WRITE_EVERY seconds.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, models, transaction

from providers.core.results import Usage

from ..core.config_cache import Target
from ..core.db_threads import in_thread
from ..core.limits import add_tokens
from ..core.requests import GatewayRequest
from ..models import UsageRecord

WRITE_EVERY = 0.5  # seconds
BATCH = 500
MOST_WAITING = 100_000
LONGEST_TEXT = 100_000  # characters of a prompt or an answer, where they are recorded

FIELDS = [field for field in UsageRecord._meta.concrete_fields if not field.primary_key]
CONVERTED = (models.UUIDField, models.DateTimeField)  # each database keeps these in its own way
# For the driver's executemany: bulk_create takes five times as long, in which this process answers
# nobody (make bench).
INSERT = "INSERT INTO {} ({}) VALUES ({})".format(  # noqa: S608 names of our own
    UsageRecord._meta.db_table,
    ", ".join(str(field.column) for field in FIELDS),
    ", ".join(["%s"] * len(FIELDS)),
)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PendingRecord:
    """A usage record that is filled while its request is answered.

    `target`: the one that was asked last. `outcome`: ok, client_closed, server_stopped, or the code
    of an error.
    """

    request: GatewayRequest
    target: Target | None = None
    attempts: int = 0
    usage: Usage | None = None
    first_chunk: float | None = None
    outcome: str = "client_closed"  # until something else is known
    answer: list[str] = field(default_factory=list)
    ended: float = 0.0

    def mark_first_chunk(self) -> None:
        """Notes the time, unless a piece of the answer came before."""
        if self.first_chunk is None:
            self.first_chunk = time.perf_counter()

    def values(self, with_text: bool) -> dict[str, Any]:
        """The columns of the row."""
        request, target, usage = self.request, self.target, self.usage
        asked = request.profile_ref[:100].replace("\x00", "")
        first = None if self.first_chunk is None else _ms(self.first_chunk - request.started)
        values = {
            "started_at": request.started_at,
            "endpoint": request.endpoint,
            "capability": request.capability.value,
            "profile_id": target.profile.id if target else None,
            "profile_alias": target.profile.alias if target else asked,
            "connection_id": target.connection_id if target else None,
            "connection_alias": target.connection_alias if target else "",
            "connection_version": target.connection_version if target else None,
            "provider_id": target.provider_id if target else "",
            "model": target.profile.model if target else "",
            "user_id": request.caller.user_id,
            "user_name": request.caller.user_name[:150],
            "token_id": request.caller.token_id,
            "token_name": request.caller.token_name[:100],
            "is_stream": request.is_stream,
            "attempts": self.attempts,
            "input_tokens": usage.input_tokens if usage else None,
            "output_tokens": usage.output_tokens if usage else None,
            "latency_ms": _ms(self.ended - request.started),
            "first_chunk_ms": first,
            "outcome": self.outcome,
            "prompt": "",
            "answer": "",
        }
        if with_text:
            content = request.body.get("messages", request.body.get("input"))
            text = json.dumps(content, ensure_ascii=False)
            values["prompt"] = text[:LONGEST_TEXT].replace("\\u0000", "")
            values["answer"] = "".join(self.answer)[:LONGEST_TEXT].replace("\x00", "")
        return values


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


class Recorder:
    """Writes the records of requests that have ended, every WRITE_EVERY seconds.

    When it stops it writes those that are left, also of requests that still run. `with_text`: the
    texts of prompts and answers are recorded too.
    """

    def __init__(self, with_text: bool) -> None:
        self.with_text = with_text
        self._running: dict[int, PendingRecord] = {}
        self._waiting: deque[PendingRecord] = deque()
        self._task: asyncio.Task[None] | None = None
        self._lost = 0

    def begin(self, request: GatewayRequest) -> PendingRecord:
        """The record of a request that begins. It ends with `finish`."""
        record = PendingRecord(request)
        self._running[id(record)] = record
        return record

    def finish(self, record: PendingRecord, outcome: str) -> None:
        """Takes the record of a request that has ended. Only its first end counts."""
        if self._running.pop(id(record), None) is None:
            return
        record.outcome, record.ended = outcome, time.perf_counter()
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(record)

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
        except asyncio.CancelledError:
            await self._write_all()  # the server is told to stop at once and cancels everything
            raise

    async def _write_all(self) -> None:
        for record in list(self._running.values()):
            self.finish(record, "server_stopped")
        await self._write_waiting()

    async def _write_waiting(self) -> None:
        """Writes the waiting records in batches.

        A database that does not answer is asked again later; nothing is lost meanwhile, up to
        MOST_WAITING.
        """
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                await in_thread(write, batch, self.with_text)
            except DatabaseError as error:
                self._waiting.extendleft(reversed(batch))
                logger.error(
                    "%s usage records wait for the database: %s",
                    len(self._waiting),
                    type(error).__name__,
                )
                return
        if self._lost:
            logger.error(
                "%s usage records were lost: more than %s had to wait for the database",
                self._lost,
                MOST_WAITING,
            )
            self._lost = 0


def write(records: list[PendingRecord], with_text: bool) -> None:
    """Inserts the records and adds their tokens to the counts of their callers' days, in one
    transaction.
    """
    spent: Counter[tuple[UUID, date]] = Counter()
    for record in records:
        request = record.request
        caller = request.caller
        if caller.tokens_per_day is not None and caller.token_id and record.usage:
            day = request.started_at.astimezone(UTC).date()
            spent[caller.token_id, day] += record.usage.total_tokens
    rows = []
    for record in records:
        values = record.values(with_text)
        rows.append(
            [
                field.get_db_prep_save(values[field.attname], connection)
                if isinstance(field, CONVERTED)
                else values[field.attname]
                for field in FIELDS
            ]
        )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.executemany(INSERT, rows)
        for (token_id, day), tokens in spent.items():
            add_tokens(token_id, day, tokens)
