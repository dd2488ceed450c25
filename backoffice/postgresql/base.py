"""The backend, by the name that Django looks for: ENGINE is `backoffice.postgresql`.

psycopg waits for an answer as long as it takes, and its pool hands out connections that have ended.
Here a server that went away is noticed, and every request after that is refused at once.
"""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from connections.outages import seconds_left

from .server import DATABASE

ASK_AFTER = 0.8  # seconds in which a statement has not ended, before the server is asked
AWAY = "The database does not answer."


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose statements may take long, but only of a server that answers others."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """The result of a generator of psycopg's. Raises OperationalError, and closes the
        connection, when the server is away or whoever asks can wait no longer.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        while True:
            try:
                return super().wait(gen, interval, min(ASK_AFTER, seconds_left()))
            except psycopg.errors._WaitTimeout:  # noqa: SLF001 nothing else tells of the time
                if not seconds_left() or not DATABASE.check():
                    self.close()
                    raise psycopg.OperationalError(AWAY) from None


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, on a pool of such connections."""

    def chunked_cursor(self) -> Any:
        """A cursor of the server's, for results that are larger than memory. Behind a pooler that
        hands connections on after each transaction there is one in a transaction only.
        """
        if self.settings_dict.get("DIRECT") and not self.in_atomic_block:
            return self.cursor()
        return super().chunked_cursor()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection of the pool that works. Raises OperationalError: at once while the server is
        away, else when none is free for as long as the pool waits.
        """
        while not DATABASE.is_away:
            try:
                connection = super().get_new_connection(conn_params)
            except psycopg.OperationalError:
                DATABASE.check()
                raise
            if not _has_ended(connection):
                return connection
            connection.close()
            if self.pool:
                self.pool.putconn(connection)
            DATABASE.check()
        raise psycopg.OperationalError(AWAY)


def _has_ended(connection: Any) -> bool:
    """True if the server has ended an idle connection. It has told so already."""
    told = select.poll()
    told.register(connection.fileno(), select.POLLIN)
    try:
        while told.poll(0):
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return False
