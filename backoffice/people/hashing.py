"""Hashes of passwords, a few at a time.

One takes about a second of a processor, on purpose. Without a bound, sign-ins that come at once
would leave nothing for the requests of all others.
"""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django.contrib.auth.hashers import make_password, verify_password
from django.views.decorators.debug import sensitive_variables

AT_ONCE = max(1, (os.cpu_count() or 2) // 2)  # of this process
MOST_WAITING = 8 * AT_ONCE
NICE = 10


class Busy(Exception):
    """Raised where as many hashes wait as may. `seconds`: when to try again."""

    seconds = 5


def _step_back() -> None:
    """Lets every other thread of the machine go first. Linux has a priority for each thread:
    https://man7.org/linux/man-pages/man2/setpriority.2.html#BUGS
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


_pool = ThreadPoolExecutor(AT_ONCE, "passwords", initializer=_step_back)
_places = threading.BoundedSemaphore(AT_ONCE + MOST_WAITING)


@sensitive_variables("password", "encoded")
def verify(password: str, encoded: str) -> tuple[bool, bool]:
    """Whether a password is the one, and whether its hash is to be made anew. A hash that is none
    takes as long as any. Raises Busy.
    """
    if not _places.acquire(blocking=False):
        raise Busy
    try:
        return _pool.submit(verify_password, password, encoded).result()
    finally:
        _places.release()


@sensitive_variables("password")
def encode(password: str) -> str:
    """The hash of a password, behind those that wait."""
    return _pool.submit(make_password, password).result()
