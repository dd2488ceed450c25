"""The playground's calls: made as any other, told as events for its page.

What goes wrong is an event too.

`{"content": ...}` as often as there is more of an answer, or `{"vector": [...], "dimensions":
...}`; then `{"error": {...}}` if it came to that; then `{"facts": {...}, "code": {...}}`: who was
asked, what it took, and the same call for people to copy.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from connections.services import Caller
from providers.core.base import Capability
from providers.core.results import FinishReason, Usage

from ..core import sse
from ..core.errors import GatewayError
from ..core.requests import new_call
from ..doors.endpoint import SSE, Headers, Incoming, Outgoing, judging
from ..routing.gateway import Answered, Worker

ENDPOINT = "playground"
SHOWN = 8  # numbers of a vector
ENDINGS = {
    FinishReason.LENGTH: "Cut off at the longest answer allowed",
    FinishReason.CONTENT_FILTER: "Stopped by a content filter",
    FinishReason.TOOL_CALLS: "With a tool call",
}


@dataclass(slots=True)
class Clock:
    """When a call began and when its first piece came."""

    started: float = field(default_factory=time.perf_counter)
    first: float | None = None

    def saw_piece(self) -> None:
        """Notes the first."""
        self.first = self.first or time.perf_counter()

    def facts(self) -> dict[str, int | None]:
        """In milliseconds."""
        passed = time.perf_counter() - self.started
        first = None if self.first is None else round(1000 * (self.first - self.started))
        return {"latency_ms": round(1000 * passed), "first_chunk_ms": first}


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: by whom, with which profile (its id), in OpenAI's format with variables; and
    the call in code.
    """

    caller: Caller
    profile: str
    body: dict[str, Any]
    code: dict[str, str]

    @property
    def incoming(self) -> Incoming:
        """As far as a record of usage needs it."""
        return Incoming("POST", "", {}, b"", self.profile)


async def chat(worker: Worker, trial: Trial) -> Outgoing:
    """The answer to a conversation, as a stream of events."""
    clock, caller = Clock(), trial.caller
    try:
        with judging(worker, ENDPOINT, Capability.CHAT, caller, trial.incoming):
            call = new_call(
                ENDPOINT, Capability.CHAT, caller, trial.profile, trial.body | {"stream": True}
            )
        answered = await worker.answer(call)
    except GatewayError as error:
        return Outgoing(200, SSE, _failed(trial, clock, error, error.headers))

    def broken(error: GatewayError) -> bytes:
        return _failed(trial, clock, error, answered.headers)

    return Outgoing(
        200, SSE, pieces=answered.stream(_pieces(trial, clock, answered), broken), answered=answered
    )


async def _pieces(trial: Trial, clock: Clock, answered: Answered) -> AsyncIterator[bytes]:
    chunks, reason = answered.answer.chunks(), FinishReason.STOP
    try:
        async for chunk in chunks:
            reason = chunk.finish_reason or reason
            if chunk.content:
                clock.saw_piece()
                answered.note(chunk.content)
                yield sse.event({"content": chunk.content})
    finally:
        await chunks.aclose()
    yield _facts(trial, clock, answered.headers, answered.answer.usage, ENDINGS.get(reason))


async def embed(worker: Worker, trial: Trial) -> Outgoing:
    """The vector of one text, as events."""
    clock, caller = Clock(), trial.caller
    try:
        with judging(worker, ENDPOINT, Capability.EMBEDDING, caller, trial.incoming):
            call = new_call(ENDPOINT, Capability.EMBEDDING, caller, trial.profile, trial.body)
        answered = await worker.answer(call)
        with answered.whole() as whole:
            vectors = whole.vectors()
    except GatewayError as error:
        return Outgoing(200, SSE, _failed(trial, clock, error, error.headers))
    vector = vectors[0] if vectors else []
    told = sse.event({"vector": vector[:SHOWN], "dimensions": len(vector)})
    return Outgoing(200, SSE, told + _facts(trial, clock, answered.headers, answered.answer.usage))


def _failed(trial: Trial, clock: Clock, error: GatewayError, headers: Headers) -> bytes:
    return sse.event({"error": {"message": error.message, "code": error.code}}) + _facts(
        trial, clock, headers
    )


def _facts(
    trial: Trial,
    clock: Clock,
    headers: Headers,
    usage: Usage | None = None,
    ending: str | None = None,
) -> bytes:
    served = {
        name.removeprefix(b"x-switchboard-").decode().replace("-", "_"): value.decode()
        for name, value in headers
    }
    if "connection" in served:
        served["connection_address"] = reverse("connection-list", query={"q": served["connection"]})
    tokens = {
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
    }
    return sse.event(
        {"facts": served | tokens | clock.facts() | {"ending": ending}, "code": trial.code}
    )


@dataclass(slots=True)
class Told:
    """The events of one call, put together."""

    text: str = ""
    vector: list[float] = field(default_factory=list)
    dimensions: int = 0
    error: dict[str, str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)


def read(body: bytes) -> Told:
    """What all the events together say."""
    found = Told()
    for one in sse.events(body):
        for name, value in (sse.json_of(one) or {}).items():
            if name == "content":
                found.text += value
            else:
                setattr(found, name, value)
    return found
