"""The last act of each person, for as long as it can be undone."""

import uuid

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class UndoStep(models.Model):
    """The last act of a person on rows of one kind, and where their state before is found.

    One row a person: a further act takes the place of the one before. No secret is in here. `rows`
    names each row with its version since, and the row of its history that has the state before.
    `beside` is what no history keeps and a deletion takes along: former aliases, checks, links.
    `key` names the act, so that nobody undoes a later one by mistake. `names`: for people.
    """

    class Act(models.TextChoices):
        """The acts that can be undone."""

        SWITCHED = "switched"
        CHANGED = "changed"
        DELETED = "deleted"
        REVOKED = "revoked"
        MOVED = "moved"
        CHOSEN = "chosen"

    # No constraint in the database: the version before deletes users without these rows.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="+",
        db_constraint=False,
    )
    key = models.UUIDField(default=uuid.uuid4)
    act = models.CharField(max_length=10, choices=Act.choices)
    kind = models.CharField(max_length=20)
    names = models.JSONField()
    rows = models.JSONField()
    beside = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    done_at = models.DateTimeField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.act} {self.kind} until {self.until:%Y-%m-%d %H:%M}"
