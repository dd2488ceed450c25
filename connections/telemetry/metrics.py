"""Counting: what every room calls while it works, at a fraction of a microsecond each.

`attach` says into which slot of the shared memory this process writes; before that it is memory of
its own.
"""

import logging
import os
import threading
from bisect import bisect_left
from collections import defaultdict
from typing import Any, TypeVar

from django.conf import settings

from .declared import ALIASES, METRICS, OTHER, WORKER_GAUGES, Metric
from .shared import IS_ALIVE, PID, Labels, NoRoom, Slab

MOST_CELLS = 20_000  # series that a worker remembers by the labels that were asked for
MOST_VALUES = 300  # of a label that is no alias

Value = TypeVar("Value")

logger = logging.getLogger(__name__)
_gauge_places = {one.name: place for place, one in enumerate(WORKER_GAUGES)}


class _Own:
    """The slot of this process, and where in it each series is."""

    def __init__(self, slab: Slab, place: int) -> None:
        self.slab, self.slot = slab, slab.slots[place]
        self.lock = threading.Lock()
        self.known = {(one.name, one.labels): one.start for one in self.slot.read()}
        self.cells: dict[tuple[str, Labels], int] = {}
        self.values: defaultdict[str, set[str]] = defaultdict(set)  # of each label
        self.told: dict[int, int] = {}

    def cell(self, metric: Metric, labels: Labels) -> int:
        """The place of the first number of a series. The lock is held."""
        found = self.cells.get((metric.name, labels))
        if found is None:
            place = self._place(metric, self._bounded(metric, labels))
            found = kept(self.cells, (metric.name, labels), place)
        return found

    def _bounded(self, metric: Metric, labels: Labels) -> Labels:
        """The labels, with `other` for each value that is one too many. What any worker tells
        apart, the others do too.
        """
        named = list(zip(metric.labels, labels, strict=True))
        if any(value not in self.values[label] for label, value in named):
            for one in self.slab.unseen(self.told):
                for label, value in zip(METRICS[one.name].labels, one.labels, strict=True):
                    self.values[label].add(value)
        return tuple(
            value if value in known or len(known) < _most(label) else OTHER
            for label, value in named
            for known in [self.values[label]]
        )

    def _place(self, metric: Metric, labels: Labels) -> int:
        known = self.known.get((metric.name, labels))
        if known is not None:
            return known
        folded = tuple(OTHER for _ in labels)
        try:
            series = self.slot.append(
                metric.name, labels, metric.width, is_reserved=labels == folded
            )
        except NoRoom:
            logger.error("No room for more series of %s: they are counted as other.", metric.name)
            return self._place(metric, folded)
        self.known[metric.name, series.labels] = series.start
        return series.start


_own = _Own(Slab(0), 0)
_caches: list[dict[Any, Any]] = []


def _most(label: str) -> int:
    return settings.METRICS_ALIASES if label in ALIASES else MOST_VALUES


def is_on() -> bool:
    """True where somebody may read what is counted."""
    return bool(settings.METRICS_TOKEN or settings.METRICS_ALLOW or settings.OTEL_METRICS)


def open_slab(workers: int) -> Slab:
    """Makes memory for as many workers, and counts into it from now on. For a server, before it
    forks.
    """
    slab = Slab(workers)
    attach(slab, 0)
    return slab


def attach(slab: Slab, place: int) -> None:
    """Lets this process count into a slot that nobody else writes to."""
    global _own
    _own = _Own(slab, place)
    _own.slot.gauges[:] = memoryview(bytes(8 * len(_own.slot.gauges))).cast("d")
    _own.slot.header[PID], _own.slot.header[IS_ALIVE] = os.getpid(), 1
    for cache in _caches:
        cache.clear()


def slab() -> Slab:
    """The memory that this process counts into."""
    return _own.slab


def new_cache() -> dict[Any, Any]:
    """A dictionary for places that `cell` told. It is emptied when they are others."""
    _caches.append({})
    return _caches[-1]


def kept(cache: dict[Any, Value], key: Any, value: Value) -> Value:
    """The value, which is put into such a cache; one that is full is emptied first."""
    if len(cache) >= MOST_CELLS:
        cache.clear()
    cache[key] = value
    return value


def cell(metric: Metric, labels: Labels = ()) -> int:
    """The place of a series, for `Counting`. `labels`: the values, in the metric's order."""
    with _own.lock:
        return _own.cell(metric, labels)


def add(metric: Metric, labels: Labels = (), amount: float = 1.0) -> None:
    """Adds to a counter."""
    own = _own
    with own.lock:
        own.slot.values[own.cell(metric, labels)] += amount


def observe(metric: Metric, seconds: float, labels: Labels = ()) -> None:
    """Adds a time to a histogram."""
    own = _own
    with own.lock:
        start = own.cell(metric, labels)
        own.slot.values[start + bisect_left(metric.buckets, seconds)] += 1.0
        own.slot.values[start + metric.width - 1] += seconds


def numbers() -> tuple[threading.Lock, "memoryview[float]"]:
    """The numbers of this process, by the places that `cell` told, and the lock that whoever writes
    to them holds: for whoever has no time.
    """
    own = _own
    return own.lock, own.slot.values


def set_gauge(metric: Metric, value: float) -> None:
    """Sets a gauge of this worker."""
    _own.slot.gauges[_gauge_places[metric.name]] = value


def own_numbers() -> dict[tuple[str, Labels], list[float]]:
    """The numbers of each series of this process, by its metric and labels."""
    own = _own
    with own.lock:
        return {
            (one.name, one.labels): [*own.slot.values[one.start : one.start + one.width]]
            for one in own.slot.read()
        }
