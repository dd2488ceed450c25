"""Hosts that an administrator let a section's secrets go to, and requests for that."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from .connections import Connection
from .teams import team_of_a_row


class HostApproval(models.Model):
    """A host, and the section of references whose secrets may go there, or may not.

    `section` is in lower case; a variable of `$Env:NAME` is a section of its own, `env:name`.
    `host` is the origin of an address (`https://api.example.com:8443`), the reference that stands
    for it, or the address of an installed type as it is written where a choice is part of it.
    `connection`: the one that asked first, None if that was not saved. `team`: whose connections
    alone the answer counts for, None for all; a team's own answer counts before that for all.

    The database does not watch the foreign keys: the version before, which deletes connections and
    people without a look at this table, would fail. `destinations.host_approvals` reads whoever is
    gone as None.
    """

    class State(models.TextChoices):
        """The answer so far."""

        REQUESTED = "requested", gettext_lazy("Requested")
        APPROVED = "approved", gettext_lazy("Approved")
        REFUSED = "refused", gettext_lazy("Refused")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    section = models.CharField(max_length=500)
    host = models.CharField(max_length=600)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    connection = models.ForeignKey(
        Connection,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="host_approvals",
        db_constraint=False,
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    team = team_of_a_row("host_approvals")
    date_requested = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    date_decided = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["section", "host"]
        default_permissions = ()
        permissions = [("approve_host", "Can approve hosts for the secrets of references")]
        constraints = [
            models.UniqueConstraint(
                fields=["section", "host"],
                condition=models.Q(team=None),
                name="host_approvals_of_all_once",
            ),
            models.UniqueConstraint(
                fields=["section", "host", "team"], name="host_approvals_of_a_team_once"
            ),
        ]
        indexes = [models.Index(fields=["state", "date_requested"])]

    def __str__(self) -> str:
        return f"{self.section} to {self.host}"
