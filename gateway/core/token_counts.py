"""The counts of limited tokens in the database: requests of a minute, tokens of a day."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
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
    tokens = [
        _Token(token_id, [calls[place] for place in by_token.get(token_id, ())], changes)
        for token_id in sorted({token_id for token_id, _ in changes} | set(by_token))
    ]
    found: dict[int, LimitState | GatewayError] = {}
    # Nobody waits until it is on the disk: a power cut forgets the counts of the last moment.
    with getattr(connection, "unsynced", nullcontext)(), transaction.atomic():
        with _in_one_go():
            for one in tokens:
                one.add()
        for one in tokens:
            found |= dict(zip(by_token.get(one.token_id, ()), one.judged(), strict=True))
    return [found[place] for place in range(len(calls))]


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
    """The counts of one token in a transaction. All that its calls may use is added first, which
    locks the counts; what those do not get that are refused is taken back.

    `changes`: what the calls that have ended change, by token and day.
    """

    def __init__(self, token_id: UUID, calls: list[Call], changes: Days) -> None:
        self.token_id, self._calls = token_id, calls
        self._now = calls[-1].at.astimezone(UTC) if calls else datetime.max.replace(tzinfo=UTC)
        self._day = self._now.date()
        self._settled = changes[token_id, self._day]
        days = sorted(day for owner, day in changes if owner == token_id and day != self._day)
        self._earlier = [(day, changes[token_id, day]) for day in days]
        self._minute: _Sum | None = None
        self._today: _Sum | None = None
        self._added = 0

    def add(self) -> None:
        """Adds the requests of the minute, then what is settled and reserved of days."""
        caller = self._calls[-1].caller if self._calls else None
        if caller and caller.requests_per_minute is not None:
            minute = self._now.strftime(MINUTE)
            self._minute = _Sum(self.token_id, minute, len(self._calls))
        for day, change in self._earlier:
            _settle(self.token_id, day, change)
        if caller is None or caller.tokens_per_day is None:
            _settle(self.token_id, self._day, self._settled)
            return
        self._added = sum(call.tokens for call in self._calls)
        self._today = _Sum(
            self.token_id,
            self._day.isoformat(),
            self._settled.count + self._added,
            self._settled.reserved + self._added,
            (int(self._now.timestamp()), caller.tokens_per_day - self._settled.count),
        )

    def judged(self) -> list[LimitState | GatewayError]:
        """Where each call stands, or its refusal."""
        found = self._requests()
        if self._today is not None:
            self._reserve(found, self._today.read())
        return found

    def _requests(self) -> list[LimitState | GatewayError]:
        if self._minute is None:
            return [LimitState(call.caller, self._now) for call in self._calls]
        caller, before = self._calls[-1].caller, self._minute.read().count - len(self._calls)
        numbers = range(before + 1, before + len(self._calls) + 1)
        states = [LimitState(caller, self._now, number) for number in numbers]
        most = caller.requests_per_minute or 0
        return [
            state if number <= most else too_many_requests(state)
            for number, state in zip(numbers, states, strict=True)
        ]

    def _reserve(self, found: list[LimitState | GatewayError], there: "_Count") -> None:
        """Reserves the tokens of the calls that may go on, in their order, while the count of the
        day is below the limit.

        A refused call is worth trying again soon where only what is reserved stands in its way, in
        whichever worker.
        """
        limit, left = self._calls[-1].caller.tokens_per_day or 0, self._added
        count, spent = there.count - left, there.count - there.reserved
        is_soon = spent < limit and self._now.timestamp() - there.reserved_at < LONGEST_CALL
        for place, (call, state) in enumerate(zip(self._calls, found, strict=True)):
            if not isinstance(state, LimitState):
                continue
            if count < limit:
                near = count + NEAR * call.tokens >= limit
                kept = (self.token_id, self._day, call.asked, call.tokens, count, near)
                found[place] = replace(state, reservation=Reservation(*kept))
                count, left = count + call.tokens, left - call.tokens
            else:
                full = Reservation(self.token_id, self._day, 0, 0, limit)
                found[place] = used_up(state, full, is_soon=is_soon)
        _settle(self.token_id, self._day, _Change(-left, -left))


def _settle(token_id: UUID, day: date, change: _Change) -> None:
    if change.count or change.reserved:
        _Sum(token_id, day.isoformat(), change.count, change.reserved)


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
