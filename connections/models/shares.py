"""What a team lets another team see or use."""

from django.db import models
from django.utils.translation import gettext_lazy

from .connections import Connection, Profile
from .teams import Team


class Level(models.TextChoices):
    """How far a share goes: one who may use a row may also see it, and never changes it."""

    SEE = "see", gettext_lazy("See")
    USE = "use", gettext_lazy("See and use")


class Share(models.Model):
    """The base of both kinds of shares.

    The database does not watch what is shared: the version before, which deletes rows without a
    look at these tables, would fail.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    level = models.CharField(max_length=10, choices=Level.choices)

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.level} by {self.team_id}"


class ConnectionShare(Share):
    """A connection that a team besides its own may see or use."""

    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="shares", db_constraint=False
    )

    class Meta(Share.Meta):
        constraints = [
            models.UniqueConstraint(fields=["connection", "team"], name="a_connection_shared_once")
        ]


class ProfileShare(Share):
    """A profile that a team besides its own may see or use."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="shares", db_constraint=False)

    class Meta(Share.Meta):
        constraints = [
            models.UniqueConstraint(fields=["profile", "team"], name="a_profile_shared_once")
        ]
