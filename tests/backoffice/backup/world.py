"""Rows of many kinds, for tests of backups."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import User

from backoffice.backup.tables import kept
from connections import services
from connections.models import Connection, ConnectionType
from gateway.models import UsageRecord
from tests.fakes import connect, profile_of

ODD = "\u2028 'quoted' \"twice\" \\ \t\n\x01 \U0001f600 é \\N \\u0041 ,"


def fill(user: User) -> str:
    """Makes connections, a profile, a team, a token and usage records. Returns the token."""
    team = services.create_team("Red", actor=user)
    connection = connect(name="One", alias="one")
    Connection.every.filter(pk=connection.pk).update(name=ODD, tags=["a", ODD])
    services.move_to_team([connect(name="Two", alias="two")], team, actor=user)
    profile_of(Connection.every.get(alias="one"), alias="answers")
    # of a provider that nobody installed, and of a type that cannot be read
    Connection.every.filter(alias="two").update(provider_id="gone")
    ConnectionType.objects.create(key="acme.crm", document="{", digest="0" * 64, version=1)
    UsageRecord.objects.create(
        **record(UUID(int=2**127 + 1)), started_at=datetime(2026, 1, 2, 3, 4, 5, 600, UTC)
    )
    UsageRecord.objects.create(**record(None), started_at=datetime(2026, 1, 2, 3, 4, 5, 0, UTC))
    return services.create_token("Robot", user=user, actor=user, scopes=["admin"])[1]


def record(key: UUID | None) -> dict[str, Any]:
    """The columns of a usage record."""
    return {
        "key": key,
        "endpoint": "v1",
        "capability": "Chat",
        "profile_alias": "answers",
        "connection_alias": "one",
        "provider_id": "fake",
        "model": "m",
        "user_name": ODD,
        "token_name": "",
        "latency_ms": 1,
        "input_tokens": 2**60,
        "outcome": "ok",
        "prompt": ODD * 1000,
    }


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows that a backup keeps, as models read them, by the label of their model."""
    found = {}
    for table in kept():
        model: Any = apps.get_model(table.label) if "_" not in table.label else None
        if model is not None:
            names = [field.attname for field in model._meta.local_concrete_fields]
            rows = model._base_manager.order_by("pk").values_list(*names)
            found[table.label] = [tuple(map(_plain, row)) for row in rows]
    return found


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value
