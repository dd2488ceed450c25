"""The gateway's last calls of each model of a connection."""

from django.db import models

from .connections import Connection

RECENT = 20  # calls that are remembered one by one
ANSWERED, FAILED = "+", "-"


class ConnectionTraffic(models.Model):
    """The last calls of one model of a connection, counted as they ended.

    `version`: of the connection, when it was called last. `recent`: the last RECENT calls, the
    newest at the end, ANSWERED or FAILED each, without failures in a row that an answer ended.
    `failing_since` and `failures`: the time and the number of the failures since the last answer.
    `code`, `status` and `message`: of the last failure, without secrets; `is_of_account`: every
    model shares it. `is_failing`: it is enough to call the model failing. `resting_until`: the end
    of the cool-down that a failure began, of the whole connection where `is_of_account`.
    """

    # No constraint in the database: the version before deletes connections without these rows.
    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="traffic", db_constraint=False
    )
    model = models.CharField(max_length=255)
    version = models.PositiveIntegerField()
    recent = models.CharField(max_length=RECENT)
    answered_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveBigIntegerField(default=0)
    code = models.CharField(max_length=50, blank=True)
    status = models.PositiveIntegerField(null=True)
    message = models.CharField(max_length=500, blank=True)
    is_of_account = models.BooleanField(default=False)
    is_failing = models.BooleanField(default=False, db_index=True)
    resting_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "model"], name="one_traffic_of_a_model")
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.recent}"
