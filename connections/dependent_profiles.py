"""The profiles of a connection, and what becomes of their requests when it is switched off."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from .models import Connection, Fallback, Profile, by_name
from .profile_settings import profile_settings_class


@dataclass(frozen=True)
class DependentProfile:
    """A profile of a connection. `stand_in`: the one that answers when the connection is switched
    off, None where requests are refused then.
    """

    profile: Profile
    stand_in: Profile | None

    def __str__(self) -> str:
        if self.stand_in is None:
            return _("%(profile)s is refused") % {"profile": self.profile.alias}
        names = {"profile": self.profile.alias, "other": self.stand_in.alias}
        return _("%(profile)s is answered by %(other)s") % names


def dependent_profiles(connection: Connection, limit: int = 50) -> list[DependentProfile]:
    """The profiles of a connection with their stand-ins, by name."""
    profiles = _with_steps(connection.profiles.all())[:limit]
    return [DependentProfile(one, _stand_in(one)) for one in profiles]


def active_dependents(connection_ids: Collection[UUID]) -> list[DependentProfile]:
    """The active profiles of these connections with their stand-ins when all of them are switched
    off together, by name. As many queries for one as for all.
    """
    rows = Profile.objects.filter(connection__in=connection_ids, is_active=True)
    profiles = _with_steps(rows.order_by(*by_name()))
    return [DependentProfile(one, _stand_in(one, connection_ids)) for one in profiles]


def all_stood_in_for(connection_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these connections whose active profiles all have a stand-in, and that have any: what
    uses them goes on when they are switched off. As many queries for one as for all.
    """
    rows = Profile.objects.filter(connection__in=set(connection_ids), is_active=True)
    found: dict[UUID, bool] = {}
    for profile in _with_steps(rows):
        has_one = _stand_in(profile) is not None
        found[profile.connection_id] = found.get(profile.connection_id, True) and has_one
    return {pk for pk, is_complete in found.items() if is_complete}


def _with_steps(profiles: QuerySet[Profile]) -> QuerySet[Profile]:
    """The profiles with their fallbacks and the connections of these, in one more query."""
    steps = Fallback.objects.select_related("fallback__connection").defer(
        "fallback__connection__credentials"
    )
    return profiles.prefetch_related(Prefetch("fallback_steps", steps))


def _stand_in(profile: Profile, off: Collection[UUID] = ()) -> Profile | None:
    """The first fallback that is active, on another connection that is and does not go off too. Its
    steps are read.
    """
    try:
        settings = profile_settings_class(profile.capability).model_validate(profile.settings)
    except (KeyError, ValueError):
        return None  # it cannot be used at all before it is edited
    if not settings.moves_on("connection_inactive"):
        return None
    for other in (step.fallback for step in profile.fallback_steps.all()):
        is_other = other.connection_id != profile.connection_id and other.connection_id not in off
        if is_other and other.is_active and other.connection.is_active:
            return other
    return None


def told_of_switching_off(connection: Connection) -> str:
    """A sentence about the active profiles of a connection that is off now; empty without any."""
    found = [str(one) for one in dependent_profiles(connection) if one.profile.is_active]
    return f"{'; '.join(found)}." if found else ""
