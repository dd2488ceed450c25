"""Limits of a token: requests in a minute, tokens in a day (UTC).

They are counted in the database, so that all workers count together. Only tokens that have a limit
cost a write. The tokens of an answer are added when its usage is written, so requests that run at
the same time may exceed the day's limit once.
"""

from datetime import UTC, date, datetime, timedelta
from math import ceil
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from connections.services import Caller

from ..models import TokenCount
from .db_threads import in_thread
from .errors import GatewayError

MINUTE = "%Y-%m-%dT%H:%M"


async def count_request(caller: Caller) -> None:
    """Counts one request of the caller against the limits of its token.

    Raises GatewayError 429, with the seconds to wait, when it is over one of them.
    """
    if caller.requests_per_minute is not None or caller.tokens_per_day is not None:
        await in_thread(_count_request, caller, timezone.now())


def _count_request(caller: Caller, now: datetime) -> None:
    assert caller.token_id is not None  # noqa: S101 only tokens have limits
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if caller.tokens_per_day is not None:
        rows = TokenCount.objects.filter(
            token_id=caller.token_id, window=today.date().isoformat()
        ).values_list("count", flat=True)
        if (rows.first() or 0) >= caller.tokens_per_day:
            raise _exceeded(
                "token_limit",
                f"This token may use {caller.tokens_per_day} tokens a day. They are used up.",
                (today + timedelta(days=1) - now).total_seconds(),
            )
    if caller.requests_per_minute is not None:
        minute = now.astimezone(UTC).strftime(MINUTE)
        if _add_to_window(caller.token_id, minute, 1) > caller.requests_per_minute:
            raise _exceeded(
                "rate_limited",
                f"This token may make {caller.requests_per_minute} requests a minute. Wait, and "
                "ask less often.",
                60 - now.second,
            )


def _exceeded(code: str, message: str, seconds: float) -> GatewayError:
    return GatewayError(429, code, message, retry_after=max(1, ceil(seconds)))


def add_tokens(token_id: UUID, day: date, tokens: int) -> None:
    """Adds the tokens of an answer to the count of the day (UTC) on which it was asked for."""
    _add_to_window(token_id, day.isoformat(), tokens)


def _add_to_window(token_id: UUID, window: str, number: int) -> int:
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
