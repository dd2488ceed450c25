"""Fingerprints: keyed digests of what a connection is checked with, so that a change is seen and
nothing of a value is kept.
"""

import hmac
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from connections import catalog
from connections.references import State, references_in, section_of
from connections.section_teams import Resolve
from providers.core.registry import UnknownProvider, get_provider
from providers.core.schema import settings_fields

OF_STORE = 300.0  # seconds until a store is asked for a value again: some bill each question
UNKNOWN = frozenset({State.AWAY, State.SIGN_IN_FAILED, State.ERROR})

# As it is written, whether its setting is secret, and the team of its connection where that counts
Reference = tuple[str, bool, UUID | None]


@dataclass(frozen=True, slots=True)
class Content:
    """What a connection is checked with, its references as they are written."""

    version: int
    type_mark: str
    references: tuple[Reference, ...]


def content_of(
    version: int,
    provider_id: str,
    stored: Mapping[str, Any],
    team: UUID | None,
    limited: Collection[str],
) -> Content:
    """The content of a row with these columns. `limited`: the sections that belong to teams."""
    try:
        provider = get_provider(provider_id)
    except UnknownProvider:
        return Content(version, "", ())
    fields = settings_fields(provider)
    references = tuple(
        (
            reference,
            name in fields and fields[name].secret,
            team if section_of(reference) in limited else None,
        )
        for name, _, reference in references_in(stored)
    )
    return Content(version, f"{provider.version}:{catalog.type_digest(provider_id)}", references)


class Fingerprints:
    """Makes fingerprints. What it remembers of values are digests too."""

    def __init__(self) -> None:
        self._of_stores: dict[Reference, tuple[str, float]] = {}

    @sensitive_variables("values")
    def of(
        self, content: Content, known: dict[Reference, str | None], resolve: Resolve
    ) -> str | None:
        """The fingerprint, None where nobody knows it now because a source fails.

        `known`: the digests of references that were resolved in the same look; it is added to.
        """
        values = []
        for reference in content.references:
            if reference not in known:
                known[reference] = self._digest(reference, resolve)
            values.append(known[reference])
        if None in values:
            return None
        return keyed(json.dumps([content.version, content.type_mark, values]))

    @sensitive_variables("resolution")
    def _digest(self, reference: Reference, resolve: Resolve) -> str | None:
        digest, until = self._of_stores.get(reference, ("", 0.0))
        if time.monotonic() < until:
            return digest
        resolution = resolve(*reference)
        if resolution.state in UNKNOWN:
            return None
        digest = keyed(f"{resolution.state}:{resolution.value}")
        if resolution.asked_at is not None:
            self._of_stores[reference] = digest, time.monotonic() + OF_STORE
        return digest


@sensitive_variables("text")
def keyed(text: str) -> str:
    """The digest of a text with our newest key: a plain one of a short secret could be guessed
    back. Another key makes others, and so each connection is checked once more.
    """
    purpose = hmac.digest(settings.FERNET_KEYS[0].encode(), b"switchboard schedule", "sha256")
    return hmac.digest(purpose, text.encode(), "sha256").hex()
