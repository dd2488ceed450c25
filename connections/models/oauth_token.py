"""OAuth2 access tokens that providers gave out."""

from django.db import models

from ..credentials import CredentialsField
from .connections import Connection


class AccessToken(models.Model):
    """A connection's OAuth2 token, so that all workers use one.

    It can be fetched again at any time.

    `key` says for which settings it was given out; `credentials` is `{"token": ...}`.
    `refresh_ends_at`: the end of the refresh token that came along, None where nobody says.
    `failed_at`: since when it could not be renewed, None while it can; `failure`: the code of that.
    `leased_until`: a worker fetches a new one until then, and the others wait for it.
    """

    connection = models.OneToOneField(
        Connection, models.CASCADE, primary_key=True, related_name="access_token"
    )
    key = models.CharField(max_length=64)
    credentials = CredentialsField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    refresh_ends_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=50, blank=True, db_default="", default="")
    leased_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"the token of {self.connection_id}"
