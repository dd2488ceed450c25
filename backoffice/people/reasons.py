"""Why somebody may not do something: the right that they lack, who has it, who can give it, and
what they may do instead. Of this, the page of a refusal and the page behind "Why may I not?".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from connections.models import Membership, Role, Team
from connections.services import administrators_of, roles_that_hold
from connections.standing import RIGHTS, standing_of

from . import services
from .words_of_rights import instead_of, words_of_all

NAMED = 5  # people


@dataclass(frozen=True)
class Reason:
    """Why somebody may not do something.

    `rights`: those that they lack, in words. `team`: the team that it is a matter of, if any: then
    `roles` and `able` are its roles, and `whom` are its administrators. `roles`: the person's own;
    `able`: those that hold the rights. `whom`: HTML of the people who can give them, empty where
    there is nobody. `instead`: a sentence, or empty. `may`: all that they may, in words.
    """

    rights: Sequence[str]
    team: str
    roles: Sequence[str]
    able: Sequence[str]
    whom: str
    instead: str
    may: Sequence[str]


def reason(user: Any, lacking: Sequence[str], on: Any = None) -> Reason:
    """Why this person may not do what needs the rights `lacking`, which they do not have: on this
    row, if it was about one.
    """
    held = user.get_all_permissions(on)
    shown = {one for one in held if one.partition(".")[0] in services.SHOWN}
    words = words_of_all({*lacking, *shown})
    mine = _membership(user, on)
    in_team = [str(Role(role).label) for role in Role if RIGHTS[role].issuperset(lacking)]
    if mine is None or not in_team:  # what no team can give, groups give
        mine = None
        roles = [_(role.name) for role in user.groups.all()]
        able = [_(role) for role in roles_that_hold(lacking)]
        people = services.administrators()
    else:
        roles = [mine.get_role_display()]
        able = in_team
        people = administrators_of(mine.team)
    return Reason(
        [words.get(one, one) for one in lacking],
        mine.team.name if mine else "",
        roles,
        able,
        _whom([str(one) for one in people[: NAMED + 1]]),
        instead_of(lacking[0], held) if lacking else "",
        [text for right, text in words.items() if right in shown],
    )


def _membership(user: Any, row: Any) -> Membership | None:
    """What the person is in the team of a row, None if it has none or they are not in it. Without a
    row: in their only team, if all that they may is from there.
    """
    mine = Membership.objects.filter(user=user).select_related("team")
    if standing_of(user).sees_all:
        return None
    if row is None:
        found = [] if standing_of(user).rights else list(mine)
        return found[0] if len(found) == 1 else None
    team = row if isinstance(row, Team) else getattr(row, "team", None)
    return mine.filter(team=team).first() if team else None


def _whom(names: Sequence[str]) -> str:
    """Some of these people as HTML, "or" before the last."""
    shown = [format_html("<strong><bdi>{}</bdi></strong>", name) for name in names[:NAMED]]
    if len(names) > NAMED:
        shown.append(format_html("{}", _("another administrator")))
    before = format_html_join(", ", "{}", ([one] for one in shown[:-1]))
    return format_html("{}{}{}", before, _(" or ") if before else "", shown[-1]) if shown else ""
