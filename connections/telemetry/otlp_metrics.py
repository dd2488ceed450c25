"""What this worker counts, for a collector: the numbers of `/metrics`, read now and then, so that
nothing is counted twice.

Each worker sends its own, under an instance of its own; whoever reads them adds them up.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    DataT,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from . import genai, metrics
from .declared import ATTEMPT_SECONDS, FIRST_CHUNK_SECONDS, METRICS, REQUEST_TOKENS, Kind
from .declared import Metric as Declared

INTERVAL = "60000"  # milliseconds
SCOPE = InstrumentationScope("switchboard")
CUMULATIVE = AggregationTemporality.CUMULATIVE
UNKNOWN: dict[str, Any] = {"min": None, "max": None}  # which the protocol leaves out then

logger = logging.getLogger(__name__)
Numbers = dict[tuple[str, tuple[str, ...]], list[float]]
# What the conventions for generative AI have too: our metric, and their name of it.
CONVENTIONAL = {
    ATTEMPT_SECONDS.name: genai.OPERATION_DURATION,
    REQUEST_TOKENS.name: genai.TOKEN_USAGE,
    FIRST_CHUNK_SECONDS.name: genai.TIME_TO_FIRST_TOKEN,
}


class MetricsSender:
    """Sends the numbers every OTEL_METRIC_EXPORT_INTERVAL milliseconds, in a thread of its own,
    and once more at its end.
    """

    def __init__(self, exporter: Any, resource: Any) -> None:
        self._exporter, self._resource = exporter, resource
        self._began = time.time_ns()
        self._before = metrics.own_numbers()  # of the worker whose place this one has taken
        self._seconds = int(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or INTERVAL) / 1000
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp metrics", daemon=True)
        self._thread.start()

    def shutdown(self) -> None:
        """Sends what is left, and ends."""
        self._ending.set()
        self._thread.join()
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._ending.wait(self._seconds):
            self._send()
        self._send()

    def _send(self) -> None:
        try:
            scope = ScopeMetrics(SCOPE, self._found(), "")
            self._exporter.export(MetricsData([ResourceMetrics(self._resource, [scope], "")]))
        except Exception:  # the next time it may work, and a worker without it goes on
            logger.exception("Metrics could not be sent")

    def _found(self) -> list[Metric]:
        since: Numbers = {}
        for key, numbers in metrics.own_numbers().items():
            before = self._before.get(key) or [0.0] * len(numbers)
            since[key] = [a - b for a, b in zip(numbers, before, strict=True)]
        found = []
        for declared in METRICS.values():
            series = {key[1]: value for key, value in since.items() if key[0] == declared.name}
            if series:
                found.append(self._metric(declared, own_name(declared), series, own_labels))
                if conventional := CONVENTIONAL.get(declared.name):
                    found.append(self._metric(declared, conventional, series, conventional_labels))
        return found

    def _metric(
        self,
        declared: Declared,
        name: str,
        series: dict[tuple[str, ...], list[float]],
        labels: Callable[[Declared, tuple[str, ...]], dict[str, str]],
    ) -> Metric:
        times: dict[str, Any] = {
            "start_time_unix_nano": self._began,
            "time_unix_nano": time.time_ns(),
        }
        data: DataT
        if declared.kind is Kind.HISTOGRAM:
            data = Histogram(
                [
                    HistogramDataPoint(
                        attributes=labels(declared, one),
                        count=int(sum(numbers[:-1])),
                        sum=numbers[-1],
                        bucket_counts=[int(number) for number in numbers[:-1]],
                        explicit_bounds=declared.buckets,
                        **UNKNOWN,
                        **times,
                    )
                    for one, numbers in series.items()
                ],
                CUMULATIVE,
            )
            unit = genai.TOKENS if declared is REQUEST_TOKENS else "s"
            return Metric(name, declared.help, unit, data)
        points = [
            NumberDataPoint(attributes=labels(declared, one), value=numbers[0], **times)
            for one, numbers in series.items()
        ]
        return Metric(name, declared.help, "1", Sum(points, CUMULATIVE, is_monotonic=True))


def own_name(declared: Declared) -> str:
    """The name of a metric as OpenTelemetry writes such: `switchboard.gateway_requests`."""
    name = declared.name.removesuffix("_total").removesuffix("_seconds")
    return name.replace("switchboard_", "switchboard.", 1)


def own_labels(declared: Declared, values: tuple[str, ...]) -> dict[str, str]:
    """The labels of a series by their names."""
    return dict(zip(declared.labels, values, strict=True))


def conventional_labels(declared: Declared, values: tuple[str, ...]) -> dict[str, str]:
    """The same by the conventions' names, where they have some."""
    found = own_labels(declared, values)
    if provider := found.pop("provider", ""):
        found[genai.PROVIDER] = genai.provider(provider)
    if capability := found.pop("capability", ""):
        found[genai.OPERATION] = genai.operation(capability)
    for label, name in (("model", genai.REQUEST_MODEL), ("kind", genai.TOKEN_TYPE)):
        if label in found:
            found[name] = found.pop(label)
    return {name if "." in name else f"switchboard.{name}": value for name, value in found.items()}
