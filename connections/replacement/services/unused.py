"""The keys of replacements that no connection uses: counted, and purged before their time."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from connections.models import Connection, KeyReplacement
from connections.services import Keeper, declare_keeper

from .purge import purge

State = KeyReplacement.State


def declare_own_keeper() -> None:
    """Declares them. Called once, when Django is ready."""
    declare_keeper(Keeper("replacements", _count_keys, _purge_keys))


def _keys(before: datetime | None, connection_id: UUID | None) -> QuerySet[KeyReplacement]:
    """Those that are kept for no longer by a time of their own: of connections that are gone, else
    only at once. The next key of an open replacement is yet to be used.
    """
    kept = KeyReplacement.objects.filter(credentials__isnull=False)
    if connection_id:
        kept = kept.filter(connection_id=connection_id)
    gone = kept.exclude(connection_id__in=Connection.every.values("pk"))
    if before is None:
        return gone | kept.exclude(state=State.OPEN)
    return gone.filter(date_begun__lte=before)


def _count_keys(before: datetime | None, connection_id: UUID | None) -> int:
    return _keys(before, connection_id).count()


def _purge_keys(before: datetime | None, connection_id: UUID | None) -> int:
    rows = list(_keys(before, connection_id))
    for row in rows:
        purge(row)
    return len(rows)
