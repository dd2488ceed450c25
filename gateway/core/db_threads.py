"""Where the gateway's few database calls run: beside the event loop, in threads that hand their
connections back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from django.db import close_old_connections, connection

THREADS = 2

Result = TypeVar("Result")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "gateway-database")


def _called(function: Callable[..., Result], *arguments: Any) -> Result:
    try:
        return function(*arguments)
    finally:
        if (
            connection.vendor != "sqlite"
        ):  # a file's connection costs nothing to keep; a server's goes back into the pool
            connection.close()
        elif connection.errors_occurred:
            close_old_connections()


async def in_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    """What a function that uses the database returns. The loop goes on meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(
        _threads(), _called, function, *arguments
    )
