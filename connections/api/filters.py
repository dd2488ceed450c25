"""What the lists of connections and of profiles share in their queries."""

from collections.abc import Mapping

from drf_spectacular.utils import OpenApiParameter

from providers.core.base import Capability

from ..health.services import STATES
from .pagination import PLAIN, one_of, plain_text

HEALTH = OpenApiParameter(
    "health", str, enum=list(STATES), description="Those whose `health` has this state."
)
TEAM = OpenApiParameter(
    "team",
    PLAIN,
    description="Those of the team with this name or id; `none`: those that all share.",
)
DIRECTIONS = ("ascending", "descending", "asc", "desc")


def shared_filters(query: Mapping[str, str]) -> dict[str, str]:
    """The parameters of both lists, of connections and of profiles, as `listing` names them."""
    status = {"true": "active", "false": "inactive", "": ""}
    return {
        "called": plain_text(query, "filter"),
        "name": plain_text(query, "name"),
        "provider": plain_text(query, "providerId"),
        "capability": one_of(query, "capability", [one.value for one in Capability]),
        "status": status[one_of(query, "isActive", ("true", "false"))],
        "tag": plain_text(query, "tag"),
        "team": plain_text(query, "team"),
    }


def wanted_sort(query: Mapping[str, str], sorts: Mapping[str, str]) -> str:
    """The sort of `listing` for `orderBy` and `orderDirection`."""
    sort = sorts[one_of(query, "orderBy", list(sorts)) or "name"]
    return f"-{sort}" if one_of(query, "orderDirection", DIRECTIONS).startswith("desc") else sort
