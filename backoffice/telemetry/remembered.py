"""The database's figures as they were read last: who asks often does not ask the database each
time, and who asks while it is away does not wait for it.
"""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import DatabaseError, connection

from connections.outages import answered_within
from connections.telemetry.declared import DATABASE_UP

from .database import Sample, database_samples

FRESH = 5.0  # seconds
PATIENCE = 1.0  # seconds that a scrape waits for the database
READING_TIME = 10.0  # seconds that it may take, beside the scrapes

logger = logging.getLogger(__name__)


class RememberedFigures:
    """The figures, read in a thread of their own, never twice at once."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "metrics-database")
        self._reading: Future[list[Sample]] | None = None
        self._found: list[Sample] = []
        self._read_at = float("-inf")

    def samples(self) -> list[Sample]:
        """The figures, and whether the database told them in time; without them where it did not.

        Asked by one thread at a time.
        """
        if self._reading is None and time.monotonic() - self._read_at > FRESH:
            self._reading = self._executor.submit(_read)
        if self._reading is not None:
            self._take(self._reading)
        is_up = time.monotonic() - self._read_at <= FRESH + READING_TIME
        return [*(self._found if is_up else ()), (DATABASE_UP, (), float(is_up))]

    def _take(self, reading: "Future[list[Sample]]") -> None:
        try:
            self._found, self._read_at = reading.result(PATIENCE), time.monotonic()
        except TimeoutError:
            return
        except Exception as error:
            self._read_at = float("-inf")
            level = logging.WARNING if isinstance(error, DatabaseError) else logging.ERROR
            text = "/metrics lacks what the database knows: %s"
            logger.log(level, text, type(error).__name__, exc_info=level == logging.ERROR)
        self._reading = None


def _read() -> list[Sample]:
    try:
        with answered_within(READING_TIME):
            return database_samples()
    finally:
        connection.close()


DATABASE = RememberedFigures()
