"""Requests that are sent again: after a refusal that says when, and where nobody can have carried
out the first one.
"""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any

import httpx2

from .wire import Answer, Call

RETRIES = 2
LONGEST_WAIT = 30  # seconds; who is to wait longer gets the error
PAUSE = 0.1  # seconds before a connection that failed is tried again, then twice as long
REFUSALS = (429, 503)
REPEATABLE = frozenset(["GET", "PUT", "DELETE"])  # RFC 9110, section 9.2.2
LOST = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError, httpx2.CloseError)


class Attempts:
    """The attempts of one call: the first, and at most as many `retries`."""

    def __init__(self, call: Call, retries: int) -> None:
        self._call, self._left, self._pause = call, retries, PAUSE
        self._was_sent = False

    def note(self, event: str, _details: Mapping[str, Any]) -> None:
        """Takes an event of the HTTP client's: its extension `trace`."""
        if event.endswith(".send_request_headers.started"):
            self._was_sent = False
        if event.endswith(".send_request_headers.complete"):
            self._was_sent = True

    async def note_async(self, event: str, details: Mapping[str, Any]) -> None:
        """As `note`, for the asynchronous client."""
        self.note(event, details)

    def wait_after_answer(self, answer: Answer) -> float | None:
        """The seconds to wait before the next attempt, None to take this answer."""
        wait = seconds_of(answer.headers) if answer.status in REFUSALS else None
        return self._next(wait) if wait is not None and wait <= LONGEST_WAIT else None

    def wait_after_error(self, error: httpx2.RequestError) -> float | None:
        """The seconds to wait before the next attempt, None to give up."""
        if isinstance(error, httpx2.ConnectError):
            may_repeat = not is_of_tls(error)
        else:
            is_harmless = not self._was_sent or self._call.method in REPEATABLE
            may_repeat = isinstance(error, LOST) and is_harmless
        if not may_repeat:
            return None
        pause, self._pause = self._pause, self._pause * 2
        return self._next(pause)

    def _next(self, wait: float) -> float | None:
        self._left -= 1
        return wait if self._left >= 0 else None


def seconds_of(headers: Mapping[str, str]) -> int | None:
    """The seconds that Retry-After asks to wait, also as a date; None if it says nothing."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) < 10:
        return int(said)
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    now = datetime.now(UTC)
    return max(0, ceil((until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()))


def is_of_tls(error: BaseException | None) -> bool:
    """True if the server's certificate, or what else belongs to TLS, is behind an error."""
    return error is not None and (
        isinstance(error, ssl.SSLError) or is_of_tls(error.__cause__ or error.__context__)
    )
