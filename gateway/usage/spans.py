"""A call as spans: the request's own, and one for each target that was asked."""

import json
from contextlib import suppress
from typing import Any

from django.conf import settings

from connections.telemetry import genai, tracing
from providers.core.redaction import redacted

from ..core import sse
from .pending import PASSED_OVER, Attempt, PendingRecord

LONGEST_TEXT = 8_000  # characters of a prompt or an answer, where they are traced
FIRST_CHUNK, RETRY = "switchboard.first_chunk", "switchboard.retry"
PASSED = "switchboard.passed_over"
NANOSECOND = 1_000_000_000


def traces_text(record: PendingRecord) -> bool:
    """True where the text of this call's answer is traced."""
    return record.span is not None and bool(settings.GATEWAY_TRACE_CONTENT)


def begin_attempt_span(attempt: Attempt, record: PendingRecord) -> None:
    """Begins the span of an attempt. What is sent to the service names it."""
    if record.span is None:
        return
    target, request = attempt.target, record.request
    operation = genai.operation(request.capability.value)
    model = target.profile.model
    attempt.span = tracing.begin_call(
        f"{operation} {model}",
        {
            genai.OPERATION: operation,
            genai.PROVIDER: genai.provider(target.provider_id),
            genai.REQUEST_MODEL: model,
            genai.REQUEST_STREAM: request.is_stream,
            "switchboard.profile": target.profile.alias,
            "switchboard.connection": target.connection_alias,
        },
    )


def note_retry(attempt: Attempt, code: str) -> None:
    """Tells that the service is asked again, and for what."""
    if attempt.span is not None:
        attempt.span.add_event(RETRY, {"error.type": code})


def note_answer(record: PendingRecord, answer: Any) -> None:
    """Keeps what the service calls the model that answered."""
    if record.span is None:
        return
    found = getattr(answer, "found", None)  # of bytes that are passed on
    if found is None and isinstance(first := getattr(answer, "first", None), bytes):
        with suppress(ValueError):
            found = next((one for one in map(sse.json_of, sse.events(first)) if one), None)
    told = getattr(answer, "answer", None) or answer  # of an SDK
    model = found.get("model") if isinstance(found, dict) else getattr(told, "model", "")
    record.answered_model = model if isinstance(model, str) else ""


def end_spans(record: PendingRecord) -> None:
    """Ends the spans of the attempts, and tells that of the request how it went."""
    span, last, request = record.span, record.last, record.request
    for attempt in record.attempts:
        if attempt.outcome == PASSED_OVER:
            at, facts = _nanoseconds(record, attempt.started), _passed(attempt)
            span.add_event(PASSED, facts, at)
        elif attempt.span is not None:
            _end_attempt(attempt, record, is_last=attempt is last)
    operation = genai.operation(request.capability.value)
    found: dict[str, Any] = {genai.OPERATION: operation, genai.REQUEST_STREAM: request.is_stream}
    found["switchboard.outcome"] = record.outcome
    if record.asked is not None:
        found["switchboard.profile"] = record.asked.alias
    name = operation
    if last is not None:
        name = f"{operation} {last.target.profile.model}"
        found[genai.PROVIDER] = genai.provider(last.target.provider_id)
        found[genai.REQUEST_MODEL] = last.target.profile.model
        found["switchboard.connection"] = last.target.connection_alias
        if last.first_chunk is not None and request.is_stream:
            found[genai.FIRST_CHUNK] = last.first_chunk - request.started
    span.update_name(name)
    span.set_attributes(found | _answered(record) | _texts(record))
    if record.outcome != "ok":
        tracing.fail(span, record.outcome)


def _end_attempt(attempt: Attempt, record: PendingRecord, *, is_last: bool) -> None:
    span = attempt.span
    if attempt.first_chunk is not None and record.request.is_stream:
        span.set_attribute(genai.FIRST_CHUNK, attempt.first_chunk - attempt.started)
        span.add_event(FIRST_CHUNK, {}, _nanoseconds(record, attempt.first_chunk))
    if attempt.retries:
        span.set_attribute("switchboard.retries", attempt.retries)
    if attempt.status is not None:
        span.set_attribute("http.response.status_code", attempt.status)
    if is_last:
        span.set_attributes(_answered(record))
    if attempt.outcome != "ok":
        tracing.fail(span, attempt.code or attempt.outcome)
    span.end(_nanoseconds(record, attempt.ended or record.ended))
    attempt.span = None


def _passed(attempt: Attempt) -> dict[str, Any]:
    found = {"error.type": attempt.code, "switchboard.is_cooling": attempt.is_cooling}
    target = attempt.target
    names = (target.profile.alias, target.connection_alias)
    return found | dict(zip(("switchboard.profile", "switchboard.connection"), names, strict=True))


def _answered(record: PendingRecord) -> dict[str, Any]:
    usage, found = record.usage, dict[str, Any]()
    if record.answered_model:
        found[genai.RESPONSE_MODEL] = record.answered_model
    if usage is None:
        return found
    told = {
        genai.INPUT_TOKENS: usage.input_tokens,
        genai.OUTPUT_TOKENS: usage.output_tokens,
        genai.CACHED_TOKENS: usage.cached_tokens,
        genai.CACHE_WRITE_TOKENS: usage.cache_write_tokens,
        genai.REASONING_TOKENS: usage.reasoning_tokens,
    }
    found["switchboard.is_estimated"] = usage.is_estimated
    return found | {name: number for name, number in told.items() if number is not None}


def _texts(record: PendingRecord) -> dict[str, str]:
    """The beginning of prompt and answer where they are traced, with *** for what repeats a secret
    of a target.
    """
    if not traces_text(record):
        return {}
    body = record.request.body
    prompt = json.dumps(body.get("messages", body.get("input")), ensure_ascii=False)
    pooled = [one.target.pooled for one in record.attempts if one.target.pooled]
    secrets = [secret for one in pooled for secret in one.secrets]
    texts = {genai.INPUT_MESSAGES: prompt, genai.OUTPUT_MESSAGES: "".join(record.answer)}
    return {
        name: redacted(text, secrets)[:LONGEST_TEXT].encode(errors="replace").decode()
        for name, text in texts.items()
        if text
    }


def _nanoseconds(record: PendingRecord, moment: float) -> int:
    return int(record.time_of(moment).timestamp() * NANOSECOND)


def tell_log(record: PendingRecord) -> None:
    """Tells the log line of the request what it was about."""
    about = record.request.about
    if about is None:
        return
    last = record.last
    about["profile"] = record.asked.alias if record.asked else record.request.profile_ref[:100]
    about["outcome"] = record.outcome
    if last is not None:
        about["connection"] = last.target.connection_alias
