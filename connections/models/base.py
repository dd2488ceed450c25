"""The base of connections and profiles."""

import uuid
from collections.abc import Sequence
from typing import ClassVar, TypedDict

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from django.db import models

ALIAS_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*\Z"
ALIAS_RULE = (
    "Use lower case letters, digits and single hyphens between them, for example openai-production."
)
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


class EditableColumns(TypedDict, total=False):
    """The columns that people edit, of connections and profiles alike.

    What is saved, compared, copied, exported, imported, shown in the admin and filled into a form
    is read from here. In a change, None or an absent column keeps what is stored.
    """

    name: str | None
    tags: Sequence[str] | None
    is_active: bool | None


class VersionedModel(models.Model):
    """The columns that connections and profiles share.

    `version` counts saves and guards against two people editing at once.
    """

    editable_columns: ClassVar[tuple[str, ...]] = tuple(EditableColumns.__annotations__)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alias = models.CharField(
        max_length=100,
        unique=True,
        validators=[RegexValidator(ALIAS_PATTERN, ALIAS_RULE)],
        help_text=(
            "What code asks for. Cannot be changed later. Left empty, it is made from the name."
        ),
    )
    name = models.CharField(
        max_length=255, validators=[ProhibitNullCharactersValidator()]
    )  # PostgreSQL cannot store one
    tags = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField("active", default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    date_created = models.DateTimeField(auto_now_add=True)
    date_modified = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    modified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @classmethod
    def label(cls, column: str) -> str:
        """The name of a column for people: `is_active` -> `Active`."""
        return str(getattr(cls._meta.get_field(column), "verbose_name", column)).capitalize()
