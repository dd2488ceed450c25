"""Spans without a collector: what they tell, and what is passed on."""

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connections import conf
from connections.resolving import MACHINE
from connections.telemetry import tracing
from providers.core.trace_context import TRACE_HEADERS

TRACE, PARENT = "4bf9" * 8, "00f0" * 4
VALUE = "sk-of-a-source-1234567890"


def test_a_read_of_a_source_tells_the_source_and_the_section_alone(
    spans: InMemorySpanExporter, settings
):
    settings.CONNECTIONS_CONFIG = {"OpenAI": {"VeryPrivateName": VALUE}}
    request = tracing.begin_request("GET", "", "")
    found = conf.resolver().resolve("$OpenAI:VeryPrivateName", True, MACHINE)
    request.end()
    *reads, own = spans.get_finished_spans()
    assert found.value == VALUE and own.name == "GET"
    assert dict(reads[-1].attributes or {}) == {
        "switchboard.source": "CONNECTIONS_CONFIG",
        "switchboard.section": "OpenAI",
        "switchboard.found": True,
    }
    told = "".join(one.to_json() for one in spans.get_finished_spans())
    assert VALUE not in told and "VeryPrivateName" not in told


def test_a_step_that_fails_tells_the_kind_of_its_error_and_not_its_text(
    spans: InMemorySpanExporter,
):
    request = tracing.begin_request("GET", "", "")
    with pytest.raises(ValueError), tracing.step("read source", {}):
        raise ValueError(VALUE)
    request.end()
    step = spans.get_finished_spans()[0]
    assert (step.attributes or {})["error.type"] == "ValueError" and VALUE not in step.to_json()


@pytest.mark.parametrize(
    ("parent", "state", "kept"),
    [
        (f"00-{TRACE}-{PARENT}-01", "vendor=one", "vendor=one"),
        (f"00-{TRACE}-{PARENT}-01", "vendor=" + "x" * 600, None),
        (f"00-{TRACE}-{PARENT}-01", "no state at all", None),
    ],
)
def test_a_callers_trace_goes_on(
    spans: InMemorySpanExporter, parent: str, state: str, kept: str | None
):
    span = tracing.begin_request("GET", parent, state)
    own = span.get_span_context()
    assert f"{own.trace_id:032x}" == TRACE
    assert TRACE_HEADERS.get()["traceparent"] == f"00-{TRACE}-{own.span_id:016x}-01"
    assert TRACE_HEADERS.get().get("tracestate") == kept


@pytest.mark.parametrize("parent", ["", "00-1-2-01", f"00-{TRACE}-{PARENT}-01,again", "ff" * 30])
def test_what_is_no_trace_begins_a_new_one(spans: InMemorySpanExporter, parent: str):
    assert f"{tracing.begin_request('GET', parent, '').get_span_context().trace_id:032x}" != TRACE


def test_without_a_tracer_nothing_is_made():
    with tracing.step("read source", {}) as span:
        assert (span, tracing.current(), tracing.fields()) == (None, None, {})
    assert not tracing.is_on() and dict(TRACE_HEADERS.get()) == {}
