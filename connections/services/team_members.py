"""Who is in a team."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from ..models import Membership, Role, Team


def members_of(team: Team) -> Sequence[Membership]:
    """The members of a team with their people, by name."""
    return list(team.memberships.select_related("user", "user__service_account"))


def administrators_of(team: Team) -> QuerySet[Any]:
    """The people who sign in and are administrators of a team, by name."""
    is_one = Q(memberships__team=team, memberships__role=Role.ADMINISTRATOR)
    rows = get_user_model().objects.filter(is_one, is_active=True, service_account=None)
    return rows.order_by("username")
