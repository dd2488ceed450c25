"""Making of a backup."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db import connection
from django.views.decorators.debug import sensitive_variables

from connections.credentials import opening_key
from connections.models import ScheduleLease
from providers.core.version import version

from . import schema
from .databases import dialect
from .dialects import count, decoded, highest
from .errors import BackupError
from .file import BackupWriter, Told, new_file, nobody, opened
from .keys import judge_passphrase, seal_keys
from .manifest import Manifest
from .tables import ENCRYPTED, Table, kept


@sensitive_variables("passphrase")
def write_backup(
    path: Path, *, passphrase: str = "", overwrite: bool = False, told: Told = nobody
) -> Manifest:
    """Writes all rows, as they are at one moment, into a new file, and reads that again. Nobody who
    works meanwhile waits for it.

    `passphrase`: seals the keys into it. `told`: hears of rows, first of those that are written,
    then of the same when they are read again. Raises BackupError; then no file is left.
    """
    if passphrase:
        judge_passphrase(passphrase)
    with new_file(path, overwrite=overwrite) as (file, unfinished):
        writer = BackupWriter(file)
        manifest = _write(writer, told)
        if passphrase:
            manifest.sealed_keys = seal_keys(manifest, passphrase)
        manifest = manifest.sealed()
        writer.finish(manifest)
        file.flush()
        with opened(unfinished) as written:
            wrong = next(written.problems(told), "")
            if wrong or written.manifest != manifest:
                raise BackupError(
                    "cannot_write", f"{path} was not written as it should be. {wrong}"
                )
    return manifest


def rows_to_write() -> int:
    """How many rows a backup would have now."""
    return sum(map(count, kept(schema.apps_at(schema.applied()))))


def _write(writer: BackupWriter, told: Told) -> Manifest:
    reading = dialect()
    keys: Counter[str] = Counter()
    with reading.snapshot():
        migrations = schema.applied()
        if not migrations:
            raise BackupError("unfit", "There is nothing here to back up: there are no tables.")
        manifest = Manifest(
            switchboard=version(), database=connection.vendor, migrations=migrations
        )
        for table in kept(schema.apps_at(migrations)):
            blocks = _noting_keys(reading.blocks(table), table, keys)
            part = writer.add(table, blocks, highest(table), told)
            if part.rows != count(table):
                raise BackupError("cannot_write", f"Rows of {table.name} were lost on the way.")
            manifest.parts.append(part)
        manifest.clock = ScheduleLease.objects.values_list("seconds", flat=True).first() or 0
    manifest.unopened = keys.pop("", 0)
    manifest.keys = dict(sorted(keys.items()))
    return manifest


def _noting_keys(blocks: Iterable[bytes], table: Table, keys: Counter[str]) -> Iterator[bytes]:
    """The blocks as they are. `keys` counts which key opens what is encrypted in them."""
    places = table.of_kind(ENCRYPTED)
    for block in blocks:
        if places:
            for row in decoded(block.splitlines(), table):
                for at in places:
                    if row[at] is not None:
                        keys[opening_key(bytes.fromhex(row[at])) or ""] += 1
        yield block
