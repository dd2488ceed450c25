"""The only door of backups: make one, check one, restore one, and have its keys back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Subject, record

from . import schema
from .errors import BackupError
from .file import BackupReader, Told, nobody, opened
from .first import restore_first
from .keys import kept_elsewhere, open_keys, write_keys
from .making import rows_to_write, write_backup
from .manifest import Manifest, missing_keys
from .restoring import Restored, is_in_use, load, tell
from .staging import brought_up

__all__ = [
    "BackupError",
    "Made",
    "Manifest",
    "Restored",
    "Told",
    "check_backup",
    "is_in_use",
    "kept_elsewhere",
    "make_backup",
    "missing_keys",
    "nobody",
    "restore_backup",
    "rows_in",
    "rows_to_write",
    "suggested_safety_copy",
    "unseal_keys",
]


@dataclass(frozen=True)
class Made:
    """A backup that was written. `is_recorded`: the audit has an event of it."""

    manifest: Manifest
    is_recorded: bool


@sensitive_variables("passphrase")
def make_backup(
    path: Path, *, passphrase: str = "", overwrite: bool = False, told: Told = nobody
) -> Made:
    """As `write_backup`, and the audit says so. A database that cannot be written (it is full, or a
    replica) can be backed up all the same.
    """
    manifest = write_backup(path, passphrase=passphrase, overwrite=overwrite, told=told)
    detail = {"rows": manifest.rows, "keys": "sealed" if passphrase else "apart"}
    subject = Subject("backup", str(manifest.id), path.name)
    try:
        record(subject, actor=None, action="backup.create", detail=detail)
    except DatabaseError:
        return Made(manifest, is_recorded=False)
    return Made(manifest, is_recorded=True)


def check_backup(path: Path, told: Told = nobody) -> tuple[Manifest, list[str]]:
    """Reads a whole file, without a database. Returns its manifest, and what is not as it was
    written. Raises BackupError where not even the manifest can be read.
    """
    with opened(path) as reader:
        return reader.manifest, _problems(reader, told)


@sensitive_variables()
def unseal_keys(path: Path, passphrase: str, to: Path) -> list[str]:
    """Writes the keys that a backup holds into a new file of lines for an .env. Returns the names
    of the settings. Raises BackupError.
    """
    with opened(path) as reader:
        keys: Mapping[str, str] = open_keys(reader.manifest, passphrase)
    write_keys(keys, to)
    return list(keys)


def restore_backup(
    path: Path,
    *,
    replaces: bool = False,
    with_other_keys: bool = False,
    safety_copy: Path | None = None,
    told: Told = nobody,
) -> Restored:
    """Restores a file that was read and found whole before anything is written.

    `replaces`: also where somebody has an account already; what is there is written to
    `safety_copy` first, if there is one. `with_other_keys`: also where the keys that are here do
    not open it. Raises BackupError; then nothing was changed.
    """
    with opened(path) as reader:
        _refuse_damaged(reader, told)
        _refuse_newer(reader.manifest)
        if not with_other_keys:
            _refuse_other_keys(reader.manifest)
        if not schema.applied():
            found = Restored(reader.manifest, reader.manifest.rows)
            found.changed = restore_first(reader, told)
            with transaction.atomic():
                tell(found, path.name)
            return found
        _prepare(replaces)
        with _of_this_version(reader, path) as current:
            if safety_copy and is_in_use():
                make_backup(safety_copy)
            return load(current, path.name, told)


def rows_in(path: Path) -> int:
    """How many rows a backup says that it has. Raises BackupError."""
    with opened(path) as reader:
        return reader.manifest.rows


def suggested_safety_copy(path: Path) -> Path:
    """A name beside a file for a backup of what it replaces."""
    return path.parent / f"before-restore-{timezone.now():%Y%m%d-%H%M%S}.zip"


def _problems(reader: BackupReader, told: Told) -> list[str]:
    found = list(reader.problems(told))
    if reader.manifest.is_genuine is False:
        found.append("The manifest was changed after it was made: its seal is not that of its key.")
    return found


def _refuse_damaged(reader: BackupReader, told: Told) -> None:
    if found := _problems(reader, told):
        more = f" And {len(found) - 1} more." if len(found) > 1 else ""
        raise BackupError("damaged", f"{found[0]}{more} Nothing was changed.")


def _refuse_newer(manifest: Manifest) -> None:
    if found := schema.unknown(manifest.migrations):
        names = ", ".join(f"{app}.{name}" for app, name in found[:3])
        raise BackupError(
            "newer",
            f"This backup was made by a newer version ({manifest.switchboard}): {len(found)} of "
            f"its migrations are not known here, such as {names}. Restore it with that version. "
            "Nothing was changed.",
        )


def _refuse_other_keys(manifest: Manifest) -> None:
    missing = missing_keys(manifest)
    if not missing and manifest.seal[0]:
        return
    if not manifest.seal[0]:
        text = "This backup has no seal: it was made without keys, or somebody changed it."
        raise BackupError("other_keys", f"{text} --other-keys restores it. Nothing was changed.")
    names = ", ".join(f"{one} ({number} secrets)" for one, number in missing.items())
    how = (
        "restore --keys-to writes those that it holds" if manifest.sealed_keys else "it holds none"
    )
    raise BackupError(
        "other_keys",
        f"The keys that are here do not open this backup. It needs, by name: {names}. Put them "
        f"into FERNET_KEYS, behind the others ({how}), or restore with --other-keys: then these "
        "secrets stay closed. Nothing was changed.",
    )


def _prepare(replaces: bool) -> None:
    """Raises BackupError where rows of somebody would go, or the tables are those of another
    version.
    """
    is_used = is_in_use()
    if is_used and not replaces:
        raise BackupError(
            "not_empty",
            "This installation is in use. restore --replace puts the backup in its place. Nothing "
            "was changed.",
        )
    if schema.unknown(schema.applied()):
        raise BackupError("behind", "The tables here are of a newer version than this code.")
    if schema.behind(schema.applied()):
        if is_used:
            text = "The tables here are of an older version. Run manage.py migrate first."
            raise BackupError("behind", text)
        schema.migrate()


@contextmanager
def _of_this_version(reader: BackupReader, path: Path) -> Iterator[BackupReader]:
    if schema.behind(reader.manifest.migrations):
        with brought_up(path) as newer:
            yield newer
    else:
        yield reader
