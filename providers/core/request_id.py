"""The id of the request that is answered now, for log lines and for what is sent to a service."""

import re
from contextvars import ContextVar

# https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, parent id, flags.
# Versions after 00 may have more behind them; ff is none.
TRACEPARENT = re.compile(
    r"(?:(?P<first>00)|(?!00|ff)[0-9a-f]{2})"
    r"-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"(?(first)|(?:-.*)?)"
)
VALID = re.compile(r"[A-Za-z0-9._:/+=@~-]{1,128}")
HEADER = "X-Request-ID"

# Empty outside of a request.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")


def told_request_id(request_id: str, traceparent: str) -> str:
    """The id that a caller gave in `X-Request-ID`, else the trace in `traceparent`; empty where
    neither is valid.
    """
    if VALID.fullmatch(request_id):
        return request_id
    trace = TRACEPARENT.fullmatch(traceparent.strip())
    return trace["trace"] if trace else ""
