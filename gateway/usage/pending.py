"""The record of a request while it is answered: who asked, which targets were tried, the tokens."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connections.runtime import StoredProfile
from connections.telemetry import tracing
from providers.core.results import Usage

from ..core.config_cache import Target
from ..core.estimates import input_tokens
from ..core.limit_states import Reservation
from ..core.requests import GatewayRequest

# Until something else is known: whoever waits for the answer may hang up at any time.
CLIENT_CLOSED = "client_closed"
FAILED, PASSED_OVER, SERVER_STOPPED = "failed", "passed_over", "server_stopped"


@dataclass(slots=True)
class Attempt:
    """One target of the route: asked, or passed over.

    The outcomes are those of UsageAttempt. Times are of time.perf_counter().
    """

    target: Target
    is_cooling: bool = False
    outcome: str = CLIENT_CLOSED
    code: str = ""
    status: int | None = None
    error: str = ""
    is_about_request: bool = False
    retries: int = 0
    started: float = field(default_factory=time.perf_counter)
    first_chunk: float | None = None
    ended: float | None = None
    rests_until: datetime | None = None
    span: Any = None  # of OpenTelemetry, where this request is traced

    def end(self, outcome: str, code: str = "") -> None:
        """Ends it. Only its first end counts."""
        if self.ended is None:
            self.outcome, self.code, self.ended = outcome, code, time.perf_counter()

    def fail(
        self, code: str, error: str, status: int | None = None, *, is_about_request: bool = False
    ) -> None:
        """Ends it with what the service answered, or why it could not be asked."""
        self.error, self.status, self.is_about_request = error, status, is_about_request
        self.end(FAILED, code)


@dataclass(slots=True)
class PendingRecord:
    """A usage record that is filled while its request is answered.

    `asked`: the profile that the request names, once it is found. `outcome`: ok, client_closed,
    server_stopped, or the code of an error. `reservations`: of its token, and of the token's team.
    `told_in_vain`: what a service counted for an answer
    that failed. `settlement`: of a call that had a reservation, once it has ended. `span`: of
    OpenTelemetry, None where the request is not traced; `answered_model`: what the service calls
    it, told where it is.
    """

    request: GatewayRequest
    asked: StoredProfile | None = None
    attempts: list[Attempt] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)
    settlement: "Future[None] | None" = None
    usage: Usage | None = None
    told_in_vain: Usage | None = None
    outcome: str = CLIENT_CLOSED
    answer: list[str] = field(default_factory=list)
    ended: float = 0.0
    span: Any = field(default_factory=tracing.recording)
    answered_model: str = ""

    @property
    def last(self) -> Attempt | None:
        """The attempt at the target that was asked last, None before one was."""
        for one in reversed(self.attempts):
            if one.outcome != PASSED_OVER:
                return one
        return None

    @property
    def asked_count(self) -> int:
        """The number of targets that were asked."""
        return sum([one.outcome != PASSED_OVER for one in self.attempts])

    def begin_attempt(self, target: Target, *, is_cooling: bool) -> Attempt:
        """The attempt at the next target."""
        attempt = Attempt(target, is_cooling)
        self.attempts.append(attempt)
        return attempt

    def pass_over(self, target: Target, code: str, *, is_cooling: bool = False) -> None:
        """Notes a target that is not asked."""
        self.begin_attempt(target, is_cooling=is_cooling).end(PASSED_OVER, code)

    def mark_first_chunk(self) -> None:
        """Notes the time, unless a piece of the answer came before."""
        attempt = self.attempts[-1]
        if attempt.first_chunk is None:
            attempt.first_chunk = time.perf_counter()

    def end(self, outcome: str) -> None:
        """Ends the request, and the attempt that was still open."""
        self.usage = self.usage or self.told_in_vain
        if (
            self.usage is None
            and self.asked is not None
            and (number := self._read_in_vain(outcome))
        ):
            tokens = number * input_tokens(self.request, self.asked)
            self.usage = Usage(tokens, is_estimated=True)
        self.outcome, self.ended = outcome, time.perf_counter()
        attempt = self.last
        if attempt is not None:
            is_code = outcome not in ("ok", CLIENT_CLOSED, SERVER_STOPPED)
            attempt.end(FAILED if is_code else outcome, outcome if is_code else "")

    def _read_in_vain(self, outcome: str) -> int:
        """The number of targets that have read the prompt as far as anybody knows, and from which
        no answer came: they timed out, or whoever waited was gone.
        """
        is_cut = outcome in (CLIENT_CLOSED, SERVER_STOPPED)
        return sum(one.code == "timeout" or (is_cut and one.ended is None) for one in self.attempts)

    def time_of(self, moment: float) -> datetime:
        """The time of a moment of time.perf_counter()."""
        return self.request.started_at + timedelta(seconds=moment - self.request.started)
