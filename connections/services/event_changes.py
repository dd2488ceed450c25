"""The changes of connections and profiles, as events of the audit tell them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from ..audit.services import Change
from ..credentials import MASK
from ..fingerprints import digests, texts_in
from ..models import Connection, Profile, VersionedModel
from .history import differences

SHOWN = 16  # characters of a fingerprint


@sensitive_variables()
def changes_of(row: VersionedModel, before: VersionedModel) -> list[Change]:
    """The fields in which a row differs from a copy of it that was made before: each with what it
    was and what it is, a secret as its fingerprint.
    """
    was, now = _fingerprints(before), _fingerprints(row)
    found = []
    for one in differences(row, before):
        texts = [
            f"secret {known[one.field]}" if text == MASK and one.field in known else text
            for text, known in ((one.before, was), (one.after, now))
        ]
        found.append((one.field, texts[0], texts[1]))
    return found


@sensitive_variables()
def _fingerprints(row: Any) -> dict[str, str]:
    """A part of the fingerprint of each secret of a connection, by its place."""
    if not isinstance(row, Connection):
        return {}
    return {
        where: next(iter(digests(text).values()), "")[:SHOWN]
        for where, text in texts_in(row.credentials)
    }


def changed_chain(chain: Sequence[UUID], fallbacks: Sequence[Profile] | None) -> list[Change]:
    """The change of a chain of fallbacks: the ids before, and the profiles now; None keeps them."""
    if fallbacks is None or [one.pk for one in fallbacks] == chain:
        return []
    known = Profile.every.in_bulk(chain)
    before = ", ".join(known[pk].alias for pk in chain if pk in known)
    return [("fallbacks", before, ", ".join(one.alias for one in fallbacks))]
