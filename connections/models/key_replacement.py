"""Replacements of a connection's key, and the fingerprints by which a leaked key is found."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import models

from ..bindings import binding_of_connection, bound
from ..credentials import CredentialsField, SecretDict, Undecryptable, key_ids
from .bound import judged_of_connection
from .connections import Connection


class KeyReplacement(models.Model):
    """A connection's key beside the one that takes its place, or that it took the place of.

    `fields`: the settings that are replaced. `credentials`: while it is open the next values of
    them (`next`), afterwards those that the connection does not use any more (`settings` and
    `credentials`, as the connection has them): the previous ones, or the refused ones after going
    back. None once they are forgotten. `tests`: what a test of each said, `next` and `current`.
    `settings_version`: of the connection, which changes when somebody else replaces its settings.
    `due`: when the next step is due, by the schedule's clock; `until`: the same for people.
    """

    class State(models.TextChoices):
        OPEN = "open"
        WATCHING = "watching"
        DONE = "done"
        GONE_BACK = "gone_back"
        GIVEN_UP = "given_up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraints in the database: the version before deletes such rows without these. A row
    # outlives its connection, whose history still holds what is to be purged.
    connection = models.ForeignKey(
        Connection, models.DO_NOTHING, related_name="replacements", db_constraint=False
    )
    state = models.CharField(max_length=20, choices=State.choices, default=State.OPEN)
    fields = models.JSONField(default=list)
    credentials = CredentialsField(null=True)
    credentials_key = models.CharField(max_length=12, null=True)  # noqa: DJ001 None is "none"
    tests = models.JSONField(default=dict)
    settings_version = models.PositiveIntegerField()
    is_both_refused = models.BooleanField(default=False)
    is_by_itself = models.BooleanField(default=False)
    said = models.CharField(max_length=500, blank=True)
    due = models.FloatField(db_index=True)
    until = models.DateTimeField()
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_constraint=False,
    )
    date_begun = models.DateTimeField(auto_now_add=True)
    date_switched = models.DateTimeField(null=True)
    date_ended = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-date_begun"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=models.Q(state__in=["open", "watching"]),
                name="one_open_replacement",
            )
        ]

    def __str__(self) -> str:
        return f"{self.state}, of {self.connection_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores the row, with the name of the key that encrypts it; new values are bound to the
        connection as it is in the database.
        """
        if isinstance(self.credentials, SecretDict) and not self.credentials.token:
            columns = ("pk", "provider_id", "settings")
            found = Connection.every.filter(pk=self.connection_id).values_list(*columns).first()
            binding = binding_of_connection(*found) if found else []
            self.credentials = bound(self.credentials, binding)
        if not isinstance(self.credentials, Undecryptable):
            self.credentials_key = key_ids()[0] if self.credentials and key_ids() else None
        super().save(*args, **kwargs)

    def values_for(self, row: Any) -> SecretDict | None:
        """The values that it keeps, None where they are forgotten, no key opens them, or they
        belong to another connection than `row` or to other settings than it has.
        """
        columns = (row.id, row.provider_id, row.settings)
        found = judged_of_connection(self.credentials, *columns)
        return found if isinstance(found, SecretDict) and found else None

    @property
    def is_open(self) -> bool:
        """True until the key is switched or the replacement is given up."""
        return self.state == self.State.OPEN

    @property
    def is_watching(self) -> bool:
        """True while the new key is watched."""
        return self.state == self.State.WATCHING

    @property
    def has_other(self) -> bool:
        """True while it keeps the values that the connection does not use any more."""
        return not self.is_open and self.credentials_key is not None

    @property
    def labels(self) -> Sequence[str]:
        """The names of the settings that are replaced."""
        return [str(one) for one in self.fields]


class SecretFingerprints(models.Model):
    """Keyed hashes of a connection's secrets: `current` by setting, `past` of its history.

    `key`: names the key of FERNET_KEYS that they are made with. `settings_version`: of the
    connection when they were made, 0 for one that is gone.
    """

    connection_id = models.UUIDField(primary_key=True)
    key = models.CharField(max_length=12)
    settings_version = models.PositiveIntegerField()
    current = models.JSONField(default=dict)
    past = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"of {self.connection_id}"
