"""gunicorn's master process, with a stop that is announced before the port closes, workers that are
renewed without a gap, and what systemd wants to know (gunicorn 27, gunicorn/arbiter.py).
"""

import os
import signal
import time
from contextlib import suppress
from types import FrameType
from typing import Any

from django.conf import settings
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.systemd import sd_notify  # type: ignore[import-untyped]

from . import draining

NOTIFY = "NOTIFY_SOCKET"
START_WITHIN = (
    20.0  # seconds in which new workers have to answer before the old ones go all the same
)
LOOK_EVERY = 0.05  # seconds


class Renewed(Exception):
    """Raised once the old workers are told to go."""


class Master(Arbiter):  # type: ignore[misc]
    """The master process. It is gunicorn's own that becomes one, by `take_over`."""

    _notify_socket = ""
    _is_renewing = _is_told = False

    @classmethod
    def take_over(cls, server: Any) -> None:
        """Makes gunicorn's master process one of these, before it listens."""
        server.__class__ = cls
        # gunicorn says that it is ready before a worker is there
        server._notify_socket = os.environ.pop(NOTIFY, "")  # noqa: SLF001 its own, by now

    # gunicorn's own methods

    def manage_workers(self) -> None:
        """Starts workers where some are missing. Those that are too many end as soon as the others
        answer.
        """
        if len(self.WORKERS) > self.num_workers:
            self._wait_for_new()
        super().manage_workers()
        if self._is_renewing:
            self._is_renewing = False
            raise Renewed
        if not self._is_told and self._new_answer():
            self._is_told = True
            self._tell("READY=1")

    def handle_hup(self) -> None:
        """Renews the workers."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        self._is_renewing = True
        # reload() would go on to wait for the end of the old ones, deaf to every other signal
        with suppress(Renewed):
            super().handle_hup()
        self._tell("READY=1")

    def handle_term(self) -> None:
        """Announces the stop, and stops DRAIN_SECONDS later. A second signal ends it at once."""
        signal.signal(signal.SIGTERM, self._stop_at_once)
        draining.begin()
        self._tell("STOPPING=1")
        if not settings.DRAIN_SECONDS:
            raise StopIteration
        signal.signal(signal.SIGALRM, self.signal)
        signal.setitimer(signal.ITIMER_REAL, settings.DRAIN_SECONDS)

    def stop(self, graceful: bool = True) -> None:
        """Ends the workers."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        super().stop(graceful)

    def handle_alrm(self) -> None:
        """Stops: whoever sends requests has had the time to see that."""
        raise StopIteration

    def _stop_at_once(self, _number: int, frame: FrameType | None) -> None:
        self.signal(signal.SIGQUIT, frame)

    def _wait_for_new(self) -> None:
        until = time.monotonic() + START_WITHIN
        while not self._new_answer() and time.monotonic() < until:
            self.reap_workers()
            time.sleep(LOOK_EVERY)

    def _new_answer(self) -> bool:
        """True if the newest workers, as many as there should be, take requests."""
        ages = sorted(self.WORKERS.values(), key=lambda worker: worker.age)
        newest = ages[-self.num_workers :]
        return len(newest) == self.num_workers and all(map(_has_begun, newest))

    def _tell(self, state: str) -> None:
        """Tells systemd, where it asked to be told."""
        if self._notify_socket:
            os.environ[NOTIFY] = self._notify_socket
            sd_notify(state, self.log, unset_environment=True)


def _has_begun(worker: Any) -> bool:
    """True once a worker takes requests: its file has the time of the wall clock until its first
    beat, which writes the monotonic one.
    """
    return bool(worker.tmp.last_update() <= time.monotonic())
