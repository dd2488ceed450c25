"""The end of secrets that nothing uses any more: cleared, replaced or deleted ones stay for
CONNECTIONS_SECRETS_KEPT_HOURS, so that the act can be undone, and are purged then, or at once if
somebody asks for it.

Each room says where such secrets stay, and how they are purged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection as database
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from providers.core.errors import ProviderError
from providers.http.service import HttpService

from ..access_tokens import stored_key
from ..audit.services import Subject, act, record
from ..errors import Unusable
from ..models import AccessToken, Connection
from ..runtime import get_configured_provider
from .permissions import Actor, require
from .purged_versions import count_unused, purge_versions

GRANT_IS_GONE = "invalid_settings"  # for want of the secret that a token was given out for


@dataclass(frozen=True)
class Keeper:
    """A kind of place in which secrets stay that nothing uses any more.

    `count` and `purge` count or purge those that have not been used
    since a time or longer, None standing for all; of one connection, or of all for None.
    """

    name: str
    count: Callable[[datetime | None, UUID | None], int]
    purge: Callable[[datetime | None, UUID | None], int]


@dataclass(frozen=True)
class Left:
    """The number of places of a kind, by its name, that keep an unused secret, and of those that
    are overdue.
    """

    name: str
    number: int
    overdue: int


_keepers: dict[str, Keeper] = {}


def declare_keeper(keeper: Keeper) -> None:
    """Adds a kind of place. Called when the app of a room is ready."""
    _keepers[keeper.name] = keeper


def kept_for() -> timedelta:
    """How long an unused secret stays: never less than the time in which an act can be undone."""
    undo = settings.CONNECTIONS_UNDO_MINUTES
    shortest = timedelta(minutes=undo + 1 if undo else 0)
    return max(timedelta(hours=settings.CONNECTIONS_SECRETS_KEPT_HOURS), shortest)


@act("secret.purge")
def purge_secrets(connection_id: UUID | None = None, *, at_once: bool = False) -> dict[str, int]:
    """Purges secrets that have not been used for `kept_for`, or `at_once` all unused ones, of one
    connection, which may be deleted, or of all. Says how many places lost some, by kind.

    It may be ended at any moment, and run again.
    """
    before = None if at_once else timezone.now() - kept_for()
    purged = {one.name: one.purge(before, connection_id) for one in _keepers.values()}
    if any(purged.values()):
        record(_subject(connection_id), actor=None, detail=purged)
    if any(purged.values()) and not database.in_atomic_block:
        getattr(database, "drop_old_pages", int)()
    return purged


def _subject(connection_id: UUID | None) -> Subject | None:
    if connection_id is None:
        return None
    history: Any = Connection.history
    newest = history.filter(id=connection_id).order_by("-history_id").first()
    return Subject("connection", str(connection_id), newest.alias if newest else "")


@act("secret.purge")
def purge_connection(connection: Connection, *, actor: Actor) -> int:
    """Purges all secrets of a connection at once that it does not use. An act that would need them
    cannot be undone any more. Says how many places lost some. Raises PermissionDenied.
    """
    require(actor, "connections.change_connection", on=connection)
    purged = purge_secrets(connection.pk, at_once=True)
    record(connection, actor=actor, detail=purged)
    return sum(purged.values())


def has_unused_secrets(connection: Connection) -> bool:
    """True if versions of a connection hold secrets that it does not use."""
    return count_unused(connection.pk, _is_due(None)) > 0


def secrets_left() -> list[Left]:
    """The unused secrets that are still there, by kind. Nothing is written."""
    before = timezone.now() - kept_for()
    return [
        Left(one.name, one.count(None, None), one.count(before, None)) for one in _keepers.values()
    ]


def declare_own_keepers() -> None:
    """Declares the places of the core. Called once, when Django is ready."""
    declare_keeper(Keeper("versions", _count_versions, _purge_versions))
    declare_keeper(Keeper("access-tokens", _count_tokens, _purge_tokens))


def _with_versions(connection_id: UUID | None) -> list[UUID]:
    if connection_id:
        return [connection_id]
    history: Any = Connection.history
    rows = history.filter(credentials__isnull=False).order_by()
    return sorted(rows.values_list("id", flat=True).distinct())


def _is_due(before: datetime | None) -> Callable[[str, Any, datetime], bool]:
    return lambda _place, _value, ended: before is None or ended <= before


def _count_versions(before: datetime | None, connection_id: UUID | None) -> int:
    return sum(count_unused(pk, _is_due(before)) for pk in _with_versions(connection_id))


def _purge_versions(before: datetime | None, connection_id: UUID | None) -> int:
    is_due = _is_due(before)
    due = [pk for pk in _with_versions(connection_id) if count_unused(pk, is_due)]
    return sum(purge_versions(pk, is_due) for pk in due)


def _count_tokens(_before: datetime | None, connection_id: UUID | None) -> int:
    return len(_old_tokens(connection_id))


def _purge_tokens(_before: datetime | None, connection_id: UUID | None) -> int:
    """Deletes them at once in any case: nothing finds them again, and they can be fetched."""
    old = _old_tokens(connection_id)
    return sum(AccessToken.objects.filter(pk=pk, key=key).delete()[0] for pk, key in old)


@sensitive_variables()
def _old_tokens(connection_id: UUID | None) -> list[tuple[Any, str]]:
    """The tokens that were given out for other secrets than those of today: their ids and keys."""
    only = {"pk": connection_id} if connection_id else {}
    kept = dict(
        AccessToken.objects.filter(credentials__isnull=False, **only).values_list("pk", "key")
    )
    rows = Connection.every.filter(pk__in=kept)
    return [(row.pk, kept[row.pk]) for row in rows if not _is_of_today(row, kept[row.pk])]


@sensitive_variables()
def _is_of_today(row: Connection, key: str) -> bool:
    """True also where it cannot be known, such as while a source is away."""
    try:
        provider = get_configured_provider(row, even_inactive=True)
        grants = provider.grant_keys if isinstance(provider, HttpService) else []
    except (ProviderError, Unusable) as error:
        return error.code != GRANT_IS_GONE
    return key in {stored_key(one, own) for one in grants for own in settings.FERNET_KEYS}
