"""A call as spans, where its texts are asked for and where not."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connections.services import Caller
from connections.telemetry import genai, tracing
from gateway.core.requests import parse_request
from gateway.usage.pending import PendingRecord
from gateway.usage.spans import begin_attempt_span, end_spans, note_answer, traces_text
from providers.core.base import Capability
from providers.core.results import Usage

SECRET, SAID = "sk-connection-1234567890", "the words of a person"


def record_of(text: str) -> PendingRecord:
    """A call whose first target was passed over, and whose second answered."""
    body = {"messages": [{"role": "user", "content": text}]}
    request = parse_request("v1", Capability.CHAT, Caller(1, "ada"), "support", body)
    record = PendingRecord(request)
    record.asked = target("support").profile
    record.pass_over(target("support"), "timeout", is_cooling=True)
    attempt = record.begin_attempt(target("spare"), is_cooling=False)
    begin_attempt_span(attempt, record)
    record.answer.append(f"you said {text}")
    record.usage = Usage(9, 4, 6)
    note_answer(record, SimpleNamespace(found={"model": "gpt-4o-2026"}))
    record.end("ok")
    end_spans(record)
    return record


def target(alias: str) -> Any:
    profile = SimpleNamespace(alias=alias, model="gpt-4o", id=UUID(int=1))
    pooled = SimpleNamespace(secrets=(SECRET,))
    return SimpleNamespace(
        profile=profile, connection_alias="production", provider_id="mistral", pooled=pooled
    )


def told(spans: InMemorySpanExporter) -> list[dict[str, Any]]:
    return [dict(one.attributes or {}) for one in spans.get_finished_spans()]


def test_a_call_tells_model_provider_and_tokens_and_no_text(spans: InMemorySpanExporter):
    request = tracing.begin_request("POST", "", "")
    assert not traces_text(record_of(SAID))
    request.end()
    attempt, own = spans.get_finished_spans()
    assert (attempt.name, own.name) == ("chat gpt-4o", "chat gpt-4o")
    assert [one.name for one in own.events] == ["switchboard.passed_over"]
    common = {
        genai.OPERATION: "chat",
        genai.PROVIDER: "mistral_ai",
        genai.REQUEST_MODEL: "gpt-4o",
        genai.RESPONSE_MODEL: "gpt-4o-2026",
        genai.REQUEST_STREAM: False,
        genai.INPUT_TOKENS: 9,
        genai.OUTPUT_TOKENS: 4,
        genai.CACHED_TOKENS: 6,
        "switchboard.is_estimated": False,
        "switchboard.connection": "production",
    }
    assert told(spans)[0] == common | {"switchboard.profile": "spare"}
    own_alone = {"switchboard.profile": "support", "switchboard.outcome": "ok"}
    assert told(spans)[1] == common | own_alone | {"http.request.method": "POST"}


def test_texts_are_told_where_they_are_asked_for_and_never_a_secret(
    spans: InMemorySpanExporter, settings
):
    settings.GATEWAY_TRACE_CONTENT = True
    request = tracing.begin_request("POST", "", "")
    record_of(f"{SAID} {SECRET} {'x' * 20_000} \ud800")
    request.end()
    found = told(spans)[-1]
    for name in (genai.INPUT_MESSAGES, genai.OUTPUT_MESSAGES):
        assert SAID in found[name] and "***" in found[name] and len(found[name]) <= 8_000
        assert "1234567890" not in found[name]
