"""Limits of a token: requests in a minute, tokens in a day (UTC).

They are counted in the database, so that all workers count together. Only tokens that have a limit
cost a write. The tokens of a day are reserved before a call: those of its prompt, and the most that
it may answer. When it has ended the reservation is settled, with the record of its usage. What was
reserved by a process that was killed stays counted.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from connections.services import Caller

from ..models import TokenCount
from .db_threads import read_in_thread
from .errors import GatewayError

MINUTE = "%Y-%m-%dT%H:%M"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that are counted for a call that runs: `asked` for its prompt, `tokens` in all.

    `day` (UTC): the one that they are counted for. `others`: what was counted besides.
    """

    token_id: UUID
    day: date
    asked: int
    tokens: int
    others: int


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
        rows: list[tuple[str, int, int, float]] = []
        if self.requests is not None and self.caller.requests_per_minute is not None:
            limit = self.caller.requests_per_minute
            rows.append(("requests", limit, limit - self.requests, 60 - self.at.second))
        if (kept := self.reservation) is not None and self.caller.tokens_per_day is not None:
            limit = self.caller.tokens_per_day
            left = limit - kept.others - (kept.asked if used is None else used)
            rows.append(("tokens", limit, left, _until_tomorrow(self.at)))
        return [
            (f"x-ratelimit-{name}-{kind}".encode(), text.encode())
            for kind, limit, left, seconds in rows
            for name, text in (
                ("limit", str(limit)),
                ("remaining", str(max(0, left))),
                ("reset", _duration(seconds)),
            )
        ]


def _until_tomorrow(now: datetime) -> float:
    """Seconds until the next day (UTC) begins."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + DAY - now).total_seconds()


def _duration(seconds: float) -> str:
    """`6m0s`, as OpenAI writes it."""
    minutes, seconds = divmod(max(1, ceil(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}s" if hours else f"{minutes}m{seconds}s"


async def count_request(caller: Caller, asked: int, tokens: int) -> LimitState:
    """Counts a request of the caller against the limits of its token, and reserves its tokens.

    `asked`: the tokens of the prompt; `tokens`: with the most that may be answered. Raises
    GatewayError 429, with the seconds to wait, when a limit is reached.
    """
    now = timezone.now()
    if caller.requests_per_minute is None and caller.tokens_per_day is None:
        return LimitState(caller, now)
    return await read_in_thread(_count_request, caller, now, asked, tokens)


def _count_request(caller: Caller, now: datetime, asked: int, tokens: int) -> LimitState:
    assert caller.token_id is not None  # noqa: S101 only tokens have limits
    requests = None
    if caller.requests_per_minute is not None:
        minute = now.astimezone(UTC).strftime(MINUTE)
        requests = _add(caller.token_id, minute, 1)
        if requests > caller.requests_per_minute:
            raise _exceeded(
                LimitState(caller, now, requests),
                "rate_limited",
                f"This token may make {caller.requests_per_minute} requests a minute. Wait, and "
                "ask less often.",
                60 - now.second,
            )
    if caller.tokens_per_day is None:
        return LimitState(caller, now, requests)
    day = now.astimezone(UTC).date()
    count = _reserve(caller.token_id, day, tokens, caller.tokens_per_day)
    if count is None:
        used_up = Reservation(caller.token_id, day, 0, 0, caller.tokens_per_day)
        raise _exceeded(
            LimitState(caller, now, requests, used_up),
            "token_limit",
            f"This token may use {caller.tokens_per_day} tokens a day. They are used up, or "
            "reserved for calls that run.",
            _until_tomorrow(now),
        )
    reservation = Reservation(caller.token_id, day, asked, tokens, count - tokens)
    return LimitState(caller, now, requests, reservation)


def _exceeded(state: LimitState, code: str, message: str, seconds: float) -> GatewayError:
    error = GatewayError(429, code, message, retry_after=max(1, ceil(seconds)))
    error.headers = state.headers()
    return error


def _reserve(token_id: UUID, day: date, tokens: int, limit: int) -> int | None:
    """Counts the tokens while the count is below the limit. The new count, None when it is not.

    One UPDATE with its condition: of calls that arrive at once, only one can pass the limit.
    """
    if limit <= 0:
        return None
    rows = TokenCount.objects.filter(token_id=token_id, window=day.isoformat())
    with transaction.atomic():
        if not rows.filter(count__lt=limit).update(count=F("count") + tokens):
            _, is_new = TokenCount.objects.get_or_create(
                token_id=token_id, window=day.isoformat(), defaults={"count": tokens}
            )
            if not is_new and not rows.filter(count__lt=limit).update(count=F("count") + tokens):
                return None
        return rows.values_list("count", flat=True).get()


def settle(reservation: Reservation, used: int) -> None:
    """Puts the tokens that a call has used in the place of those that were reserved for it."""
    add_tokens(reservation.token_id, reservation.day, used - reservation.tokens)


def add_tokens(token_id: UUID, day: date, tokens: int) -> None:
    """Adds tokens, or takes them back where they are negative, to the count of a day (UTC)."""
    if tokens:
        _add(token_id, day.isoformat(), tokens)


def _add(token_id: UUID, window: str, number: int) -> int:
    """Adds to the count of a window and returns the sum. Of two workers that add at once, both are
    counted.
    """
    with transaction.atomic():
        rows = TokenCount.objects.filter(token_id=token_id, window=window)
        if not rows.update(count=F("count") + number):
            _, is_new = TokenCount.objects.get_or_create(
                token_id=token_id, window=window, defaults={"count": number}
            )
            if not is_new:
                rows.update(count=F("count") + number)
        return rows.values_list("count", flat=True).get()
