"""What sign-in keeps: how often somebody failed, and the secrets of second factors."""

import uuid

from django.db import models

from connections.credentials import CredentialsField


class SignInLimit(models.Model):
    """How often signing in failed for an account, from an address, in a known browser or with a
    code.

    `key`: what it is, as a keyed hash: what is typed as a name may be a password. `failures`: in a
    row. `unseen`: since the person signed in last. `until`: nobody may try before.
    """

    key = models.CharField(max_length=80, primary_key=True)
    failures = models.PositiveIntegerField(default=0, db_default=0)
    unseen = models.PositiveIntegerField(default=0, db_default=0)
    until = models.DateTimeField(null=True)
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.key[:16]}: {self.failures}"


class SecondFactorSecret(models.Model):
    """The secret of an authenticator app, or that of recovery codes, encrypted as credentials are.

    allauth's Authenticator has the id of this row in its place.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    credentials = CredentialsField(null=True)
    credentials_key = models.CharField(max_length=12, null=True)  # noqa: DJ001 None is "none"
    date_created = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.id)
