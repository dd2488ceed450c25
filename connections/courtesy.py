"""Long computations step aside for the requests that the same worker answers meanwhile.

The threads of a worker share one interpreter. A request gives it away dozens of times, whenever it
waits for the database, and waits each time for `sys.getswitchinterval` to get it back from a thread
that computes. So a computation that takes seconds sleeps between two of its steps while somebody
else is answered.
"""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection as database

SLEEP = 0.002  # seconds
# Python looks for garbage among all objects once there are a quarter more, and nothing else runs
# meanwhile: 40 to 100 ms with those of a large import. Until its request has ended, and they are
# gone, only the younger ones are looked through. How often these are is not for here to say: a
# server sets it once it has loaded everything.
OLD, NEVER = gc.get_threshold()[2], 1_000_000


class _Counted:
    """A number that several threads count up and down."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = threading.Lock()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        with self._lock:
            self.number += 1
        try:
            yield
        finally:
            with self._lock:
                self.number -= 1


class _Spent:
    """The seconds that a computation has slept for others, and when it began."""

    def __init__(self) -> None:
        self.slept, self.began = 0.0, time.monotonic()


_requests, _computations = _Counted(), _Counted()  # of this process, that have not ended
_current: ContextVar[_Spent | None] = ContextVar("current", default=None)


@contextmanager
def answering() -> Iterator[None]:
    """A request, from its first byte to its last."""
    try:
        with _requests.one_more():
            yield
    finally:
        young, middle, old = gc.get_threshold()
        if old == NEVER and not _computations.number:
            gc.set_threshold(young, middle, OLD)


@contextmanager
def long_computation() -> Iterator[None]:
    """What runs in it steps aside wherever `step_aside` is called. Also a decorator."""
    if _current.get():
        yield
        return
    token = _current.set(_Spent())
    try:
        with _computations.one_more():
            gc.set_threshold(*gc.get_threshold()[:2], NEVER)
            yield
    finally:
        _current.reset(token)


def step_aside() -> None:
    """Sleeps while a request that is not itself a long computation is answered, unless this
    computation has slept for half of its time already: short requests, one after the other, cannot
    stop it.

    Does nothing outside of a `long_computation`, nor in a transaction: whoever is answered may wait
    for its locks.
    """
    spent = _current.get()
    while (
        spent
        and not database.in_atomic_block
        and _requests.number > _computations.number
        and spent.slept < (time.monotonic() - spent.began) / 2
    ):
        began = time.monotonic()
        time.sleep(SLEEP)
        spent.slept += time.monotonic() - began
