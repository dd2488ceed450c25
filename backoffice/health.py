"""For load balancers and orchestrators: is the process alive, and can it work."""

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from connections import selectors
from connections.credentials import fernet
from connections.outages import answered_within, seconds_left
from connections.redis_cache import REDIS, redis_address
from connections.replica import REPLICA
from connections.schedule.services import is_quiet

from .schema import Schema, State, read_schema

READY_SECONDS = 0.8  # for all questions together; who asks waits a second at most
WRITES_KEPT = 5.0  # seconds
ROOM = 256 * 1024  # bytes
# A sort that is larger than its memory goes to PostgreSQL's disk, and leaves nothing there.
SPILL = """
SET LOCAL work_mem = '64kB';
SELECT count(*) FROM (SELECT n FROM generate_series(1, 20000) n ORDER BY -n OFFSET 0) sorted
"""


@login_not_required
@require_safe
def health_live(_request: HttpRequest) -> JsonResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def health_ready(_request: HttpRequest) -> JsonResponse:
    """200 when the database answers, its schema is one that this code works on and the keys can be
    used; else 503 with what is not.

    The status is "degraded", with 200, while Redis, the replica or a secret store is away, nothing
    can be written or nothing runs by itself: callers of the gateway are answered all the same. What
    has not answered within READY_SECONDS has failed.
    """
    with answered_within(READY_SECONDS):
        cache = _redis.submit(REDIS.check) if redis_address() else None
        needed = {"database": _database(), "migrations": False, "keys": _keys()}
        schema = _schema() if needed["database"] else None
        needed["migrations"] = schema is not None and schema.works
        wanted = {"writes": needed["database"] and _writes(), "cache": _in_time(cache)}
        if REPLICA in connections:
            wanted["replica"] = _replica()
        wanted["schedule"] = not needed["migrations"] or _schedule()
    is_ready = all(needed.values())
    outages = selectors.store_outages()
    if outages:
        wanted["sources"] = False
    status = "ok" if is_ready and all(wanted.values()) else "degraded"
    body: dict[str, Any] = {
        "status": status if is_ready else "unavailable",
        "checks": {name: "ok" if good else "failed" for name, good in (needed | wanted).items()},
    }
    if schema is not None and schema.state != State.CURRENT:
        body["schema"] = {"state": schema.state, "message": schema.message}
    if outages:
        body["sourcesAwaySince"] = [outage.since for outage in outages]
    response = JsonResponse(body, status=200 if is_ready else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 Django's mark; it would write a line each time
    return response


def _database() -> bool:
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql":
        from .postgresql.server import DATABASE, has_free_connection

        if not DATABASE.check() or not has_free_connection():
            return False
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _schema() -> Schema | None:
    """The state of the schema; None where it could not be read."""
    try:
        return read_schema()
    except DatabaseError:
        return None


def _in_time(answer: Future[bool] | None) -> bool:
    """The answer of a question that was asked meanwhile; True where there was nothing to ask."""
    try:
        return answer is None or answer.result(seconds_left())
    except TimeoutError:
        return False


def _replica() -> bool:
    from .postgresql.replica import may_be_read

    return not seconds_left() or may_be_read()


def _schedule() -> bool:
    """True unless nobody has run what is due for too long. Not asked where there is no time."""
    try:
        return not seconds_left() or not is_quiet()
    except DatabaseError:
        return False


def _keys() -> bool:
    try:
        return fernet().decrypt(fernet().encrypt(b"ready")) == b"ready"
    except (ImproperlyConfigured, ValueError):
        return False


def _writes() -> bool:
    """True if the database's disk has room, asked again after WRITES_KEPT seconds, and not where
    there is no time for it.
    """
    global _asked
    if seconds_left() and time.monotonic() - _asked[0] > WRITES_KEPT:
        database = connections[DEFAULT_DB_ALIAS]
        _asked = time.monotonic(), _has_room(database.vendor, str(database.settings_dict["NAME"]))
    return _asked[1]


def _has_room(vendor: str, name: str) -> bool:
    try:
        if vendor == "sqlite":
            if "memory" not in name:
                with TemporaryFile(dir=Path(name).parent) as file:
                    os.posix_fallocate(file.fileno(), 0, ROOM)
            return True
        with transaction.atomic(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(SPILL)
            cursor.execute("SHOW transaction_read_only")
            return bool(cursor.fetchone() == ("off",))
    except (OSError, DatabaseError):
        return False


_asked = float("-inf"), True
_redis = ThreadPoolExecutor(4, "ready")  # it waits for Redis while the database is asked
