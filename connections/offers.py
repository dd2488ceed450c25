"""The providers and connection types that whoever looks may choose."""

from typing import Any

from django.db.models import Q, QuerySet

from providers.core.base import Provider
from providers.core.registry import (
    UnknownProvider,
    all_providers,
    get_provider,
    is_built_in,
)

from .catalog import owner_of
from .models import ConnectionType, seen
from .standing import teams_of_viewer
from .viewing import current_viewer


def offered_providers() -> list[type[Provider[Any]]]:
    """The providers that whoever looks may choose: all but the installed types of other teams. One
    query, none for whoever sees everything.
    """
    hidden = _hidden_types()
    return [one for one in all_providers() if one.id not in hidden]


def offered_provider(provider_id: str) -> type[Provider[Any]]:
    """The provider with this id, for whoever makes something of it. Raises UnknownProvider, also
    for an installed type of another team, after the same query.
    """
    if not is_built_in(provider_id) and provider_id in _hidden_types():
        raise UnknownProvider(provider_id)
    return get_provider(provider_id)


def seen_types(rows: QuerySet[ConnectionType]) -> QuerySet[ConnectionType]:
    """Those of the installed types that whoever looks may see: of their teams, or of none."""
    viewer = current_viewer()
    if viewer is None or not seen("connection"):
        return rows
    return rows.filter(Q(team=None) | Q(team__in=teams_of_viewer(viewer)))


def _hidden_types() -> set[str]:
    viewer = current_viewer()
    if viewer is None or not seen("connection"):
        return set()
    others = ConnectionType.objects.exclude(team=None).exclude(team__in=teams_of_viewer(viewer))
    return {key for key in others.order_by().values_list("key", flat=True) if not owner_of(key)}
