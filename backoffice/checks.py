"""What `/health/ready` asks. Each check finds a state, with a reason in words where there is
something to tell; a reason names no host, no path and no secret, since anybody may read it.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from connections import selectors
from connections.credentials import Undecryptable, fernet
from connections.models import Connection
from connections.outages import FULL, database_outage, seconds_left
from connections.redis_cache import REDIS, redis_address
from connections.schedule.services import is_quiet
from gateway.routing.gateway import recorder_troubles

from .schema import read_schema

ROOM = 256 * 1024  # bytes that have to fit on the disk now
RESERVE, RESERVE_SHARE = 512 * 1024**2, 0.05  # bytes, or this share of a small disk: room for later
SAMPLE = 10  # credentials of those that were changed last, and as many of any
# A sort that is larger than its memory goes to PostgreSQL's disk, and leaves nothing there.
SPILL = """
SET LOCAL work_mem = '64kB';
SELECT count(*) FROM (SELECT n FROM generate_series(1, 20000) n ORDER BY -n OFFSET 0) sorted
"""


class State(StrEnum):
    """How something is. Only FAILED keeps requests away; of UNKNOWN nobody could be asked."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    state: State = State.OK
    reason: str = ""


GOOD = Finding()


def failed(reason: str) -> Finding:
    """Requests cannot be served."""
    return Finding(State.FAILED, reason)


def degraded(reason: str) -> Finding:
    """Something lacks, and the gateway answers all the same. An empty reason: nothing lacks."""
    return Finding(State.DEGRADED, reason) if reason else GOOD


class Kept:
    """A check that is asked again only after some seconds, because it costs more than a query."""

    def __init__(self, seconds: float, check: Callable[[], str]) -> None:
        self._seconds, self._check = seconds, check
        self.forget()

    def forget(self) -> None:
        """Lets the next question be asked."""
        self._asked_at, self._found = float("-inf"), ""

    def __call__(self) -> str:
        if time.monotonic() - self._asked_at > self._seconds:
            self._found = self._check()
            self._asked_at = time.monotonic()
        return self._found


def check_database() -> Finding:
    """Whether the database answers."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql":
        from .postgresql.server import DATABASE, has_free_connection

        if not DATABASE.check():
            return failed("The database server does not answer.")
        if not has_free_connection():
            return failed(
                "No connection to the database is free: this worker uses all of its "
                "DATABASE_POOL_SIZE, or the server has no place for another."
            )
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        return failed(f"The database cannot be asked ({type(error).__name__}).")
    return GOOD


def check_schema() -> Finding:
    """Whether this code works on the database's schema. Raises django.db.Error."""
    schema = read_schema()
    return Finding(State.OK if schema.works else State.FAILED, schema.message)


def check_keys(has_database: bool) -> Finding:
    """Whether FERNET_KEYS can be used, and opens what is stored. Raises django.db.Error."""
    try:
        fernet().decrypt(fernet().encrypt(b"ready"))
    except (ImproperlyConfigured, ValueError):
        return failed("FERNET_KEYS is not set, or has a key that cannot be used.")
    if not has_database or not (text := closed_credentials()):
        return GOOD
    return failed(text) if text.startswith("None") else degraded(text)


def _closed_credentials() -> str:
    """Which of some stored credentials no key opens."""
    stored = Connection.objects.exclude(credentials__isnull=True)
    tokens = {
        row["pk"]: row["credentials"]
        for order in ("-date_modified", "pk")
        for row in stored.order_by(order).values("pk", "credentials")[:SAMPLE]
    }
    closed = sum(isinstance(one, Undecryptable) for one in tokens.values())
    if not closed:
        return ""
    if closed == len(tokens):
        return (
            f"None of {closed} stored credentials that were looked at can be opened with "
            "FERNET_KEYS. Put back the key with which they were stored."
        )
    return (
        f"{closed} of {len(tokens)} stored credentials that were looked at cannot be opened with "
        "FERNET_KEYS. `manage.py rotate_credentials --check` counts all."
    )


closed_credentials = Kept(30.0, _closed_credentials)


def begin_cache() -> Callable[[], Finding]:
    """Asks Redis, if it is the cache, while others are asked; the answer to be taken later."""
    answer: Future[bool] | None = _redis.submit(REDIS.check) if redis_address() else None

    def end() -> Finding:
        try:
            if answer is None or answer.result(seconds_left()):
                return GOOD
        except TimeoutError:
            pass
        return degraded("Redis does not answer, or takes no writes. Each worker counts for itself.")

    return end


def check_replica() -> Finding:
    """Whether the replica may be read."""
    from .postgresql.replica import may_be_read

    return degraded("" if may_be_read() else "The replica is away or behind. It is not read.")


def check_sources() -> Finding:
    """Whether the secret stores answer."""
    outages = selectors.store_outages()
    since = min((outage.since for outage in outages), default=None)
    return degraded(
        f"{len(outages)} secret store(s) do not answer, since {since:%Y-%m-%d %H:%M:%S} UTC. Their "
        "last values are used for CONNECTIONS_STALE_MINUTES."
        if since
        else ""
    )


def check_disk() -> Finding:
    """Whether the database's disk has room, also for a while to come."""
    return degraded(lacking_room() or lacking_reserve())


def check_writes() -> Finding:
    """Whether changes are taken. Raises django.db.Error."""
    return degraded(lacking_room() or refused_writes())


def _file() -> Path | None:
    """The file of SQLite, None for another database."""
    database = connections[DEFAULT_DB_ALIAS]
    name = str(database.settings_dict["NAME"])
    return Path(name) if database.vendor == "sqlite" and "memory" not in name else None


def _lacking_room() -> str:
    full = "The disk of the database is full. Nothing can be changed, nor switched off. Make room."
    file = _file()
    try:
        if file is not None:
            with TemporaryFile(dir=file.parent) as written:
                os.posix_fallocate(written.fileno(), 0, ROOM)
        elif connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
            with transaction.atomic(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(SPILL)
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return full if is_full else "The folder of the database cannot be written to."
    except Error as error:
        if database_outage(error) is FULL:
            return full
        raise
    return ""


def _lacking_reserve() -> str:
    file = _file()
    if file is None:
        return ""
    total, _, free = shutil.disk_usage(file.parent)
    if free >= min(RESERVE, total * RESERVE_SHARE):
        return ""
    return f"The disk of the database has {free / 1024**2:.0f} MB left."


def _refused_writes() -> str:
    database, file = connections[DEFAULT_DB_ALIAS], _file()
    if file is not None:
        is_open = os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)
        return "" if is_open else "The file of the database, or its folder, is read-only."
    if database.vendor != "postgresql":
        return ""
    with database.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        is_open = cursor.fetchone() == ("off",)
    return "" if is_open else "The database is read-only."


lacking_room, lacking_reserve = Kept(5.0, _lacking_room), Kept(5.0, _lacking_reserve)
refused_writes = Kept(5.0, _refused_writes)


def check_schedule() -> Finding:
    """Whether somebody runs what is due. Raises django.db.Error."""
    return degraded(
        "Nothing has run by itself for too long: no checks, no renewals, nothing is deleted. The "
        "page What runs by itself says more."
        if is_quiet()
        else ""
    )


def check_recorder() -> Finding:
    """Whether this worker's usage records are written."""
    return degraded(" ".join(recorder_troubles()))


_redis = ThreadPoolExecutor(4, "ready")  # it waits for Redis while the database is asked
