"""The fallbacks of a profile: the profiles that answer, in their order, when its own connection
cannot.

A chain is just what one profile names. The fallbacks of a fallback are not followed, so two
profiles may name each other.
"""

import uuid
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from ..errors import FieldError
from ..models import Fallback, Profile

MOST_FALLBACKS = 10


def fallback_errors(
    row: Profile, fallbacks: Sequence[Profile], held: Mapping[uuid.UUID, Profile]
) -> list[FieldError]:
    """The reasons why these cannot be the fallbacks of a profile.

    `held`: those of them that still exist.
    """
    chosen = [one.pk for one in fallbacks]
    others = [
        held[pk].name
        for pk in dict.fromkeys(chosen)
        if pk in held and held[pk].capability != row.capability
    ]
    found = [
        (
            len(chosen) > MOST_FALLBACKS,
            "too_many",
            _("At most %(most)d fallbacks.") % {"most": MOST_FALLBACKS},
        ),
        (row.pk in chosen, "itself", _("A profile cannot be its own fallback.")),
        (len(set(chosen)) < len(chosen), "duplicate", _("Name each fallback once.")),
        (
            not held.keys() >= set(chosen),
            "not_found",
            _("A fallback has been deleted meanwhile. Choose again."),
        ),
        (
            bool(others),
            "capability",
            _("Only %(capability)s profiles can stand in here, not %(names)s.")
            % {"capability": row.capability, "names": ", ".join(others)},
        ),
    ]
    return [FieldError("fallbacks", code, message) for wrong, code, message in found if wrong][:1]


def replace_fallbacks(chains: Sequence[tuple[Profile, Sequence[Profile]]]) -> None:
    """Writes the chains of saved profiles, in the transaction that stores these."""
    Fallback.objects.filter(profile__in=[row.pk for row, _chain in chains]).delete()
    Fallback.objects.bulk_create(
        Fallback(profile=row, fallback=one, position=number)
        for row, chain in chains
        for number, one in enumerate(chain)
    )
