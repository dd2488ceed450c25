"""Aliases that connections and profiles had, which still answer, and who asks by them."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from .connections import Connection, Profile


class FormerAliasQuerySet(models.QuerySet["FormerAlias"]):
    """Queries over former aliases. An orphan is one whose row is gone: see FormerAlias."""

    def there(self) -> "FormerAliasQuerySet":
        """Those that find a row, which leaves out the orphans."""
        return self.filter(Q(connection__alias__isnull=False) | Q(profile__alias__isnull=False))

    def of(self, model: type[models.Model]) -> "FormerAliasQuerySet":
        """Those that find a connection, or those that find a profile."""
        return self.filter(**{f"{model._meta.model_name}__alias__isnull": False})

    def with_orphans_of(self, model: Any) -> "FormerAliasQuerySet":
        """Those of connections, or those of profiles, with `is_orphan`."""
        kind = model._meta.model_name
        row = model.every.filter(pk=OuterRef(f"{kind}_id"))
        return self.filter(**{f"{kind}__isnull": False}).annotate(is_orphan=~Exists(row))


class FormerAlias(models.Model):
    """An alias that a connection or a profile had until somebody gave it another.

    It finds the row until it is taken away, and nothing else of the kind gets it meanwhile. Exactly
    one of `connection` and `profile` is set.

    The database does not watch the foreign keys: the version before, which deletes connections,
    profiles and people without a look at this table, would fail. So `there` and `of` look whether
    the row is there, and who changed it is read with `select_related`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alias = models.CharField(max_length=100)
    connection = models.ForeignKey(
        Connection,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="former_aliases",
        db_constraint=False,
    )
    profile = models.ForeignKey(
        Profile,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="former_aliases",
        db_constraint=False,
    )
    date_changed = models.DateTimeField(auto_now_add=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
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
