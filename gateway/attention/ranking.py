"""The faults in their order, remembered by a process until something changes that they come from.

So a page of a list of ten thousand costs what a page of ten costs. What only time changes, but for
the end of a cool-down, and the requests of the last hour are a bit old: KEPT_FOR, or longer where
there is so much to rank that it would be done all the time.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection as database
from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from django.utils.translation import override

from connections.change_counter import read_change_counter
from connections.health.services import NamedReference, named_references
from connections.models import ConnectionCheck, ConnectionTraffic, Snooze
from connections.references import State
from connections.viewing import viewing

from .faults import faults_of_few, faults_of_many
from .hits import Hit, hits
from .kinds import KINDS, Fault

KEPT_FOR = 10.0  # seconds
TIMES_ITS_COST = 20  # so many times what ranking costs, where that is more
LAST = datetime.max.replace(tzinfo=UTC)
RANK = {kind: place for place, kind in enumerate(KINDS)}

Stamp = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A fault, who is hit by it, and how it is snoozed, None when it is not."""

    fault: Fault
    hit: Hit
    snooze: Snooze | None = None


# What this process ranked last: from what, and until when it may be shown. Put in at once, because
# threads share it.
MEMORY: dict[str, tuple[Stamp, float, Sequence[Ranked]]] = {}


@override("en")  # what is remembered is for readers of every language, and of every team
@viewing(None)
def ranked() -> Sequence[Ranked]:
    """All faults, whoever looks, none of them snoozed, the worst first. A dozen queries while
    nothing changes.

    The worst come first: those of the radar after all others, then by the requests of the last
    hour that they hit, by profiles, tokens, kind and age.
    """
    named, few = named_references(), faults_of_few()
    if database.in_atomic_block:  # what is read may be undone
        return _ranked(named, few)
    stamp, known = _stamp(named, few), MEMORY.get("last")
    if known is None or known[0] != stamp or time.monotonic() > known[1]:
        used = time.thread_time()
        rows = _ranked(named, few)
        cost = TIMES_ITS_COST * (time.thread_time() - used)
        known = MEMORY["last"] = (stamp, time.monotonic() + max(KEPT_FOR, cost), rows)
    return known[2]


def _stamp(named: Sequence[NamedReference], few: Sequence[Fault]) -> Stamp:
    """Changes with whatever makes a fault come, go, or change. Three queries."""
    now = timezone.now()
    traffic = ConnectionTraffic.objects.aggregate(
        number=Count("pk"),
        failing=Count("pk", filter=Q(is_failing=True)),
        answered=Max("answered_at"),
        failed=Max("failed_at"),
        failing_since=Max("failing_since"),
        rests=Max("resting_until"),
        next_end=Min("resting_until", filter=Q(resting_until__gt=now)),
    )
    check = ConnectionCheck.objects.order_by("-pk").values_list("pk", flat=True).first()
    resolutions = [
        (one.resolution.reference, one.resolution.state, one.resolution.outage is not None)
        for one in named
        if one.resolution.state != State.RESOLVED or one.resolution.outage
    ]
    told = ((one.key, one.was) for one in few)
    return (read_change_counter(), check, *traffic.values(), *resolutions, *told)


def _ranked(named: Sequence[NamedReference], few: Sequence[Fault]) -> list[Ranked]:
    found = [*faults_of_many(named), *few]
    known = hits(pk for one in found if one.kind != "unused" for pk in one.connection_ids)
    rows = [
        Ranked(
            one,
            Hit(known.of_token.get(one.subject.pk, 0))
            if one.kind in ("token", "limit")
            else known.of(one.connection_ids, one.models),
        )
        for one in found
    ]
    return sorted(rows, key=worst_first)


def worst_first(row: Ranked) -> tuple[object, ...]:
    """What faults are sorted by."""
    fault, hit = row.fault, row.hit
    since = fault.since or LAST
    numbers = (-hit.requests, -hit.profiles, -hit.tokens)
    return (not fault.is_near, *numbers, RANK[fault.kind], since, fault.key)
