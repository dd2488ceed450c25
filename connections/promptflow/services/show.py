"""Connections as promptflow shows them: views of rows, and their files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from connections import listing
from connections.audit.services import act, has_notes, record
from connections.credentials import key_ids
from connections.former_aliases import former_alias
from connections.models import Connection, by_name
from connections.services import (
    Actor,
    FieldError,
    Invalid,
    require,
)
from providers.core.registry import UnknownProvider, get_provider

from ..format.documents import Document
from ..format.dump import file_text, shown_fields
from ..format.shapes import shape_of
from ..format.values import SCRUBBED, USER_INPUT
from .connections import public_and_kept


def promptflow_view(connection: Any, zone: tzinfo | None = None) -> dict[str, Any]:
    """The JSON that `pf connection show` prints: its keys in its order, a literal secret as
    `******`.

    A lost key or provider is not an error.

    `connection`: a Connection, or a row of `promptflow_views`. `zone`: of its dates, None for the
    current one.
    """
    zone = zone or timezone.get_current_timezone()
    provider = connection.provider
    shape = shape_of(provider) if provider else None
    fields = shown_fields(shape, public_and_kept(shape, connection), SCRUBBED) if shape else {}
    view: dict[str, Any] = {}
    if shape and shape.by_token:
        view["auth_mode"] = fields.pop("auth_mode", "key")
    view["name"] = connection.name
    if module := fields.pop("module", None) or (shape and shape.module):
        view["module"] = module
    view["created_date"] = connection.date_created.astimezone(zone).isoformat()
    view["last_modified_date"] = connection.date_modified.astimezone(zone).isoformat()
    view["type"] = shape.type if shape else connection.provider_id
    if shape and shape.maps:
        view |= {name: {} for name in shape.maps}
    return view | fields


@dataclass(slots=True)
class _Row:
    """The columns of a connection that a view needs, without the model, which costs as much as
    decrypting.
    """

    name: str
    provider_id: str
    settings: dict[str, Any]
    credentials: Any = field(repr=False)
    date_created: datetime
    date_modified: datetime
    alias: str
    pk: UUID

    @property
    def provider(self) -> Any:
        try:
            return get_provider(self.provider_id)
        except UnknownProvider:
            return None


COLUMNS = (
    *("name", "provider_id", "settings", "credentials", "date_created", "date_modified"),
    *("alias", "pk"),
)


def promptflow_views(limit: int | None = None) -> list[dict[str, Any]]:
    """`promptflow_view` of all connections by name, of at most `limit`, each with alias and id,
    which name it everywhere.
    """
    rows = listing.connections({}).values_list(*COLUMNS)[:limit]
    zone = timezone.get_current_timezone()  # asking for it takes as long as the rest of a date
    found = [_Row(*row) for row in rows]
    return [promptflow_view(one, zone) | {"alias": one.alias, "id": str(one.pk)} for one in found]


@act("promptflow.export")
def promptflow_files(connections: Sequence[Connection], *, actor: Actor) -> dict[str, str]:
    """`promptflow_file` of several, by their aliases: one export. Raises Invalid."""
    texts = {row.alias: promptflow_file(row, actor=actor) for row in connections}
    if has_notes():
        record(actor=actor)
    return texts


@act("promptflow.export")
def promptflow_file(connection: Connection, *, actor: Actor) -> str:
    """The connection as promptflow's YAML: references as they are, `<user-input>` in the place of
    each literal secret. Raises Invalid.
    """
    require(actor, "connections.view_connection")
    if connection.provider is None:
        text = (
            f"The provider {connection.provider_id} is not installed, so nobody knows its fields. "
            "Install what brings it."
        )
        raise Invalid([FieldError("type", "unknown_provider", text)])
    shape = shape_of(connection.provider)
    text = file_text(shape, _found_by(connection), public_and_kept(shape, connection), USER_INPUT)
    record(connection, actor=actor)
    return text


def _found_by(connection: Connection) -> str:
    """The connection's name, its alias where the name would find another one."""
    named = Connection.objects.exclude(pk=connection.pk)
    former = former_alias(Connection, connection.name)
    finds_another = (former is not None and former.row_id != connection.pk) or named.filter(
        Q(name=connection.name) | Q(alias=connection.name)
    ).exists()
    return connection.alias if finds_another else connection.name


def promptflow_rows(limit: int | None) -> list[Connection]:
    """Connections by name, at most `limit`, None for all of them."""
    return list(listing.connections({}).defer(None)[:limit])


def behind_lost_keys(rows: Iterable[Connection] | None = None) -> list[str]:
    """The names of the connections whose secrets no key of FERNET_KEYS opens, of all or of these
    rows.
    """
    lost = Connection.objects.filter(credentials_key__isnull=False)
    if rows is not None:
        lost = lost.filter(pk__in=[row.pk for row in rows])
    names = lost.exclude(credentials_key__in=key_ids()).order_by(*by_name())
    return list(names.values_list("name", flat=True))


def document_view(document: Document) -> dict[str, Any]:
    """A document that is not saved, as `promptflow_view`: without dates."""
    shape = document.shape
    values = {shape.fields[name]: value for name, value in document.values.items()}
    fields = shown_fields(shape, values, SCRUBBED)
    view = {"auth_mode": fields.pop("auth_mode", "key")} if shape.by_token else {}
    return {
        **view,
        "module": fields.pop("module", None) or shape.module,
        "type": shape.type,
        **fields,
    }
