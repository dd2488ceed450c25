"""What runs by itself: who runs it, and when each part of it is due.

Times that something is due at are seconds of the schedule's own clock, which only goes on while
somebody holds the lease. A clock of a machine that is set forwards or back changes none of them.
"""

from django.db import models

from .connections import Connection


class ScheduleLease(models.Model):
    """The one row that says who runs what is due.

    `holder`: empty while nobody does. `beat` grows while the holder lives. `seconds`: the
    schedule's clock at the last beat; `renewed_at`: the time of it, for people.
    """

    holder = models.CharField(max_length=150, blank=True)
    beat = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    renewed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"held by {self.holder}" if self.holder else "free"


class PlannedCheck(models.Model):
    """The next check of a connection that is checked by itself.

    `fingerprint`: of its version, its type and the values of its references, keyed.
    `is_changed`: one of those changed since it was checked. `host_key`: a digest of the host that
    it asked last. `failures`: checks in a row that failed.
    """

    # No constraint in the database: the version before deletes connections without these rows.
    connection = models.OneToOneField(
        Connection,
        models.CASCADE,
        primary_key=True,
        related_name="planned_check",
        db_constraint=False,
    )
    due = models.FloatField(db_index=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    is_changed = models.BooleanField(default=False)
    host_key = models.CharField(max_length=16, blank=True)
    failures = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.connection_id} at {self.due:.0f}"


class JobRun(models.Model):
    """The last run of a job, and the next.

    `started_at` and `seconds`: of the last run, `is_ok` and `said`: how it ended; None and empty
    while it runs for the first time.
    """

    name = models.CharField(max_length=50, primary_key=True)
    due = models.FloatField()
    started_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)
    is_ok = models.BooleanField(null=True)
    said = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.name
