"""What is too old to keep: usage records, windows of limits, cool-downs that have ended."""

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from ..models import Cooldown, TokenCount, UsageRecord

BATCH = 2000  # rows in one transaction, so that nobody waits long to write
WINDOWS_KEPT = timedelta(days=2)  # no window is longer than a day


@dataclass(frozen=True)
class Old:
    """How many rows of each kind were, or would be, deleted."""

    records: int
    counts: int
    cooldowns: int


def prune(days: int, dry_run: bool = False) -> Old:
    """Deletes requests that began more than `days` days ago, and whatever else nobody needs; a dry
    run only counts.
    """
    now = timezone.now()
    windows = f"{now.astimezone(UTC) - WINDOWS_KEPT:%Y-%m-%d}"
    remove = _count if dry_run else _delete
    return Old(
        records=remove(
            UsageRecord.objects.filter(started_at__lt=now - timedelta(days=days)).order_by(
                "started_at"
            )
        ),
        counts=remove(TokenCount.objects.filter(window__lt=windows)),
        cooldowns=remove(Cooldown.objects.filter(until__lt=now)),
    )


def _count(rows: QuerySet[Any]) -> int:
    return rows.count()


def _delete(rows: QuerySet[Any]) -> int:
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.model._default_manager.filter(pk__in=keys).delete()[0]
    return deleted
