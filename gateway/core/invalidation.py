"""Invalidation of what a worker remembers, so that nothing is used after it has changed.

SQLite tells of changes by `PRAGMA data_version` on a kept connection, which takes microseconds and
is asked at every request (https://www.sqlite.org/pragma.html#pragma_data_version). PostgreSQL tells
by NOTIFY, which reaches every worker on every host as the change commits; the change stamp is read
each half second besides, and nothing is answered from memory that was not confirmed lately. Redis,
where it is the cache, carries the same message.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from django.db import connection

from connections.change_counter import CHANNEL, read_change_counter
from connections.direct_database import direct_parameters
from connections.models import ChangeStamp
from connections.redis_cache import redis_address

from .cooldowns import Cooldowns, read_cooldowns, read_cooldowns_of_file
from .db_threads import UNCONFIRMED, read_in_thread
from .errors import GatewayError

READ_EVERY = 0.5  # seconds between two readings of the stamp
TRUST_FOR = 1.0  # seconds for which a reading counts
LISTENED_FOR = 10.0  # seconds; an attempt that fails sooner is another of the same outage
LISTENER_OPTIONS: dict[str, Any] = {"socket_connect_timeout": 2, "socket_keepalive": True}

STAMP_TABLE = ChangeStamp._meta.db_table

logger = logging.getLogger(__name__)


def read_state() -> tuple[int, Cooldowns]:
    """The change stamp and the cool-downs that have not ended. Three queries."""
    return read_change_counter(), read_cooldowns()


class Invalidation:
    """Calls `forget` whenever the stamp has changed.

    `cooldowns` are those that all workers know of.
    """

    def __init__(self, forget: Callable[[], None]) -> None:
        self._forget = forget
        self._stamp: int | None = None
        self._confirmed = float("-inf")
        self._told_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.cooldowns: Cooldowns = {}

    async def confirm(self) -> None:
        """Returns when what is remembered is true.

        Costs nothing while a reading is recent. Raises GatewayError 503 when the database does not
        answer.
        """
        await self._read_since(time.monotonic() - TRUST_FOR)

    async def read(self) -> None:
        """Reads stamp and cool-downs, unless another task begins to read them after this call.

        Raises GatewayError 503 when the database does not answer.
        """
        await self._read_since(time.monotonic())

    async def _read_since(self, moment: float) -> None:
        """Returns when a reading that began at this moment or later has ended.

        All who wait share a reading, and its failure.
        """
        while self._confirmed < moment:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read_now())
            try:
                await asyncio.shield(self._reading)
            except GatewayError as error:
                raise error.again() from None

    async def _read_now(self) -> None:
        began = time.monotonic()
        self._apply(*await read_in_thread(read_state), began)

    def _apply(self, stamp: int, cooldowns: Cooldowns, began: float) -> None:
        self.cooldowns = cooldowns
        if stamp != self._stamp:
            self._stamp = stamp
            self._forget()
        if began >= self._told_at:
            self._confirmed = began

    async def start(self) -> None:
        """Begins to listen."""
        self._tasks.append(asyncio.create_task(self._read_often()))
        if connection.vendor == "postgresql":
            self._tasks.append(
                asyncio.create_task(self._repeat("PostgreSQL", self._listen_to_postgresql))
            )
        if address := redis_address():
            self._tasks.append(
                asyncio.create_task(self._repeat("Redis", lambda: self._listen_to_redis(address)))
            )

    async def stop(self) -> None:
        """Ends listening."""
        running = set(self._tasks)
        while running:  # redis swallows a cancellation that comes while it connects
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=0.1)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _read_often(self) -> None:
        while True:
            with suppress(GatewayError):
                await self.read()
            await asyncio.sleep(READ_EVERY)

    async def _repeat(self, server: str, listen: Callable[[], Awaitable[None]]) -> None:
        """Listens again after a second whenever listening was interrupted. Of many attempts in a
        row the first is logged.
        """
        failed_at = float("-inf")
        while True:
            try:
                await listen()
            except Exception as error:  # noqa: BLE001 the driver's own, of any kind; the stamp is read all the same
                if time.monotonic() - failed_at > LISTENED_FOR:
                    logger.warning(
                        "Listening to %s was interrupted: %s", server, type(error).__name__
                    )
            failed_at = time.monotonic()
            await asyncio.sleep(1)

    async def _forget_and_read(self) -> None:
        """For a message of a change. It comes after the commit, so what is read now is new."""
        self._forget()
        self._confirmed, self._told_at = float("-inf"), time.monotonic()
        with suppress(GatewayError):
            await self.read()

    async def _listen_to_postgresql(self) -> None:
        import psycopg

        arguments = direct_parameters()
        # a worker that starts has no time for it within the moments that a request may wait
        arguments |= {"connect_timeout": 10, "autocommit": True}
        async with await psycopg.AsyncConnection.connect(**arguments) as listener:
            await listener.execute(f"LISTEN {CHANNEL}")
            await self.read()  # changes from before LISTEN send no message to this connection
            async for _ in listener.notifies():
                await self._forget_and_read()

    async def _listen_to_redis(self, address: str) -> None:
        from redis.asyncio import Redis

        async with (
            Redis.from_url(address, **LISTENER_OPTIONS) as client,
            client.pubsub(ignore_subscribe_messages=True) as listener,
        ):
            await listener.subscribe(CHANNEL)
            await self.read()
            async for _ in listener.listen():
                await self._forget_and_read()


class SQLiteInvalidation(Invalidation):
    """Asks the database file itself, at every request."""

    def __init__(self, forget: Callable[[], None]) -> None:
        super().__init__(forget)
        self._file: sqlite3.Connection | None = None
        self._data_version: int | None = None
        self._is_confirmed = False

    async def confirm(self) -> None:
        if self._is_confirmed:
            return
        try:
            if self._file is None:
                # isolation_level None: no transaction is ever open, or the pragma would tell of an
                # old one
                self._file = sqlite3.connect(
                    connection.settings_dict["NAME"], isolation_level=None, timeout=5
                )
            data_version = self._file.execute("PRAGMA data_version").fetchone()[0]
            if data_version != self._data_version:
                self._read_rows(self._file)
                self._data_version = data_version
        except sqlite3.Error as error:
            logger.error("The database file cannot be read: %s", type(error).__name__)
            self._close()
            raise GatewayError(503, "database_unavailable", UNCONFIRMED, retry_after=1) from None
        # Once in a turn of the event loop: every request that is answered in this turn had arrived
        # before it.
        self._is_confirmed = True
        asyncio.get_running_loop().call_soon(setattr, self, "_is_confirmed", False)

    async def read(self) -> None:
        await self.confirm()

    def _read_rows(self, file: sqlite3.Connection) -> None:
        stamp = file.execute(f"SELECT number FROM {STAMP_TABLE}").fetchone()  # noqa: S608 a name of our own
        cooldowns = read_cooldowns_of_file(file)
        self._apply(stamp[0] if stamp else 0, cooldowns, time.monotonic())

    def _close(self) -> None:
        self._data_version = None
        if self._file is not None:
            self._file.close()
            self._file = None

    async def stop(self) -> None:
        await super().stop()
        self._close()


def new_invalidation(forget: Callable[[], None]) -> Invalidation:
    """The invalidation for the database in use; it calls `forget` at each change."""
    return SQLiteInvalidation(forget) if connection.vendor == "sqlite" else Invalidation(forget)
