"""Which worker counts in which slot of the shared memory: the server decides it before it forks."""

import logging

from connections.telemetry import metrics
from connections.telemetry.declared import WORKER_ENDS, WORKER_STARTS
from connections.telemetry.shared import IS_ALIVE, Slab

# While workers are renewed, those before them may still answer; and again, and again.
GENERATIONS, SPARE = 4, 8

logger = logging.getLogger(__name__)


class Places:
    """The slots of a server's workers, by gunicorn's number of each worker (`age`)."""

    def __init__(self, workers: int) -> None:
        self._slab: Slab = metrics.open_slab(GENERATIONS * workers + SPARE)
        self._slab.slots[0].header[IS_ALIVE] = 0  # the server itself answers nobody
        self._free = list(range(1, len(self._slab.slots)))
        self._of: dict[int, int] = {}

    def take(self, age: int) -> None:
        """Sets a slot aside for a worker that is about to be forked."""
        metrics.add(WORKER_STARTS)
        if self._free:
            self._of[age] = self._free.pop(0)
        else:
            logger.error("There are too many workers at once: what this one does is not counted.")

    def enter(self, age: int) -> None:
        """Lets this process, which is that worker, count in its slot."""
        if age in self._of:
            metrics.attach(self._slab, self._of[age])
        else:
            metrics.attach(Slab(0), 0)

    def give_back(self, age: int) -> None:
        """Frees the slot of a worker that has ended. What it counted stays there."""
        metrics.add(WORKER_ENDS)
        place = self._of.pop(age, None)
        if place is not None:
            self._slab.slots[place].header[IS_ALIVE] = 0
            self._free.insert(0, place)  # the one that was used last: few slots are ever touched
