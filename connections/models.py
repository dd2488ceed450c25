"""The rows: Connection, Profile, ConnectionCheck. Columns and constraints; the rules are in services."""

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from simple_history.models import HistoricalRecords

from providers.base import Capability, Provider
from providers.registry import UnknownProvider, get_provider

from .credentials import CredentialsField, Undecryptable, key_ids

ALIAS_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*\Z"
ALIAS_RULE = "Use lower case letters, digits and single hyphens between them, for example openai-production."
# Words that are path segments beside an alias, in pages or in the API.
RESERVED_ALIASES = frozenset(
    [
        "add",
        "bulk",
        "capabilities",
        "check",
        "default",
        "exists",
        "export",
        "import",
        "models",
        "new",
        "references",
        "schema",
        "settings",
        "test",
        "usages",
    ]
)


class Row(models.Model):
    """What connections and profiles share. `version` counts saves and guards against two people editing at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alias = models.CharField(
        max_length=100,
        unique=True,
        validators=[RegexValidator(ALIAS_PATTERN, ALIAS_RULE)],
        help_text="What code asks for. Cannot be changed later. Left empty, it is made from the name.",
    )
    name = models.CharField(max_length=255, validators=[ProhibitNullCharactersValidator()])  # PostgreSQL cannot store one
    tags = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField("active", default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    date_created = models.DateTimeField(auto_now_add=True)
    date_modified = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+")
    modified_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Queries over connections."""

    def listed(self) -> "ConnectionQuerySet":
        """Without credentials: nothing is decrypted, so nothing can fail."""
        return self.defer("credentials")


class Connection(Row):
    """An account with a provider.

    `settings` holds plain values and references as typed, readable; `credentials` only the secret literals, encrypted.
    `credentials_key` names the key that encrypted them (None: no credentials), so that a list can say "cannot decrypt"
    without decrypting. `type_version` is the version of the provider whose settings these are: `Provider.migrated` reads older ones.
    `lacking` names secrets that an import or a copy could not bring.
    """

    provider_id = models.CharField("provider", max_length=100, db_index=True)  # no choices: a new provider is no migration
    settings = models.JSONField(default=dict, blank=True)
    credentials = CredentialsField(null=True, blank=True)
    credentials_key = models.CharField(max_length=12, null=True, blank=True, editable=False)  # noqa: DJ001 None is "no credentials"
    type_version = models.PositiveIntegerField(default=1, editable=False)
    lacking = models.JSONField(default=list, blank=True, editable=False)
    last_check = models.ForeignKey("ConnectionCheck", models.SET_NULL, null=True, blank=True, editable=False, related_name="+")

    history = HistoricalRecords(excluded_fields=["last_check"])
    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "alias"]
        indexes = [models.Index(fields=["name", "alias"]), models.Index(fields=["-date_modified"])]
        permissions = [
            ("test_connection", "Can test connection"),
            ("toggle_connection", "Can switch connection on and off"),
            ("export_secrets", "Can export connections with their secrets"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps `credentials_key` true: whatever is loaded and readable is encrypted with the newest key by this save."""
        if "credentials" not in self.get_deferred_fields() and not isinstance(self.credentials, Undecryptable):
            self.credentials_key = next(iter(key_ids()), None) if self.credentials else None
            if not self.credentials:
                self.credentials = None
        super().save(*args, **kwargs)

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
    def is_decryptable(self) -> bool:
        """Whether a key of FERNET_KEYS encrypted the credentials, or there are none. Decrypts nothing."""
        return self.credentials_key is None or self.credentials_key in key_ids()


class Profile(Row):
    """A connection, a model and inference settings under an alias that code asks for."""

    capability = models.CharField(max_length=50, choices=[(one.value, one.value) for one in Capability])
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="profiles")
    model = models.CharField(max_length=255, validators=[ProhibitNullCharactersValidator()])
    settings = models.JSONField(default=dict, blank=True)
    fallbacks = models.ManyToManyField("self", through="Fallback", symmetrical=False, related_name="fallback_for")

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "alias"]
        indexes = [models.Index(fields=["name", "alias"])]
        permissions = [("toggle_profile", "Can switch profile on and off"), ("use_profile", "Can use profile")]

    def get_absolute_url(self) -> str:
        return reverse("profile-detail", args=[self.pk])


class Fallback(models.Model):
    """Who answers when a profile's own connection cannot: profiles of the same capability, tried in the order of `position`."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="fallback_steps")
    fallback = models.ForeignKey(Profile, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["profile", "fallback"], name="a_fallback_is_named_once")]

    def __str__(self) -> str:
        return f"{self.fallback.name}, a fallback of {self.profile.name}"


class ConnectionCheck(models.Model):
    """One test of a saved connection, for the version it had then."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="checks")
    connection_version = models.PositiveIntegerField()
    checked_at = models.DateTimeField(auto_now_add=True)
    checked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    success = models.BooleanField()
    code = models.CharField(max_length=50, default="ok")
    message = models.CharField(max_length=500, blank=True)
    asked = models.CharField(max_length=500, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    model_count = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-checked_at", "-id"]
        indexes = [models.Index(fields=["connection", "-checked_at"])]

    def __str__(self) -> str:
        return f"{'ok' if self.success else self.code} at {self.checked_at:%Y-%m-%d %H:%M}"


class DefaultProfile(models.Model):
    """Which profile answers when none is named, one row a capability. A default cannot be deleted."""

    capability = models.CharField(max_length=50, primary_key=True, choices=[(one.value, one.value) for one in Capability])
    profile = models.ForeignKey(Profile, models.PROTECT, related_name="default_for")

    def __str__(self) -> str:
        return f"the default for {self.capability}"


class Token(models.Model):
    """What every kind of token has in common. Only a hash of its text is stored; `prefix` names it to people."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, validators=[ProhibitNullCharactersValidator()])
    date_created = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

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
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "active"


class ApiToken(Token):
    """A key to our own API. Only a hash of it is stored; `prefix` finds the row and names it to people."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    prefix = models.CharField(max_length=20, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    profiles = models.ManyToManyField(Profile, blank=True, related_name="+", help_text="Empty: every profile.")
    is_limited = models.BooleanField(default=False, editable=False)  # or a token would grow when its last profile is deleted
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="Through the gateway. Empty: no limit.")
    tokens_per_day = models.PositiveIntegerField(null=True, blank=True, help_text="In and out, through the gateway. Empty: no limit.")
    expires_at = models.DateTimeField(null=True, blank=True)


class RevealToken(Token):
    """A key to the secrets of some connections, for promptflow's flows. A kind of its own: it opens nothing else, and no other opens this.

    Only a hash of it is stored, which also finds it; `prefix` names it to people. `networks`: where it may be used from, empty for
    anywhere. It always ends.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    prefix = models.CharField(max_length=20, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    connections = models.ManyToManyField(Connection, related_name="+")
    networks = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField()


class RevealRecord(models.Model):
    """One attempt to read secrets: when, with which token, from where, what became of it. Never a value, never a token's text.

    `outcome`: `read`, or why not. `asked`: the name of a connection, empty for the list; `connections`: the aliases that were handed out.
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


class ConnectionType(models.Model):
    """A kind of connection that an administrator added without a deployment. `document` is its manifest as it was given.

    Types that are files (shipped ones, and those of CONNECTIONS_TYPES_DIR) have no row.
    """

    key = models.CharField(primary_key=True, max_length=100)
    version = models.PositiveIntegerField()
    document = models.TextField()
    digest = models.CharField(max_length=64, editable=False)  # of the document, so that a worker knows what it has read
    date_installed = models.DateTimeField(auto_now=True)
    installed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+")

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return f"{self.key} {self.version}"


class AccessToken(models.Model):
    """A connection's OAuth2 token, so that all workers use one. It can be fetched again at any time.

    `key` says for which settings it was given out; `credentials` is `{"token": ...}`. `leased_until`: a worker fetches a new one until
    then, and the others wait for it.
    """

    connection = models.OneToOneField(Connection, models.CASCADE, primary_key=True, related_name="access_token")
    key = models.CharField(max_length=64)
    credentials = CredentialsField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"the token of {self.connection_id}"


class PackageUpload(models.Model):
    """A package between its upload and the decision what becomes of its parts. `content` is encrypted; it lives for an hour."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=255, blank=True)
    content = models.BinaryField()
    date_created = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.file_name


class ChangeStamp(models.Model):
    """One row whose number grows in the transaction of every change, so that a worker knows when what it remembers is old."""

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
