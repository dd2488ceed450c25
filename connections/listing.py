"""The lists of connections and profiles: filtered and sorted here for page, API and command.

Nothing is decrypted. A surface decides what to do with nonsense; here an unknown value filters
nothing, and an unknown sort is by name.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import F, Model, OrderBy, Q, QuerySet, Value

from providers.core.registry import all_providers

from .health.services import (
    of_health,
    profiles_of_health,
    severity_of_connection,
    severity_of_model,
)
from .lookup import former_alias_q, id_or_alias_q, parse_id
from .models import ByCodePoint, Connection, Profile, by_name, seen
from .recent_use import sort_by_use
from .searching import has_words, is_called, tagged, with_texts
from .texts import tag_key

HEALTH, USED = "health", "used"  # what is computed for a query that is sorted by it
CONNECTION_SORTS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "alias": ("alias",),
    "provider": ("provider_id", "name"),
    "status": ("-is_active", "name"),
    "is_active": ("is_active", "name"),
    "checked": ("last_check__checked_at", "name"),
    "health": (HEALTH, "name"),
    "used": (USED, "name"),
    "created": ("date_created", "pk"),
    "modified": ("date_modified", "pk"),
}
PROFILE_SORTS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "alias": ("alias",),
    "capability": ("capability", "name"),
    "model": ("model", "name"),
    "connection": ("connection__name", "name"),
    "status": ("-is_active", "name"),
    "health": (HEALTH, "name"),
    "used": (USED, "name"),
    "created": ("date_created", "pk"),
    "modified": ("date_modified", "pk"),
}
NO_TEAM = "none"  # in a filter: what all share
TEXTS = frozenset(["alias", "provider_id", "capability", "model"])  # beside the names


def connections(filters: Mapping[str, str], sort: str = "name") -> QuerySet[Connection]:
    """Connections by `q` (words anywhere in them, see `has_words`), `called` (in name, alias or
    former alias, or the id), `name` (exactly), `provider`, `capability`, `status` (active or
    inactive), `health` (one of its states), `team` (its id or name, or `none`) and `tag`; `-`
    before a sort reverses it.
    """
    filters = _storable(filters)
    rows = _common(Connection.objects.listed(), filters)
    if provider := filters.get("provider"):
        rows = rows.filter(provider_id=provider)
    if capability := filters.get("capability"):
        rows = of_capability(rows, capability)
    rows = rows.filter(of_health(filters.get("health", "")))
    return _sorted(rows, CONNECTION_SORTS, sort)


def profiles(filters: Mapping[str, str], sort: str = "name") -> QuerySet[Profile]:
    """Profiles with their connections, by `q` (words anywhere in them, see `has_words`), `called`
    (in name, alias, former alias or model, or the id), `name` (exactly), `provider` and
    `connection` (an id or alias), `capability`, `status`, `health` (one of its states), `team` (as
    there) and `tag`.
    """
    filters = _storable(filters)
    rows = Profile.objects.select_related("connection").defer("connection__credentials")
    rows = _common(rows, filters, "model")
    if provider := filters.get("provider"):
        rows = rows.filter(seen("connection", "connection__"), connection__provider_id=provider)
    if connection := filters.get("connection", "").strip():
        former = former_alias_q(Connection, "connection__", alias=connection.lower())
        named = id_or_alias_q(connection, "connection__") | former
        rows = rows.filter(seen("connection", "connection__"), named)
    if capability := filters.get("capability"):
        rows = rows.filter(capability=capability)
    rows = profiles_of_health(rows, filters.get("health", ""))
    return _sorted(rows, PROFILE_SORTS, sort)


def of_capability(rows: QuerySet[Connection], capability: str) -> QuerySet[Connection]:
    """The connections whose provider has the capability."""
    able = [provider.id for provider in all_providers() if capability in provider.capabilities]
    return rows.filter(provider_id__in=able)


def _storable(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters without null characters: no row has one, and PostgreSQL refuses to search one."""
    return {name: value.replace("\x00", "") for name, value in filters.items()}


def _common(rows: QuerySet[Any], filters: Mapping[str, str], *searched: str) -> QuerySet[Any]:
    """The filters of both lists: words anywhere, a text in name, alias, former alias or these
    columns, a name, status, team, tag.
    """
    rows = with_texts(rows)
    if text := filters.get("q", "").strip():
        rows = rows.filter(has_words(rows.model, text))
    if text := filters.get("called", "").strip():
        condition = is_called(rows.model, text)
        for column in searched:
            condition |= Q(**{f"{column}__icontains": text})
        rows = rows.filter(condition)
    if name := filters.get("name", "").strip():
        rows = rows.filter(name=name)
    if filters.get("status") in ("active", "inactive"):
        rows = rows.filter(is_active=filters["status"] == "active")
    if team := filters.get("team", "").strip():
        rows = rows.filter(_of_team(team))
    if tag := filters.get("tag", "").strip():
        rows = rows.filter(_has_tag(rows.model, tag))
    return rows


def _of_team(text: str) -> Q:
    """The condition that a row belongs to the team with this id or name, or to none."""
    if text == NO_TEAM:
        return Q(team=None)
    pk = parse_id(text)
    return Q(team=pk) if pk else Q(team__name__iexact=text)


def _has_tag(model: type[Model], tag: str) -> Q:
    """The condition that one of the tags equals this one, however it is spelled there."""
    lists = model._default_manager.order_by().values_list("tags", flat=True).distinct()
    tags = {one for tags in lists for one in tags}
    return tagged(one for one in tags if tag_key(one) == tag_key(tag))


def _sorted(rows: QuerySet[Any], sorts: Mapping[str, tuple[str, ...]], sort: str) -> QuerySet[Any]:
    columns = sorts.get(sort.removeprefix("-"), ())
    if HEALTH in columns:
        of_one = severity_of_connection if rows.model is Connection else severity_of_model
        rows = rows.alias(health=of_one())
    if USED in columns:
        rows = rows.alias(used=sort_by_use(rows.model) or Value(0))
    return rows.order_by(*_order(sorts, sort))


def _order(sorts: Mapping[str, tuple[str, ...]], sort: str) -> list[OrderBy]:
    """The columns to order by; one that is unique comes last, so that no page repeats a row."""
    order = [one for name in sorts.get(sort.removeprefix("-"), ("name",)) for one in _by(name)]
    if sort.startswith("-"):
        for one in order:
            one.reverse_ordering()
    return order


def _by(column: str) -> list[OrderBy]:
    name = column.removeprefix("-")
    if name.endswith("name"):
        return by_name(name.removesuffix("name"))
    text = ByCodePoint(F(name)) if name in TEXTS else F(name)
    # else PostgreSQL has those that were never tested last, and SQLite first
    nulls_first = name.startswith("last_check__") or None
    return [OrderBy(text, descending=column.startswith("-"), nulls_first=nulls_first)]
