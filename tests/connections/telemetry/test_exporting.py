"""The way to a collector: settings, collectors that are away or send us elsewhere, and the stop."""

import logging
import threading
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from backoffice.environment import Environment
from backoffice.tracing_settings import read_collectors, read_form_of_log
from connections import conf
from connections.references import State
from connections.resolving import MACHINE
from connections.telemetry import exporting, tracing
from connections.telemetry.exporting import ToldOnce
from tests.collector import Collector
from tests.httpserver import Answer

BASE = "http://collector:4318"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, ("", "")),
        ({"": BASE}, (f"{BASE}/v1/traces", f"{BASE}/v1/metrics")),
        ({"": f"{BASE}/", "TRACES_": "https://a/b"}, ("https://a/b", f"{BASE}/v1/metrics")),
        ({"METRICS_": f"{BASE}/m"}, ("", f"{BASE}/m")),
    ],
)
def test_an_address_for_both_or_for_each(given: dict[str, str], found: tuple[str, str]):
    names = {f"OTEL_EXPORTER_OTLP_{name}ENDPOINT": value for name, value in given.items()}
    assert read_collectors(Environment(names)) == (*found, False)
    off = Environment({**names, "OTEL_SDK_DISABLED": "true"})
    assert read_collectors(off) == ("", "", False)
    off = Environment({**names, "OTEL_TRACES_EXPORTER": "none"})
    assert read_collectors(off) == ("", found[1], False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@collector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "1%"),
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1s"),
    ],
)
def test_what_makes_no_sense_stops_the_start(name: str, value: str):
    with pytest.raises(ImproperlyConfigured, match=name) as refused:
        read_collectors(Environment({name: value}))
    assert "hunter2" not in str(refused.value)


def test_headers_are_listed_masked():
    env = Environment({"OTEL_EXPORTER_OTLP_HEADERS": "x-key=hunter2"})
    read_collectors(env)
    assert env.variables["OTEL_EXPORTER_OTLP_HEADERS"].text == "***"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, ("text", False)),
        ({"LOG_FORMAT": "JSON"}, ("json", False)),
        ({"LOG_FORMAT": "json", "GATEWAY_LOG_CALLS": "true"}, ("json", True)),
    ],
)
def test_good_calls_have_lines_where_that_is_asked_for(
    given: dict[str, str], found: tuple[str, bool]
):
    assert read_form_of_log(Environment(given)) == found
    with pytest.raises(ImproperlyConfigured, match="text or json"):
        read_form_of_log(Environment({"LOG_FORMAT": "xml"}))


def test_no_reference_names_what_the_collector_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2")
    found = conf.resolver().resolve("$Env:OTEL_EXPORTER_OTLP_HEADERS", True, MACHINE)
    assert found.state is State.DENIED and conf.is_own_variable("OTEL_EXPORTER_OTLP_HEADERS")


class Away:
    """An exporter that does as it is told."""

    def __init__(self) -> None:
        self.result = SpanExportResult.FAILURE

    def export(self, batch: Any) -> SpanExportResult:
        return self.result


def test_a_collector_that_is_away_is_told_once_and_once_more_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
):
    away = Away()
    told = ToldOnce(away, "traces", f"{BASE}/v1/traces")
    with caplog.at_level(logging.WARNING):
        for result in ("FAILURE", "FAILURE", "FAILURE", "SUCCESS", "SUCCESS"):
            away.result = SpanExportResult[result]
            told.export([])
    said = [one.getMessage() for one in caplog.records if one.name == exporting.__name__]
    assert len(said) == 2 and "collector:4318 does not take traces" in said[0]
    assert said[1] == "The collector at collector:4318 takes traces again."


def test_no_redirect_of_a_collector_is_followed(spans: InMemorySpanExporter):
    tracing.begin_request("GET", "", "").end()
    with Collector() as elsewhere, Collector() as collector:
        collector.default = Answer(307, b"", {"Location": f"{elsewhere.url}/v1/traces"})
        exporter = OTLPSpanExporter(f"{collector.url}/v1/traces", timeout=2)
        exporter.export(spans.get_finished_spans())
        assert (len(collector.requests), elsewhere.requests) == (1, [])


def test_a_stop_does_not_wait_for_a_collector_that_hangs(monkeypatch: pytest.MonkeyPatch):
    class Hangs:
        ended = threading.Event()

        def shutdown(self) -> None:
            self.ended.wait(60)

    monkeypatch.setattr(exporting, "STOP_SECONDS", 0.01)
    monkeypatch.setattr(exporting, "_running", [Hangs()])
    exporting.stop()
    assert not Hangs.ended.is_set()
    Hangs.ended.set()
