"""Numbers in memory that a server shares with its workers, so that each of them can tell all.

The server makes the memory before it forks; it is no file, and nothing is left behind. Each worker
writes into a slot of its own, and one that comes later goes on with the slot of one that is gone:
its counts stay, and as many slots are enough for any number of restarts.

prometheus-client's own way for many processes is a file for each process that ever was, for which
there has to be a folder. Its counters take five times as long (make bench ARGS=telemetry).
"""

import mmap
import os
import threading
from dataclasses import dataclass, field
from operator import add

HEADER = 8  # whole numbers: see below
TEXT_USED, PID, IS_ALIVE = range(3)  # bytes of the text; the process; 1 while it runs
GAUGES = 64  # numbers that are set, of this worker alone
VALUES = 48 * 1024  # numbers that are counted
TEXT = 1024 * 1024 - 8 * (HEADER + GAUGES + VALUES)  # bytes: what each of the values is
RESERVED_VALUES, RESERVED_TEXT = 2048, 8192  # for series whose labels are all "other"
SLOT = 8 * (HEADER + GAUGES + VALUES) + TEXT
END, BETWEEN = "\x1e", "\x1f"  # of an entry of the text; between its parts

Labels = tuple[str, ...]


class NoRoom(Exception):
    """A slot has no room for another series."""


@dataclass(frozen=True, slots=True)
class Series:
    """A metric with its labels, and where in the values its numbers are."""

    name: str
    labels: Labels
    start: int
    width: int


@dataclass(slots=True)
class Slot:
    """The numbers of one worker, as whoever writes or reads them sees the memory.

    `series`: as far as they were read; `read` adds those that came since.
    """

    header: memoryview
    gauges: "memoryview[float]"
    values: "memoryview[float]"
    text: memoryview
    series: list[Series] = field(default_factory=list)
    _text_read: int = 0
    _values_read: int = 0

    def read(self) -> list[Series]:
        """All of its series."""
        used = self.header[TEXT_USED]
        if used > self._text_read:
            new = bytes(self.text[self._text_read : used]).decode()
            for entry in new.split(END)[:-1]:
                name, width, *labels = entry.split(BETWEEN)
                self.series.append(Series(name, tuple(labels), self._values_read, int(width)))
                self._values_read += int(width)
            self._text_read = used
        return self.series

    def append(self, name: str, labels: Labels, width: int, *, is_reserved: bool) -> Series:
        """A new series. Only the owner of the slot may call it. Raises NoRoom.

        `is_reserved`: it may use the room that is kept for what stands for many.
        """
        self.read()
        parts = (name, str(width), *(one.replace(END, "").replace(BETWEEN, "") for one in labels))
        entry = (BETWEEN.join(parts) + END).encode(errors="replace")
        kept_values, kept_text = (0, 0) if is_reserved else (RESERVED_VALUES, RESERVED_TEXT)
        end = self._text_read + len(entry)
        if self._values_read + width > VALUES - kept_values or end > TEXT - kept_text:
            raise NoRoom
        self.text[self._text_read : end] = entry
        self.header[TEXT_USED] = end  # last: whoever reads sees the whole entry, or none
        return self.read()[-1]


class Slab:
    """The slots of a server: the first is its own, the others are its workers'."""

    def __init__(self, workers: int) -> None:
        memory = memoryview(mmap.mmap(-1, (workers + 1) * SLOT))  # anonymous, kept by a fork
        parts = [memory[place * SLOT : (place + 1) * SLOT] for place in range(workers + 1)]
        self.slots = [_slot(part) for part in parts]
        self._read = [_slot(part) for part in parts]  # what a thread reads while another writes
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._unlock)

    def totals(self) -> dict[tuple[str, Labels], list[float]]:
        """The numbers of each series, by its metric and labels, summed over all slots."""
        found: dict[tuple[str, Labels], list[float]] = {}
        with self._lock:
            for slot in self._read:
                series = slot.read()
                end = series[-1].start + series[-1].width if series else 0
                numbers = [*slot.values[:end]]
                for one in series:
                    mine = numbers[one.start : one.start + one.width]
                    known = found.setdefault((one.name, one.labels), mine)
                    if known is not mine:
                        known[:] = map(add, known, mine)
        return found

    def unseen(self, told: dict[int, int]) -> list[Series]:
        """The series of all slots without the first ones, of each slot as many as `told` says. It
        says then that these are told too.
        """
        found: list[Series] = []
        with self._lock:
            for place, slot in enumerate(self._read):
                series = slot.read()
                found += series[told.get(place, 0) :]
                told[place] = len(series)
        return found

    def _unlock(self) -> None:
        self._lock = threading.Lock()


def _slot(memory: memoryview) -> Slot:
    first, second, third = 8 * HEADER, 8 * (HEADER + GAUGES), 8 * (HEADER + GAUGES + VALUES)
    return Slot(
        memory[:first].cast("q"),
        memory[first:second].cast("d"),
        memory[second:third].cast("d"),
        memory[third:],
    )
