"""Fingerprints: keyed digests of what a connection is checked with, so that a change is seen and
nothing of a value is kept.
"""

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from connections import catalog, conf
from connections.references import State, references_in
from providers.core.registry import UnknownProvider, get_provider
from providers.core.schema import settings_fields

OF_STORE = 300.0  # seconds until a store is asked for a value again: some bill each question
UNKNOWN = frozenset({State.AWAY, State.SIGN_IN_FAILED, State.ERROR})

Reference = tuple[str, bool]  # as it is written, and whether its setting is secret


@dataclass(frozen=True, slots=True)
class Content:
    """What a connection is checked with, its references as they are written."""

    version: int
    type_mark: str
    references: tuple[Reference, ...]


def content_of(version: int, provider_id: str, stored: Mapping[str, Any]) -> Content:
    """The content of a row with these columns."""
    try:
        provider = get_provider(provider_id)
    except UnknownProvider:
        return Content(version, "", ())
    fields = settings_fields(provider)
    references = tuple(
        (reference, name in fields and fields[name].secret)
        for name, _, reference in references_in(stored)
    )
    return Content(version, f"{provider.version}:{catalog.type_digest(provider_id)}", references)


class Fingerprints:
    """Makes fingerprints. What it remembers of values are digests too."""

    def __init__(self) -> None:
        self._of_stores: dict[Reference, tuple[str, float]] = {}

    @sensitive_variables("values")
    def of(self, content: Content, known: dict[Reference, str | None]) -> str | None:
        """The fingerprint, None where nobody knows it now because a source fails.

        `known`: the digests of references that were resolved in the same look; it is added to.
        """
        values = []
        for reference in content.references:
            if reference not in known:
                known[reference] = self._digest(reference)
            values.append(known[reference])
        if None in values:
            return None
        return keyed(json.dumps([content.version, content.type_mark, values]))

    @sensitive_variables("resolution")
    def _digest(self, reference: Reference) -> str | None:
        digest, until = self._of_stores.get(reference, ("", 0.0))
        if time.monotonic() < until:
            return digest
        resolution = conf.resolver().resolve(*reference)
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
