"""A collector of traces and metrics, as OpenTelemetry's own takes them: OTLP over HTTP, protobuf.

with Collector() as collector: collector.url, collector.spans(), collector.span("chat words")
"""

from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from .httpserver import Answer, HttpServer

TRACES, METRICS = "/v1/traces", "/v1/metrics"
PROTOBUF = Answer(200, b"", {"Content-Type": "application/x-protobuf"})


class Collector(HttpServer):
    """Takes everything. Set `default` to another answer for one that does not."""

    def __init__(self) -> None:
        super().__init__(default=PROTOBUF)

    @property
    def exports(self) -> list[ExportTraceServiceRequest]:
        """The exports of traces, decoded."""
        return [ExportTraceServiceRequest.FromString(one.body) for one in self.asked(TRACES)]

    def spans(self) -> list[Span]:
        """All spans that have come."""
        return [
            span
            for export in self.exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace."""
        return [one for one in self.spans() if one.trace_id.hex() == trace_id]

    def metrics(self) -> dict[str, Metric]:
        """The metrics of the last export of each worker, by name; of two the later one."""
        found: dict[str, Metric] = {}
        for request in self.asked(METRICS):
            export = ExportMetricsServiceRequest.FromString(request.body)
            for resource in export.resource_metrics:
                for scope in resource.scope_metrics:
                    found |= {one.name: one for one in scope.metrics}
        return found


def value(found: AnyValue) -> Any:
    """The value of an attribute."""
    return getattr(found, found.WhichOneof("value"))


def attributes(pairs: Any) -> dict[str, Any]:
    """Attributes as a dictionary."""
    found: list[KeyValue] = list(pairs)
    return {one.key: value(one.value) for one in found}
