"""Teams, and who is in them."""

import uuid

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.dispatch import Signal
from django.utils.translation import gettext_lazy

# Somebody else took the role in a team away from a person, or lowered it: `user_pk`.
role_taken = Signal()


class Role(models.TextChoices):
    """What a person is in a team, least first."""

    VIEWER = "viewer", gettext_lazy("Viewer")
    OPERATOR = "operator", gettext_lazy("Operator")
    ADMINISTRATOR = "administrator", gettext_lazy("Administrator")


class Team(models.Model):
    """People who share connections, profiles and tokens that others do not see.

    `requests_per_minute`, `tokens_per_day`: what all tokens of the team together may do through the
    gateway; None is no limit.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=100, unique=True, validators=[ProhibitNullCharactersValidator()]
    )
    date_created = models.DateTimeField(auto_now_add=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_day = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        permissions = [("manage_teams", "Can manage teams, and see what any team has")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person, or a service account, in a team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    # No constraint in the database: the version before deletes users without these rows.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", db_constraint=False
    )
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        ordering = ["user__username"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_role_in_a_team")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}: {self.role}"


def team_of_a_row(related_name: str = "+") -> "models.ForeignKey[Team | None, Team | None]":
    """The column of what belongs to one team; None: shared by all.

    No constraint in the database, so that the tables of the version before stay as they are.
    """
    return models.ForeignKey(
        Team,
        models.PROTECT,
        null=True,
        blank=True,
        related_name=related_name,
        verbose_name=gettext_lazy("team"),
        db_constraint=False,
    )
