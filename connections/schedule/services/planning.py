"""The plan: one row for each connection that is checked by itself, due at once where something
changed.
"""

import random
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

from django.conf import settings

from connections import catalog
from connections.change_counter import read_change_counter
from connections.models import Connection, PlannedCheck
from connections.section_teams import limited_sections, remembering

from .fingerprints import Content, Fingerprints, Reference, content_of

PACE = 0.25  # seconds between two checks that are due because of one change
AT_ONCE = 50  # rows of one statement: on SQLite whoever writes meanwhile waits for it
Row = TypeVar("Row")
LONGEST = timedelta(hours=1).total_seconds()  # between two checks of what fails
JITTER = 0.95  # of a time is the least that is waited, so that checks do not stay in step


def interval() -> float:
    """The seconds between two checks of a quiet connection; 0: none is checked by itself."""
    return float(settings.CONNECTIONS_CHECK_MINUTES * 60)


def wait(failures: int = 0) -> float:
    """The seconds until the next check after so many failures in a row: twice as long for each
    after the first, up to LONGEST, and a little less at random.
    """
    plain = interval()
    doubled = plain * 2.0 ** min(max(0, failures - 1), 20)
    return min(max(plain, LONGEST), doubled) * random.uniform(JITTER, 1)  # noqa: S311 no secret


class Planner:
    """Keeps the plan true. It remembers what it read, so one process at a time may use it.

    `is_paced`: what is due because of one change is spread, over the whole interval at most.
    """

    def __init__(self, *, is_paced: bool = True) -> None:
        self._is_paced = is_paced
        self._fingerprints = Fingerprints()
        self._read: tuple[int, str] | None = None
        self._contents: dict[uuid.UUID, Content] = {}
        self._prints: dict[uuid.UUID, str | None] = {}
        self._known: dict[uuid.UUID, str] | None = None

    def look(self, now: float) -> None:
        """Plans what is new or changed at `now` of the schedule's clock, and drops what is not
        checked any more. Raises DatabaseError, after which it reads everything anew.
        """
        try:
            self._look(now)
        except BaseException:
            self._read = self._known = None
            raise

    def _look(self, now: float) -> None:
        catalog.confirm_types()
        read = read_change_counter(), f"{catalog.type_marks()}{interval() > 0}"
        is_first = self._known is None
        if self._known is None:
            self._known = dict(PlannedCheck.objects.values_list("connection_id", "fingerprint"))
        if read != self._read:
            self._contents, self._prints = _contents(), {}
            self._read = read
        self._take_prints()
        self._drop(self._known.keys() - self._contents.keys())
        if is_first:
            self._pull_in(now)
        known = self._known
        self._add([pk for pk in self._contents if pk not in known], now)
        self._change([pk for pk, one in self._prints.items() if one and known[pk] != one], now)

    def _take_prints(self) -> None:
        """Makes the fingerprints that may be other ones than at the last look."""
        known: dict[Reference, str | None] = {}
        resolve = remembering()
        for pk, content in self._contents.items():
            if content.references or pk not in self._prints:
                self._prints[pk] = self._fingerprints.of(content, known, resolve)

    def _drop(self, keys: Iterable[uuid.UUID]) -> None:
        assert self._known is not None  # noqa: S101 `_look` has read it
        for some in _batches(list(keys)):
            PlannedCheck.objects.filter(pk__in=some).delete()
            for pk in some:
                del self._known[pk]

    def _pull_in(self, now: float) -> None:
        """Brings near what an interval that was longer put far away."""
        far = PlannedCheck.objects.filter(due__gt=now + interval(), failures__lt=2)
        for some in _batches(list(far)):
            for row in some:
                row.due = now + random.uniform(0, interval())  # noqa: S311 no secret
            PlannedCheck.objects.bulk_update(some, ["due"])

    def _add(self, keys: Sequence[uuid.UUID], now: float) -> None:
        assert self._known is not None  # noqa: S101 `_look` has read it
        rows = [
            PlannedCheck(connection_id=pk, due=due, fingerprint=self._prints[pk] or "")
            for pk, due in zip(keys, self._dues(len(keys), now), strict=True)
        ]
        for some in _batches(rows):
            PlannedCheck.objects.bulk_create(some, ignore_conflicts=True)
            self._known.update((row.connection_id, row.fingerprint) for row in some)

    def _change(self, keys: Sequence[uuid.UUID], now: float) -> None:
        assert self._known is not None  # noqa: S101 `_look` has read it
        rows = [
            PlannedCheck(
                connection_id=pk, due=due, fingerprint=self._prints[pk] or "", is_changed=True
            )
            for pk, due in zip(keys, self._dues(len(keys), now), strict=True)
        ]
        columns = ["due", "fingerprint", "is_changed", "failures"]
        for some in _batches(rows):
            PlannedCheck.objects.bulk_update(some, columns)
            self._known.update((row.connection_id, row.fingerprint) for row in some)

    def _dues(self, number: int, now: float) -> list[float]:
        step = min(PACE, interval() / max(1, len(self._contents))) if self._is_paced else 0.0
        return [now + place * step for place in range(number)]


def _contents() -> dict[uuid.UUID, Content]:
    """What each connection is checked with that is checked by itself."""
    if not interval():
        return {}
    rows = Connection.objects.filter(is_active=True, is_checked=True).order_by("pk")
    columns = rows.values_list("pk", "version", "provider_id", "settings", "team")
    limited = limited_sections()
    return {
        pk: content_of(version, provider_id, stored, team, limited)
        for pk, version, provider_id, stored, team in columns.iterator()
    }


def _batches(rows: Sequence[Row]) -> Iterable[list[Row]]:
    return ([*rows[at : at + AT_ONCE]] for at in range(0, len(rows), AT_ONCE))
