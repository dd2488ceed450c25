"""The fallbacks of a profile: the profiles that answer, in their order, when its own connection
cannot.

A chain is just what one profile names. The fallbacks of a fallback are not followed, so two
profiles may name each other.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from ..errors import FieldError
from ..models import Fallback, Profile, RowVersion
from ..row_versions import FALLBACKS, note_beside

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
    """Writes the chains of saved profiles, in the transaction that stores these, and notes which
    version has which.
    """
    _note_chains(chains)
    Fallback.objects.filter(profile__in=[row.pk for row, _chain in chains]).delete()
    Fallback.objects.bulk_create(
        Fallback(profile=row, fallback=one, position=number)
        for row, chain in chains
        for number, one in enumerate(chain)
    )


def _note_chains(chains: Sequence[tuple[Profile, Sequence[Profile]]]) -> None:
    """Notes the chains that change, and beside the first change of a profile what it had before."""
    keys = [row.pk for row, _chain in chains]
    before: dict[uuid.UUID, list[str]] = {pk: [] for pk in keys}
    for pk, fallback in Fallback.objects.filter(profile__in=keys).values_list(
        "profile_id", "fallback_id"
    ):
        before[pk].append(str(fallback))
    after = {row.pk: [str(one.pk) for one in chain] for row, chain in chains}
    changed = [pk for pk in after if after[pk] != before[pk]]
    if not changed:
        return
    notes = RowVersion.objects.filter(kind=FALLBACKS, object_id__in=[str(pk) for pk in changed])
    known = set(notes.values_list("object_id", flat=True))
    new: list[tuple[uuid.UUID, int, dict[str, Any]]] = []
    for pk, version in Profile.every.filter(pk__in=changed).values_list("pk", "version"):
        if str(pk) not in known and version > 1:
            new.append((pk, version - 1, {"fallbacks": before[pk]}))
        if str(pk) in known or version > 1:
            new.append((pk, version, {"fallbacks": after[pk]}))
    note_beside(FALLBACKS, new)
