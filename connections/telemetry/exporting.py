"""Traces and metrics on their way to a collector, by OTLP over HTTP, in threads of their own.

The endpoint, headers, sampler, resource and bounds are read by OpenTelemetry's SDK itself, from its
own variables: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
A collector that is away or hangs costs what waits in a bounded queue, and no request.
"""

import logging
import os
import threading
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from . import tracing

STOP_SECONDS = 3.0  # for what is left; a worker that stops has little more
NAME = "switchboard"

logger = logging.getLogger(__name__)
_running: list[Any] = []  # what has a `shutdown`


def is_wanted() -> bool:
    """True where the settings name a collector."""
    return bool(settings.OTEL_TRACES or settings.OTEL_METRICS)


def start() -> None:
    """Begins to export. Called once in each worker, after it is forked: threads do not survive
    that.
    """
    from opentelemetry.sdk.resources import Resource

    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    own = {"service.instance.id": str(uuid.uuid4())} | ({} if named else {"service.name": NAME})
    resource = Resource.create(own)
    if settings.OTEL_TRACES:
        _start_traces(resource)
    if settings.OTEL_METRICS:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        from .otlp_metrics import MetricsSender

        exporter = ToldOnce(OTLPMetricExporter(), "metrics", settings.OTEL_METRICS)
        _running.append(MetricsSender(exporter, resource))


def _start_traces(resource: Any) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from .roots import Roots

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.id_generator = roots = Roots(provider.sampler)
    exporter = ToldOnce(OTLPSpanExporter(), "traces", settings.OTEL_TRACES)
    provider.add_span_processor(BatchSpanProcessor(exporter))  # type: ignore[arg-type]
    _running.append(provider)
    tracing.begin(provider.get_tracer(NAME), roots)


def stop() -> None:
    """Sends what is left, for STOP_SECONDS at most, and ends."""
    tracing.begin(None)
    ending = threading.Thread(target=_shut_down, name="telemetry", daemon=True)
    ending.start()
    ending.join(STOP_SECONDS)


def _shut_down() -> None:
    while _running:
        _running.pop().shutdown()


class ToldOnce:
    """An exporter whose failure the log tells once, and once more when it works again. `endpoint`:
    its address, of which the host is told.
    """

    def __init__(self, exporter: Any, what: str, endpoint: str) -> None:
        self._exporter, self._what = exporter, what
        self._host = urlsplit(endpoint).netloc.rpartition("@")[2]
        self._is_away = False

    def export(self, batch: Sequence[Any], *arguments: Any, **named: Any) -> Any:
        """The exporter's own result."""
        result = self._exporter.export(batch, *arguments, **named)
        is_away = result.name != "SUCCESS"
        if is_away and not self._is_away:
            logger.warning(
                "The collector at %s does not take %s. They are dropped until it does; no request "
                "waits for that. Check OTEL_EXPORTER_OTLP_ENDPOINT, and that it runs.",
                self._host,
                self._what,
            )
        elif self._is_away and not is_away:
            logger.warning("The collector at %s takes %s again.", self._host, self._what)
        self._is_away = is_away
        return result

    def shutdown(self, *arguments: Any, **named: Any) -> None:
        """Ends it."""
        self._exporter.shutdown(*arguments, **named)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True: nothing is kept here."""
        return bool(self._exporter.force_flush(timeout_millis))
