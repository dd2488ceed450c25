"""Usage records: made on the path, written in batches beside it.

What a kill -9 loses is what the last EVERY seconds brought.
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

from ..core.config_cache import Step
from ..core.db_threads import in_thread
from ..core.limits import add_tokens
from ..core.requests import Call
from ..models import UsageRecord

EVERY = 0.5  # seconds
BATCH = 500
MOST_WAITING = 100_000
LONGEST_TEXT = 100_000  # characters of a prompt or an answer, where they are recorded

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Trace:
    """What becomes of one call.

    Filled while it is answered; `outcome` is ok, client_closed, server_stopped, or an error's code.
    """

    call: Call
    step: Step | None = None
    attempts: int = 0
    usage: Usage | None = None
    first_chunk: float | None = None
    outcome: str = "client_closed"  # until something else is known
    answer: list[str] = field(default_factory=list)
    ended: float = 0.0

    def saw_chunk(self) -> None:
        """Notes when the first piece of an answer came."""
        if self.first_chunk is None:
            self.first_chunk = time.perf_counter()

    def values(self, with_text: bool) -> dict[str, Any]:
        """The columns of the row."""
        call, step, usage = self.call, self.step, self.usage
        return {
            "started_at": call.started_at,
            "endpoint": call.endpoint,
            "capability": call.capability.value,
            "profile_id": step.profile.id if step else None,
            "profile_alias": step.profile.alias
            if step
            else call.profile_ref[:100].replace("\x00", ""),
            "connection_id": step.connection_id if step else None,
            "connection_alias": step.connection_alias if step else "",
            "connection_version": step.connection_version if step else None,
            "provider_id": step.provider_id if step else "",
            "model": step.profile.model if step else "",
            "user_id": call.caller.user_id,
            "user_name": call.caller.user_name[:150],
            "token_id": call.caller.token_id,
            "token_name": call.caller.token_name[:100],
            "is_stream": call.is_stream,
            "attempts": self.attempts,
            "input_tokens": usage.input_tokens if usage else None,
            "output_tokens": usage.output_tokens if usage else None,
            "latency_ms": _ms(self.ended - call.started),
            "first_chunk_ms": _ms(self.first_chunk - call.started) if self.first_chunk else None,
            "outcome": self.outcome,
            "prompt": _text(call.body.get("messages", call.body.get("input"))) if with_text else "",
            "answer": "".join(self.answer)[:LONGEST_TEXT].replace("\x00", "") if with_text else "",
        }


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)[:LONGEST_TEXT].replace("\\u0000", "")


class Recorder:
    """Takes what has happened and writes it every EVERY seconds, and what is left when it stops;
    what runs then, too.
    """

    def __init__(self, with_text: bool) -> None:
        self.with_text = with_text
        self._running: dict[int, Trace] = {}
        self._waiting: deque[Trace] = deque()
        self._task: asyncio.Task[None] | None = None
        self._lost = 0

    def begin(self, call: Call) -> Trace:
        """A call that begins. It ends with `take`."""
        trace = Trace(call)
        self._running[id(trace)] = trace
        return trace

    def take(self, trace: Trace, outcome: str) -> None:
        """A call that has ended, one way or another. Only its first end counts."""
        if self._running.pop(id(trace), None) is None:
            return
        trace.outcome, trace.ended = outcome, time.perf_counter()
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(trace)

    async def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._write_often())

    async def stop(self) -> None:
        """Writes what is left."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._write_all()

    async def _write_often(self) -> None:
        try:
            while True:
                await asyncio.sleep(EVERY)
                await self._write()
        except asyncio.CancelledError:
            await self._write_all()  # the server is told to stop at once and cancels everything
            raise

    async def _write_all(self) -> None:
        for trace in list(self._running.values()):
            self.take(trace, "server_stopped")
        await self._write()

    async def _write(self) -> None:
        """Writes what waits, in batches.

        A database that does not answer is asked again later; nothing is lost meanwhile.
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


def write(traces: list[Trace], with_text: bool) -> None:
    """Inserts the records and adds their tokens to what their callers have spent today.

    One transaction.
    """
    spent: Counter[tuple[UUID, date]] = Counter()
    for trace in traces:
        caller = trace.call.caller
        if caller.tokens_per_day is not None and caller.token_id and trace.usage:
            spent[caller.token_id, trace.call.started_at.astimezone(UTC).date()] += (
                trace.usage.total_tokens
            )
    with transaction.atomic():
        _insert([trace.values(with_text) for trace in traces])
        for (token_id, day), tokens in spent.items():
            add_tokens(token_id, day, tokens)


FIELDS = [field for field in UsageRecord._meta.concrete_fields if not field.primary_key]
TRANSLATED = (models.UUIDField, models.DateTimeField)  # which databases keep in their own ways


def _insert(rows: list[dict[str, Any]]) -> None:
    """By the driver's executemany: bulk_create takes five times as long, in which this process
    answers nobody (make bench).
    """
    columns, places = (
        ", ".join(str(field.column) for field in FIELDS),
        ", ".join(["%s"] * len(FIELDS)),
    )
    statement = f"INSERT INTO {UsageRecord._meta.db_table} ({columns}) VALUES ({places})"  # noqa: S608 names of our own
    with connection.cursor() as cursor:
        cursor.executemany(
            statement, [[_prepared(field, row[field.attname]) for field in FIELDS] for row in rows]
        )


def _prepared(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection) if isinstance(field, TRANSLATED) else value
