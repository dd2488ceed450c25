"""Connections and profiles, their checks, fallbacks and defaults."""

from datetime import date
from typing import Any, Literal

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from simple_history.models import HistoricalRecords

from providers.core.base import Capability, Provider
from providers.core.registry import UnknownProvider, get_provider

from ..credentials import CredentialsField, Misplaced, Undecryptable, key_ids
from .base import KEYS_OF_NAME, EditableColumns, VersionedModel, by_name, by_name_key
from .bound import BoundRow
from .seeing import OfSeenConnections, SeenConnections, SeenProfiles
from .teams import team_of_a_row
from .version_of_connection import VersionOfConnection


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Queries over connections."""

    def listed(self) -> "ConnectionQuerySet":
        """The rows without credentials: nothing is decrypted, so nothing can fail."""
        return self.defer("credentials")


class ConnectionColumns(EditableColumns, total=False):
    """The columns of a connection that people edit; its settings have rules of their own.

    `is_checked`: it is tested by itself, as often as CONNECTIONS_CHECK_MINUTES says.
    `expires_at`: the last day of its key; an empty text where it has none.
    """

    is_checked: bool | None
    expires_at: date | Literal[""] | None


class ProfileColumns(EditableColumns, total=False):
    """The columns of a profile that people edit."""

    model: str | None


class Connection(BoundRow, VersionedModel):
    """An account with a provider.

    `settings` holds plain values and references as typed, readable; `credentials` only the secret
    literals, encrypted. `credentials_key` names the key that encrypted them (None: no credentials),
    so that a list can say "cannot decrypt" without decrypting. `type_version` is the version of the
    provider whose settings these are: `Provider.migrated` reads older ones. `lacking` names secrets
    that an import or a copy could not bring. `settings_version` is the version in which settings
    or credentials changed last: what is known of the connection's health is of that one or later.
    `asked_at`: when a call or a flow last asked for it, within a day; nobody has since it was made,
    or since this is noted, where it is as old as that.
    """

    editable_columns = tuple(ConnectionColumns.__annotations__)

    team = team_of_a_row("connections")
    provider_id = models.CharField(
        gettext_lazy("provider"), max_length=100, db_index=True
    )  # no choices: a new provider is no migration
    settings = models.JSONField(default=dict, blank=True)
    credentials = CredentialsField(null=True, blank=True)
    credentials_key = models.CharField(max_length=12, null=True, blank=True, editable=False)  # noqa: DJ001 None is "no credentials"
    type_version = models.PositiveIntegerField(default=1, editable=False)
    lacking = models.JSONField(default=list, blank=True, editable=False)
    is_checked = models.BooleanField(gettext_lazy("check by itself"), default=True, db_default=True)
    expires_at = models.DateField(gettext_lazy("key ends"), null=True, blank=True)
    settings_version = models.PositiveIntegerField(db_default=1, default=1, editable=False)
    last_check = models.ForeignKey(
        "ConnectionCheck", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    asked_at = models.DateTimeField(db_default=Now(), default=timezone.now, editable=False)

    history = HistoricalRecords(
        bases=[VersionOfConnection],
        excluded_fields=["last_check", "settings_version", "asked_at", *KEYS_OF_NAME],
    )
    objects = SeenConnections.from_queryset(ConnectionQuerySet)()
    every = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name_key", "alias"]
        indexes = [
            models.Index(fields=["name", "alias"]),
            models.Index(*by_name_key(), name="connections_by_name"),
            models.Index(*by_name(), name="connections_in_order"),
            models.Index(fields=["date_created", "id"]),
            models.Index(fields=["-date_modified"]),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False),
                name="connections_by_end_of_key",
            ),
        ]
        permissions = [
            ("test_connection", "Can test connection"),
            ("toggle_connection", "Can switch connection on and off"),
            ("export_secrets", "Can export connections with their secrets"),
        ]

    def prepare(self) -> None:
        """Keeps `credentials_key` true too: whatever is loaded and readable is encrypted with the
        newest key by the next save.
        """
        super().prepare()
        if "credentials" not in self.get_deferred_fields() and not isinstance(
            self.credentials, Undecryptable
        ):
            self.credentials_key = next(iter(key_ids()), None) if self.credentials else None
            if not self.credentials:
                self.credentials = None

    def get_absolute_url(self) -> str:
        return reverse("connection-detail", args=[self.pk])

    @property
    def provider(self) -> type[Provider[Any]] | None:
        """The provider's class, None when it is gone."""
        try:
            return get_provider(self.provider_id)
        except UnknownProvider:
            return None

    @property
    def provider_name(self) -> str:
        """The provider's name for people, its id when it is gone."""
        return self.provider.name if self.provider else self.provider_id

    @property
    def is_misplaced(self) -> bool:
        """True if its credentials belong to another connection or to other settings. Decrypts
        them.
        """
        return isinstance(self.credentials, Misplaced)

    @property
    def is_decryptable(self) -> bool:
        """True if a key of FERNET_KEYS encrypted the credentials, or there are none.

        Decrypts nothing.
        """
        return self.credentials_key is None or self.credentials_key in key_ids()


class Profile(VersionedModel):
    """A connection, a model and inference settings under an alias that code asks for.

    `client_settings`: what clients of another system store with it and Switchboard itself does not
    use, as they sent it; None where there is none.
    """

    editable_columns = tuple(ProfileColumns.__annotations__)

    team = team_of_a_row("profiles")
    capability = models.CharField(
        max_length=50, choices=[(one.value, one.value) for one in Capability]
    )
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="profiles")
    model = models.CharField(max_length=255, validators=[ProhibitNullCharactersValidator()])
    settings = models.JSONField(default=dict, blank=True)
    client_settings = models.JSONField(null=True, blank=True, editable=False)
    fallbacks = models.ManyToManyField(
        "self", through="Fallback", symmetrical=False, related_name="fallback_for"
    )

    history = HistoricalRecords(excluded_fields=KEYS_OF_NAME)
    objects = SeenProfiles["Profile"]()
    every = models.Manager["Profile"]()

    class Meta:
        ordering = ["name_key", "alias"]
        indexes = [
            models.Index(fields=["name", "alias"]),
            models.Index(*by_name_key(), name="profiles_by_name"),
            models.Index(*by_name(), name="profiles_in_order"),
            models.Index(fields=["date_created", "id"]),
        ]
        permissions = [
            ("toggle_profile", "Can switch profile on and off"),
            ("use_profile", "Can use profile"),
        ]

    def get_absolute_url(self) -> str:
        return reverse("profile-detail", args=[self.pk])


class Fallback(models.Model):
    """A profile that answers when another one's own connection cannot: of the same capability,
    tried in the order of `position`.
    """

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="fallback_steps")
    fallback = models.ForeignKey(Profile, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["profile", "fallback"], name="a_fallback_is_named_once")
        ]

    def __str__(self) -> str:
        return f"{self.fallback.name}, a fallback of {self.profile.name}"


class ConnectionCheck(models.Model):
    """One test of a saved connection, for the version it had then.

    `failing_since`: of a failed one, when the first of the failed tests before it was made, without
    a passed one or other settings between.
    `is_scheduled`: nobody asked for it, it was made by itself.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="checks")
    connection_version = models.PositiveIntegerField()
    checked_at = models.DateTimeField(auto_now_add=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    is_scheduled = models.BooleanField(default=False, db_default=False)
    success = models.BooleanField()
    code = models.CharField(max_length=50, default="ok")
    message = models.CharField(max_length=500, blank=True)
    asked = models.CharField(max_length=500, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    model_count = models.PositiveIntegerField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    objects = OfSeenConnections["ConnectionCheck"]()
    every = models.Manager["ConnectionCheck"]()

    class Meta:
        ordering = ["-checked_at", "-id"]
        indexes = [
            models.Index(fields=["connection", "-checked_at"]),
            models.Index(
                fields=["-checked_at", "-id"],
                condition=models.Q(is_scheduled=False),
                name="checks_by_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{'ok' if self.success else self.code} at {self.checked_at:%Y-%m-%d %H:%M}"


class DefaultProfile(models.Model):
    """The profile that answers when none is named, one row a capability.

    A default cannot be deleted.
    """

    capability = models.CharField(
        max_length=50, primary_key=True, choices=[(one.value, one.value) for one in Capability]
    )
    profile = models.ForeignKey(Profile, models.PROTECT, related_name="default_for")

    def __str__(self) -> str:
        return _("the default for %(capability)s") % {"capability": self.capability}
