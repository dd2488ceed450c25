"""Blocks of a busy token whose limits are far away: requests and tokens that are counted in the
database for several calls to come, so that it is asked for one of them and not for each.

What a block has is counted as if it were used, so no limit is passed. What is left of it is given
back as soon as nobody asks, long before anybody could be refused for it: when a block is given
there must be room for ROOM calls, and for SHARE blocks like it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from .limit_states import Call, LimitState, Reservation

ROOM, SHARE, MOST_CALLS = 1024, 16, 256  # calls, blocks, calls that a block is for
IDLE_AFTER = 0.1  # seconds
MINUTE = "%Y-%m-%dT%H:%M"
ONE_MINUTE = timedelta(minutes=1)
NOT_YET = datetime.max.replace(tzinfo=UTC)

Limits = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is added to a count of the database: `window` is a minute or a day, `reserved` the part
    of it that is kept for calls that run. Both may be negative.
    """

    token_id: UUID
    window: str
    count: int
    reserved: int = 0


def settlement(reservation: Reservation, used: int) -> Settlement:
    """The tokens that a call has used in the place of those that were reserved for it."""
    change, reserved = used - reservation.tokens, -reservation.tokens
    return Settlement(reservation.token_id, reservation.day.isoformat(), change, reserved)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the database has counted for a block. `limits`: those of the token, of requests and
    tokens; `requests`, `tokens`: of the block; `counted_requests`, `counted_tokens`: in all, with
    those of the block. None: no such limit.
    """

    limits: Limits
    minute: str
    day: date
    requests: int | None
    tokens: int | None
    counted_requests: int
    counted_tokens: int


@dataclass(slots=True)
class Block:
    """The block of one token, empty at first. `used_at`: when it was last asked for, by the loop's
    clock; `calls`: that the next block is for.
    """

    token_id: UUID
    used_at: float
    calls: int = 0
    _grant: Grant | None = None
    _minute: datetime = NOT_YET  # that its requests are of
    _requests: int = 0  # that are left
    _tokens: int = 0
    _spent: int = 0  # tokens, which are still counted as reserved

    def fill(self, grant: Grant) -> None:
        """Takes what was counted for it. What it had before is given back by then."""
        self._grant = grant
        self._minute = datetime.fromisoformat(grant.minute).replace(tzinfo=UTC)
        self._requests, self._tokens = grant.requests or 0, grant.tokens or 0

    def take(self, call: Call) -> LimitState | None:
        """Where a call stands that is served from the block, None where it cannot be."""
        grant, now = self._grant, call.at.astimezone(UTC)
        if grant is None or grant.limits != limits_of(call):
            return None
        number, reservation = None, None
        if grant.requests is not None:
            if self._requests < 1 or not self._minute <= now < self._minute + ONE_MINUTE:
                return None
            number = grant.counted_requests - self._requests + 1
        if grant.tokens is not None:
            if self._tokens < call.tokens or grant.day != now.date():
                return None
            others = grant.counted_tokens - self._tokens
            kept = (self.token_id, grant.day, call.asked, call.tokens, others)
            reservation = Reservation(*kept, is_near=False)
            self._tokens -= call.tokens
        self._requests -= 1
        return LimitState(call.caller, now, number, reservation)

    def settle(self, reservation: Reservation, used: int) -> bool:
        """Takes what a call of the token has not used. False where the block is of another day, or
        has been given back.
        """
        if self._grant is None or self._grant.day != reservation.day:
            return False
        self._tokens += reservation.tokens - used
        self._spent += used
        return True

    def drain(self) -> list[Settlement]:
        """What is to be given back. The block is empty then."""
        grant, found = self._grant, []
        if grant is not None:
            if self._requests > 0:
                found.append(Settlement(self.token_id, grant.minute, -self._requests))
            if self._tokens or self._spent:
                day, reserved = grant.day.isoformat(), -self._tokens - self._spent
                found.append(Settlement(self.token_id, day, -self._tokens, reserved))
        self._grant, self._requests, self._tokens, self._spent = None, 0, 0, 0
        return found


def limits_of(call: Call) -> Limits:
    """The limits of a caller."""
    return call.caller.requests_per_minute, call.caller.tokens_per_day
