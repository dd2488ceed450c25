"""Places in teams that a provider gives and takes away. What was given by hand is left alone."""

import logging
from collections.abc import Mapping

from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from connections.audit.services import Change
from connections.models import Membership, Team
from connections.services import Invalid, remove_member, set_member

from ...identity_providers import IdentityProvider
from ..models import ProviderMembership

logger = logging.getLogger("backoffice.people.signin")


def apply_teams(
    provider: IdentityProvider, account: SocialAccount, wanted: Mapping[str, str]
) -> list[Change]:
    """Gives the places that are wanted, names of teams with the role in each, and takes away those
    that the provider gave before and that are no longer wanted. Returns what it changed.
    """
    given = ProviderMembership.objects.filter(account=account).select_related("team")
    kept = {one.team_id: one for one in given}
    if not wanted and not kept:
        return []
    changes: list[Change] = []
    places: dict[str, str] = {}
    for name, role in wanted.items():
        team = Team.objects.filter(name__iexact=name).first()
        if team is None:
            logger.error("The teams of %s name %r, which is not there", provider.label, name)
            continue
        places[str(team.pk)] = role
        changes += _give(provider, account, team, role, is_given=team.pk in kept)
    for one in kept.values():
        if str(one.team_id) not in places:
            changes += _take(provider, account, one)
    return changes


def _give(
    provider: IdentityProvider, account: SocialAccount, team: Team, role: str, *, is_given: bool
) -> list[Change]:
    has = Membership.objects.filter(team=team, user=account.user).first()
    if has is not None and (has.role == role or not is_given):
        return []
    try:
        with transaction.atomic():
            set_member(team, account.user, role, actor=None)
            ProviderMembership.objects.get_or_create(account=account, team=team)
    except Invalid:
        logger.warning("%s lowers the last administrator of %r, who stays", provider.label, team)
        return []
    return [(f"team {team.name}", has.role if has else "", role)]


def _take(
    provider: IdentityProvider, account: SocialAccount, one: ProviderMembership
) -> list[Change]:
    has = Membership.objects.filter(team=one.team, user=account.user).first()
    try:
        with transaction.atomic():
            remove_member(one.team, account.user, actor=None)
            one.delete()
    except Invalid:
        text = "%s takes away the last administrator of %r, who stays"
        logger.warning(text, provider.label, str(one.team))
        return []
    return [(f"team {one.team.name}", has.role, "")] if has else []
