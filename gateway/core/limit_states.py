"""Where a limited token stands: what is left, and the refusals when nothing is."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from math import ceil
from uuid import UUID

from connections.services import Caller
from connections.texts import counted

from .errors import GatewayError

DAY = 24 * 60 * 60  # seconds
NAMES = {
    what: [f"x-ratelimit-{kind}-{what}".encode() for kind in ("limit", "remaining", "reset")]
    for what in ("requests", "tokens")
}
SOON = 5.0  # seconds until another call is worth trying, while calls run


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that are counted for a call that runs: `asked` for its prompt, `tokens` in all.

    `day` (UTC): the one that they are counted for. `others`: what was counted besides. `is_near`:
    so little is left that what this call does not use decides about the next ones.
    """

    token_id: UUID
    day: date
    asked: int
    tokens: int
    others: int
    is_near: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is to be counted. `asked`: the tokens of its prompt; `tokens`: the most that
    it may use.
    """

    caller: Caller
    at: datetime
    asked: int
    tokens: int

    @property
    def token_id(self) -> UUID:
        """Raises ValueError for somebody who has signed in: only tokens have limits."""
        if self.caller.token_id is None:
            raise ValueError("Only a token has limits.")
        return self.caller.token_id


@dataclass(frozen=True, slots=True)
class LimitState:
    """Where a caller stands after its request was counted. None: there is no such limit."""

    caller: Caller
    at: datetime
    requests: int | None = None  # in this minute
    reservation: Reservation | None = None

    def headers(self, used: int | None = None) -> list[tuple[bytes, bytes]]:
        """What is left, in OpenAI's names: platform.openai.com/docs/guides/rate-limits.

        `used`: the tokens of the call, None while nobody knows.
        """
        found: list[tuple[bytes, bytes]] = []
        if self.requests is not None and self.caller.requests_per_minute is not None:
            limit = self.caller.requests_per_minute
            found += _headers("requests", limit, limit - self.requests, 60 - self.at.second)
        if (kept := self.reservation) is not None and self.caller.tokens_per_day is not None:
            limit = self.caller.tokens_per_day
            left = limit - kept.others - (kept.asked if used is None else used)
            found += _headers("tokens", limit, left, _until_tomorrow(self.at))
        return found


def _headers(what: str, limit: int, left: int, seconds: int) -> list[tuple[bytes, bytes]]:
    """`left`: of the limit; `seconds`: until it begins anew."""
    limit_name, left_name, seconds_name = NAMES[what]
    return [
        (limit_name, b"%d" % limit),
        (left_name, b"%d" % max(0, left)),
        (seconds_name, _duration(seconds)),
    ]


def _until_tomorrow(now: datetime) -> int:
    """Seconds until the next day (UTC) begins, a part of one counted as one."""
    time = now.astimezone(UTC)
    return DAY - (time.hour * 60 + time.minute) * 60 - time.second


@lru_cache(maxsize=256)
def _duration(seconds: int) -> bytes:
    """`6m0s`, as OpenAI writes it."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h{minutes}m{seconds}s" if hours else f"{minutes}m{seconds}s").encode()


def too_many_requests(state: LimitState) -> GatewayError:
    """A 429 until the minute has ended."""
    caller = state.caller
    most = counted(caller.requests_per_minute or 0, "request")
    message = f"This {caller.limited} may make {most} a minute. Wait, and ask less often."
    return _exceeded(state, "rate_limited", message, 60 - state.at.second)


def used_up(state: LimitState, reservation: Reservation, *, is_soon: bool) -> GatewayError:
    """A 429 until the day has ended, or `is_soon`: calls that run will give some tokens back."""
    most = counted(state.caller.tokens_per_day or 0, "token")
    message = (
        f"This {state.caller.limited} may use {most} a day. All are used up, or reserved for calls "
        "that run."
    )
    state = replace(state, reservation=reservation)
    seconds = SOON if is_soon else _until_tomorrow(state.at)
    return _exceeded(state, "token_limit", message, seconds)


def _exceeded(state: LimitState, code: str, message: str, seconds: float) -> GatewayError:
    error = GatewayError(429, code, message, retry_after=max(1, ceil(seconds)))
    error.headers = state.headers()
    return error
