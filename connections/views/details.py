"""What the page of a connection shows, and what that of any row says of its team."""

from typing import Any

from providers.core.schema import settings_fields

from .. import display, selectors, services
from ..dependent_profiles import dependent_profiles
from ..destinations import hosts_of
from ..former_aliases import former_aliases_of
from ..models import Connection, Profile
from ..standing import standing_of


def team_context(row: Connection | Profile, user: Any) -> dict[str, Any]:
    """The team of a row and its shares, for its page; nothing where there are no teams. The shares
    are for the members of its team.
    """
    if not standing_of(user).has_teams:
        return {}
    is_own = row.team_id is None or services.teams_of(user).filter(pk=row.team_id).exists()
    shares = services.shares_of(row) if is_own and row.team_id else []
    return {"has_teams": True, "team": row.team, "shares": shares}


def detail_context(connection: Connection) -> dict[str, Any]:
    """The context of the detail page: settings, references, checks, profiles and versions."""
    checks = list(connection.checks.select_related("checked_by")[:20])
    versions = services.versions(connection)
    return {
        "settings_shown": selectors.shown_settings(connection, display.public_settings(connection)),
        "references": display.reference_states(connection),
        "hosts": hosts_of(connection),
        "checks": checks,
        "failures": [one for one in checks if not one.success][:3],
        "profiles": dependent_profiles(connection),
        "versions": versions,
        "has_key": _has_key(connection),
        "has_unused_secrets": services.has_unused_secrets(connection),
        "key_set": next((one for one in versions if one.sets_key), None),
        "former_aliases": former_aliases_of(connection),
    }


def _has_key(connection: Connection) -> bool:
    fields = settings_fields(connection.provider).values() if connection.provider else ()
    return any(one.secret and not one.for_proxy for one in fields)
