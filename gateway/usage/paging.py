"""A page of requests, the newest first, as quick with a million of them as with a hundred.

Totals know on which days, or in which hours, there are requests that filters leave, and how many.
Only those are looked at, so that a filter which leaves few does not read a month of requests.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from ..models import UsageRecord
from .course import Point, quick_course
from .records import Period, filtered, records

MOST_COUNTED = 1000  # requests that are counted one by one, where no total knows their number
LONGEST_ID = 18  # digits
Place = tuple[datetime, int]  # of a request: when it began, and its id


class BadPlace(ValueError):
    """A text that is not a place in the list of requests."""


@dataclass(frozen=True)
class Found:
    """A page of requests. `behind`: the place that the next page goes on behind, empty at the end.

    `number`: of all that the filters leave, or MOST_COUNTED where there are more and `is_counted`
    is False.
    """

    rows: list[UsageRecord]
    behind: str
    number: int
    is_counted: bool = True


def find(period: Period, filters: Mapping[str, str], behind: str = "", size: int = 25) -> Found:
    """The requests of a period that the filters leave and that the one who looks may see, without
    their texts. `filters`: as for `records.filtered`. `behind`: as the page before said.

    Raises BadPlace.
    """
    place = _read(behind) if behind else None
    # Totals are kept for longer than the requests that they count.
    since = UsageRecord.objects.order_by("started_at").values_list("started_at", flat=True).first()
    if since is None or since >= period.end:
        return Found([], "", 0)
    kept = Period(max(period.start, since), period.end)
    points = quick_course(kept, filters)
    if points is not None:
        rows = _rows(_spans(points, kept), filters, place, size)
        return Found(*_page(rows, size), sum(one.requests for one in points))
    rows = _rows([kept], filters, place, size)
    number = records(kept, filters).order_by()[: MOST_COUNTED + 1].count()
    return Found(*_page(rows, size), min(number, MOST_COUNTED), number <= MOST_COUNTED)


def _spans(points: Sequence[Point], period: Period) -> Iterator[Period]:
    """The times that have requests, the newest first; points beside each other are one."""
    end: datetime | None = None  # of a time that began
    limits = [*(one.start for one in points[1:]), period.end]
    for position in reversed(range(len(points))):
        if points[position].requests:
            end = end or limits[position]
        elif end:
            yield Period(limits[position], end)
            end = None
    if end:
        yield Period(period.start, end)


def _rows(
    spans: Iterator[Period] | Sequence[Period],
    filters: Mapping[str, str],
    place: Place | None,
    size: int,
) -> list[UsageRecord]:
    """The first rows behind a place, and one more than `size` where there are more."""
    found: list[UsageRecord] = []
    every = _behind(filtered(UsageRecord.objects.all(), filters), place)
    for span in spans:
        if place is None or span.start <= place[0]:
            rows = every.filter(started_at__gte=span.start, started_at__lt=span.end)
            found += rows[: size + 1 - len(found)]
            if len(found) > size:
                break
    return found


def _behind(rows: QuerySet[UsageRecord], place: Place | None) -> QuerySet[UsageRecord]:
    if place is None:
        return rows
    at, pk = place
    return rows.filter(Q(started_at__lt=at) | Q(started_at=at, pk__lt=pk), started_at__lte=at)


def _page(rows: list[UsageRecord], size: int) -> tuple[list[UsageRecord], str]:
    """The rows of the page, and the place behind it."""
    shown = rows[:size]
    return shown, _as_text(shown[-1]) if len(rows) > size else ""


def _as_text(row: UsageRecord) -> str:
    return f"{row.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}~{row.pk}"


def _read(text: str) -> Place:
    time, _, pk = text.partition("~")
    try:
        at = parse_datetime(time)
        at = at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):  # the other: of a time that UTC's calendar does not have
        at = None
    is_id = pk.isascii() and pk.isdigit() and len(pk) <= LONGEST_ID
    if at is None or not is_id:
        raise BadPlace("This is not a place in the list of requests.")
    return at, int(pk)
