"""How a worker learns that something changed, so that it never uses what it remembers a moment too
long.

SQLite tells by `PRAGMA data_version` on a kept connection, which takes microseconds and is asked at
every request (https://www.sqlite.org/pragma.html#pragma_data_version). PostgreSQL tells by NOTIFY,
which reaches every worker on every host as the change commits; the stamp is read each second
besides, and nothing is answered from memory that was not confirmed lately. Redis, where it is the
cache, carries the same word for a PostgreSQL behind a pooler that swallows NOTIFY.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, connections
from django.utils import timezone

from connections.models import ChangeStamp
from connections.services import CHANNEL, read_change_counter, redis_address

from ..models import Cooldown
from .db_threads import in_thread
from .errors import GatewayError

EVERY = 0.5  # seconds between two readings of the stamp
TRUSTED = 1.0  # seconds for which a reading counts
UNCONFIRMED = (
    "The database does not answer, so nothing that was remembered may be used. Try again shortly."
)

STAMPS, COOLDOWNS = ChangeStamp._meta.db_table, Cooldown._meta.db_table

logger = logging.getLogger(__name__)


def read_state() -> tuple[int, dict[UUID, tuple[datetime, str]]]:
    """The change stamp, and which connections rest until when, and why. Two queries."""
    resting = Cooldown.objects.filter(until__gt=timezone.now())
    return read_change_counter(), {row.connection_id: (row.until, row.code) for row in resting}


class Watch:
    """Calls `forget` whenever the stamp has changed.

    `resting` has the cool-downs of all workers.
    """

    def __init__(self, forget: Callable[[], None]) -> None:
        self._forget = forget
        self._stamp: int | None = None
        self._confirmed = float("-inf")
        self._reading: asyncio.Lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self.resting: dict[UUID, tuple[datetime, str]] = {}

    async def confirm(self) -> None:
        """Returns when what is remembered is true.

        Costs nothing while a reading is recent. Raises GatewayError (503).
        """
        if time.monotonic() - self._confirmed > TRUSTED:
            await self.read()

    async def read(self) -> None:
        """Reads stamp and cool-downs, unless somebody did since we came.

        Raises GatewayError (503) when the database is silent.
        """
        came = time.monotonic()
        async with self._reading:
            if self._confirmed >= came:
                return
            began = time.monotonic()
            try:
                stamp, resting = await in_thread(read_state)
            except DatabaseError as error:
                logger.error("The change stamp cannot be read: %s", type(error).__name__)
                raise GatewayError(503, "database_unavailable", UNCONFIRMED) from None
            self._take(stamp, resting, began)

    def _take(self, stamp: int, resting: dict[UUID, tuple[datetime, str]], began: float) -> None:
        self.resting = resting
        if stamp != self._stamp:
            self._stamp = stamp
            self._forget()
        self._confirmed = began

    async def start(self) -> None:
        """Begins to listen."""
        self._tasks.append(asyncio.create_task(self._read_often()))
        if connection.vendor == "postgresql":
            self._tasks.append(asyncio.create_task(self._forever(self._listen_to_postgresql)))
        if address := redis_address():
            self._tasks.append(asyncio.create_task(self._forever(self._listen_to_redis, address)))

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
            await asyncio.sleep(EVERY)

    async def _forever(self, listen: Callable[..., Any], *arguments: Any) -> None:
        while True:
            try:
                await listen(*arguments)
            except Exception as error:  # noqa: BLE001 the driver's own, of any kind; the stamp is read all the same
                logger.warning("Listening for changes was interrupted: %s", type(error).__name__)
            await asyncio.sleep(1)

    async def _heard(self) -> None:
        """The word comes after the commit: what is read from now on is new."""
        self._forget()
        self._confirmed = float("-inf")
        with suppress(GatewayError):
            await self.read()

    async def _listen_to_postgresql(self) -> None:
        import psycopg

        arguments = connections["default"].get_connection_params()
        arguments = {
            name: value
            for name, value in arguments.items()
            if name not in ("context", "cursor_factory", "prepare_threshold")
        }
        async with await psycopg.AsyncConnection.connect(**arguments, autocommit=True) as listener:
            await listener.execute(f"LISTEN {CHANNEL}")
            await self.read()  # what happened before is no news any more
            async for _ in listener.notifies():
                await self._heard()

    async def _listen_to_redis(self, address: str) -> None:
        from redis.asyncio import Redis

        async with (
            Redis.from_url(address) as client,
            client.pubsub(ignore_subscribe_messages=True) as listener,
        ):
            await listener.subscribe(CHANNEL)
            await self.read()
            async for _ in listener.listen():
                await self._heard()


class SQLiteWatch(Watch):
    """Asks the file itself, at every request."""

    def __init__(self, forget: Callable[[], None]) -> None:
        super().__init__(forget)
        self._file: sqlite3.Connection | None = None
        self._seen: int | None = None
        self._looked = False

    async def confirm(self) -> None:
        if self._looked:
            return
        try:
            self._look()
            # Once in a turn of the event loop: whatever is answered in this turn had arrived before
            # it.
            self._looked = True
            asyncio.get_running_loop().call_soon(self._look_again)
        except sqlite3.Error as error:
            logger.error("The database file cannot be read: %s", type(error).__name__)
            self._close()
            raise GatewayError(503, "database_unavailable", UNCONFIRMED) from None

    async def read(self) -> None:
        await self.confirm()

    def _look_again(self) -> None:
        self._looked = False

    def _look(self) -> None:
        if self._file is None:
            # isolation_level None: no transaction is ever open, or the pragma would tell of an old
            # one
            self._file = sqlite3.connect(
                connection.settings_dict["NAME"], isolation_level=None, timeout=5
            )
        seen = self._file.execute("PRAGMA data_version").fetchone()[0]
        if seen != self._seen:
            stamp = self._file.execute(f"SELECT number FROM {STAMPS}").fetchone()  # noqa: S608 names of our own
            rows = self._file.execute(
                f"SELECT connection_id, until, code FROM {COOLDOWNS}"  # noqa: S608
            ).fetchall()
            self._take(
                stamp[0] if stamp else 0, dict(_cooldown(*row) for row in rows), time.monotonic()
            )
            self._seen = seen

    def _close(self) -> None:
        self._seen = None
        if self._file is not None:
            self._file.close()
            self._file = None

    async def stop(self) -> None:
        await super().stop()
        self._close()


def _cooldown(connection_id: str, until: str, code: str) -> tuple[UUID, tuple[datetime, str]]:
    """A row as Django keeps it in SQLite: the id without hyphens, the time in UTC without saying
    so.
    """
    return UUID(connection_id), (datetime.fromisoformat(until).replace(tzinfo=UTC), code)


def new_watch(forget: Callable[[], None]) -> Watch:
    """The watch for the database in use."""
    return SQLiteWatch(forget) if connection.vendor == "sqlite" else Watch(forget)
