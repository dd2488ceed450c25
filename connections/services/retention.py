"""Deletion of what is too old to keep: versions of rows, and checks that nobody asked for."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from ..audit.services import Subject, act, record
from ..models import Connection, ConnectionCheck, Profile

CHECKS_KEPT = 50  # of each connection, of those that nobody asked for
AT_ONCE = 2000  # rows in one transaction, so that nobody waits long to write


@act("history.delete")
def prune_history(days: int) -> int:
    """Deletes versions of connections and profiles that are more than `days` days old, and says how
    many. The newest of each row that is still there stays.
    """
    deleted = 0
    for model in (Connection, Profile):
        history: Any = model.history
        of_row = history.filter(id=OuterRef("id")).order_by("-history_date", "-history_id")
        old = history.filter(history_date__lt=timezone.now() - timedelta(days=days))
        newest = Subquery(of_row.values("history_id")[:1])
        gone = old.exclude(id__in=model.objects.values("pk"))
        for rows in (gone, old.exclude(history_id=newest)):
            deleted += _delete(history, list(rows.values_list("pk", flat=True)))
    if deleted:
        detail = {"versions": deleted, "older_than_days": days}
        record(Subject("history"), actor=None, detail=detail)
    return deleted


def prune_checks() -> int:
    """Deletes all but the last CHECKS_KEPT checks of each connection that were made by themselves,
    and says how many. What people asked for stays.
    """
    place = Window(RowNumber(), partition_by=F("connection_id"), order_by=F("id").desc())
    made = ConnectionCheck.objects.filter(is_scheduled=True).order_by()
    old = made.annotate(place=place).filter(place__gt=CHECKS_KEPT)
    return _delete(ConnectionCheck.objects.all(), list(old.values_list("pk", flat=True)))


def _delete(rows: QuerySet[Any], keys: Iterable[Any]) -> int:
    found = sorted(keys)
    return sum(
        rows.filter(pk__in=found[at : at + AT_ONCE]).delete()[0]
        for at in range(0, len(found), AT_ONCE)
    )
