"""Work that somebody started and that takes longer than a request should: how far it is."""

import uuid

from django.conf import settings
from django.db import models


class Task(models.Model):
    """One such piece of work, of one person.

    `done` of `total` rows are through. `runner`: whoever does it; another one goes on with it where
    `beat_at` is old. `said`: how it ended. `back`: the page that it was started on.
    """

    class Kind(models.TextChoices):
        """The kinds of work."""

        TEST = "test"
        IMPORT = "import"
        EXPORT = "export"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraint in the database: the version before deletes users without these rows.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_constraint=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    runner = models.UUIDField(default=uuid.uuid4)
    started_at = models.DateTimeField(auto_now_add=True)
    beat_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    is_cancelled = models.BooleanField(default=False)
    said = models.CharField(max_length=500, blank=True)
    back = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["user", "-started_at"], name="task_of_user"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.done} of {self.total}"

    @property
    def left(self) -> int:
        """How many rows are left."""
        return max(0, self.total - self.done)


class TaskPart(models.Model):
    """One connection of a task. `code` is empty while it waits; `message` says how it ended."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="parts")
    row_id = models.UUIDField()
    name = models.CharField(max_length=255)
    code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.code or 'waits'}"
