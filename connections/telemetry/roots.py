"""Traces that begin here. Most are not sampled, which the SDK takes longer to say: make bench
ARGS=telemetry.
"""

from random import getrandbits
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, TraceIdRatioBased
from opentelemetry.trace import SpanKind

NOWHERE = Context()
LOW_BITS = TraceIdRatioBased.TRACE_ID_LIMIT


class Unsampled:
    """The span of a request that is not recorded: its ids, which are passed on and logged."""

    __slots__ = ("span_id", "trace_id")
    trace_flags, trace_state = 0, None

    def __init__(self) -> None:
        self.trace_id, self.span_id = getrandbits(128) or 1, getrandbits(64) or 1  # 0 is no id

    def is_recording(self) -> bool:
        """False."""
        return False

    def get_span_context(self) -> "Unsampled":
        """Itself, which has the names of a context."""
        return self

    def end(self) -> None:
        """Does nothing."""


class Roots(RandomIdGenerator):
    """Asks the sampler about each trace before the SDK makes a span of it, and hands the SDK the id
    that the sampler has taken.

    A sampler that takes a share of the traces is asked only about those that it may take: it looks
    at their ids alone (opentelemetry.io/docs/specs/otel/trace/sdk/#traceidratiobased).
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler, self._taken = sampler, 0
        root = getattr(sampler, "_root", sampler)  # of one that goes by its parent
        self._bound = root.bound if isinstance(root, TraceIdRatioBased) else None

    def unsampled(self, name: str, kind: SpanKind, attributes: dict[str, Any]) -> Unsampled | None:
        """A span for a trace that is not sampled; None where the next span begins one that is."""
        span = Unsampled()
        if self._bound is not None and span.trace_id & LOW_BITS >= self._bound:
            return span
        asked = self._sampler.should_sample(NOWHERE, span.trace_id, name, kind, attributes)
        if asked.decision is Decision.DROP:
            return span
        self._taken = span.trace_id
        return None

    def generate_trace_id(self) -> int:
        """The id that the sampler has taken, else a new one."""
        found, self._taken = self._taken, 0
        return found or super().generate_trace_id()
