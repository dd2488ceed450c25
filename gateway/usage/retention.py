"""Deletion of what is too old to keep: usage records and totals, windows of limits, ended
cool-downs.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.models import Q, QuerySet
from django.utils import timezone

from connections.audit.services import Subject, act, record
from connections.outages import BUSY, database_outage
from connections.texts import counted

from ..models import Cooldown, ModelCooldown, TokenCount, UsageAttempt, UsageRecord, UsageTotal
from .counting import MINUTES, SCOPES, count_all, counted_to
from .partitioning import forget_late_bounds
from .partitions import ATTEMPTS, RECORDS, begun_day, drop_old, has_old, make_missing_days
from .scoped_counting import count_scopes, forget_routes

BATCH = 2000  # rows in one transaction, so that nobody waits long to write
WINDOWS_KEPT = timedelta(days=2)  # no window is longer than a day


@dataclass(frozen=True)
class PruneCounts:
    """The numbers of rows that were, or would be, deleted."""

    records: int
    totals: int
    counts: int
    cooldowns: int


@act("usage.prune")
def prune(
    days: int, totals_days: int, dry_run: bool = False, *, only_whole_days: bool = False
) -> PruneCounts:
    """Deletes the records of requests that began more than `days` days ago, with their attempts,
    totals of more than `totals_days` days ago, old windows of limits and ended cool-downs. A dry
    run only counts them.

    Totals are kept at least as long as records. No record is deleted before it is in the totals.
    Partitions of days are dropped. `only_whole_days`: of a day with a partition nothing is deleted
    before all of it is too old. Raises DatabaseError.
    """
    now = timezone.now()
    too_old = now - timedelta(days=days)
    windows = f"{now.astimezone(UTC) - WINDOWS_KEPT:%Y-%m-%d}"
    remove = QuerySet.count if dry_run else _delete
    dropped, left = 0, too_old
    if not dry_run:
        count_all()
        count_scopes()
        dropped, left = _drop_days(too_old, only_whole_days)
    records = UsageRecord.objects.filter(started_at__lt=left).order_by("started_at")
    pruned = PruneCounts(
        records=dropped + remove(records),
        totals=remove(_totals_before(now - timedelta(days=max(days, totals_days)))),
        counts=remove(TokenCount.objects.filter(window__lt=windows)),
        cooldowns=sum(
            remove(model.objects.filter(until__lt=now)) for model in (Cooldown, ModelCooldown)
        ),
    )
    if not dry_run:
        forget_routes()
        if pruned.records or pruned.totals:
            record(Subject("usage"), actor=None, detail={"older than days": days, **asdict(pruned)})
    return pruned


def _drop_days(too_old: datetime, only_whole_days: bool) -> tuple[int, datetime]:
    """Drops partitions, and deletes the attempts of the rest. Returns how many records went, and
    the time up to which others are to be deleted.
    """
    counted = min(counted_to(), counted_to(SCOPES))
    records, left = drop_old(RECORDS, too_old, counted)
    _, attempts_left = drop_old(ATTEMPTS, too_old)
    if only_whole_days:
        left, attempts_left = begun_day(RECORDS, left), begun_day(ATTEMPTS, attempts_left)
    _delete_attempts(attempts_left)
    return records, left


def _totals_before(at: datetime) -> QuerySet[UsageTotal]:
    """The totals that have ended then."""
    ended = Q()
    for length, minutes in MINUTES.items():
        ended |= Q(minutes=minutes, start__lte=at - length)
    return UsageTotal.objects.filter(ended)


def prune_by_settings() -> str:
    """As `prune`, by GATEWAY_USAGE_DAYS and GATEWAY_TOTALS_DAYS. Returns a sentence of what was
    deleted: nothing where the first is less than a day.
    """
    days = settings.GATEWAY_USAGE_DAYS
    if days < 1:
        return "Nothing is deleted: GATEWAY_USAGE_DAYS is 0."
    pruned = prune(days, settings.GATEWAY_TOTALS_DAYS, only_whole_days=True)
    return (
        f"{counted(pruned.records, 'usage record')} older than {counted(days, 'day')}, "
        f"{counted(pruned.totals, 'total')}, {counted(pruned.counts, 'window')} of limits and "
        f"{counted(pruned.cooldowns, 'ended cool-down')} deleted."
    )


def keep_partitions() -> str:
    """Makes the partitions of the days ahead and of rows that have none, and prunes as soon as a
    partition is too old. Returns a sentence of what was done.
    """
    days, now = settings.GATEWAY_USAGE_DAYS, timezone.now()
    try:
        forget_late_bounds()
        made = make_missing_days(now, timedelta(days=days))
    except OperationalError as error:
        if database_outage(error) is not BUSY:
            raise
        return "A table is in use by others. What is missing is made with the next run."
    if made is None:
        return "The tables of usage are not partitioned."
    said = f"{made} partitions of days made."
    is_due = days >= 1 and has_old(now - timedelta(days=days))
    return f"{said} {prune_by_settings()}" if is_due else said


def _delete_attempts(too_old: datetime) -> None:
    """Deletes the attempts that began before. They are written about in the order of their times,
    so that the first batch which is new ends it: an index of times would cost each request.
    """
    after, is_done = 0, False
    while not is_done:
        rows = UsageAttempt.objects.filter(pk__gt=after).order_by("pk")
        batch = list(rows.values_list("pk", "started_at")[:BATCH])
        old = [pk for pk, at in batch if at < too_old]
        UsageAttempt.objects.filter(pk__in=old, started_at__lt=too_old).delete()
        after, is_done = (batch[-1][0] if batch else after), not old


def _delete(rows: QuerySet[Any]) -> int:
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.filter(pk__in=keys).delete()[0]
    return deleted
