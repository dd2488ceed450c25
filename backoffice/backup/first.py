"""The first restore of a database: it has no tables yet."""

from django.contrib.contenttypes.models import ContentType

from . import schema
from .file import BackupReader, Told, nobody
from .restoring import load_first


def restore_first(reader: BackupReader, told: Told = nobody) -> int:
    """Makes the tables as they were when the backup was made, loads its rows, and then brings all
    of it up to date, as an upgrade would have. Returns in how many rows a character was replaced.
    """
    schema.migrate_to(reader.manifest.migrations)
    changed = load_first(reader, told)
    ContentType.objects.clear_cache()
    schema.migrate()
    return changed
