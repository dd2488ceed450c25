"""Notices: what was told about faults, to whom it goes, and what is on its way.

Columns called `clock`, `due` or `..._clock` are seconds of the schedule's clock, which no machine's
time moves.
"""

import uuid

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from connections.credentials import CredentialsField
from connections.models import team_of_a_row


class NoticeLook(models.Model):
    """The last look at the faults: one row. Whoever tells something holds it.

    `number`: of the look; `stamp`: what the faults were computed from.
    """

    number = models.BigIntegerField(default=0)
    stamp = models.CharField(max_length=300, blank=True)
    clock = models.FloatField(default=0.0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"look {self.number}"


class NoticeState(models.Model):
    """What was seen and told of one fault.

    `seen`: its state at the last look, empty when it was over, since `seen_clock`. `told`: the
    state that people know, empty for none. `told_clocks`: the times of its last notices.
    `changes`: those seen since the last one. `is_quiet`: it was snoozed when it would have been
    told. `item`: its words, for the notice that it is over.
    """

    fault = models.CharField(max_length=600, unique=True)
    kind = models.CharField(max_length=20)
    seen = models.CharField(max_length=40, blank=True)
    seen_clock = models.FloatField()
    told = models.CharField(max_length=40, blank=True)
    told_clocks = models.JSONField(default=list)
    changes = models.PositiveIntegerField(default=0)
    is_quiet = models.BooleanField(default=False)
    item = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.fault}: {self.seen or 'over'}"


class Notice(models.Model):
    """What changed at one look, of one kind: one fault, or all those that came at once.

    `event`: began, recovered or flapped. `items`: the faults in words, without secrets. `teams`:
    whose they are, empty where no team was made (gateway/notices/services/owners.py).
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    event = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    severity = models.CharField(max_length=20)
    items = models.JSONField(default=list)
    teams = models.TextField(blank=True, default="", db_default="")

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.event} at {self.at:%Y-%m-%d %H:%M:%S}"


class NoticeSeen(models.Model):
    """The last notice that a person has seen."""

    # No constraint in the database: the version before deletes users without these rows.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="+",
        db_constraint=False,
    )
    seen_to = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"up to {self.seen_to}"


class NoticeTarget(models.Model):
    """A place that notices are sent to, and the rules that say which.

    `credentials`: the address, which is a secret, and the key that signs. `shown`: as much of the
    address as may be shown. `kinds`, `providers` and `tags`: empty for all. `quiet_from` and
    `quiet_to`: hours of `time_zone` in which nothing is sent, but what is critical where
    `is_woken_by_critical`. `team`: it is told of what this team has alone; None: of everything.
    """

    class Kind(models.TextChoices):
        """The way in which it is sent."""

        WEBHOOK = "webhook", _("Webhook")
        APPRISE = "apprise", _("Slack, Teams, e-mail and others (Apprise)")

    class Severity(models.TextChoices):
        """The weight of a notice, the lightest first."""

        INFO = "info", _("Info")
        WARNING = "warning", _("Warning")
        CRITICAL = "critical", _("Critical")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, validators=[ProhibitNullCharactersValidator()])
    team = team_of_a_row("notice_targets")
    kind = models.CharField(max_length=20, choices=Kind)
    credentials = CredentialsField(editable=False)
    credentials_key = models.CharField(max_length=12, editable=False)
    shown = models.CharField(max_length=300, editable=False)
    is_active = models.BooleanField(default=True)
    kinds = models.JSONField(default=list, blank=True)
    minimum_severity = models.CharField(max_length=20, choices=Severity, default=Severity.WARNING)
    providers = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    tells_recovery = models.BooleanField(default=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    is_woken_by_critical = models.BooleanField(default=True)
    date_created = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class NoticeDelivery(models.Model):
    """One message on its way to a target: the notices in it, and the tries so far.

    `due`: the time of the next try; while one runs, the time at which another process may begin
    again. A message that was tried takes in no further notices, since its receiver may have it.
    """

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        GIVEN_UP = "given_up", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    target = models.ForeignKey(NoticeTarget, models.CASCADE, related_name="deliveries")
    parts = models.JSONField(default=list)  # [id of a notice, [the places of its items]]
    is_critical = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due = models.FloatField()
    error = models.CharField(max_length=300, blank=True)
    date_created = models.DateTimeField(auto_now_add=True, db_index=True)
    date_done = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["target"],
                condition=models.Q(state="waiting", attempts=0),
                name="one_gathering_delivery_of_a_target",
            )
        ]
        indexes = [models.Index(fields=["state", "due"])]

    def __str__(self) -> str:
        return f"{self.state} after {self.attempts} tries"
