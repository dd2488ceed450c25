"""The calls of finished requests, as the health of connections counts them."""

import logging
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db import DatabaseError

from connections.health.services import Call, note_calls

from .pending import FAILED, Attempt, PendingRecord

Ended = tuple[float, PendingRecord, Attempt]  # when an attempt of a request ended

logger = logging.getLogger(__name__)


def note_health(records: Iterable[PendingRecord]) -> None:
    """Notes the calls of these requests. A database that does not take them costs nothing but
    them: the log says so.
    """
    try:
        note_calls(list(_calls(records)))
    except DatabaseError as error:
        logger.error("The health of connections was not noted: %s", type(error).__name__)


def _calls(records: Iterable[PendingRecord]) -> Iterator[Call]:
    """Those that say something of a connection, in the order in which they ended: who hung up and
    who asked nonsense do not. Answers of a model, one after the other, are told as one.
    """
    ended: list[Ended] = [
        (attempt.ended or record.ended, record, attempt)
        for record in records
        for attempt in record.attempts
        if attempt.outcome == "ok" or (attempt.outcome == FAILED and not attempt.is_about_request)
    ]
    ended.sort(key=lambda one: one[0])
    runs: dict[tuple[UUID, str], list[list[Ended]]] = {}
    for one in ended:
        target = one[2].target
        mine = runs.setdefault((target.connection_id, target.profile.model), [])
        if one[2].code or not mine or mine[-1][0][2].code:
            mine.append([])
        mine[-1].append(one)
    for mine in runs.values():
        yield from (_call(run) for run in mine)


def _call(run: list[Ended]) -> Call:
    """One failure, or answers one after the other."""
    moment, record, attempt = run[-1]
    target = attempt.target
    return Call(
        target.connection_id,
        target.connection_version,
        target.profile.model,
        record.time_of(moment),
        attempt.code,
        attempt.status,
        attempt.error.replace("\x00", ""),
        len(run),
        attempt.rests_until,
    )
