"""What a token may spend: requests in a minute, tokens in a day (UTC).

Counted in the database, so all workers count together.

Only tokens that have a limit cost a write. Tokens of answers are added when their usage is written,
so what runs at the same time may go over the day's limit once.
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


async def take(caller: Caller) -> None:
    """Counts one request of the caller.

    Raises GatewayError 429 with the seconds to wait when it is over a limit.
    """
    if caller.requests_per_minute is not None or caller.tokens_per_day is not None:
        await in_thread(_take, caller, timezone.now())


def _take(caller: Caller, now: datetime) -> None:
    assert caller.token_id is not None  # noqa: S101 only tokens have limits
    if caller.tokens_per_day is not None and _spent(caller.token_id, now) >= caller.tokens_per_day:
        left = (
            now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            + timedelta(days=1)
            - now
        )
        raise _over(
            "token_limit",
            f"This token may use {caller.tokens_per_day} tokens a day. They are used up.",
            left.total_seconds(),
        )
    if (
        caller.requests_per_minute is not None
        and _add(caller.token_id, now.astimezone(UTC).strftime(MINUTE), 1)
        > caller.requests_per_minute
    ):
        message = (
            f"This token may make {caller.requests_per_minute} requests a minute. Wait, and ask "
            "less often."
        )
        raise _over("rate_limited", message, 60 - now.second)


def _over(code: str, message: str, seconds: float) -> GatewayError:
    return GatewayError(429, code, message, retry_after=max(1, ceil(seconds)))


def _spent(token_id: UUID, now: datetime) -> int:
    window = now.astimezone(UTC).date().isoformat()
    return (
        TokenCount.objects.filter(token_id=token_id, window=window)
        .values_list("count", flat=True)
        .first()
        or 0
    )


def add_tokens(token_id: UUID, day: date, tokens: int) -> None:
    """Adds what an answer took to the day (UTC) it was asked on."""
    _add(token_id, day.isoformat(), tokens)


def _add(token_id: UUID, window: str, number: int) -> int:
    """The count of a window after adding to it. Two workers that add at once are both counted."""
    with transaction.atomic():
        rows = TokenCount.objects.filter(token_id=token_id, window=window)
        if not rows.update(count=F("count") + number):
            _, is_new = TokenCount.objects.get_or_create(
                token_id=token_id, window=window, defaults={"count": number}
            )
            if not is_new:
                rows.update(count=F("count") + number)
        return rows.values_list("count", flat=True).get()
