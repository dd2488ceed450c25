"""Chains of events: each holds the digest of the one before it."""

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

from django.db import connection, transaction
from django.utils import timezone

from ..models import AuditChain, AuditCheckpoint, AuditEvent
from .keys import sealed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# The columns that a digest is made of, in this order, which must never change
HASHED = (
    *("instance", "surface", "actor_kind", "actor_id", "actor_name"),
    *("token_kind", "token_id", "token_name", "address", "request_id"),
    *("action", "object_kind", "object_id", "object_name", "team_id", "team_name"),
    *("outcome", "code", "body"),
)
WIDTHS = {
    name: AuditEvent._meta.get_field(name).max_length  # type: ignore[union-attr]
    for name in HASHED
}


@cache
def instance() -> str:
    """The name of this machine, by which people tell instances apart."""
    return socket.gethostname()[:64]


def digest_of(before: str, chain: str, number: int, at: datetime, texts: list[str]) -> str:
    """The digest of one event. `before`: of the event before it. `texts`: the HASHED columns."""
    parts = [before, chain, number, (at - EPOCH) // MICROSECOND, *texts]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def start_of(chain: AuditChain) -> str:
    """What the first event of a chain follows."""
    parts = [str(chain.id), str(chain.day), chain.instance, chain.follows]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def state_of(chain: AuditChain) -> str:
    """The state of a chain as the text that its seal is made of."""
    parts = [str(chain.id), str(chain.day), chain.instance, chain.follows]
    return json.dumps([*parts, chain.length, chain.digest], separators=(",", ":"))


def append(values: Mapping[str, str]) -> AuditEvent:
    """Adds an event to a chain that nobody else holds, in the transaction of the act.

    `values`: HASHED columns by name; what is absent is empty, what is too long is cut.
    """
    texts = {name: _storable(values.get(name, ""), WIDTHS[name]) for name in HASHED}
    with transaction.atomic():
        at = timezone.now()
        chain = _free_chain(at)
        number = chain.length + 1
        before = chain.digest or start_of(chain)
        digest = digest_of(before, str(chain.id), number, at, list(texts.values()))
        chain.length, chain.digest = number, digest
        chain.key, chain.seal = sealed(state_of(chain))
        event = AuditEvent(chain=chain.id, number=number, at=at, digest=digest, **texts)
        event.save(force_insert=True)
        chain.save(force_insert=chain._state.adding)
    return event


def _free_chain(at: datetime) -> AuditChain:
    chains = AuditChain.objects.filter(day=at.date(), instance=instance())
    if connection.features.has_select_for_update_skip_locked:  # elsewhere one writes at a time
        chains = chains.select_for_update(skip_locked=True)
    found = chains.order_by("id").first()
    if found:
        return found
    last = AuditCheckpoint.objects.order_by("-day").values_list("digest", flat=True).first()
    return AuditChain(day=at.date(), instance=instance(), follows=last or "")


def _storable(text: str, width: int | None) -> str:
    """A text that every database stores as it is."""
    clean = text.replace("\x00", "\ufffd").encode(errors="replace").decode()
    return clean if width is None or len(clean) <= width else f"{clean[: width - 1]}…"
