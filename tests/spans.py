"""A tracer whose spans stay in memory."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from connections.telemetry import tracing
from providers.core.trace_context import TRACE_HEADERS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def spans() -> "Iterator[InMemorySpanExporter]":
    """The spans that have ended while the test ran."""
    # few tests want one, and it takes a tenth of a second to load
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    headers, before = TRACE_HEADERS.set({}), tracing.resume(None)
    tracing.begin(provider.get_tracer("tests"))
    yield exporter
    tracing.begin(None)
    tracing.leave(before)
    TRACE_HEADERS.reset(headers)
