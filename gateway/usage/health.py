"""The calls of finished requests, as the health of connections counts them."""

import logging
from collections.abc import Iterable, Iterator

from django.db import DatabaseError

from connections.health.services import Call, note_calls

from .pending import FAILED, Attempt, PendingRecord

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
    who asked nonsense do not.
    """
    ended: list[tuple[float, PendingRecord, Attempt]] = [
        (attempt.ended or record.ended, record, attempt)
        for record in records
        for attempt in record.attempts
        if attempt.outcome == "ok" or (attempt.outcome == FAILED and not attempt.is_about_request)
    ]
    for moment, record, attempt in sorted(ended, key=lambda one: one[0]):
        target = attempt.target
        yield Call(
            target.connection_id,
            target.connection_version,
            target.profile.model,
            record.time_of(moment),
            attempt.code,
            attempt.status,
            attempt.error.replace("\x00", ""),
        )
