"""Why somebody may not do something: the right that they lack, who has it, who can give it, and
what they may do instead. Of this, the page of a refusal and the page behind "Why may I not?".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from connections.services import roles_that_hold

from . import services
from .words_of_rights import instead_of, words_of_all

NAMED = 5  # people


@dataclass(frozen=True)
class Reason:
    """Why somebody may not do something.

    `rights`: those that they lack, in words. `roles`: their own; `able`: those that hold the
    rights. `whom`: HTML of the people who can give them, empty where there is nobody. `instead`: a
    sentence, or empty. `may`: all that they may, in words.
    """

    rights: Sequence[str]
    roles: Sequence[str]
    able: Sequence[str]
    whom: str
    instead: str
    may: Sequence[str]


def reason(user: Any, lacking: Sequence[str]) -> Reason:
    """Why this person may not do what needs the rights `lacking`, which they do not have."""
    held = user.get_all_permissions()
    shown = {one for one in held if one.partition(".")[0] in services.SHOWN}
    words = words_of_all({*lacking, *shown})
    return Reason(
        [words.get(one, one) for one in lacking],
        [_(role.name) for role in user.groups.all()],
        [_(role) for role in roles_that_hold(lacking)],
        _whom([str(one) for one in services.administrators()[: NAMED + 1]]),
        instead_of(lacking[0], held) if lacking else "",
        [text for right, text in words.items() if right in shown],
    )


def _whom(names: Sequence[str]) -> str:
    """Some of these people as HTML, "or" before the last."""
    shown = [format_html("<strong><bdi>{}</bdi></strong>", name) for name in names[:NAMED]]
    if len(names) > NAMED:
        shown.append(format_html("{}", _("another administrator")))
    before = format_html_join(", ", "{}", ([one] for one in shown[:-1]))
    return format_html("{}{}{}", before, _(" or ") if before else "", shown[-1]) if shown else ""
