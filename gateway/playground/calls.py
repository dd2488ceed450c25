"""The playground's requests: made as any other, and answered as events for its page.

`{"content": ...}` for each piece of an answer, or `{"vector": [...], "dimensions": ...}`; then
`{"error": {...}}` if something went wrong; then `{"facts": {...}, "code": {...}}`: the target that
was asked, what it took, and the same request as code.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from connections.services import Caller
from providers.core.base import Capability
from providers.core.results import FinishReason, Usage

from ..core import sse
from ..core.errors import GatewayError
from ..core.estimates import counted_by_service
from ..core.requests import parse_request
from ..doors.endpoint import (
    SSE,
    DoorRequest,
    DoorResponse,
    RawHeaders,
    RecordingRefusals,
)
from ..doors.streaming import stream_response
from ..routing.gateway import Gateway, PendingResponse

ENDPOINT = "playground"
SHOWN_NUMBERS = 8  # of a vector
ENDINGS = {
    FinishReason.LENGTH: _("Cut off at the longest answer allowed"),
    FinishReason.CONTENT_FILTER: _("Stopped by a content filter"),
    FinishReason.TOOL_CALLS: _("With a tool call"),
}


@dataclass(slots=True)
class Stopwatch:
    """The time since a request began, and the time of its first piece."""

    started: float = field(default_factory=time.perf_counter)
    first: float | None = None

    def mark_first_piece(self) -> None:
        """Notes the time, unless a piece came before."""
        self.first = self.first or time.perf_counter()

    def facts(self) -> dict[str, int | None]:
        """Both in milliseconds."""
        passed = time.perf_counter() - self.started
        first = None if self.first is None else round(1000 * (self.first - self.started))
        return {"latency_ms": round(1000 * passed), "first_chunk_ms": first}


@dataclass(frozen=True, slots=True)
class Trial:
    """A request of the playground: its caller, the id of its profile, its body in OpenAI's format
    with variables, the same request as code, and the language of its page.
    """

    caller: Caller
    profile: str
    body: dict[str, Any]
    code: dict[str, str]
    language: str

    @property
    def door_request(self) -> DoorRequest:
        """As much of a request as the usage record of a refusal needs."""
        return DoorRequest("POST", "", {}, b"", self.profile)


async def chat(gateway: Gateway, trial: Trial) -> DoorResponse:
    """The answer to a conversation, as a stream of events."""
    stopwatch, caller = Stopwatch(), trial.caller
    headers: RawHeaders = []

    def events(pending: PendingResponse) -> AsyncGenerator[bytes, None]:
        headers.extend(pending.headers)
        return _events(trial, stopwatch, pending)

    def broken(error: GatewayError) -> bytes:
        return _error_events(trial, stopwatch, error, headers or error.headers)

    try:
        with RecordingRefusals(gateway, ENDPOINT, Capability.CHAT, caller, trial.door_request):
            body = trial.body | {"stream": True}
            request = parse_request(ENDPOINT, Capability.CHAT, caller, trial.profile, body)
        return await stream_response(gateway, request, events, broken)
    except GatewayError as error:
        return DoorResponse(200, SSE, broken(error))


async def _events(
    trial: Trial, stopwatch: Stopwatch, pending: PendingResponse
) -> AsyncGenerator[bytes, None]:
    reason = FinishReason.STOP
    async with aclosing(pending.answer.chunks()) as chunks:
        async for chunk in chunks:
            reason = chunk.finish_reason or reason
            if chunk.content:
                stopwatch.mark_first_piece()
                pending.record_text(chunk.content)
                yield sse.event({"content": chunk.content})
    usage = counted_by_service(pending.answer)
    yield _facts_event(trial, stopwatch, pending.headers, usage, reason)


async def embed(gateway: Gateway, trial: Trial) -> DoorResponse:
    """The vector of one text, as events."""
    stopwatch, caller = Stopwatch(), trial.caller
    capability = Capability.EMBEDDING
    try:
        with RecordingRefusals(gateway, ENDPOINT, capability, caller, trial.door_request):
            request = parse_request(ENDPOINT, capability, caller, trial.profile, trial.body)
        pending = await gateway.answer(request)
        vectors = await pending.given(lambda whole: whole.vectors())
    except GatewayError as error:
        return DoorResponse(200, SSE, _error_events(trial, stopwatch, error, error.headers))
    vector = vectors[0] if vectors else []
    events = sse.event({"vector": vector[:SHOWN_NUMBERS], "dimensions": len(vector)})
    events += _facts_event(trial, stopwatch, pending.headers, counted_by_service(pending.answer))
    return DoorResponse(200, SSE, events)


def _error_events(
    trial: Trial, stopwatch: Stopwatch, error: GatewayError, headers: RawHeaders
) -> bytes:
    event = sse.event({"error": {"message": error.message, "code": error.code}})
    return event + _facts_event(trial, stopwatch, headers)


def _facts_event(
    trial: Trial,
    stopwatch: Stopwatch,
    headers: RawHeaders,
    usage: Usage | None = None,
    reason: FinishReason | None = None,
) -> bytes:
    facts: dict[str, Any] = {
        name.removeprefix(b"x-switchboard-").decode().replace("-", "_"): value.decode()
        for name, value in headers
    }
    if "connection" in facts:
        facts["connection_address"] = reverse("connection-list", query={"q": facts["connection"]})
    with translation.override(trial.language):  # the gateway knows nothing of the page
        ended = str(ENDINGS[reason]) if reason in ENDINGS else None
    facts["input_tokens"] = usage.input_tokens if usage else None
    facts["output_tokens"] = usage.output_tokens if usage else None
    return sse.event({"facts": {**facts, **stopwatch.facts(), "ending": ended}, "code": trial.code})


@dataclass(slots=True)
class TrialResult:
    """The events of one request, put together."""

    text: str = ""
    vector: list[float] = field(default_factory=list)
    dimensions: int = 0
    error: dict[str, str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)


def read_events(body: bytes) -> TrialResult:
    """The result that the events in a response's body tell of."""
    result = TrialResult()
    for one in sse.events(body):
        for name, value in (sse.json_of(one) or {}).items():
            if name == "content":
                result.text += value
            else:
                setattr(result, name, value)
    return result
