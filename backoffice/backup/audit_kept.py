"""The audit over a restore: what was done since the backup stays told."""

from typing import Any

from connections.models import AuditChain, AuditCheckpoint, AuditEvent

from .dialects import decoded
from .file import BackupReader


def continues(reader: BackupReader) -> bool:
    """True where the audit that is here goes on from that of the backup, as it does where an older
    state of the same installation comes back: then it stays, with all that was done since.
    """
    if not AuditEvent.objects.exists():
        return False
    deleted = AuditCheckpoint.objects.filter(pruned_at__isnull=False)
    old = {str(day) for day in deleted.values_list("day", flat=True)}
    return all(
        row["day"] in old
        or AuditEvent.objects.filter(
            chain=row["id"], number=row["length"], digest=row["digest"]
        ).exists()
        for row in _chains(reader)
    )


def _chains(reader: BackupReader) -> list[dict[str, Any]]:
    label = AuditChain._meta.label
    part = next(one for one in reader.manifest.parts if one.label == label)
    names = [name for name, _kind in part.columns]
    return [
        dict(zip(names, row, strict=True))
        for lines in reader.lines(part)
        for row in decoded(lines, part.table)
    ]
