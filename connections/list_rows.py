"""The rows of the lists: a connection or a profile with what is read beside it, as many queries for
a page as for one row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models import Count, Model, QuerySet

from providers.core.schema import settings_fields

from .health.services import Health, health, profile_health, with_health
from .models import Connection, DefaultProfile, Profile
from .outlooks import with_key_ends
from .recent_use import Use, recent_use
from .section_teams import remembering
from .standing import perms_on, prefetch_teams
from .unseen import fallbacks_seen, hide_unseen

SEES_USAGE = "gateway.view_usagerecord"


@dataclass(frozen=True)
class ConnectionLine:
    """A connection, its health, the host that it asks, the number of its profiles, and its use;
    None where it is not shown. `perms`: what the person may do with it.
    """

    row: Connection
    health: Health
    host: str
    profiles: int
    use: Use | None
    perms: Mapping[str, Any]


@dataclass(frozen=True)
class ProfileLine:
    """A profile, its health, use and `perms` as for connections, whether it is the default of its
    capability, and its fallbacks.
    """

    row: Profile
    health: Health
    is_default: bool
    fallbacks: Sequence[Profile]
    use: Use | None
    perms: Mapping[str, Any]


def with_lines(rows: QuerySet[Connection]) -> QuerySet[Connection]:
    """Connections with what their lines are read from: health, and the end of the key."""
    return with_key_ends(with_health(rows))


def connection_lines(rows: Sequence[Connection], actor: Any) -> list[ConnectionLine]:
    """The rows of connections. Two queries, one for who does not see usage; two more at most where
    there are teams.
    """
    prefetch_teams(rows, actor)
    serving = Profile.objects.filter(connection__in=[row.pk for row in rows]).order_by()
    counted = serving.values("connection").annotate(n=Count("pk"))
    profiles = dict(counted.values_list("connection", "n"))
    uses = _uses(Connection, rows) if actor.has_perm(SEES_USAGE) else None
    resolve = remembering()
    return [
        ConnectionLine(
            row,
            health(row, resolve),
            host_of(row),
            profiles.get(row.pk, 0),
            _of(uses, row.pk),
            perms_on(actor, row),
        )
        for row in rows
    ]


def profile_lines(rows: Sequence[Profile], actor: Any) -> list[ProfileLine]:
    """The rows of profiles, with as many queries as those of connections."""
    prefetch_teams(rows, actor)
    hide_unseen(rows)
    fallbacks = fallbacks_seen(rows)
    defaults = set(DefaultProfile.objects.values_list("profile", flat=True))
    uses = _uses(Profile, rows) if actor.has_perm(SEES_USAGE) else None
    resolve = remembering()
    return [
        ProfileLine(
            row,
            profile_health(row, resolve),
            row.pk in defaults,
            fallbacks[row.pk],
            _of(uses, row.pk),
            perms_on(actor, row),
        )
        for row in rows
    ]


def host_of(connection: Connection) -> str:
    """The host that a connection asks, the reference that names it, or an empty text where its
    settings do not say.
    """
    if connection.provider is None:
        return ""
    for name, field in settings_fields(connection.provider).items():
        if field.address:
            address = str(connection.settings.get(name) or field.default or "")
            try:
                return urlsplit(address).netloc.rpartition("@")[2] or address
            except ValueError:
                return address
    return ""


def _uses(model: type[Model], rows: Sequence[Any]) -> Mapping[UUID, Use]:
    return recent_use(model, {row.pk: row.alias for row in rows})


def _of(uses: Mapping[UUID, Use] | None, pk: UUID) -> Use | None:
    return None if uses is None else uses.get(pk, Use())
