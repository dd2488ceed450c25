"""Restoring of a backup: all of it, or nothing."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from django.contrib.auth import get_user_model
from django.db import DatabaseError, DataError, IntegrityError
from django.db.models import F, Value
from django.db.models.functions import Greatest

from connections.audit.services import Subject, record
from connections.change_counter import bump_change_counter
from connections.models import ScheduleLease

from . import schema
from .audit_kept import continues
from .databases import dialect
from .dialects import Dialect, clear
from .errors import BackupError
from .file import BackupReader, Told
from .manifest import Manifest
from .standing_again import again, in_force
from .tables import AUDIT, EMPTIED, UNTOUCHED, Table, tables

# Rows are only ever added there, and each request adds one: they are let in meanwhile
APPENDED = ("gateway.UsageRecord", "gateway.UsageAttempt")


@dataclass
class Restored:
    """What a restore did. `again`: the names of what is in force again and was ended, by kind.
    `keeps_audit`: the audit here went on from the backup's, and stayed. `changed`: rows in which a
    character was replaced that the database cannot store.
    """

    manifest: Manifest
    rows: int = 0
    keeps_audit: bool = False
    changed: int = 0
    again: dict[str, list[str]] = field(default_factory=dict)


def is_in_use() -> bool:
    """True if somebody has an account here. Raises nothing where there are no tables."""
    return bool(schema.applied()) and get_user_model().objects.exists()


def load(reader: BackupReader, name: str, told: Told) -> Restored:
    """Puts the rows of a backup in place of those that are here, in one transaction: whoever reads
    sees all of the one or all of the other. The schema is that of the backup.

    `name`: of the backup, for the audit. Raises BackupError; then nothing was changed.
    """
    writing = dialect()
    found = Restored(reader.manifest)
    try:
        with writing.exclusive():
            _replace(reader, writing, found, told)
            tell(found, name)
    except (IntegrityError, DataError, TypeError, ValueError) as error:
        text = "The rows of this backup do not fit into the tables here. Nothing was changed."
        raise BackupError("unfit", f"{text} {_reason(error)}") from None
    writing.settle()
    return found


def load_first(reader: BackupReader, told: Told) -> int:
    """Puts the rows into a database that nobody uses, whose schema is that of the backup. Returns
    in how many a character was replaced.
    """
    writing = dialect()
    here = tables(schema.apps_at(reader.manifest.migrations))
    with writing.exclusive():
        _raise_sequences(reader, writing)
        for table in reversed(here):
            if table.label not in UNTOUCHED:
                clear(table)
        return sum(_insert(reader, writing, table, told) for table in here)


def _replace(reader: BackupReader, writing: Dialect, found: Restored, told: Told) -> None:
    here = tables()
    _refuse_other_tables(here, reader.manifest)
    _raise_sequences(reader, writing)
    appended = [one for one in here if one.label in APPENDED]
    _exchange(reader, writing, appended, found, told)
    writing.hold([one for one in here if one not in appended and one.label not in UNTOUCHED])
    before = in_force()
    found.keeps_audit = continues(reader)
    others = [
        one
        for one in here
        if one not in appended
        and one.label not in UNTOUCHED
        and not (found.keeps_audit and one.label in AUDIT)
    ]
    _exchange(reader, writing, others, found, told)
    found.again = again(before, in_force())
    found.rows = sum(
        part.rows
        for part in reader.manifest.parts
        if not (found.keeps_audit and part.label in AUDIT)
    )


def _raise_sequences(reader: BackupReader, writing: Dialect) -> None:
    for part in reader.manifest.parts:
        if part.highest:
            writing.raise_sequence(part.table, part.highest)


def _exchange(
    reader: BackupReader, writing: Dialect, those: Collection[Table], found: Restored, told: Told
) -> None:
    for table in reversed([*those]):
        clear(table)
    for table in those:
        found.changed += _insert(reader, writing, table, told)


def _insert(reader: BackupReader, writing: Dialect, table: Table, told: Told) -> int:
    part = next((one for one in reader.manifest.parts if one.label == table.label), None)
    if part is None or not part.rows:
        return 0

    def lines() -> Iterator[Sequence[bytes]]:
        for some in reader.lines(part):
            yield some
            told(len(some))

    return writing.insert(part.table, lines())


def _refuse_other_tables(here: Collection[Table], manifest: Manifest) -> None:
    """Raises BackupError where tables or columns are others than here, whatever the migrations say:
    the file was made by hand, or an app was added.
    """
    expected = {one for one in here if one.label not in EMPTIED and one.label not in UNTOUCHED}
    different = {one.table for one in manifest.parts} ^ expected
    if different:
        names = ", ".join(sorted({one.name for one in different}))
        raise BackupError(
            "unfit", f"These tables of the backup are others here: {names}. Nothing was changed."
        )


def _set_clock(clock: float) -> None:
    """The schedule's clock never goes back, or what is due would be due much later; and whoever
    has its lease takes it anew.
    """
    ScheduleLease.objects.get_or_create(pk=1)
    ScheduleLease.objects.update(
        holder="", beat=F("beat") + 1, seconds=Greatest(F("seconds"), Value(clock))
    )


def tell(found: Restored, name: str) -> None:
    """Tells workers that all is new, and the audit what was restored. `name`: of the file."""
    bump_change_counter()
    _set_clock(found.manifest.clock)
    record(
        Subject("backup", str(found.manifest.id), name),
        actor=None,
        action="backup.restore",
        detail=_detail(found),
    )


def _detail(found: Restored) -> dict[str, object]:
    return {
        "made_at": f"{found.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC",
        "rows": found.rows,
        "audit": "stayed" if found.keeps_audit else "that of the backup",
        "in_force_again": {kind: len(names) for kind, names in found.again.items()},
    }


def _reason(error: Exception) -> str:
    """The first line of what the database says, without values."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    said = getattr(getattr(cause, "diag", None), "message_primary", None) or str(cause or "")
    return f"({type(error).__name__}{': ' if said else ''}{said})"
