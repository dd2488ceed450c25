"""What the application keeps beside connections: their types, OAuth2 tokens, uploads that wait, the
change stamp.
"""

import uuid

from django.conf import settings
from django.db import models

from ..credentials import CredentialsField
from .connections import Connection


class ConnectionType(models.Model):
    """A kind of connection that an administrator added without a deployment.

    `document` is its manifest as it was given.

    Types that are files (shipped ones, and those of CONNECTIONS_TYPES_DIR) have no row.
    """

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


class AccessToken(models.Model):
    """A connection's OAuth2 token, so that all workers use one.

    It can be fetched again at any time.

    `key` says for which settings it was given out; `credentials` is `{"token": ...}`.
    `leased_until`: a worker fetches a new one until then, and the others wait for it.
    """

    connection = models.OneToOneField(
        Connection, models.CASCADE, primary_key=True, related_name="access_token"
    )
    key = models.CharField(max_length=64)
    credentials = CredentialsField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"the token of {self.connection_id}"


class PackageUpload(models.Model):
    """A package between its upload and the decision what becomes of its parts.

    `content` is encrypted; it lives for an hour.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=255, blank=True)
    content = models.BinaryField()
    date_created = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.file_name


class ChangeStamp(models.Model):
    """One row whose number grows in the transaction of every change, so that a worker knows when
    what it remembers is old.
    """

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
