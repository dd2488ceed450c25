"""What connections and profiles share."""

import uuid

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


class VersionedModel(models.Model):
    """What connections and profiles share.

    `version` counts saves and guards against two people editing at once.
    """

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
