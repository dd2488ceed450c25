"""What is new for a target: each chain is followed by its own numbers.

Whoever writes an event holds its chain until the transaction ends, so that the events of a chain
become visible in the order of their numbers. Ids are given before: a transaction that ends late
shows an id that is lower than one that was read already, and who follows ids misses it.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from heapq import merge
from operator import attrgetter

from django.utils import timezone

from connections.models import AuditChain, AuditEvent, AuditStream

OPEN_DAYS = 7  # how long a chain is looked at after its day: a transaction may end late
BATCH = 100


def chains_with_news(row: AuditStream) -> list[AuditChain]:
    """The chains that are longer than what was sent of them."""
    chains = AuditChain.objects.filter(day__gte=row.since).order_by("day", "pk")
    return [one for one in chains if one.length > row.places.get(str(one.pk), 0)]


def waiting(row: AuditStream) -> int:
    """The number of events that wait for a target."""
    return sum(one.length - row.places.get(str(one.pk), 0) for one in chains_with_news(row))


def next_events(
    row: AuditStream, news: Sequence[AuditChain], most: int = BATCH
) -> list[AuditEvent]:
    """The events that are sent next: those of a chain in their order, chains by time."""
    parts = [
        list(
            AuditEvent.objects.filter(
                chain=one.pk, number__gt=row.places.get(str(one.pk), 0), number__lte=one.length
            ).order_by("number")[:most]
        )
        for one in news
    ]
    return list(merge(*parts, key=attrgetter("at")))[:most]


def places_after(
    row: AuditStream, news: Sequence[AuditChain], events: Sequence[AuditEvent]
) -> tuple[dict[str, int], date]:
    """The places when these events have arrived, and the day from which chains are followed then.

    Without events all that `news` knew of was deleted for its age.
    """
    places: dict[str, int] = dict(row.places)
    places |= {str(one.chain): one.number for one in events}
    if not events:
        places |= {str(one.pk): one.length for one in news}
    chains = list(AuditChain.objects.filter(day__gte=row.since))
    unsent = [one.day for one in chains if one.length > places.get(str(one.pk), 0)]
    horizon = timezone.now().date() - timedelta(days=OPEN_DAYS)
    since = max(row.since, min([horizon, *unsent]))
    there = {str(one.pk) for one in chains if one.day >= since}
    return {pk: number for pk, number in places.items() if pk in there}, since
