"""Connections as a document that others may read: references and plain settings, never a secret literal."""

from collections.abc import Iterable
from typing import Any

from providers.schema import settings_fields

from ..models import Connection
from .permissions import Actor, require


def export_connections(connections: Iterable[Connection], *, actor: Actor) -> dict[str, Any]:
    """`{"connections": [...]}`. A literal secret is left out and named under `needsCredentials`; nothing is decrypted.

    Of a secret map only its own name is there: which of its entries are literals, only decrypting would tell.
    """
    require(actor, "connections.view_connection")
    return {"version": 1, "connections": [_exported(connection) for connection in connections]}


def _exported(connection: Connection) -> dict[str, Any]:
    fields = settings_fields(connection.provider) if connection.provider else {}
    lacking = [name for name, field in fields.items() if field.secret and (field.is_map or name not in connection.settings)]
    return {
        "id": str(connection.pk),
        "alias": connection.alias,
        "name": connection.name,
        "providerId": connection.provider_id,
        "isActive": connection.is_active,
        "tags": connection.tags,
        "settings": connection.settings,
        "needsCredentials": lacking if connection.credentials_key else [],
    }
