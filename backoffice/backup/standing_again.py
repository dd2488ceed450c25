"""What a restore makes good again that was ended since the backup."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model

from connections.models import ApiToken, Connection, Profile, RevealToken, TrustedIssuer

Good = Mapping[str, Mapping[Any, str]]  # what kind -> id -> name


def in_force() -> Good:
    """The tokens that work, and what is switched on, by kind."""
    return {
        "API tokens": _named(ApiToken.every.filter(revoked_at=None), "name"),
        "tokens for flows": _named(RevealToken.objects.filter(revoked_at=None), "name"),
        "people": _named(get_user_model().objects.filter(is_active=True), "username"),
        "trusted issuers": _named(TrustedIssuer.objects.filter(is_active=True), "name"),
        "connections": _named(Connection.every.filter(is_active=True), "alias"),
        "profiles": _named(Profile.every.filter(is_active=True), "alias"),
    }


def again(before: Good, after: Good) -> dict[str, list[str]]:
    """The names of what is in force after a restore and was not before, by kind; without the kinds
    of which there is none.
    """
    found = {
        kind: sorted(name for pk, name in rows.items() if pk not in before[kind])
        for kind, rows in after.items()
    }
    return {kind: names for kind, names in found.items() if names}


def _named(rows: Any, name: str) -> dict[Any, str]:
    return dict(rows.order_by().values_list("pk", name))
