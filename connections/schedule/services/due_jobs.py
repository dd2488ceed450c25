"""The jobs that are due, one after the other in a thread."""

import logging
import time
from collections.abc import Callable

from django.db import Error
from django.db.models import F
from django.utils import timezone

from connections.audit.services import Origin, coming_from
from connections.jobs import Job, declared
from connections.models import JobRun
from connections.outages import database_outage

CLAIM = 3600.0  # seconds; a job whose process was killed is due again after that
QUICK_CLAIM = 30.0  # seconds, of a quick one
AGAIN = 600.0  # seconds until a job that failed is run again, at most

logger = logging.getLogger(__name__)


def plan_jobs(now: float) -> None:
    """A row for each job that was declared, due now where it is new; none for any other. Raises
    DatabaseError.
    """
    names = [one.name for one in declared()]
    JobRun.objects.exclude(name__in=names).delete()
    rows = [JobRun(name=name, due=now) for name in names]
    JobRun.objects.bulk_create(rows, ignore_conflicts=True)
    for one in declared():  # as far away as its time between two runs lets it be, or its claim
        farthest = now + max(one.every.total_seconds(), claim_of(one))
        JobRun.objects.filter(name=one.name, due__gt=farthest).update(due=now)


def claim_of(job: Job) -> float:
    """The seconds for which a process that runs it has it to itself."""
    return QUICK_CLAIM if job.is_quick else CLAIM


def next_job(now: float, *, is_quick: bool) -> Job | None:
    """The quick or other job that is due longest, claimed for us. None where none is. Raises
    DatabaseError.
    """
    known = {one.name: one for one in declared() if one.is_quick == is_quick}
    for row in JobRun.objects.filter(due__lte=now, name__in=known).order_by("due", "name"):
        claimed = JobRun.objects.filter(name=row.name, due=row.due)
        job = known[row.name]
        if claimed.update(due=now + claim_of(job), started_at=timezone.now()):
            return job
    return None


def run_job(job: Job, clock: Callable[[], float]) -> tuple[bool, str]:
    """Runs it, writes down how it ended and when it is due again, and returns both: whether it
    succeeded, and what it said. `clock`: the schedule's.

    A job that fails says nothing but the kind of its error. Raises DatabaseError where the database
    is away.
    """
    began, started = clock(), time.monotonic()
    every = job.every.total_seconds()
    try:
        with coming_from(Origin("schedule", program=job.name)):
            is_ok, said = True, job.run()
    except Exception as error:
        if database_outage(error) is not None:
            raise
        logger.error("The job %s failed: %s", job.name, type(error).__name__)
        is_ok, said = False, f"It failed with {type(error).__name__}. The log has more."
        every = min(every, AGAIN)
    took = time.monotonic() - started
    JobRun.objects.filter(name=job.name).update(
        due=began + every, seconds=took, is_ok=is_ok, said=said[:500]
    )
    return is_ok, said


def run_again_soon(job: Job) -> None:
    """Makes a job due at once that could not run because the database was away."""
    try:
        JobRun.objects.filter(name=job.name).update(due=F("due") - claim_of(job))
    except Error:
        seconds = claim_of(job)
        logger.warning("The job %s runs again in %d s: the database is away", job.name, seconds)
