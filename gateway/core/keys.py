"""Keys of usage records, and ids of requests."""

import random
import time
from uuid import UUID

from connections.telemetry.about import tell
from providers.core.request_id import REQUEST_ID, told_request_id


def new_key() -> UUID:
    """A UUID whose order is that of time (version 7, RFC 9562): an index grows at its end."""
    return UUID(int=_new_number())


def _new_number() -> int:
    milliseconds, chance = time.time_ns() // 1_000_000, random.getrandbits(74)
    high = (milliseconds << 16) | (7 << 12) | (chance >> 62)
    return (high << 64) | (2 << 62) | (chance & (1 << 62) - 1)


def begin_request_id(request_id: str, traceparent: str) -> str:
    """The id of a request that begins: the caller's if it is valid, else a new one.

    From now on REQUEST_ID has it, in this task and in those that it starts.
    """
    found = told_request_id(request_id, traceparent) or f"{_new_number():032x}"
    REQUEST_ID.set(found)
    tell(request_id=found)
    return found
