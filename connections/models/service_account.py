"""Service accounts: users that are not people, and own the tokens of programs."""

from typing import Any

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models

from .seeing import OfSeenTeams
from .teams import team_of_a_row

SUFFIX = " (service account)"


class ServiceAccount(models.Model):
    """What is known of a service account beside its user, who never signs in.

    The user's name is that of the account and SUFFIX, which no person can have: blanks and brackets
    are not allowed in theirs. So it reads as one wherever a user is named.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="service_account",
        db_constraint=False,
    )
    description = models.CharField(
        max_length=500, blank=True, validators=[ProhibitNullCharactersValidator()]
    )
    team = team_of_a_row("service_accounts")
    contact = models.CharField(max_length=200, validators=[ProhibitNullCharactersValidator()])
    created_by = models.CharField(max_length=150, blank=True, editable=False)

    objects = OfSeenTeams["ServiceAccount"]()
    every = models.Manager["ServiceAccount"]()

    class Meta:
        default_permissions = ("view", "add", "change", "delete")

    def __str__(self) -> str:
        return self.user.get_username()

    @property
    def name(self) -> str:
        """Its own name, without the SUFFIX."""
        name: str = self.user.get_username().removesuffix(SUFFIX)
        return name


def is_service_account(user: Any) -> bool:
    """True for the user of a service account. Asks no database."""
    return str(user.get_username()).endswith(SUFFIX)
