"""Usage records and attempts as rows, inserted in batches."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC
from itertools import chain
from operator import itemgetter
from typing import Any

from django.db import connection, models, transaction

from connections.former_aliases import caller_name, note_uses

from ..models import UsageAttempt, UsageRecord
from .pending import Attempt, PendingRecord

LONGEST_TEXT = 100_000  # characters of a prompt or an answer, where they are recorded
LARGEST_INTEGER, LARGEST_SMALL = 2**31 - 1, 2**15 - 1  # of PostgreSQL's integer and smallint
ROWS_AT_ONCE = (64, 8, 1)  # of one statement of SQLite


class _Table:
    """Inserts the rows of a model as the driver does it fastest: bulk_create takes five times as
    long, in which this process answers nobody (make bench).
    """

    def __init__(self, model: type[models.Model]) -> None:
        fields = [one for one in model._meta.concrete_fields if not one.primary_key]
        self._values = itemgetter(*(one.attname for one in fields))
        self._uuids = [at for at, one in enumerate(fields) if isinstance(one, models.UUIDField)]
        self._times = [at for at, one in enumerate(fields) if isinstance(one, models.DateTimeField)]
        columns = ", ".join(str(one.column) for one in fields)
        table = f"{model._meta.db_table} ({columns})"
        self._copy = f"COPY {table} FROM STDIN"
        row = f"({', '.join('?' * len(fields))})"
        self._inserts = {
            size: f"INSERT INTO {table} VALUES {', '.join([row] * size)}"  # noqa: S608 our names
            for size in ROWS_AT_ONCE
        }

    def insert(self, rows: list[dict[str, Any]]) -> None:
        """Inserts rows that have a value for each column. Raises DatabaseError."""
        with connection.cursor() as cursor, connection.wrap_database_errors:
            if connection.vendor == "postgresql":
                with cursor.copy(self._copy) as copy:
                    for row in rows:
                        copy.write_row(self._values(row))
            else:
                self._insert_into_sqlite(cursor.cursor, rows)

    def _insert_into_sqlite(self, cursor: sqlite3.Cursor, rows: list[dict[str, Any]]) -> None:
        """Many rows by one statement: the driver lets another thread run at each, and gets its turn
        back up to 5 ms later.
        """
        values = [self._for_sqlite(row) for row in rows]
        start = 0
        while start < len(values):
            size = next(one for one in ROWS_AT_ONCE if one <= len(values) - start)
            together = chain.from_iterable(values[start : start + size])
            sqlite3.Cursor.execute(cursor, self._inserts[size], tuple(together))
            start += size

    def _for_sqlite(self, row: dict[str, Any]) -> list[Any]:
        """The values as Django keeps them in SQLite, which has neither UUIDs nor times."""
        values = list(self._values(row))
        for at in self._uuids:
            if values[at] is not None:
                values[at] = values[at].hex
        for at in self._times:
            values[at] = str(values[at].astimezone(UTC))[: -len("+00:00")]
        return values


RECORDS, ATTEMPTS = _Table(UsageRecord), _Table(UsageAttempt)


def insert(records: list[PendingRecord], with_text: bool) -> None:
    """Inserts the records with their attempts in one transaction, and notes who asked by a former
    alias. Raises what the database raises; then nothing is written.
    """
    rows = [record_row(record, with_text) for record in records]
    attempts = [row for record in records for row in attempt_rows(record)]
    with transaction.atomic():
        RECORDS.insert(rows)
        if attempts:
            ATTEMPTS.insert(attempts)
    note_uses(
        (
            one.asked.former_alias_id,
            caller_name(one.request.caller.user_name, one.request.caller.token_name),
            one.request.started_at,
        )
        for one in records
        if one.asked and one.asked.former_alias_id
    )


def record_row(record: PendingRecord, with_text: bool) -> dict[str, Any]:
    """The columns of a usage record. `with_text`: also the texts of prompt and answer."""
    request, asked, last, usage = record.request, record.asked, record.last, record.usage
    target = last.target if last else None
    answered = target.profile if target and last and last.outcome == "ok" else None
    caller = request.caller
    return {
        "key": request.key,
        "request_id": request.request_id,
        "started_at": request.started_at,
        "endpoint": request.endpoint,
        "capability": request.capability.value,
        "profile_id": asked.id if asked else None,
        "profile_alias": asked.alias if asked else _storable(request.profile_ref[:100]),
        "answered_profile_id": answered.id if answered else None,
        "answered_profile_alias": answered.alias if answered else "",
        "connection_id": target.connection_id if target else None,
        "connection_alias": target.connection_alias if target else "",
        "connection_version": target.connection_version if target else None,
        "provider_id": target.provider_id if target else "",
        "model": target.profile.model if target else "",
        "user_id": caller.user_id,
        "user_name": caller.user_name[:150],
        "token_id": caller.token_id,
        "token_name": caller.token_name[:100],
        "is_stream": request.is_stream,
        "attempts": record.asked_count,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "cache_write_tokens": usage.cache_write_tokens if usage else None,
        "reasoning_tokens": usage.reasoning_tokens if usage else None,
        "is_estimated": bool(usage and usage.is_estimated),
        "latency_ms": _milliseconds(request.started, record.ended),
        "first_chunk_ms": _first_chunk(last, request.started),
        "outcome": record.outcome,
        "prompt": _prompt(record) if with_text else "",
        "answer": _storable("".join(record.answer)[:LONGEST_TEXT]) if with_text else "",
    }


def attempt_rows(record: PendingRecord) -> Iterator[dict[str, Any]]:
    """The columns of a record's attempts."""
    for position, attempt in enumerate(record.attempts):
        target = attempt.target
        yield {
            "record_key": record.request.key,
            "position": position,
            "started_at": record.time_of(attempt.started),
            "profile_id": target.profile.id,
            "profile_alias": target.profile.alias,
            "connection_id": target.connection_id,
            "connection_alias": target.connection_alias,
            "connection_version": target.connection_version,
            "provider_id": target.provider_id,
            "model": target.profile.model,
            "outcome": attempt.outcome,
            "code": attempt.code[:50],
            "status": attempt.status,
            "error": _storable(attempt.error[:500]),
            "latency_ms": _milliseconds(attempt.started, attempt.ended or record.ended),
            "first_chunk_ms": _first_chunk(attempt, attempt.started),
            "retries": min(attempt.retries, LARGEST_SMALL),
            "is_cooling": attempt.is_cooling,
        }


def _prompt(record: PendingRecord) -> str:
    body = record.request.body
    content = body.get("messages", body.get("input"))
    text = json.dumps(content, ensure_ascii=False)
    return _storable(text[:LONGEST_TEXT].replace("\\u0000", ""))


def _storable(text: str) -> str:
    """A text that every database takes: without null characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _first_chunk(attempt: Attempt | None, started: float) -> int | None:
    if attempt is None or attempt.first_chunk is None:
        return None
    return _milliseconds(started, attempt.first_chunk)


def _milliseconds(start: float, end: float) -> int:
    return min(max(0, round((end - start) * 1000)), LARGEST_INTEGER)
