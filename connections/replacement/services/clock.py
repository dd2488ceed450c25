"""The schedule's clock, by which a watch and the previous key end: it goes on while somebody runs
the schedule, whatever the clocks of machines do.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from connections.models import KeyReplacement, ScheduleLease


def schedule_clock() -> float:
    """Seconds of the schedule's clock at its last beat."""
    return ScheduleLease.objects.values_list("seconds", flat=True).first() or 0.0


def watch_time() -> timedelta:
    """The time for which a new key is watched."""
    return timedelta(minutes=settings.CONNECTIONS_REPLACEMENT_MINUTES)


def kept_time() -> timedelta:
    """The time for which the key that is not used any more is kept."""
    return timedelta(hours=settings.CONNECTIONS_PREVIOUS_HOURS)


def put_end(row: KeyReplacement, after: timedelta) -> None:
    """Says when the next step of a replacement is due. It is not saved."""
    row.due = schedule_clock() + after.total_seconds()
    row.until = timezone.now() + after
