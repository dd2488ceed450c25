"""Cool-downs: whatever failed is asked last by profiles with a fallback, in every worker, until it
has rested.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from connections.change_counter import CHANNEL
from connections.health.services import OF_ACCOUNT
from connections.locks import retried
from providers.core.errors import ProviderError

from ..models import Cooldown, ModelCooldown

LONGEST_COOLDOWN = 300.0  # seconds
WHOLE = ""  # in place of a model: every model of the connection
TABLE, MODEL_TABLE = Cooldown._meta.db_table, ModelCooldown._meta.db_table

# (connection id, model or WHOLE) -> the end of the cool-down, and the code of the error
Cooldowns = dict[tuple[UUID, str], tuple[datetime, str]]


def cooldown_for(connection_id: UUID, model: str, error: ProviderError) -> Cooldowns:
    """The cool-down that a failure begins: as long as the service asked for, else
    GATEWAY_COOLDOWN_SECONDS. Empty for a request that the service refused: nobody is at fault.
    """
    if error.is_about_request:
        return {}
    asked = error.retry_after
    seconds = settings.GATEWAY_COOLDOWN_SECONDS if asked is None else asked
    until = timezone.now() + timedelta(seconds=min(seconds, LONGEST_COOLDOWN))
    resting = WHOLE if error.code in OF_ACCOUNT else model
    return {(connection_id, resting): (until, error.code)}


def cooling_code(
    cooldowns: Mapping[tuple[UUID, str], tuple[datetime, str]], connection_id: UUID, model: str
) -> str:
    """The code of the error for which a model of a connection rests, empty when it does not."""
    if not cooldowns:
        return ""
    now = timezone.now()
    # One that ends later began by a clock that was ahead and has been put right since.
    latest = now + timedelta(seconds=2 * LONGEST_COOLDOWN)
    for key in ((connection_id, WHOLE), (connection_id, model)):
        until, code = cooldowns.get(key, (now, ""))
        if now < until < latest:
            return code
    return ""


def read_cooldowns() -> Cooldowns:
    """The cool-downs that have not ended. Two queries."""
    now = timezone.now()
    whole = Cooldown.objects.filter(until__gt=now)
    found = {(row.connection_id, WHOLE): (row.until, row.code) for row in whole}
    rows = ModelCooldown.objects.filter(until__gt=now)
    return found | {(row.connection_id, row.model): (row.until, row.code) for row in rows}


def read_cooldowns_of_file(file: sqlite3.Connection) -> Cooldowns:
    """The same, from a connection of sqlite3's own. It may return ended ones too."""

    def rows() -> Iterator[tuple[str, str, str, str]]:
        yield from file.execute(f"SELECT connection_id, '', until, code FROM {TABLE}")  # noqa: S608 names of our own
        yield from file.execute(f"SELECT connection_id, model, until, code FROM {MODEL_TABLE}")  # noqa: S608 names of our own

    # Django keeps an id in SQLite without hyphens, and a time in UTC without its zone.
    return {
        (UUID(connection_id), model): (datetime.fromisoformat(until).replace(tzinfo=UTC), code)
        for connection_id, model, until, code in rows()
    }


@retried
def store_cooldowns(cooldowns: Cooldowns) -> None:
    """Tells every worker of cool-downs. In a thread, with the database.

    The rows are locked in the order of their keys, so that two workers never wait for each other.
    """
    with transaction.atomic():
        for (connection_id, model), (until, code) in sorted(cooldowns.items()):
            values = {"until": until, "code": code}
            if model == WHOLE:
                Cooldown.objects.update_or_create(connection_id=connection_id, defaults=values)
            else:
                ModelCooldown.objects.update_or_create(
                    connection_id=connection_id, model=model, defaults=values
                )
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"NOTIFY {CHANNEL}")
