"""What is read of the configuration: in a thread, and once for all who ask for it together."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from .db_threads import from_here, in_one_snapshot, read_in_thread
from .errors import GatewayError

REREADINGS = 3

Value = TypeVar("Value")


class SharedReadings:
    """`generation` counts the changes that are known; who hears of one adds to it. `confirm`
    returns when all changes so far are known.
    """

    def __init__(self, confirm: Callable[[], Awaitable[None]]) -> None:
        self.generation = 0
        self._confirm = confirm
        self._running: dict[Any, asyncio.Task[Any]] = {}

    async def share(
        self, key: Any, read: Callable[..., Value], *arguments: Any
    ) -> tuple[Value, int]:
        """The value that `read` returns and the generation that it is of: this one, or a later one.

        A reading of this key that runs already is awaited, because after a change every request
        asks for the same. Raises what `read` raises.
        """
        asked, generation = self.generation, -1
        while generation < asked:  # that of a reading which began before the last change
            try:
                value, generation = await asyncio.shield(self._reading(key, read, arguments))
            except GatewayError as error:
                raise error.again() from None  # several may wait for this reading
        return value, generation

    def _reading(
        self, key: Any, read: Callable[..., Value], arguments: tuple[Any, ...]
    ) -> "asyncio.Task[tuple[Value, int]]":
        reading = self._running.get(key)
        if reading is None or reading.done():
            reading = self._running[key] = asyncio.create_task(self.read(read, *arguments))
            reading.add_done_callback(partial(self._end, key))
        return reading

    def _end(self, key: Any, reading: "asyncio.Task[Any]") -> None:
        if self._running.get(key) is reading:
            del self._running[key]
        # exception() marks it as seen: asyncio logs an error that nobody fetched
        _ = reading.cancelled() or reading.exception()

    async def read(self, read: Callable[..., Value], *arguments: Any) -> tuple[Value, int]:
        """The value that `read` returns, and the generation that it is of.

        It is read again when something changed meanwhile, because it may be half old and half new;
        where changes come faster than that, in the end as all was at one moment.
        """
        for number in range(REREADINGS):
            generation, is_last = self.generation, number == REREADINGS - 1
            reading = partial(in_one_snapshot, read) if is_last else read
            value = await read_in_thread(from_here(reading), *arguments)
            await self._confirm()
            if is_last or generation == self.generation:
                break
        return value, generation
