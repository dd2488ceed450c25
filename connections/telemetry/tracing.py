"""Spans of the request that is answered now: https://opentelemetry.io/docs/specs/otel/trace/api/.

Nothing here imports OpenTelemetry before `begin`: without an exporter there is no tracer, and each
question costs the look at one variable.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

from providers.core.request_id import TRACEPARENT
from providers.core.trace_context import TRACE_HEADERS

LONGEST_STATE = 512  # characters of tracestate that are passed on, as the standard has it

Attributes = Mapping[str, Any]

_tracer: Any = None
_roots: Any = None  # asks whether a trace that begins here is sampled; None: the tracer does
_api: Any = None  # the module opentelemetry.trace
_nowhere: Any = None  # a context without a span
_span: ContextVar[Any] = ContextVar("span", default=None)


def begin(tracer: Any, roots: Any = None) -> None:
    """Has spans made by this tracer of OpenTelemetry's from now on, None for none. `roots`: what
    this tracer has its ids from (roots.py).
    """
    global _tracer, _api, _nowhere, _roots
    if tracer is not None:
        from opentelemetry import trace
        from opentelemetry.context import Context

        _api, _nowhere = trace, Context()
    _tracer, _roots = tracer, roots


def is_on() -> bool:
    """True while spans are made."""
    return _tracer is not None


def current() -> Any:
    """The span of the request that is answered now, recorded or not; None without one."""
    return _span.get()


def recording() -> Any:
    """The span of the request that is answered now if it is recorded, else None."""
    span = _span.get()
    return span if span is not None and span.is_recording() else None


def begin_request(method: str, traceparent: str, tracestate: str) -> Any:
    """The span of a request that begins, a child of its caller's. Whoever begins it ends it.

    From now on it is the current one, in this task and in those that it starts, and what is sent
    to services names it.
    """
    kind, attributes = _api.SpanKind.SERVER, {"http.request.method": method}
    parent, span = _nowhere, None
    if traceparent and TRACEPARENT.fullmatch(traceparent):
        parent = _context_of(traceparent, tracestate)
    elif _roots is not None:
        span = _roots.unsampled(method, kind, attributes)
    span = span or _tracer.start_span(method, parent, kind, attributes)
    _span.set(span)
    TRACE_HEADERS.set(headers_of(span))
    return span


def _context_of(traceparent: str, tracestate: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {"traceparent": traceparent}
    if tracestate and len(tracestate) <= LONGEST_STATE:
        carrier["tracestate"] = tracestate
    return TraceContextTextMapPropagator().extract(carrier, _nowhere)


def headers_of(span: Any) -> dict[str, str]:
    """The headers that tell a service of the span that asks it."""
    found = span.get_span_context()
    flags = int(found.trace_flags)
    headers = {"traceparent": f"00-{found.trace_id:032x}-{found.span_id:016x}-{flags:02x}"}
    if found.trace_state:
        headers["tracestate"] = found.trace_state.to_header()
    return headers


def begin_call(name: str, attributes: Attributes) -> Any:
    """A span for a request to a service, as a child of the current one; None where that is not
    recorded. It is named to the service, and ended by whoever begins it.
    """
    span = _child(name, _api.SpanKind.CLIENT, attributes) if recording() is not None else None
    if span is not None:
        TRACE_HEADERS.set(headers_of(span))
    return span


@contextmanager
def step(name: str, attributes: Attributes) -> Iterator[Any]:
    """A span around the block, as a child of the current one; None where that is not recorded.

    Of an exception only its kind is told: its text may hold anything.
    """
    if recording() is None:
        yield None
        return
    span = _child(name, _api.SpanKind.INTERNAL, attributes)
    try:
        yield span
    except Exception as error:
        fail(span, type(error).__name__)
        raise
    finally:
        span.end()


def _child(name: str, kind: Any, attributes: Attributes) -> Any:
    parent = _api.set_span_in_context(_span.get(), _nowhere)
    return _tracer.start_span(name, parent, kind, attributes, record_exception=False)


def fail(span: Any, code: str) -> None:
    """Marks a span as failed."""
    span.set_attribute("error.type", code)
    span.set_status(_api.StatusCode.ERROR)


def resume(span: Any) -> Token[Any]:
    """Makes a span the current one in another thread, until `leave`."""
    return _span.set(span)


def leave(token: Token[Any]) -> None:
    """Ends what `resume` began."""
    _span.reset(token)


def fields() -> dict[str, str]:
    """The ids of the current span, as log lines have them; empty without one."""
    span = _span.get()
    if span is None:
        return {}
    found = span.get_span_context()
    return {"trace_id": f"{found.trace_id:032x}", "span_id": f"{found.span_id:016x}"}
