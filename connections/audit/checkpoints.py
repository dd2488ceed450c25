"""The checkpoint of each day, signed, and the deletion of events that are too old to keep."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ..models import AuditChain, AuditCheckpoint, AuditEvent, AuditMention
from .chain import state_of
from .keys import is_sealed, public_key, signed
from .recording import act, record
from .writing import Subject

LATE = timedelta(minutes=15)  # after midnight, in which an act of the day before may still end
UNSEALED = "unsealed"
AT_ONCE = 5000  # events that one statement deletes


def document_of(day: date, before: str, chains: list[AuditChain]) -> str:
    """What a checkpoint signs. `before`: the digest of the checkpoint before it.

    A head that no key here has sealed is signed as such: a signature is not to stand for a seal.
    """
    heads = [
        [str(one.id), one.instance, one.follows, one.length, one.digest, *_doubt(one)]
        for one in chains
    ]
    return json.dumps({"day": str(day), "before": before, "chains": heads}, separators=(",", ":"))


def _doubt(chain: AuditChain) -> list[str]:
    return [] if is_sealed(state_of(chain), chain.key, chain.seal) else [UNSEALED]


def digest_of_document(document: str) -> str:
    """The digest by which later checkpoints and chains name a checkpoint."""
    return sha256(document.encode()).hexdigest()


@act("checkpoint.create")
def make_checkpoints() -> int:
    """Signs each day that is over and has events, in their order. Returns how many."""
    today = (timezone.now() - LATE).astimezone(UTC).date()
    days = AuditChain.objects.filter(day__lt=today).order_by("day").values_list("day", flat=True)
    signed_days = set(AuditCheckpoint.objects.values_list("day", flat=True))
    due = sorted({*days.distinct()} - signed_days)
    return sum(_made(day) for day in due)


def _made(day: date) -> bool:
    with transaction.atomic():
        # whoever still writes into a chain of that day is waited for
        chains = list(AuditChain.objects.select_for_update().filter(day=day).order_by("id"))
        last = AuditCheckpoint.objects.filter(day__lt=day).order_by("-day").first()
        document = document_of(day, last.digest if last else "", chains)
        checkpoint = AuditCheckpoint(
            day=day,
            made_at=timezone.now(),
            body=document,
            digest=digest_of_document(document),
            public_key=public_key(),
            signature=signed(document),
        )
        made = AuditCheckpoint.objects.bulk_create([checkpoint], ignore_conflicts=True)
        events = sum(one.length for one in chains)
        detail = {"events": events, "digest": checkpoint.digest, "signature": checkpoint.signature}
        record(Subject("checkpoint", name=str(day)), actor=None, detail=detail)
    return bool(made)


@act("audit.prune")
def prune_events(days: int) -> int:
    """Deletes the events of days that are signed and more than `days` days old. The checkpoints
    stay, with a signed record of what went. Returns how many events.
    """
    for one in _half_pruned():
        delete_events(one)
    before = timezone.now().astimezone(UTC).date() - timedelta(days=days)
    old = AuditCheckpoint.objects.filter(day__lt=before, pruned_at=None).order_by("day")
    gone = {str(one.day): _pruned(one) for one in old}
    if gone:
        record(Subject("audit"), actor=None, detail={"events": gone, "older_than_days": days})
    return sum(gone.values())


def _half_pruned() -> Iterator[list[str]]:
    """The chains of days whose deletion was ended in the middle."""
    chains = set(AuditChain.objects.values_list("pk", flat=True))
    for one in AuditCheckpoint.objects.exclude(pruned_at=None):
        if left := [pk for pk in chains_of(one) if UUID(pk) in chains]:
            yield left


def chains_of(checkpoint: AuditCheckpoint) -> dict[str, Any]:
    """The chains that a checkpoint signed: by id, the instance, what it follows, its length and its
    last digest, and UNSEALED where no key had sealed it.
    """
    return {one[0]: one[1:] for one in json.loads(checkpoint.body)["chains"]}


def pruning_of(checkpoint: AuditCheckpoint, at: datetime, number: int) -> str:
    """The record of what was deleted, which is signed."""
    parts: dict[str, Any] = {"day": str(checkpoint.day), "digest": checkpoint.digest}
    return json.dumps(parts | {"at": at.isoformat(), "events": number}, separators=(",", ":"))


def _pruned(checkpoint: AuditCheckpoint) -> int:
    """Deletes the events of one day, and says so before it does: whoever ends it in the middle
    leaves no gap that nobody explains.
    """
    chains = chains_of(checkpoint)
    number: int = sum(one[2] for one in chains.values())
    checkpoint.pruned_at = timezone.now()
    checkpoint.pruning = pruning_of(checkpoint, checkpoint.pruned_at, number)
    checkpoint.pruning_signature = signed(checkpoint.pruning)
    checkpoint.save(update_fields=["pruned_at", "pruning", "pruning_signature"])
    delete_events([*chains])
    return number


def delete_events(chains: list[str]) -> None:
    """Deletes the events of these chains with their mentions, in short transactions."""
    while True:
        keys = AuditEvent.objects.filter(chain__in=chains).order_by("id")
        found = list(keys.values_list("pk", flat=True)[:AT_ONCE])
        if not found:
            break
        with transaction.atomic():
            AuditMention.objects.filter(event__in=found).delete()
            AuditEvent.objects.filter(pk__in=found).delete()
    AuditChain.objects.filter(pk__in=chains).delete()
