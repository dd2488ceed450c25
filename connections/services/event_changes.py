"""The changes of connections and profiles, as events of the audit tell them."""

from typing import Any

from django.views.decorators.debug import sensitive_variables

from ..audit.services import Change
from ..credentials import MASK
from ..fingerprints import digests, texts_in
from ..models import Connection, VersionedModel
from .history import differences

SHOWN = 16  # characters of a fingerprint


@sensitive_variables()
def changes_of(row: VersionedModel) -> list[Change]:
    """The fields that the version of a row which was just saved changed: each with what it was and
    what it is, a secret as its fingerprint. Nothing for a row of one version.
    """
    history: Any = row.history  # type: ignore[attr-defined]
    newest = list(history.order_by("-history_id")[:2])
    if len(newest) < 2:
        return []
    secrets = [_fingerprints(one) for one in newest]
    found = []
    for one in differences(*newest):
        now, was = (known.get(one.field) for known in secrets)
        is_secret = MASK in (one.before, one.after)
        before = f"secret {was}" if is_secret and was else one.before
        found.append((one.field, before, f"secret {now}" if is_secret and now else one.after))
    return found


@sensitive_variables()
def _fingerprints(record: Any) -> dict[str, str]:
    """A part of the fingerprint of each secret in a version, by its place."""
    if not issubclass(record.instance_type, Connection):
        return {}
    return {
        where: next(iter(digests(text).values()), "")[:SHOWN]
        for where, text in texts_in(record.credentials)
    }
