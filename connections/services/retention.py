"""Deletion of what is too old to keep: versions of rows, and checks that nobody asked for."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from ..audit.services import Subject, act, record
from ..models import Connection, ConnectionCheck, Profile, RowVersion, VersionMark
from ..row_versions import DELETION

CHECKS_KEPT = 50  # of each connection, of those that nobody asked for
AT_ONCE = 2000  # rows in one transaction, so that nobody waits long to write


@act("history.delete")
def prune_history(days: int = 0, most: int = 0) -> int:
    """Deletes versions that are more than `days` days old, and all but the newest `most` of each
    thing, and says how many; 0 bounds nothing. The newest of what is still there stays, and so does
    what is pinned.
    """
    deleted = 0
    for model in (Connection, Profile):
        history: Any = model.history
        keys = set(_old(history.all(), ("id",), ("history_date", "history_id"), days, most))
        gone = history.exclude(id__in=model.every.values("pk"))
        keys |= set(_older(gone, "history_date", days).values_list("pk", flat=True))
        deleted += _delete(history, keys - _pinned(model))
    deleted += _delete(RowVersion.objects.all(), _old_states(days, most))
    if deleted:
        detail = {"versions": deleted, "older_than_days": days, "most": most}
        record(Subject("history"), actor=None, detail=detail)
    return deleted


def _older(rows: Any, date: str, days: int) -> Any:
    """Those that are older; none for 0 days."""
    before = timezone.now() - timedelta(days=days)
    return rows.filter(**{f"{date}__lt": before}) if days else rows.none()


def _old(
    rows: Any, of: Sequence[str], order: tuple[str, str], days: int, most: int
) -> Iterator[Any]:
    """The keys of those that are too old or too many, but for the newest of each."""
    descending = [F(one).desc() for one in order]
    place = Window(RowNumber(), partition_by=[F(one) for one in of], order_by=descending)
    placed = rows.order_by().annotate(place=place)
    if most:
        yield from placed.filter(place__gt=most).values_list("pk", flat=True)
    if days:
        before = timezone.now() - timedelta(days=days)
        old = placed.filter(place__gt=1).values_list("pk", order[0])
        yield from (pk for pk, date in old if date < before)


def _old_states(days: int, most: int) -> set[Any]:
    """The keys of old states of things without a history, and of old notes of deletions."""
    rows = RowVersion.objects.exclude(kind=DELETION)
    keys = set(_old(rows, ("kind", "object_id"), ("date", "number"), days, most))
    keys |= set(
        _older(RowVersion.objects.filter(kind=DELETION), "date", days).values_list("pk", flat=True)
    )
    marks = VersionMark.objects.filter(is_pinned=True)
    pinned = set(marks.values_list("kind", "object_id", "number"))
    found = RowVersion.objects.filter(pk__in=keys).values_list("pk", "kind", "object_id", "number")
    return {pk for pk, *place in found if tuple(place) not in pinned}


def _pinned(model: Any) -> set[Any]:
    """The keys of pinned versions in a history."""
    marks = VersionMark.objects.filter(kind=model._meta.model_name, is_pinned=True)
    return {
        pk
        for row_id, number in marks.values_list("object_id", "number")
        for pk in model.history.filter(id=row_id, version=number).values_list("pk", flat=True)
    }


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
