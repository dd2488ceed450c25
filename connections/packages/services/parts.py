"""An installation of any size in parts, each of which fits into one package."""

from collections import defaultdict
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.models import Connection, Fallback

from ..format.archive import MOST_ENTRIES
from ..format.errors import PackageError

RESERVED = 100  # files for types and for the package itself
MOST_ROWS = MOST_ENTRIES - RESERVED  # connections and profiles
TOO_MANY = gettext_noop(
    "%(number)s connections and profiles are more than the %(most)s that a package holds. Export "
    "them by tag, or in parts (the command: --split)."
)


def refuse_many(rows: int) -> None:
    """Raises PackageError for more connections and profiles than a package holds."""
    if rows > MOST_ROWS:
        values = {"number": f"{rows:,}", "most": f"{MOST_ROWS:,}"}
        raise PackageError("too_large", _(TOO_MANY) % values)


def parts_of(rows: QuerySet[Connection]) -> list[list[Connection]]:
    """The connections in as few parts as it takes for each to fit with all of its profiles, in the
    order of their aliases.

    Connections whose profiles stand in for each other stay together where that fits: a fallback
    that is neither in a package nor there when it is imported is left out.
    """
    counted = rows.order_by("alias").only("alias", "name").annotate(size=Count("profiles"))
    found = {row.pk: row for row in counted}
    parts: list[list[Connection]] = [[]]
    room = MOST_ROWS
    for group in _groups(list(found)):
        sizes = {key: 1 + found[key].size for key in group}
        if sum(sizes.values()) > room and parts[-1]:
            parts.append([])
            room = MOST_ROWS
        for key in group:
            if sizes[key] > room and parts[-1]:
                parts.append([])
                room = MOST_ROWS
            parts[-1].append(found[key])
            room -= sizes[key]
    return parts


def _groups(keys: list[UUID]) -> list[list[UUID]]:
    """The keys in their order, those that fallbacks join together at the place of the first."""
    near = defaultdict[UUID, set[UUID]](set)
    pairs = Fallback.objects.values_list("profile__connection_id", "fallback__connection_id")
    for one, other in pairs:
        near[one].add(other)
        near[other].add(one)
    order = {key: place for place, key in enumerate(keys)}
    groups, seen = [], set[UUID]()
    for key in keys:
        group, waiting = [], [key]
        while waiting:
            one = waiting.pop()
            if one in order and one not in seen:
                seen.add(one)
                group.append(one)
                waiting.extend(near[one])
        if group:
            groups.append(sorted(group, key=order.__getitem__))
    return groups
