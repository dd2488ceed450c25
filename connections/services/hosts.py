"""The number of checks that ask one host at the same time."""

import threading

from django.conf import settings

from providers.core.values import CHECK_SECONDS


class Hosts:
    """Keeps that number, within one process."""

    def __init__(self) -> None:
        self._free: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()

    def enter(self, key: str) -> bool:
        """Waits until the host may be asked; False where it takes too long."""
        with self._lock:
            free = self._free.setdefault(
                key, threading.Semaphore(settings.CONNECTIONS_CHECKS_PER_HOST)
            )
        return free.acquire(timeout=CHECK_SECONDS + 1)

    def leave(self, key: str) -> None:
        """Lets the next one ask."""
        self._free[key].release()
