"""What sign-in keeps: how often somebody failed, and the secrets of second factors; and what a
person chose for themselves.
"""

import uuid

from django.conf import settings
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


class ViewAs(models.Model):
    """The record that an administrator saw pages as another person. Names stay when users go."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraints in the database: the version before deletes users without these rows.
    viewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_constraint=False,
    )
    viewer_name = models.CharField(max_length=150)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_constraint=False,
    )
    person_name = models.CharField(max_length=150)
    address = models.CharField(max_length=45, blank=True)
    began_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.viewer_name} as {self.person_name}"


class ProviderSession(models.Model):
    """A sign-in by an identity provider: while this row is there, its session may go on.

    `session_key`: of the session here; `sid`: the provider's name of the session there. `asked_at`:
    when the provider was asked last whether the person may stay, None where it gave no refresh
    token. `credentials`: that token, and the id token, which signing out there needs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        "socialaccount.SocialAccount", models.CASCADE, related_name="provider_sessions"
    )
    session_key = models.CharField(max_length=40, db_index=True)
    sid = models.CharField(max_length=255, blank=True, db_index=True)
    credentials = CredentialsField(null=True)
    credentials_key = models.CharField(max_length=12, null=True)  # noqa: DJ001 None is "none"
    asked_at = models.DateTimeField(null=True, db_index=True)
    date_created = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.id)


class ProviderRole(models.Model):
    """The role that a provider gave to a person: what it gave it may take away."""

    account = models.OneToOneField(
        "socialaccount.SocialAccount",
        models.CASCADE,
        primary_key=True,
        related_name="provider_role",
    )
    role = models.ForeignKey("auth.Group", models.CASCADE, related_name="+", db_constraint=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.account_id}: {self.role_id}"


class ProviderMembership(models.Model):
    """The place in a team that a provider gave to a person: what it gave it may take away."""

    account = models.ForeignKey(
        "socialaccount.SocialAccount", models.CASCADE, related_name="provider_memberships"
    )
    team = models.ForeignKey(
        "connections.Team", models.CASCADE, related_name="+", db_constraint=False
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["account", "team"], name="people_given_once")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} in {self.team_id}"


class ExpectedLink(models.Model):
    """The word of an administrator that whoever comes from a provider with this verified e-mail
    address is this person. It counts once.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_constraint=False
    )
    provider = models.CharField(max_length=200)
    email = models.CharField(max_length=150)
    date_created = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["provider", "email"], name="people_expected_once")
        ]

    def __str__(self) -> str:
        return f"{self.email} of {self.provider}"


class Preferences(models.Model):
    """The language and the time zone in which a person sees pages; empty: as the browser says."""

    # No constraint in the database: the version before deletes users without these rows.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="preferences",
        db_constraint=False,
    )
    language = models.CharField(max_length=10, blank=True, db_default="")
    time_zone = models.CharField(max_length=64, blank=True, db_default="")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
