"""Keys to what is here: to the API, and to secrets; and who read any."""

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy, gettext_noop

from .connections import Connection, Profile
from .seeing import SeenTokens
from .teams import team_of_a_row


class EndedBecause(models.TextChoices):
    """Why a token ended, other than by somebody who revoked it."""

    UNUSED = "unused", gettext_lazy("nobody used it")
    PASSWORD = "password", gettext_lazy("the password of its person was changed")
    ROLE = "role", gettext_lazy("a role of its person was taken away")
    DEACTIVATED = "deactivated", gettext_lazy("its person was deactivated")
    PROVIDER = (
        "provider",
        gettext_lazy(
            "the identity provider of its person refused them; it works again when they sign in "
            "by a provider"
        ),
    )


class Token(models.Model):
    """The base of every kind of token.

    Only a hash of its text is stored; `prefix` names it to people.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, validators=[ProhibitNullCharactersValidator()])
    date_created = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_because = models.CharField(
        max_length=20,
        choices=EndedBecause.choices,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )

    user: Any
    prefix: Any
    expires_at: Any

    class Meta:
        abstract = True
        ordering = ["-date_created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """active, expired or revoked."""
        if self.revoked_at:
            return gettext_noop("revoked")
        is_over = self.expires_at and self.expires_at <= timezone.now()
        return gettext_noop("expired") if is_over else gettext_noop("active")


def works_now(leading: str = "") -> models.Q:
    """The condition that a token has neither ended nor been revoked. `leading`: to the token, from
    another model.
    """
    ends, revoked = f"{leading}expires_at", f"{leading}revoked_at"
    lasts = models.Q(**{ends: None}) | models.Q(**{f"{ends}__gt": timezone.now()})
    return lasts & models.Q(**{revoked: None})


class ApiToken(Token):
    """A key to our own API.

    Only a hash of it is stored; `prefix` finds the row and names it to people. `networks`: where it
    may be used from, empty for anywhere. `team`, `tags`: it is for what belongs to this team or to
    none, and has one of these tags; empty for all that its person may. `renews`: the token whose
    place it takes. `idle_from`: no time before it counts as unused.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    prefix = models.CharField(max_length=20, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    team = team_of_a_row("api_tokens")
    tags = models.JSONField(default=list, db_default=[], blank=True)
    profiles = models.ManyToManyField(
        Profile, blank=True, related_name="+", help_text=gettext_lazy("Empty: every profile.")
    )
    is_limited = models.BooleanField(
        default=False, editable=False
    )  # or a token would grow when its last profile is deleted
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text=gettext_lazy("Through the gateway. Empty: no limit.")
    )
    tokens_per_day = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text=gettext_lazy("In and out, through the gateway. Empty: no limit."),
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    networks = models.JSONField(default=list, db_default=[], blank=True)
    renews = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="successors",
        db_constraint=False,
    )
    idle_from = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    objects = SeenTokens["ApiToken"]()
    every = models.Manager["ApiToken"]()

    def get_absolute_url(self) -> str:
        return reverse("token-detail", args=[self.pk])


class RevealToken(Token):
    """A key to the secrets of some connections, for promptflow's flows.

    A kind of its own: it opens nothing else, and no other opens this.

    Only a hash of it is stored, which also finds it; `prefix` names it to people. `networks`: where
    it may be used from, empty for anywhere. It always ends.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    prefix = models.CharField(max_length=20, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    team = team_of_a_row("reveal_tokens")
    connections = models.ManyToManyField(Connection, related_name="+")
    networks = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField()


class RevealRecord(models.Model):
    """One attempt to read secrets: when, with which token, from where, what became of it.

    Never a value, never a token's text.

    `outcome`: `read`, or why not. `asked`: the name of a connection, empty for the list;
    `connections`: the aliases that were handed out.
    """

    read_at = models.DateTimeField(auto_now_add=True, db_index=True)
    token = models.ForeignKey(RevealToken, models.SET_NULL, null=True, blank=True, related_name="+")
    token_name = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=45, blank=True)
    asked = models.CharField(max_length=255, blank=True)
    connections = models.JSONField(default=list, blank=True)
    outcome = models.CharField(max_length=50)

    class Meta:
        ordering = ["-read_at", "-id"]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.read_at:%Y-%m-%d %H:%M}"
