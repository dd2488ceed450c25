"""Events that filters leave, newest first, a page at a time, however many there are.

A page looks at a bounded number of events. Where one of the filters alone leaves few, those are
looked at, and the answer is whole. Where each leaves many, the newest are, and what was looked at
without filling the page is said: the next page goes on behind it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet

from ..models import AuditEvent
from .filters import (
    Condition,
    Sorted,
    Wanted,
    none_left,
    of_own,
    of_seen,
    wanted,
)

FEW = 5_000  # events that a filter leaves and that are looked at one by one
WINDOW = 20_000  # events that are looked at where every filter leaves more
MOST_COUNTED = 1000
SALT = "audit place"
Place = tuple[datetime, int]  # of an event: its time and id


class BadPlace(ValueError):
    """A text that is not a place in the list of events."""


@dataclass(frozen=True)
class Found:
    """A page of events. `behind`: the place that the next page goes on behind, None at the end.

    `number`: of all that the filters leave, at most MOST_COUNTED, or None where it is not known.
    `looked_to`: the time to which was looked where the page is not full and there may be more.
    """

    rows: list[AuditEvent]
    behind: str | None
    number: int | None
    looked_to: datetime | None = None

    @property
    def is_counted(self) -> bool:
        """True if `number` is that of all."""
        return self.number is not None and self.number < MOST_COUNTED


def find(
    filters: Mapping[str, str],
    behind: str = "",
    size: int = 25,
    *,
    actor: Any = None,
    counts: bool = True,
) -> Found:
    """The events that the filters leave and that the one who looks may see. `filters`: see
    `wanted`. `behind`: as the page before said. `actor`: only what this person did themselves,
    who needs no right for it. `counts`: whether `number` is wanted.

    Raises BadPlace, BadFilter.
    """
    place = _read_place(behind) if behind else None
    asked = wanted(filters)
    conditions = [*asked.conditions, *(of_own(actor) if actor is not None else of_seen())]
    if none_left(conditions):
        return Found([], None, 0)
    few, pks = _fewest(conditions, asked)
    if few is not None:
        rows = AuditEvent.objects.filter(asked.words, pk__in=pks)
        rows = _looked_at(rows, [one for one in conditions if one is not few])
        return _page(rows, place, size, counts=counts)
    return _of_window(asked, conditions, place, size, counts=counts)


def batches(filters: Mapping[str, str], size: int = 1000) -> Iterator[list[AuditEvent]]:
    """All that the filters leave, newest first, in batches of queries of their own."""
    behind: str | None = ""
    while behind is not None:
        found = find(filters, behind, size, counts=False)
        if found.rows:
            yield found.rows
        behind = found.behind


def event(pk: int, *, actor: Any = None) -> AuditEvent | None:
    """The event, where the one who looks may see it. `actor`: as for `find`."""
    conditions = of_own(actor) if actor is not None else of_seen()
    if none_left(conditions):
        return None
    return AuditEvent.objects.filter(*(one.q() for one in conditions), pk=pk).first()


def _fewest(conditions: Sequence[Condition], asked: Wanted) -> tuple[Condition | None, Any]:
    """The condition that leaves the fewest events and their ids, if these are FEW; else none."""
    few, fewest, pks = None, FEW + 1, None
    for one in conditions:
        if one.is_indexed and fewest > MOST_COUNTED:
            number, found = one.few(asked.times, fewest)
            if number < fewest:
                few, fewest, pks = one, number, found
    return few, pks


def _of_window(
    asked: Wanted,
    conditions: Sequence[Condition],
    place: Place | None,
    size: int,
    *,
    counts: bool,
) -> Found:
    every = _newest(AuditEvent.objects.filter(asked.times))
    inside = _behind(every, place) if place else every
    edge = inside.values_list("at", "pk")[WINDOW - 1 : WINDOW].first()
    rows = _looked_at(AuditEvent.objects.filter(asked.times, asked.words), conditions)
    if edge is None:
        return _page(rows, place, size, counts=counts)
    at, pk = edge
    rows = rows.filter(Q(at__gt=at) | Q(at=at, pk__gte=pk), at__gte=at)
    found = _page(rows, place, size, counts=counts)
    is_full = found.behind is not None
    is_plain = not conditions and not asked.words
    return Found(
        found.rows,
        found.behind or _as_text((at, pk)),
        MOST_COUNTED if is_plain or found.number == MOST_COUNTED else None,
        None if is_full else at,
    )


def _page(
    rows: QuerySet[AuditEvent],
    place: Place | None,
    size: int,
    *,
    counts: bool,
    is_few: bool = False,
) -> Found:
    """A page of these rows. `is_few`: they are sorted, not read in the order of the index."""
    newest = _behind(rows, place) if place else rows
    newest = newest.order_by(Sorted("at").desc(), "-pk") if is_few else _newest(newest)
    places = list(newest.values_list("at", "pk")[: size + 1])  # all columns would be sorted too
    known = AuditEvent.objects.in_bulk([pk for _at, pk in places[:size]])
    found = [known[pk] for _at, pk in places[:size] if pk in known]
    if place is None and len(places) <= size:
        return Found(found, None, len(found))
    number = rows.order_by()[:MOST_COUNTED].count() if counts else None
    return Found(found, _as_text(places[size - 1]) if len(places) > size else None, number)


def _looked_at(rows: QuerySet[AuditEvent], conditions: Sequence[Condition]) -> QuerySet[AuditEvent]:
    """The rows that fulfil the conditions, which are looked at row by row."""
    for place, one in enumerate(conditions):
        rows = one.looked_at(rows, f"looked_{place}")
    return rows


def _newest(rows: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    return rows.order_by("-at", "-pk")


def _behind(rows: QuerySet[AuditEvent], place: Place) -> QuerySet[AuditEvent]:
    at, pk = place
    return rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk), at__lte=at)


def _as_text(place: Place) -> str:
    at, pk = place
    return signing.dumps([at.isoformat(), pk], salt=SALT)


def _read_place(text: str) -> Place:
    try:
        at, pk = signing.loads(text, salt=SALT)
    except signing.BadSignature:
        raise BadPlace("This is not a place in the list of events. Begin again.") from None
    return datetime.fromisoformat(at), int(pk)
