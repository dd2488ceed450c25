"""Issuers whose access tokens are taken in the place of our own, and the rules by which."""

import uuid
from typing import Any

from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.urls import reverse

from .connections import Profile
from .service_account import ServiceAccount


class TrustedIssuer(models.Model):
    """Somebody who signs tokens for workloads: a CI, a cluster, a directory of identities.

    `issuer`: the `iss` of its tokens, letter by letter. `audiences`: a token must be for one of
    them. `jwks_url`: where its keys are, empty where its discovery document says so.
    `longest_age`: minutes after `iat` for which a token counts, whatever its end.

    `keys`: its public keys as they were fetched at `keys_fetched_at`. `keys_tried_at`: when a
    worker last asked for them; `keys_failed_at` and `keys_error`: when that failed last, and a
    sentence about it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    issuer = models.CharField(max_length=500, unique=True)
    audiences = models.JSONField(default=list)
    algorithms = models.JSONField(default=list)
    jwks_url = models.CharField(max_length=500, blank=True)
    longest_age = models.PositiveIntegerField(default=1440)
    is_active = models.BooleanField(default=True)
    date_created = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    keys = models.JSONField(default=list, editable=False)
    keys_fetched_at = models.DateTimeField(null=True, editable=False)
    keys_tried_at = models.DateTimeField(null=True, editable=False)
    keys_failed_at = models.DateTimeField(null=True, editable=False)
    keys_error = models.CharField(max_length=500, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("trusted-issuer-detail", args=[self.pk])


class IssuerRule(models.Model):
    """What a token of an issuer may do whose claims meet all `conditions`: claim -> text, in which
    `*` stands for any characters.

    Of several that fit, the one with the lowest `position` counts. It stands where a token's row
    stands for a token: its scopes, profiles and limits are what the caller gets, over all tokens
    that come by it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    issuer = models.ForeignKey(TrustedIssuer, models.CASCADE, related_name="rules")
    name = models.CharField(max_length=100, validators=[ProhibitNullCharactersValidator()])
    position = models.PositiveIntegerField(default=1)
    conditions = models.JSONField(default=dict)
    account = models.ForeignKey(
        ServiceAccount, models.CASCADE, related_name="issuer_rules", db_constraint=False
    )
    scopes = models.JSONField(default=list)
    profiles = models.ManyToManyField(Profile, blank=True, related_name="+", db_constraint=False)
    is_limited = models.BooleanField(default=False, editable=False)  # as of ApiToken
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_day = models.PositiveIntegerField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    date_created = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    networks = ()  # the issuer's tokens are short-lived, and runners have no fixed address
    tags = ()

    class Meta:
        default_permissions = ()  # who may change the issuer may change its rules
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "name"], name="one_rule_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def user(self) -> Any:
        """The user of its service account."""
        return self.account.user

    @property
    def team_id(self) -> Any:
        """The team of its service account, to which its tokens are narrowed."""
        return self.account.team_id

    @property
    def prefix(self) -> str:
        """What names it in the log."""
        return f"rule {self.name}"
