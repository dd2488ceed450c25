"""The trace that the request which is answered now belongs to, for what is sent to a service."""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

# https://www.w3.org/TR/trace-context/: `traceparent`, perhaps `tracestate`. Empty where nothing is
# traced.
TRACE_HEADERS: ContextVar[Mapping[str, str]] = ContextVar(
    "trace_headers", default=MappingProxyType({})
)
