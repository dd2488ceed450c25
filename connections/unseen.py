"""What hangs on a profile that a team shares with another: its connection and its fallbacks, as far
as whoever looks may see them.
"""

from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from .models import Connection, Profile
from .viewing import current_viewer


def hide_unseen(profiles: Sequence[Profile]) -> None:
    """Puts a stand-in in the place of each connection that whoever looks may not see: it has the
    provider, and neither an alias nor settings, checks or traffic. Their connections are read.

    One query, none where no connection has a team.
    """
    if current_viewer() is None:
        return
    doubtful = {one.connection_id for one in profiles if one.connection.team_id}
    if not doubtful:
        return
    seen = set(Connection.objects.filter(pk__in=doubtful).values_list("pk", flat=True))
    for one in profiles:
        if one.connection_id in doubtful - seen:
            one._state.fields_cache["connection"] = _stand_in(one.connection)


def _stand_in(row: Connection) -> Connection:
    found = Connection(
        name=_("of another team"),
        alias="",
        provider_id=row.provider_id,
        type_version=row.type_version,
        is_active=row.is_active,
    )
    found._prefetched_objects_cache = {"traffic": [], "checks": []}  # type: ignore[attr-defined]  # noqa: SLF001 nothing is asked
    return found


def fallbacks_seen(profiles: Sequence[Profile]) -> dict[UUID, list[Profile]]:
    """The fallbacks of profiles by their ids, in order, as far as whoever looks may see them. Their
    `fallback_steps` are read; one query more where one has a team.
    """
    chains = {row.pk: [step.fallback for step in row.fallback_steps.all()] for row in profiles}
    doubtful = {one.pk for chain in chains.values() for one in chain if one.team_id}
    if current_viewer() is not None and doubtful:
        seen = Profile.objects.filter(pk__in=doubtful).values_list("pk", flat=True)
        hidden = doubtful - set(seen)
        chains = {
            pk: [one for one in chain if one.pk not in hidden] for pk, chain in chains.items()
        }
    return chains
