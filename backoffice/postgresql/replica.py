"""Whether the replica may be read from: it answers, and has what the primary wrote a while ago."""

import math
import time
from collections import deque
from decimal import Decimal
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections

from connections.direct_database import NOT_OF_LIBPQ, direct_parameters
from connections.outages import Availability
from connections.replica import REPLICA

ASK_EVERY = 1.0  # seconds
TRIES, PAUSE = 5, 0.02  # for what is under way between the two
# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL
WRITTEN = "SELECT pg_current_wal_lsn() - '0/0'"
REPLAYED = "SELECT pg_last_wal_replay_lsn() - '0/0'"


class Lag:
    """How far the replica is behind, by positions in the primary's log and when they were seen.

    Times of transactions would not do: they grow old where nobody writes, and a replica that has
    lost its primary does not know what it lacks.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Decimal]] = deque(maxlen=600)

    def note(self, moment: float, written: Decimal) -> None:
        """The primary had written so far at that moment."""
        self._seen.append((moment, written))

    def seconds(self, now: float, replayed: Decimal | None) -> float:
        """The most that the replica is behind; infinity where nothing tells."""
        if replayed is None or not self._seen:
            return math.inf
        if self._seen[-1][1] <= replayed:
            return 0.0
        there = (moment for moment, written in self._seen if written <= replayed)
        return now - max(there, default=-math.inf)


def _keeps_up() -> bool:
    """True if the replica answers and is at most DATABASE_REPLICA_SECONDS behind."""
    most = settings.DATABASE_REPLICA_SECONDS
    try:
        with _connect(direct_parameters()) as primary:
            _lag.note(time.monotonic(), _position(primary, WRITTEN) or Decimal(0))
        given = connections[REPLICA].get_connection_params()
        known = {name: value for name, value in given.items() if name not in NOT_OF_LIBPQ}
        with _connect(known) as replica:
            for _ in range(TRIES):
                behind = _lag.seconds(time.monotonic(), _position(replica, REPLAYED))
                if behind <= most:
                    return True
                time.sleep(PAUSE)
    except psycopg.Error:
        pass
    return False


def _connect(parameters: dict[str, Any]) -> psycopg.Connection[Any]:
    return psycopg.connect(**parameters, autocommit=True)


def _position(server: psycopg.Connection[Any], query: str) -> Decimal | None:
    row = server.execute(query).fetchone()
    return row[0] if row else None


def may_be_read() -> bool:
    """True if the replica answers and is not too far behind, as asked within the last second."""
    global _asked
    if not READ_REPLICA.is_away and time.monotonic() - _asked > ASK_EVERY:
        _asked = time.monotonic()
        READ_REPLICA.check()
    return not READ_REPLICA.is_away


_lag = Lag()
_asked = -math.inf
READ_REPLICA = Availability(
    "The read replica", _keeps_up, "It is away or too far behind: the primary is read meanwhile."
)
