"""Work that is done again and again, such as the deletion of what is too old: declared by the room
that owns it when Django starts, run by the schedule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Job:
    """One kind of work.

    `name`: of its row. `title`: for people. `every`: the time between two runs. `run`: does the
    work in a thread of its own and says what it did, in a sentence without secrets. It may be ended
    at any moment, and is then run again. `is_quick`: takes less than a second, and must not wait
    for those that take long; where its process was killed another runs it within a minute.
    """

    name: str
    title: str
    every: timedelta
    run: Callable[[], str]
    is_quick: bool = False


_declared: dict[str, Job] = {}


def declare(job: Job) -> None:
    """Adds a job to what the schedule runs. Called when an app is ready; one of the same name is
    replaced.
    """
    _declared[job.name] = job


def declared() -> tuple[Job, ...]:
    """Every job that was declared, by name."""
    return tuple(_declared[name] for name in sorted(_declared))
