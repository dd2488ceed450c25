"""Aliases that connections and profiles had, which still answer, and who asks by them."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from .connections import Connection, Profile


class FormerAliasQuerySet(models.QuerySet["FormerAlias"]):
    """Queries over former aliases."""

    def of(self, model: type[models.Model]) -> "FormerAliasQuerySet":
        """Those of connections, or those of profiles."""
        return self.filter(**{f"{model._meta.model_name}__isnull": False})


class FormerAlias(models.Model):
    """An alias that a connection or a profile had until somebody gave it another.

    It finds the row until it is taken away, and nothing else of the kind gets it meanwhile. Exactly
    one of `connection` and `profile` is set.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alias = models.CharField(max_length=100)
    connection = models.ForeignKey(
        Connection, models.CASCADE, null=True, blank=True, related_name="former_aliases"
    )
    profile = models.ForeignKey(
        Profile, models.CASCADE, null=True, blank=True, related_name="former_aliases"
    )
    date_changed = models.DateTimeField(auto_now_add=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = FormerAliasQuerySet.as_manager()

    class Meta:
        ordering = ["-date_changed", "alias"]
        default_permissions = ()
        permissions = [("change_alias", "Can change aliases and take former ones away")]
        constraints = [
            models.UniqueConstraint(
                fields=["alias"],
                condition=Q(connection__isnull=False),
                name="former_aliases_of_connections_once",
            ),
            models.UniqueConstraint(
                fields=["alias"],
                condition=Q(profile__isnull=False),
                name="former_aliases_of_profiles_once",
            ),
            models.CheckConstraint(
                condition=Q(connection__isnull=False, profile__isnull=True)
                | Q(connection__isnull=True, profile__isnull=False),
                name="former_aliases_of_one_row",
            ),
        ]

    def __str__(self) -> str:
        return self.alias

    @property
    def row_id(self) -> Any:
        """The id of the connection or profile that it finds."""
        return self.connection_id or self.profile_id

    @property
    def row(self) -> Any:
        """The connection or profile that it finds."""
        return self.connection or self.profile


class AliasUse(models.Model):
    """Who asked by a former alias, and when last.

    `used_by` is a text, as the names in usage records are: it outlives people and tokens.
    """

    former_alias = models.ForeignKey(FormerAlias, models.CASCADE, related_name="uses")
    used_by = models.CharField(max_length=300)
    last_used_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_used_at", "used_by"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["former_alias", "used_by"], name="alias_uses_once")
        ]

    def __str__(self) -> str:
        return f"{self.used_by} at {self.last_used_at:%Y-%m-%d %H:%M}"
