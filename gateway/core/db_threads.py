"""Database calls of the event loop: run in a few threads, which give their connections back."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import (
    OperationalError,
    close_old_connections,
    connection,
    connections,
    transaction,
)

from connections.audit.services import coming_from, origin
from connections.locks import retried
from connections.outages import AWAY, database_outage
from connections.telemetry import tracing
from providers.core.request_id import REQUEST_ID

from .errors import GatewayError

EXECUTOR = ThreadPoolExecutor(2, "gateway-database")  # its threads start when they are needed
SLOW = ThreadPoolExecutor(4, "gateway-network")  # for what waits for others than the database
ANSWER_SECONDS = 1.7  # a caller who waits for a database server is refused after that
UNCONFIRMED = (
    "The database does not answer, so nothing that was remembered may be used. Try again shortly."
)

Result = TypeVar("Result")


def from_here(function: Callable[..., Result]) -> Callable[..., Result]:
    """The function, whose events say in another thread where the request of this one comes from."""
    where, named, span = origin(), REQUEST_ID.get(), tracing.current()

    def called(*arguments: Any) -> Result:
        before, traced = REQUEST_ID.set(named), tracing.resume(span)
        try:
            with coming_from(where):
                return function(*arguments)
        finally:
            REQUEST_ID.reset(before)
            tracing.leave(traced)

    return called


async def in_thread(
    function: Callable[..., Result], *arguments: Any, executor: ThreadPoolExecutor = EXECUTOR
) -> Result:
    """Calls a function that uses the database in a thread, and returns its result.

    Raises what it raises. The event loop goes on meanwhile.
    """

    def call() -> Result:
        global _answered_at
        try:
            result = function(*arguments)
            _answered_at = time.monotonic()
            return result
        finally:
            # A connection to SQLite costs nothing to keep; one to a server goes back into the pool.
            if connection.vendor != "sqlite":
                connection.close()
            elif connection.errors_occurred:
                close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(executor, call)


async def read_in_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    """The result of `in_thread` for somebody who waits for it.

    Raises GatewayError 503 when the database fails, or answers nobody for ANSWER_SECONDS.
    """
    reading = asyncio.ensure_future(in_thread(function, *arguments))
    try:
        await _until_answered(reading)
        return reading.result()
    except Exception as error:
        outage = database_outage(error)
        if outage is None:
            raise
        message = UNCONFIRMED if outage is AWAY else outage.detail
        raise GatewayError(503, "database_unavailable", message, retry_after=1) from None
    finally:
        reading.cancel()


@retried
def in_one_snapshot(read: Callable[..., Result], *arguments: Any) -> Result:
    """What `read` returns, of all rows as they were at one moment."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return read(*arguments)


async def _until_answered(reading: "asyncio.Future[Any]") -> None:
    """Returns when it is done. Raises OperationalError when a server has answered nobody for long.

    SQLite has a time of its own for a lock.
    """
    began = time.monotonic()
    while not reading.done():
        left = max(began, _answered_at) + ANSWER_SECONDS - time.monotonic()
        if left <= 0 and connection.vendor != "sqlite":
            raise OperationalError
        await asyncio.wait([reading], timeout=max(left, 0.1))


_answered_at = float("-inf")


def close_connections() -> None:
    """Closes every connection of this process, and the threads of its pool, which would not survive
    a fork.
    """
    for one in connections.all(initialized_only=True):
        one.close()
        if hasattr(one, "close_pool"):  # PostgreSQL
            one.close_pool()
