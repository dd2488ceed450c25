"""Traces that begin here are sampled as the SDK would do it, and have ids where they are not."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from connections.telemetry import tracing
from connections.telemetry.roots import Roots, Unsampled
from providers.core.trace_context import TRACE_HEADERS


@pytest.fixture
def share(request: pytest.FixtureRequest) -> Iterator[float]:
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(request.param)))
    provider.id_generator = roots = Roots(provider.sampler)
    headers, before = TRACE_HEADERS.set({}), tracing.resume(None)
    tracing.begin(provider.get_tracer("tests"), roots)
    yield request.param
    tracing.begin(None)
    tracing.leave(before)
    TRACE_HEADERS.reset(headers)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0], indirect=True)
def test_as_many_are_sampled_as_was_asked_for(share: float):
    spans = [tracing.begin_request("GET", "", "") for _ in range(2000)]
    sampled = sum(one.is_recording() for one in spans)
    assert abs(sampled / len(spans) - share) < 0.06
    assert len({one.get_span_context().trace_id for one in spans}) == len(spans)


@pytest.mark.parametrize("share", [0.0], indirect=True)
def test_one_that_is_not_has_ids_that_are_passed_on_and_logged(share: float):
    span = tracing.begin_request("GET", "", "")
    named = tracing.fields()
    assert isinstance(span, Unsampled) and tracing.recording() is None
    expected = f"00-{named['trace_id']}-{named['span_id']}-00"
    assert TRACE_HEADERS.get() == {"traceparent": expected}


@pytest.mark.parametrize("share", [0.0], indirect=True)
def test_a_caller_decides_for_its_own_trace(share: float):
    trace = "0a" * 16
    span = tracing.begin_request("GET", f"00-{trace}-b7ad6b7169203331-01", "")
    assert span.is_recording() and f"{span.get_span_context().trace_id:032x}" == trace
