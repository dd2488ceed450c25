"""The lists of connections and profiles: filtered and sorted here for page, API and command.

Nothing is decrypted. A surface decides what to do with nonsense; here an unknown value filters
nothing, and an unknown sort is by name.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast

from providers.core.registry import all_providers

from .lookup import id_or_alias_q
from .models import Connection, Profile

HEALTHS = ("ok", "failed", "stale", "never")
CONNECTION_SORTS = {
    "name": ("name", "alias"),
    "alias": ("alias",),
    "provider": ("provider_id", "name"),
    "status": ("-is_active", "name"),
    "is_active": ("is_active", "name"),
    "checked": ("last_check__checked_at", "name"),
    "created": ("date_created",),
    "modified": ("date_modified",),
}
PROFILE_SORTS = {
    "name": ("name", "alias"),
    "alias": ("alias",),
    "capability": ("capability", "name"),
    "model": ("model", "name"),
    "connection": ("connection__name", "name"),
    "created": ("date_created",),
    "modified": ("date_modified",),
}


def connections(filters: Mapping[str, str], sort: str = "name") -> QuerySet[Connection]:
    """Connections by `q` (in name or alias, or the id), `provider`, `capability`, `status`
    (active or inactive), `health` (of HEALTHS) and `tag`; `-` before a sort reverses it.
    """
    filters = _storable(filters)
    rows = _common(Connection.objects.listed(), filters, ("name", "alias"))
    if provider := filters.get("provider"):
        rows = rows.filter(provider_id=provider)
    if capability := filters.get("capability"):
        rows = of_capability(rows, capability)
    rows = rows.filter(of_health(filters.get("health", "")))
    return rows.order_by(*_order(CONNECTION_SORTS, sort))


def profiles(filters: Mapping[str, str], sort: str = "name") -> QuerySet[Profile]:
    """Profiles with their connections, by `q` (in name, alias or model, or the id), `provider` and
    `connection` (an id or alias), `capability`, `status` and `tag`.
    """
    filters = _storable(filters)
    rows = Profile.objects.select_related("connection").defer("connection__credentials")
    rows = _common(rows, filters, ("name", "alias", "model"))
    if provider := filters.get("provider"):
        rows = rows.filter(connection__provider_id=provider)
    if connection := filters.get("connection", "").strip():
        rows = rows.filter(id_or_alias_q(connection, "connection__"))
    if capability := filters.get("capability"):
        rows = rows.filter(capability=capability)
    return rows.order_by(*_order(PROFILE_SORTS, sort))


def of_capability(rows: QuerySet[Connection], capability: str) -> QuerySet[Connection]:
    """The connections whose provider has the capability."""
    able = [provider.id for provider in all_providers() if capability in provider.capabilities]
    return rows.filter(provider_id__in=able)


def of_health(health: str) -> Q:
    """The condition that the last check of a connection says so; none for an unknown word."""
    fresh = Q(last_check__connection_version=F("version"))
    return {
        "ok": fresh & Q(last_check__success=True),
        "failed": fresh & Q(last_check__success=False),
        "stale": Q(last_check__isnull=False) & ~fresh,
        "never": Q(last_check__isnull=True),
    }.get(health, Q())


def _storable(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters without null characters: no row has one, and PostgreSQL refuses to search one."""
    return {name: value.replace("\x00", "") for name, value in filters.items()}


def _common(
    rows: QuerySet[Any], filters: Mapping[str, str], searched: tuple[str, ...]
) -> QuerySet[Any]:
    """The filters of both lists: a text in one of the columns, status and tag."""
    if text := filters.get("q", "").strip():
        condition = id_or_alias_q(text)
        for column in searched:
            condition |= Q(**{f"{column}__icontains": text})
        rows = rows.filter(condition)
    if filters.get("status") in ("active", "inactive"):
        rows = rows.filter(is_active=filters["status"] == "active")
    if tag := filters.get("tag", "").strip():
        # as the JSON column's text has it: escaped in SQLite, plain in PostgreSQL
        rows = rows.alias(tags_text=Cast("tags", TextField())).filter(
            Q(tags_text__contains=json.dumps(tag)) | Q(tags_text__contains=f'"{tag}"')
        )
    return rows


def _order(sorts: Mapping[str, tuple[str, ...]], sort: str) -> list[str]:
    """The columns to order by; one that is unique comes last, so that no page repeats a row."""
    names = sorts.get(sort.removeprefix("-"), sorts["name"])
    names = names if names[-1] == "alias" else (*names, "pk")
    if not sort.startswith("-"):
        return list(names)
    return [name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in names]
