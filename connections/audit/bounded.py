"""A bound for refusals that anybody can cause, as often as they like."""

import time
from collections import OrderedDict
from threading import Lock

EVERY = 60.0  # seconds between two events of the same
MOST = 10_000  # that are remembered

_known: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()
_lock = Lock()


def times_due(*what: str) -> int:
    """How many times the same happened in this process since its last event, this time included;
    0 within a minute of that event, when there is to be no other.
    """
    now = time.monotonic()
    with _lock:
        last, left_out = _known.pop(what, (now - EVERY, 0))
        if now - last < EVERY:
            _known[what] = last, left_out + 1
            return 0
        _known[what] = now, 0
        while len(_known) > MOST:
            _known.popitem(last=False)
    return left_out + 1


def forget() -> None:
    """Forgets what happened, for tests."""
    with _lock:
        _known.clear()
