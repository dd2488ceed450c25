"""All figures in the formats of Prometheus and OpenMetrics, as prometheus-client writes them."""

import platform
import time
from collections.abc import Iterable, Iterator
from itertools import accumulate

from django.conf import settings
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from connections import conf, selectors
from connections.redis_cache import REDIS, redis_address
from connections.telemetry import metrics
from connections.telemetry.declared import (
    BUILD,
    CACHE_UP,
    COST,
    METRICS,
    SCRAPE,
    SOURCE_AGE,
    SOURCE_UP,
    STARTED,
    WORKER_GAUGES,
    WORKERS,
    WORKERS_WANTED,
    Kind,
    Metric,
)
from connections.telemetry.shared import IS_ALIVE, Slot
from providers.core.version import version

from .cost import costs
from .database import Sample
from .remembered import DATABASE

STARTED_AT = time.time()


def exposition(accept: str) -> tuple[str, bytes]:
    """The content type and the text, in the format that the header `Accept` asks for. In a thread:
    it waits a moment for the database, and no longer when that is away.
    """
    write, kind = choose_encoder(accept)
    return kind, write(_Everything())


class _Everything(Collector):
    """What there is now."""

    def collect(self) -> Iterator[Family]:
        """The metrics with their samples, in the order in which they are declared."""
        began = time.perf_counter()
        samples: dict[str, list[Sample]] = {}
        for one in (*_of_workers(), *_of_instance(), *DATABASE.samples()):
            samples.setdefault(one[0].name, []).append(one)
        took = time.perf_counter() - began
        samples[SCRAPE.name] = [(SCRAPE, (), took)]
        counted: dict[str, list[tuple[tuple[str, ...], list[float]]]] = {}
        totals = metrics.slab().totals()
        for (name, labels), numbers in totals.items():
            counted.setdefault(name, []).append((labels, numbers))
        counted[COST.name] = list(costs(totals))
        for metric in METRICS.values():
            if metric.kind is not Kind.GAUGE or metric.name in samples:
                yield _family(metric, counted.get(metric.name, ()), samples.get(metric.name, ()))


def _family(
    metric: Metric,
    counted: Iterable[tuple[tuple[str, ...], list[float]]],
    samples: Iterable[Sample],
) -> Family:
    """A metric with its series. What has no labels is there before it is first counted."""
    if metric.kind is Kind.GAUGE:
        gauge = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
        for _, labels, value in samples:
            gauge.add_metric(labels, value)
        return gauge
    series = sorted(counted) or ([] if metric.labels else [((), [0.0] * metric.width)])
    if metric.kind is Kind.COUNTER:
        counter = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, (number,) in series:
            counter.add_metric(labels, number)
        return counter
    histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    bounds = [*map(str, metric.buckets), "+Inf"]
    for labels, (*numbers, total) in series:
        buckets = list(zip(bounds, accumulate(numbers), strict=True))
        histogram.add_metric(labels, buckets, total)
    return histogram


def _alive() -> list[tuple[str, Slot]]:
    """The slots of the workers that run, by their numbers; 0 is a process without a server."""
    slots = enumerate(metrics.slab().slots)
    return [(str(place), slot) for place, slot in slots if slot.header[IS_ALIVE]]


def _of_workers() -> Iterator[Sample]:
    for place, metric in enumerate(WORKER_GAUGES):
        for name, slot in _alive():
            yield metric, (name,), slot.gauges[place]


def _of_instance() -> Iterator[Sample]:
    yield BUILD, (version(), platform.python_version()), 1
    yield STARTED, (), STARTED_AT
    yield WORKERS, (), len(_alive())
    yield WORKERS_WANTED, (), settings.WEB_CONCURRENCY
    if redis_address():
        yield CACHE_UP, (), REDIS.check()
    selectors.store_outages()  # looks at each of them
    for store in conf.resolver().stores:
        yield SOURCE_UP, (store.name,), store.outage is None
        if store.age is not None:
            yield SOURCE_AGE, (store.name,), store.age
