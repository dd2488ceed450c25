"""The counts of limited tokens in the database: requests of a minute, tokens of a day."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from uuid import UUID

from django.db import connection, transaction

from connections.locks import retried
from connections.services import Caller

from ..models import TokenCount
from .errors import GatewayError
from .limit_states import LimitState, Reservation, too_many_requests, used_up

MINUTE = "%Y-%m-%dT%H:%M"
NEAR = 64  # reservations like a call's own for which there must be room, or the limit is near

LONGEST_CALL = 600  # seconds; what was reserved longer ago is of a process that was killed


@dataclass(slots=True)
class _Change:
    """A change of the count of a day, and of the part of it that is reserved for calls that run."""

    count: int = 0
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class _Count:
    """A count as the database has it. `reserved_at`: of the last reservation, in seconds since
    1970.
    """

    count: int
    reserved: int
    reserved_at: int


Days = defaultdict[tuple[UUID, date], _Change]


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


@retried
def settle_and_count(
    ended: Iterable[tuple[Reservation, int]], calls: Sequence[Call]
) -> list[LimitState | GatewayError]:
    """Puts the tokens that calls have used in the place of those that were reserved for them, then
    counts the calls that wait, in one transaction. Returns where each of these stands, or its
    refusal.

    Whatever the order of the calls, counts are locked in one: token by token, the minute, then its
    days.
    """
    changes: Days = defaultdict(_Change)
    for reservation, used in ended:
        change = changes[reservation.token_id, reservation.day]
        change.count += used - reservation.tokens
        change.reserved -= reservation.tokens
    by_token: dict[UUID, list[int]] = {}
    for place, call in enumerate(calls):
        by_token.setdefault(call.token_id, []).append(place)
    found: dict[int, LimitState | GatewayError] = {}
    with transaction.atomic():
        for token_id in sorted({token_id for token_id, _ in changes} | set(by_token)):
            places = by_token.get(token_id, [])
            states = _count_token(token_id, [calls[place] for place in places], changes)
            found |= dict(zip(places, states, strict=True))
    return [found[place] for place in range(len(calls))]


def _count_token(
    token_id: UUID, calls: list[Call], changes: Days
) -> list[LimitState | GatewayError]:
    """Settles what is known of a token's days and counts its calls: first their requests, then the
    tokens of those that may go on.
    """
    found = _count_requests(token_id, calls)
    today = calls[-1].at.astimezone(UTC).date() if calls else date.max
    for day in sorted(day for owner, day in changes if owner == token_id and day != today):
        _settle(token_id, day, changes[token_id, day])
    if calls and calls[-1].caller.tokens_per_day is not None:
        _reserve(calls, found, today, changes[token_id, today])
    else:
        _settle(token_id, today, changes[token_id, today])
    return found


def _count_requests(token_id: UUID, calls: list[Call]) -> list[LimitState | GatewayError]:
    if not calls:
        return []
    caller, now = calls[-1].caller, calls[-1].at.astimezone(UTC)
    if (most := caller.requests_per_minute) is None:
        return [LimitState(caller, now) for _ in calls]
    before = _add(token_id, now.strftime(MINUTE), len(calls)).count - len(calls)
    states = [LimitState(caller, now, before + number) for number in range(1, len(calls) + 1)]
    return [
        state if before + number <= most else too_many_requests(state)
        for number, state in enumerate(states, 1)
    ]


def _reserve(
    calls: list[Call], found: list[LimitState | GatewayError], day: date, settled: _Change
) -> None:
    """Reserves the tokens of the calls that may go on, in their order, while the count of the day
    is below the limit. `settled`: what the calls that have ended change in it.

    All of them are added first, which locks the count; those of the refused are taken back. A
    refused call is worth trying again soon where only what is reserved stands in its way, in
    whichever worker.
    """
    token_id, limit, now = calls[-1].token_id, calls[-1].caller.tokens_per_day or 0, calls[-1].at
    going = [place for place, state in enumerate(found) if isinstance(state, LimitState)]
    added, second = sum(calls[place].tokens for place in going), int(now.timestamp())
    there = _add(
        token_id,
        day.isoformat(),
        settled.count + added,
        settled.reserved + added,
        (second, limit - settled.count) if going else NEVER,
    )
    count, spent = there.count - added, there.count - there.reserved
    is_soon = spent < limit and second - there.reserved_at < LONGEST_CALL
    for place in going:
        call, state = calls[place], found[place]
        assert isinstance(state, LimitState)  # noqa: S101 of those that go on
        if count < limit:
            is_near = count + NEAR * call.tokens >= limit
            reservation = Reservation(token_id, day, call.asked, call.tokens, count, is_near)
            found[place] = replace(state, reservation=reservation)
            count, added = count + call.tokens, added - call.tokens
        else:
            full = Reservation(token_id, day, 0, 0, limit)
            found[place] = used_up(state, full, is_soon=is_soon)
    _settle(token_id, day, _Change(-added, -added))


def _settle(token_id: UUID, day: date, change: _Change) -> None:
    if change.count or change.reserved:
        _add(token_id, day.isoformat(), change.count, change.reserved)


def add_tokens(token_id: UUID, day: date, tokens: int) -> None:
    """Adds tokens to the count of a day (UTC)."""
    _add(token_id, day.isoformat(), tokens)


# Django's bulk_create can replace a row that is there, and not add to it. One statement, because
# another worker waits for this row while it is locked.
ADD = """
    INSERT INTO gateway_tokencount ("token_id", "window", "count", "reserved", "reserved_at")
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT ("token_id", "window")
    DO UPDATE SET "count" = gateway_tokencount."count" + excluded."count",
        "reserved" = gateway_tokencount."reserved" + excluded."reserved",
        "reserved_at" = CASE WHEN gateway_tokencount."count" < %s
            THEN excluded."reserved_at" ELSE gateway_tokencount."reserved_at" END
    RETURNING "count", "reserved", "reserved_at"
"""
NEVER = (0, -(2**62))  # no count is lower


def _add(
    token_id: UUID,
    window: str,
    number: int,
    reserved: int = 0,
    reserving: tuple[int, int] = NEVER,
) -> _Count:
    """Adds to the count of a window, and to what of it is reserved. Returns the sums. Of two
    workers that add at once, both are counted.

    `reserving`: the time to note where the count was lower than the second of the two.
    """
    key = TokenCount._meta.get_field("token_id").get_db_prep_value(token_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(ADD, [key, window, number, reserved, *reserving])
        return _Count(*map(int, cursor.fetchone()))
