"""Deletion of what is too old to keep: usage records, windows of limits, ended cool-downs."""

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from ..models import Cooldown, ModelCooldown, TokenCount, UsageAttempt, UsageRecord

BATCH = 2000  # rows in one transaction, so that nobody waits long to write
WINDOWS_KEPT = timedelta(days=2)  # no window is longer than a day


@dataclass(frozen=True)
class PruneCounts:
    """The numbers of rows that were, or would be, deleted."""

    records: int
    counts: int
    cooldowns: int


def prune(days: int, dry_run: bool = False) -> PruneCounts:
    """Deletes the records of requests that began more than `days` days ago, with their attempts,
    old windows of limits and ended cool-downs. A dry run only counts them.
    """
    now = timezone.now()
    too_old = now - timedelta(days=days)
    windows = f"{now.astimezone(UTC) - WINDOWS_KEPT:%Y-%m-%d}"
    remove = QuerySet.count if dry_run else _delete
    remove(UsageAttempt.objects.filter(started_at__lt=too_old).order_by("started_at"))
    return PruneCounts(
        records=remove(UsageRecord.objects.filter(started_at__lt=too_old).order_by("started_at")),
        counts=remove(TokenCount.objects.filter(window__lt=windows)),
        cooldowns=sum(
            remove(model.objects.filter(until__lt=now)) for model in (Cooldown, ModelCooldown)
        ),
    )


def _delete(rows: QuerySet[Any]) -> int:
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.filter(pk__in=keys).delete()[0]
    return deleted
