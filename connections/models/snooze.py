"""Faults that somebody does not want to see for a while."""

import uuid

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models


class Snooze(models.Model):
    """A fault that is left out of the list until a time, or until it changes.

    `fault`: the name by which the list knows it; `was`: its state then, which is not the same any
    more when it changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fault = models.CharField(max_length=600, unique=True)
    was = models.CharField(max_length=300)
    reason = models.CharField(max_length=300, validators=[ProhibitNullCharactersValidator()])
    until = models.DateTimeField(db_index=True)
    # No constraint in the database: the version before deletes users without these rows.
    snoozed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    date_snoozed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-date_snoozed"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.fault} until {self.until:%Y-%m-%d %H:%M}"
