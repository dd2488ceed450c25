"""Spans and log lines of a running gateway, as a collector and a reader of the log have them."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import Collector, attributes
from tests.connections.telemetry.names import CONVENTIONS

from .office import KEY
from .serving import Gateway, eventually, gateway

PARENT, TRACE = "00f0" * 4, "4bf9" * 8
CALLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=one"}
PROMPT = "the-words-of-a-prompt"
CONVENTIONAL = ("duration", "usage", "first")  # what the conventions have of our metrics


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as one:
        yield one


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that tells everything it can tell."""
    place = tmp_path_factory.mktemp("traced")
    with gateway(
        place,
        LOG_FORMAT="json",
        GATEWAY_LOG_CALLS="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_EXPORTER_OTLP_HEADERS="x-tenant=one",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        OTEL_BSP_SCHEDULE_DELAY="50",
        OTEL_METRIC_EXPORT_INTERVAL="200",
    ) as one:
        yield one


def lines(gate: Gateway) -> list[dict[str, Any]]:
    """Everything that the server wrote."""
    return [json.loads(one) for one in gate.log.splitlines()]


def line(gate: Gateway, request_id: str, logger: str = "gunicorn.access") -> dict[str, Any]:
    """The line of one request."""
    return eventually(
        lambda: [
            one
            for one in lines(gate)
            if one.get("request_id") == request_id and one["logger"] == logger
        ]
    )[0]


def spans_of(collector: Collector, request_id: str) -> tuple[Span, list[Span]]:
    """The span of a request, and all others of its trace."""

    def look() -> list[Span]:
        key = "switchboard.request_id"
        return [
            one for one in collector.spans() if attributes(one.attributes).get(key) == request_id
        ]

    own = eventually(look)[0]
    others = [one for one in collector.spans() if one.trace_id == own.trace_id and one != own]
    return own, others


def test_one_id_goes_through_everything(traced: Gateway, collector: Collector):
    profile = traced.profile("words?usage=full")
    told = {"x-request-id": "order-17", **CALLED}
    answer = traced.post(
        "/v1/chat/completions",
        {"model": profile, "messages": [{"role": "user", "content": PROMPT}]},
        **told,
    )
    assert answer.headers["x-request-id"] == "order-17"
    assert traced.record(profile)["request_id"] == "order-17"
    assert line(traced, "order-17")["trace_id"] == TRACE
    assert traced.upstream.seen[-1].headers["x-request-id"] == "order-17"
    assert (
        attributes(spans_of(collector, "order-17")[0].attributes)["switchboard.profile"] == profile
    )
    token = traced.office.token(scopes=("connections:write",))
    new = {"alias": traced.name(), "name": "New", "providerId": "echo", "settings": {}}
    assert traced.post("/api/v1/connections", new, token, **told).status_code == 201
    assert [one["action"] for one in traced.office.events("order-17")] == ["connection.create"]


def test_a_call_is_a_span_with_one_for_each_attempt(traced: Gateway, collector: Collector):
    broken = traced.profile("status?code=503", traced.connection(max_retries=1))
    spare = traced.profile("words?usage=full")
    asked = traced.profile("status?code=500", fallbacks=[broken, spare])
    answer = traced.post(
        "/v1/chat/completions",
        {"model": asked, "messages": [{"role": "user", "content": PROMPT}]},
        **CALLED,
        x_request_id="order-18",
    )
    assert answer.status_code == 200
    own, others = spans_of(collector, "order-18")
    assert (own.name, own.kind) == ("chat words?usage=full", Span.SPAN_KIND_SERVER)
    assert (own.trace_id.hex(), own.parent_span_id.hex()) == (TRACE, PARENT)
    told = attributes(own.attributes)
    names = CONVENTIONS
    assert told[names["operation"]] == "chat" and told[names["input"]] == 9
    assert told[names["output"]] == 4 and told["switchboard.profile"] == asked
    attempts = [one for one in others if one.parent_span_id == own.span_id]
    assert [one.kind for one in attempts] == [Span.SPAN_KIND_CLIENT] * 3
    kinds = [attributes(one.attributes).get("error.type") for one in attempts]
    assert kinds == ["error", "error", None]
    assert answer.headers["x-switchboard-attempts"] == "3"
    sent = traced.upstream.seen[-1].headers
    assert sent["traceparent"] == f"00-{TRACE}-{attempts[-1].span_id.hex()}-01"
    assert sent["tracestate"] == "vendor=one"


def test_what_happens_on_the_way_is_told_as_events(traced: Gateway, collector: Collector):
    broken = traced.profile("status?code=503", traced.connection(max_retries=1))
    messages = [{"role": "user", "content": PROMPT}]
    traced.post(
        "/v1/chat/completions", {"model": broken, "messages": messages}, x_request_id="order-19"
    )
    _, attempts = spans_of(collector, "order-19")
    assert [event.name for event in attempts[0].events] == ["switchboard.retry"]
    fallback = traced.profile("status?code=503", fallbacks=[traced.profile("words")])
    for number in (20, 21):
        traced.post(
            "/v1/chat/completions",
            {"model": fallback, "messages": messages, "stream": True},
            x_request_id=f"order-{number}",
        )
    own, attempts = spans_of(collector, "order-21")  # the first target rests by now
    assert [event.name for event in own.events] == ["switchboard.passed_over"]
    assert [event.name for event in attempts[-1].events] == ["switchboard.first_chunk"]


def test_a_caller_who_hangs_up_in_a_stream_is_a_499(traced: Gateway, collector: Collector):
    profile = traced.profile("words?chunks=100&delay=0.05")
    body = json.dumps(
        {"model": profile, "stream": True, "messages": [{"role": "user", "content": PROMPT}]}
    )
    host, port = traced.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: order-22\r\n"
            f"Authorization: Bearer {traced.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        caller.sendall(head.encode())
        assert caller.recv(100).startswith(b"HTTP/1.1 200")
    told = line(traced, "order-22")
    assert (told["status"], told["outcome"]) == (499, "client_closed")
    assert traced.record(profile)["outcome"] == "client_closed"
    own, attempts = spans_of(collector, "order-22")
    assert attributes(own.attributes)["http.response.status_code"] == 499
    assert attributes(attempts[0].attributes)["error.type"] == "client_closed"


def test_the_line_of_a_call_says_who_asked_for_what_and_how_it_went(traced: Gateway):
    profile = traced.profile("status?code=429")
    traced.post(
        "/v1/chat/completions?secret=of-an-address",
        {"model": profile, "messages": [{"role": "user", "content": PROMPT}]},
        x_request_id="order-23",
    )
    told = line(traced, "order-23")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
    assert told.pop("duration_ms") >= 0 and told.pop("bytes") > 0 and told.pop("connection")
    assert re.fullmatch(r".+ \(sb_[\w-]+…\)", told.pop("token"))
    assert told == {
        "level": "INFO",
        "logger": "gunicorn.access",
        "message": "POST /v1/chat/completions 429",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 429,
        "client": "127.0.0.1",
        "request_id": "order-23",
        "trace_id": told["trace_id"],
        "span_id": told["span_id"],
        "person": "olaf",
        "profile": profile,
        "outcome": "rate_limited",
    }


def test_the_api_and_pages_have_spans_and_lines_with_the_same_id(
    traced: Gateway, collector: Collector
):
    headers = {"Authorization": f"Bearer {traced.token}", "X-Request-ID": "order-24", **CALLED}
    traced.client.get(f"{traced.url}/api/v1/connections", headers=headers)
    told = line(traced, "order-24")
    assert (told["person"], told["status"], told["trace_id"]) == ("olaf", 403, TRACE)
    own, _ = spans_of(collector, "order-24")
    assert own.name.startswith("GET ") and "connections" in own.name
    assert attributes(own.attributes)["http.route"].endswith("connections")
    traced.client.get(f"{traced.url}/sign-in/?next=/usage/", headers={"X-Request-ID": "order-25"})
    assert (line(traced, "order-25")["path"], "person" in line(traced, "order-25")) == (
        "/sign-in/",
        False,
    )
    assert spans_of(collector, "order-25")[0].name == "GET account_login"


def test_neither_prompts_nor_keys_are_in_anything_that_is_told(
    traced: Gateway, collector: Collector
):
    said, models = (
        "a-sentence-of-nobody",
        ("words", "status?code=400&echo=1", "error-event?before=0"),
    )
    for number, model in enumerate(models):
        traced.post(
            "/v1/chat/completions",
            {"model": traced.profile(model), "messages": [{"role": "user", "content": said}]},
            x_request_id=f"leak-{number}",
            traceparent="00-not-a-trace",
        )
        spans_of(collector, f"leak-{number}")
    exported = b"".join(one.body for one in collector.requests).decode("latin-1")
    written = exported + traced.log
    assert not [one for one in (said, PROMPT, KEY, traced.token, "of-an-address") if one in written]


def test_the_collector_learns_who_tells(traced: Gateway, collector: Collector):
    traced.chat(traced.known("words"))
    export = eventually(lambda: collector.exports)[0]
    told = attributes(export.resource_spans[0].resource.attributes)
    assert (told["service.name"], told["deployment.environment.name"]) == ("switchboard", "test")
    assert collector.requests[0].values("x-tenant") == ["one"]


def test_what_is_not_sampled_is_not_sent_and_yet_passed_on(traced: Gateway, collector: Collector):
    profile = traced.profile("words")
    traced.post(
        "/v1/chat/completions",
        {"model": profile, "messages": [{"role": "user", "content": PROMPT}]},
        traceparent=f"00-{'ab' * 16}-{PARENT}-00",
    )
    sent = traced.upstream.seen[-1].headers["traceparent"]
    assert sent.startswith(f"00-{'ab' * 16}-") and sent.endswith("-00")
    assert collector.trace("ab" * 16) == []


def test_every_line_that_the_server_writes_is_json(traced: Gateway):
    traced.client.get(f"{traced.url}/nowhere")
    assert {one["level"] for one in lines(traced)} and all(one["time"] for one in lines(traced))


def tokens(collector: Collector) -> Any:
    """What was told of tokens, for each of its attributes."""
    return collector.metrics()[CONVENTIONS["usage"]].histogram.data_points


def test_the_numbers_of_metrics_come_to_the_collector_too(traced: Gateway, collector: Collector):
    profile = traced.known("words?usage=full")
    traced.chat(profile, stream=True).read()
    names = ("switchboard.gateway_requests", *(CONVENTIONS[one] for one in CONVENTIONAL))
    eventually(lambda: {*names} <= {*collector.metrics()})
    found = collector.metrics()
    requests, duration, usage, first = (found[name] for name in names)
    assert sum(one.as_double for one in requests.sum.data_points) >= 1
    point = duration.histogram.data_points[0]
    assert point.count == sum(point.bucket_counts) and point.sum > 0 and not point.HasField("max")
    asked = {CONVENTIONS["operation"]: "chat", CONVENTIONS["provider"]: "openai-compatible"}
    assert asked.items() <= attributes(point.attributes).items()
    asked |= {CONVENTIONS["model"]: "words?usage=full", CONVENTIONS["type"]: "input"}
    told = eventually(
        lambda: [one for one in tokens(collector) if attributes(one.attributes) == asked]
    )
    assert [one.sum / one.count for one in told] == [9]
    assert usage.unit == CONVENTIONS["tokens"]
    assert first.unit == "s" and len(point.explicit_bounds) + 1 == len(point.bucket_counts)
