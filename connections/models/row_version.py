"""Versions of what django-simple-history does not keep, and what people call a version."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models


class RowVersion(models.Model):
    """One state of a thing: of a team, a role, a token and so on, by `kind` and `object_id`.

    No secret is in `content`. Two kinds are notes beside the history of connections and profiles:
    `fallbacks` of a profile from that version on, and `deletion`, what went along with a row.
    """

    kind = models.CharField(max_length=20)
    object_id = models.CharField(max_length=100)
    number = models.PositiveIntegerField()
    date = models.DateTimeField(auto_now_add=True, db_index=True)
    # No constraint in the database: the version before deletes users without these rows.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    reason = models.CharField(max_length=100, blank=True)
    content = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        ordering = ["kind", "object_id", "-number"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id", "number"], name="one_state_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}, version {self.number}"


class VersionMark(models.Model):
    """A version that people gave a name, or pinned, so that it is not deleted for its age. Of any
    kind, `connection` and `profile` too.
    """

    kind = models.CharField(max_length=20)
    object_id = models.CharField(max_length=100)
    number = models.PositiveIntegerField()
    name = models.CharField(
        max_length=100, blank=True, validators=[ProhibitNullCharactersValidator()]
    )
    is_pinned = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id", "number"], name="one_mark_a_version"
            )
        ]

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.object_id}, version {self.number}"
