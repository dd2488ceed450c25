"""Rows whose encrypted document belongs to them alone: judged whenever it is read."""

from collections.abc import Collection, Mapping
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.utils import timezone

from ..bindings import belongs_to_connection, binding_of_connection, is_grace
from ..credentials import Binding, Misplaced, SecretDict

GRACE = "unbound-until"


class BindingNote(models.Model):
    """A note about the binding of secrets, which only a key of FERNET_KEYS can make."""

    name = models.CharField(max_length=50, primary_key=True)
    text = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


def takes_unbound() -> bool:
    """True while documents of before the upgrade, which say nothing of where they belong, are
    taken. One query.
    """
    note = BindingNote.objects.filter(pk=GRACE).values_list("text", flat=True).first()
    return note is not None and is_grace(note, timezone.now())


def judged_of_connection(
    credentials: Any, pk: UUID, provider_id: str, settings: Mapping[str, Any]
) -> Any:
    """Decrypted credentials if they belong to the connection with these columns, else Misplaced."""
    if not isinstance(credentials, SecretDict):
        return credentials
    if not credentials.bound:
        is_own = takes_unbound()
    else:
        is_own = belongs_to_connection(credentials.bound, pk, provider_id, settings)
    return credentials if is_own else Misplaced(credentials.token)


def judged(credentials: Any, binding: Binding) -> Any:
    """Decrypted credentials if this is their binding, else Misplaced."""
    if not isinstance(credentials, SecretDict):
        return credentials
    is_own = credentials.bound == binding if credentials.bound else takes_unbound()
    return credentials if is_own else Misplaced(credentials.token)


class BoundRow(models.Model):
    """A connection, or a version of one: its secrets are bound to the row, its provider and its
    settings.
    """

    id: Any
    provider_id: Any
    settings: Any
    credentials: Any

    class Meta:
        abstract = True

    @property
    def binding(self) -> Binding:
        """What its secrets say that they belong to, once they are saved."""
        return binding_of_connection(self.id, self.provider_id, self.settings)

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any
    ) -> Self:
        """The row with its credentials judged; without its settings they belong nowhere."""
        row = super().from_db(db, field_names, values, **more)
        found = row.__dict__.get("credentials")
        if isinstance(found, SecretDict):
            is_whole = row.__dict__.keys() >= {"id", "provider_id", "settings"}
            row.__dict__["credentials"] = (
                judged_of_connection(found, row.id, row.provider_id, row.settings)
                if is_whole
                else Misplaced(found.token)
            )
        return row

    def refresh_from_db(
        self, using: Any = None, fields: Any = None, from_queryset: Any = None
    ) -> None:
        """As Django does; credentials that are loaded later are judged by the row as it is in the
        database then.
        """
        if fields is None or [*fields] != ["credentials"]:
            super().refresh_from_db(using, fields, from_queryset)
            return
        rows: Any = type(self)._base_manager if from_queryset is None else from_queryset  # noqa: SLF001
        row = rows.only("id", "provider_id", "settings", "credentials").get(pk=self.pk)
        self.__dict__["credentials"] = row.credentials
