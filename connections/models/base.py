"""The base of connections and profiles."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, TypedDict

from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..texts import LONGEST_KEY, name_key, sort_key

ALIAS_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*\Z"
ALIAS_RULE = gettext_lazy(
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


KEYS_OF_NAME = ["name_key", "keyed_name", "sort_key", "sorted_name"]  # they follow from the name


class ByCodePoint(models.Func):
    """A text that sorts by the numbers of its characters on every database, whatever its locale."""

    arity = 1
    template = "(%(expressions)s)"

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """With PostgreSQL's own name for that order; SQLite has no other."""
        return self.as_sql(
            compiler, connection, template='((%(expressions)s) COLLATE "C")', **extra
        )


def has_name_key(of: str = "") -> models.Q:
    """The condition that `name_key` was made from the name that the row has now.

    The version before writes names without it. `of`: as for `by_name`.
    """
    return models.Q(**{f"{of}keyed_name": models.F(f"{of}name")})


def by_name(of: str = "") -> list[models.OrderBy]:
    """The order by name, as people expect it, then by alias, which is unique.

    `of`: it is about the row there, e.g. `connection__`.
    """
    has_sort_key = models.Q(**{f"{of}sorted_name": models.F(f"{of}name")})
    return _ordered(
        of,
        models.When(has_sort_key, then=models.F(f"{of}sort_key")),
        models.When(has_name_key(of), then=models.F(f"{of}name_key")),
    )


def by_name_key() -> list[models.OrderBy]:
    """The order of the version before, which an index of its own keeps fast while both run."""
    return _ordered("", models.When(has_name_key(), then=models.F("name_key")))


def _ordered(of: str, *keys: models.When) -> list[models.OrderBy]:
    key = models.Case(*keys, default=Lower(f"{of}name"))
    return [models.OrderBy(ByCodePoint(key)), models.OrderBy(ByCodePoint(models.F(f"{of}alias")))]


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

    `version` counts saves and guards against two people editing at once. `name_key` is what the
    name is searched by, `sort_key` what it is sorted by; `keyed_name` and `sorted_name` are the
    names that they were made from.
    """

    editable_columns: ClassVar[tuple[str, ...]] = tuple(EditableColumns.__annotations__)
    every: models.Manager[Any]  # all rows, whoever looks: see models/seeing.py

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alias = models.CharField(
        max_length=100,
        unique=True,
        validators=[RegexValidator(ALIAS_PATTERN, ALIAS_RULE)],
        help_text=gettext_lazy(
            "What code asks for. Left empty, it is made from the name. An administrator can change "
            "it later."
        ),
    )
    name = models.CharField(
        max_length=255, validators=[ProhibitNullCharactersValidator()]
    )  # PostgreSQL cannot store one
    # with defaults in the database, for the version before, which does not know them
    name_key = models.CharField(max_length=LONGEST_KEY, db_default="", editable=False)
    keyed_name = models.CharField(max_length=255, db_default="", editable=False)
    sort_key = models.CharField(max_length=LONGEST_KEY, db_default="", editable=False)
    sorted_name = models.CharField(max_length=255, db_default="", editable=False)
    tags = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(gettext_lazy("active"), default=True)
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

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores the row as `prepare` leaves it."""
        self.prepare()
        columns = kwargs.get("update_fields")
        if columns is not None and "name" in columns:
            kwargs["update_fields"] = [*columns, *KEYS_OF_NAME]
        super().save(*args, **kwargs)

    def prepare(self) -> None:
        """Brings columns that follow from others up to date, before the row is stored."""
        if "name" not in self.get_deferred_fields():
            self.name_key, self.sort_key = name_key(self.name), sort_key(self.name)
            self.keyed_name = self.sorted_name = self.name

    @classmethod
    def label(cls, column: str) -> str:
        """The name of a column for people: `is_active` -> `Active`."""
        name = str(getattr(cls._meta.get_field(column), "verbose_name", column))
        return _(name.capitalize())
