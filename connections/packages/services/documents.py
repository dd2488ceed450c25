"""The documents of profiles, and settings in the order in which documents have them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import prefetch_related_objects

from connections.models import Connection, Profile
from connections.profile_settings import profile_fields
from connections.services import content

from ..format.documents import ProfileDocument, RowName, document_of


def in_order(values: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """The values in the order of the fields, and entries of maps by their keys: PostgreSQL does
    not keep the order in which JSON was stored.
    """
    order = {name: number for number, name in enumerate(fields)}
    in_order = sorted(values.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))
    return {
        name: dict(sorted(value.items())) if isinstance(value, dict) else value
        for name, value in in_order
    }


def profile_documents(keys: set[Any]) -> list[ProfileDocument]:
    """The documents of profiles, by alias; of their fallbacks, those that the actor sees."""
    rows = list(Profile.objects.filter(pk__in=keys).order_by("alias"))
    prefetch_related_objects(rows, "fallback_steps__fallback")
    seen = {*Profile.objects.filter(fallback_for__in=rows).values_list("pk", flat=True)}
    connections = Connection.objects.filter(profiles__in=rows).values_list("pk", "alias")
    names = {pk: RowName(id=pk, alias=alias) for pk, alias in connections}
    return [_profile_document(row, names[row.connection_id], seen) for row in rows]


def _profile_document(row: Profile, connection: RowName, seen: set[Any]) -> ProfileDocument:
    chain = [step.fallback for step in row.fallback_steps.all() if step.fallback_id in seen]
    data = {
        **content(row, "id", "alias", "capability"),
        "connection": connection,
        "settings": in_order(row.settings, profile_fields(row.capability)),
        "fallbacks": [RowName(id=one.pk, alias=one.alias) for one in chain],
    }
    return document_of(ProfileDocument, data, row.alias)
