"""The counts of limited tokens in the database: requests of a minute, tokens of a day."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from uuid import UUID

from django.db import connection, transaction

from connections.locks import retried

from ..models import TokenCount
from .errors import GatewayError
from .limit_blocks import MINUTE, MOST_CALLS, ROOM, SHARE, Grant, Settlement, limits_of
from .limit_states import Call, LimitState, Reservation, too_many_requests, used_up

NEAR = 64  # reservations like a call's own for which there must be room, or the limit is near
NOBODY: Mapping[UUID, int] = MappingProxyType({})
LONGEST_CALL = 600  # seconds; what was reserved longer ago is of a process that was killed


@dataclass(slots=True)
class _Change:
    """A change of a count, and of the part of it that is reserved for calls that run."""

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


Windows = defaultdict[str, _Change]  # of one token, by minute or day


@dataclass(frozen=True, slots=True)
class Counted:
    """Where each of the calls stands, or its refusal; the blocks that were given, by token; and of
    the tokens that are far enough from their limits the calls that the next block may be for.
    """

    states: list[LimitState | GatewayError]
    grants: dict[UUID, Grant]
    far: dict[UUID, int]


@retried
def settle_and_count(
    ended: Iterable[Settlement], calls: Sequence[Call], busy: Mapping[UUID, int] = NOBODY
) -> Counted:
    """Settles what has ended, then counts the calls that wait, in one transaction. `busy`: the
    tokens that get a block of so many calls, if their limits are far away.

    Whatever the order of the calls, counts are locked in one: token by token, minutes, then days.
    """
    changes: defaultdict[UUID, Windows] = defaultdict(lambda: defaultdict(_Change))
    for one in ended:
        change = changes[one.token_id][one.window]
        change.count += one.count
        change.reserved += one.reserved
    by_token: dict[UUID, list[int]] = {}
    for place, call in enumerate(calls):
        by_token.setdefault(call.token_id, []).append(place)
    tokens = [
        _Token(token_id, [calls[place] for place in by_token.get(token_id, ())], changes[token_id])
        for token_id in sorted({*changes, *by_token})
    ]
    found: dict[int, LimitState | GatewayError] = {}
    # Nobody waits until it is on the disk: a power cut forgets the counts of the last moment.
    with getattr(connection, "unsynced", nullcontext)(), transaction.atomic():
        with _in_one_go():
            for token in tokens:
                token.add(busy.get(token.token_id, 0))
        for token in tokens:
            found |= dict(zip(by_token.get(token.token_id, ()), token.judged(), strict=True))
    grants = {one.token_id: one.grant for one in tokens if one.grant is not None}
    far = {one.token_id: one.next_block for one in tokens if one.next_block}
    return Counted([found[place] for place in range(len(calls))], grants, far)


@contextmanager
def _in_one_go() -> Iterator[None]:
    """A block of statements whose sums are read after it: PostgreSQL gets them at once, and not
    each when the one before it is answered, and is not waited for until they are on its disk.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.wrap_database_errors, connection.connection.pipeline():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO OFF")
        yield


class _Token:
    """The counts of one token in a transaction. All that its calls and a block may use is added
    first, which locks the counts; what those do not get that are refused is taken back.

    `changes`: what has ended changes, by window. `grant`: of the block that was given.
    `next_block`: the calls that the next one may be for, 0 where there is no room for many blocks.
    """

    def __init__(self, token_id: UUID, calls: list[Call], changes: Windows) -> None:
        self.token_id, self._calls, self._changes = token_id, calls, changes
        self.grant: Grant | None = None
        self.next_block = 0
        now = calls[-1].at.astimezone(UTC) if calls else datetime.max.replace(tzinfo=UTC)
        self._now, self._day, self._minute = now, now.date().isoformat(), now.strftime(MINUTE)
        self._limits = limits_of(calls[-1]) if calls else (None, None)
        self._sums: dict[str, _Sum] = {}
        self._spare = self._spare_tokens = 0

    def add(self, spare: int) -> None:
        """Adds what has ended, the requests of the minute, and what is reserved of the day.
        `spare`: the calls that a block is to be for.
        """
        most_requests, most_tokens = self._limits
        reserving = NEVER
        self._spare = spare if self._calls else 0
        self._spare_tokens = self._spare * self._largest()
        if most_requests is not None:
            self._changes[self._minute].count += len(self._calls) + spare
        if most_tokens is not None:
            today = self._changes[self._day]
            reserving = int(self._now.timestamp()), most_tokens - today.count
            added = sum(call.tokens for call in self._calls) + self._spare_tokens
            today.count, today.reserved = today.count + added, today.reserved + added
        for window in sorted(self._changes, key=_by_length):
            change = self._changes[window]
            if window in (self._minute, self._day) or change.count or change.reserved:
                noted = reserving if window == self._day else NEVER
                self._sums[window] = _Sum(
                    self.token_id, window, change.count, change.reserved, noted
                )

    def judged(self) -> list[LimitState | GatewayError]:
        """Where each call stands, or its refusal."""
        most_requests, most_tokens = self._limits
        found: list[LimitState | GatewayError] = [
            LimitState(call.caller, self._now) for call in self._calls
        ]
        requests = tokens = unused = 0
        if most_requests is not None:
            requests = self._sums[self._minute].read().count
            found = self._requests(requests - self._spare - len(self._calls), most_requests)
        if most_tokens is not None:
            there = self._sums[self._day].read()
            tokens, unused = there.count, self._reserve(found, there, most_tokens)
        room = self._room(requests, tokens) if self._calls else 0
        self.next_block = min(MOST_CALLS, room // SHARE) if room >= ROOM else 0
        if 0 < self._spare <= self.next_block:
            self.grant = Grant(
                self._limits,
                self._minute,
                self._now.date(),
                None if most_requests is None else self._spare,
                None if most_tokens is None else self._spare_tokens,
                requests,
                tokens,
            )
            self._take_back(0, unused)
        else:
            self._take_back(self._spare, unused + self._spare_tokens)
        return found

    def _room(self, requests: int, tokens: int) -> int:
        """The calls like the largest of these for which there is room, with so many counted."""
        most_requests, most_tokens = self._limits
        rooms = [ROOM * SHARE]
        if most_requests is not None:
            rooms.append(most_requests - requests)
        if most_tokens is not None:
            rooms.append((most_tokens - tokens - 1) // max(1, self._largest()))
        return min(rooms)

    def _largest(self) -> int:
        return max((call.tokens for call in self._calls), default=0)

    def _take_back(self, requests: int, tokens: int) -> None:
        most_requests, most_tokens = self._limits
        if requests and most_requests is not None:
            _Sum(self.token_id, self._minute, -requests)
        if tokens and most_tokens is not None:
            _Sum(self.token_id, self._day, -tokens, -tokens)

    def _requests(self, before: int, most: int) -> list[LimitState | GatewayError]:
        """`before`: the requests of the minute without these."""
        numbers = range(before + 1, before + len(self._calls) + 1)
        states = [
            LimitState(call.caller, self._now, number)
            for call, number in zip(self._calls, numbers, strict=True)
        ]
        return [
            state if number <= most else too_many_requests(state)
            for number, state in zip(numbers, states, strict=True)
        ]

    def _reserve(self, found: list[LimitState | GatewayError], there: "_Count", limit: int) -> int:
        """Reserves the tokens of the calls that may go on, in their order, while the count of the
        day is below the limit. Returns the tokens of those that may not.

        A refused call is worth trying again soon where only what is reserved stands in its way, in
        whichever worker.
        """
        left = sum(call.tokens for call in self._calls)
        count, spent = there.count - left - self._spare_tokens, there.count - there.reserved
        is_soon = spent < limit and self._now.timestamp() - there.reserved_at < LONGEST_CALL
        day = self._now.date()
        for place, (call, state) in enumerate(zip(self._calls, found, strict=True)):
            if not isinstance(state, LimitState):
                continue
            if count < limit:
                near = count + NEAR * call.tokens >= limit
                kept = (self.token_id, day, call.asked, call.tokens, count, near)
                found[place] = replace(state, reservation=Reservation(*kept))
                count, left = count + call.tokens, left - call.tokens
            else:
                full = Reservation(self.token_id, day, 0, 0, limit)
                found[place] = used_up(state, full, is_soon=is_soon)
        return left


def _by_length(window: str) -> tuple[int, str]:
    """Minutes, then days."""
    return -len(window), window


def add_tokens(token_id: UUID, day: date, tokens: int) -> None:
    """Adds tokens to the count of a day (UTC)."""
    _Sum(token_id, day.isoformat(), tokens)


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


class _Sum:
    """Adds to the count of a window, and to what of it is reserved. Of two workers that add at
    once, both are counted.

    `reserving`: the time to note where the count was lower than the second of the two.
    """

    def __init__(
        self,
        token_id: UUID,
        window: str,
        number: int,
        reserved: int = 0,
        reserving: tuple[int, int] = NEVER,
    ) -> None:
        key = TokenCount._meta.get_field("token_id").get_db_prep_value(token_id, connection)
        self._cursor = connection.cursor()
        self._cursor.execute(ADD, [key, window, number, reserved, *reserving])
        # SQLite would have to read the statement again while this one of it is not over
        self._found = self._read() if connection.vendor == "sqlite" else None

    def read(self) -> _Count:
        """The sums."""
        return self._found or self._read()

    def _read(self) -> _Count:
        with self._cursor as cursor:
            return _Count(*map(int, cursor.fetchone()))
