"""Asking a PostgreSQL server whether it answers, without waiting longer than a moment."""

import select
import time
from contextlib import suppress
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import pq

from connections.direct_database import direct_parameters, pooled_parameters
from connections.outages import Availability, seconds_left

ANSWER_SECONDS = 0.4


def _answers() -> bool:
    """True if the server lets us in, and the pooler in front of it if there is one, which lets
    clients in without a server.
    """
    addresses = [direct_parameters(), pooled_parameters()]
    distinct = addresses[:1] if addresses[0] == addresses[1] else addresses
    return all(_lets_in(parameters) for parameters in distinct)


def _lets_in(parameters: dict[str, Any]) -> bool:
    """True if a server lets us in, or refuses for another reason than that it starts or stops: one
    without a free place for another connection serves those it has.

    psycopg waits two seconds at least for a connection, so this is libpq's own loop:
    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PQCONNECTSTARTPARAMS
    """
    until = time.monotonic() + min(ANSWER_SECONDS, seconds_left())
    with suppress(psycopg.Error):
        conninfo = psycopg.conninfo.make_conninfo(**parameters)
        attempt = pq.PGconn.connect_start(conninfo.encode())
        try:
            while (left := until - time.monotonic()) > 0:
                status = attempt.connect_poll()
                if status == pq.PollingStatus.OK:
                    return True
                if status == pq.PollingStatus.FAILED:
                    return _is_refusal(attempt.error_message or b"")
                ready = select.poll()
                wanted = select.POLLIN if status == pq.PollingStatus.READING else select.POLLOUT
                ready.register(attempt.socket, wanted)
                ready.poll(left * 1000)
        finally:
            attempt.finish()
    return False


def _is_refusal(message: bytes) -> bool:
    """True for a refusal by a server that runs. libpq tells no SQLSTATE of a connection that fails,
    so the words decide: those of 57P03 (cannot_connect_now).
    """
    not_yet = (
        b"starting up",
        b"shutting down",
        b"recovery",
        b"not accepting",
        b"not yet accepting",
    )
    return b"FATAL" in message and not any(words in message for words in not_yet)


DATABASE = Availability("The database", _answers, "Requests are refused with 503 until it answers.")


def has_free_connection() -> bool:
    """True if the pool of this process gives a connection within ANSWER_SECONDS: it may be empty,
    and the server may have no place for another one.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.pool is None or database.connection is not None:
        return True
    try:
        database.pool.open()
        timeout = min(ANSWER_SECONDS, seconds_left())
        database.pool.putconn(database.pool.getconn(timeout=timeout))
    except psycopg.OperationalError:  # PoolTimeout is one
        return False
    return True
