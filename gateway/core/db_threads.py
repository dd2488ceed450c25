"""Database calls of the event loop: run in a few threads, which give their connections back."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import close_old_connections, connection, connections

EXECUTOR = ThreadPoolExecutor(2, "gateway-database")  # its threads start when they are needed

Result = TypeVar("Result")


async def in_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    """Calls a function that uses the database in a thread, and returns its result.

    Raises what it raises. The event loop goes on meanwhile.
    """

    def call() -> Result:
        try:
            return function(*arguments)
        finally:
            # A connection to SQLite costs nothing to keep; one to a server goes back into the pool.
            if connection.vendor != "sqlite":
                connection.close()
            elif connection.errors_occurred:
                close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(EXECUTOR, call)


def close_connections() -> None:
    """Closes every connection of this process, and the threads of its pool, which would not survive
    a fork.
    """
    for one in connections.all(initialized_only=True):
        one.close()
        if hasattr(one, "close_pool"):  # PostgreSQL
            one.close_pool()
