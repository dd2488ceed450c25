"""Connection types that an administrator installed."""

from django.conf import settings
from django.db import models

from .teams import team_of_a_row


class ConnectionType(models.Model):
    """A kind of connection that an administrator added without a deployment.

    `document` is its manifest as it was given.

    Types that are files (shipped ones, and those of CONNECTIONS_TYPES_DIR) have no row.
    """

    team = team_of_a_row("connection_types")
    key = models.CharField(primary_key=True, max_length=100)
    version = models.PositiveIntegerField()
    document = models.TextField()
    digest = models.CharField(
        max_length=64, editable=False
    )  # of the document, so that a worker knows what it has read
    date_installed = models.DateTimeField(auto_now=True)
    installed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return f"{self.key} {self.version}"
