"""The lease: one process at a time runs what is due, whatever the number of workers and instances.

A holder that lives counts its beats up. Others watch the number by their own monotonic clocks and
take the lease over when it has stood still, so no clock of a machine has to be right.
"""

import os
import socket
import time
import uuid
from collections.abc import Callable

from django.db.models import F
from django.utils import timezone

from connections.models import ScheduleLease

BEAT_EVERY = 3.0  # seconds
SILENT = 15.0  # seconds without a beat after which the lease is anybody's
ROW = 1


class Lease:
    """This process' part in the lease. Every method raises DatabaseError.

    `clock`: a monotonic one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.holder = f"{socket.gethostname()[:80]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._clock = clock
        self._beaten_at: float | None = None  # None while it is not ours
        self._seen: tuple[str, int] | None = None  # another holder, its last beat that we know of
        self._seen_at = self._base_at = self._base = 0.0
        self.is_elsewhere = False  # another holder was seen to live

    @property
    def is_held(self) -> bool:
        """True while it is ours for sure: whoever has not beaten for long may have lost it."""
        return self._beaten_at is not None and self._clock() - self._beaten_at < SILENT

    @property
    def now(self) -> float:
        """The schedule's clock, for its holder."""
        return self._base + self._clock() - self._base_at

    def acquire(self, catch_up: float = 0.0) -> bool:
        """Takes it if it is free or its holder is silent, and says whether it is ours now.

        The schedule's clock goes on where it stood, `catch_up` seconds later at most where it stood
        still: whoever is called now and then, as by cron, moves it on by the time between.
        """
        row, _ = ScheduleLease.objects.get_or_create(pk=ROW)
        began = self._clock()
        silence = self._silence(row)
        if silence is None:
            return False
        slept = (timezone.now() - row.renewed_at).total_seconds() if row.renewed_at else 0.0
        base = row.seconds + max(silence, min(slept, catch_up))
        taken = ScheduleLease.objects.filter(pk=ROW, holder=row.holder, beat=row.beat).update(
            holder=self.holder, beat=F("beat") + 1, seconds=base, renewed_at=timezone.now()
        )
        if taken:
            self._beaten_at, self._base, self._base_at = began, base, began
        return bool(taken)

    def beat(self) -> bool:
        """Shows that we live, if that is due. False when another has taken it over."""
        began = self._clock()
        if self._beaten_at is not None and began - self._beaten_at < BEAT_EVERY:
            return True
        held = ScheduleLease.objects.filter(pk=ROW, holder=self.holder).update(
            beat=F("beat") + 1, seconds=self.now, renewed_at=timezone.now()
        )
        self._beaten_at = began if held else None
        return bool(held)

    def forget(self) -> None:
        """Counts it as lost: it has to be acquired again."""
        self._beaten_at = None

    def release(self) -> None:
        """Gives it back, so that another need not wait."""
        if self._beaten_at is not None:
            ScheduleLease.objects.filter(pk=ROW, holder=self.holder).update(
                holder="", beat=F("beat") + 1, seconds=self.now, renewed_at=timezone.now()
            )
            self._beaten_at = None

    def _silence(self, row: ScheduleLease) -> float | None:
        """How long its holder has been silent, None while it may live; 0 where there is none."""
        if row.holder in ("", self.holder):
            return 0.0
        if self._seen != (row.holder, row.beat):
            self.is_elsewhere = self._seen is not None
            self._seen, self._seen_at = (row.holder, row.beat), self._clock()
        silence = self._clock() - self._seen_at
        return silence if silence >= SILENT else None
