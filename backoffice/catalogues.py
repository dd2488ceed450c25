"""The catalogues of translations: `locale/<language>/LC_MESSAGES/django.po`, which `make catalogue`
writes, compiled when a server starts.

They are compiled into STATIC_ROOT, the one folder that a server writes its own files to, below a
name that carries their hash: what is there is never stale, and servers of two versions can share
the folder.
"""

import hashlib
import logging
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.utils import translation

from .environment import BASE_DIR

SOURCES = BASE_DIR / "locale"
FILES = "*/LC_MESSAGES/django.po"
log = logging.getLogger(__name__)


def compiled_folder(root: Path) -> Path:
    """The folder below `root` for the catalogues as they are now."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.glob(FILES)):
        digest.update(source.read_bytes())
    return root / f"locale-{digest.hexdigest()[:12]}"


def load_catalogues() -> None:
    """Compiles the catalogues unless that is done, and loads each language, so that all workers
    share what is loaded.
    """
    try:
        _compile(Path(settings.LOCALE_PATHS[0]))
    except OSError as error:
        log.warning(
            "Pages are in English: the translations cannot be compiled into STATIC_ROOT, %s (%s). "
            "Let it be written, or run manage.py collectstatic.",
            settings.LOCALE_PATHS[0],
            error.strerror,
        )
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            pass


def _compile(folder: Path) -> None:
    if folder.exists():
        return
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    for source in SOURCES.glob(FILES):
        target = unfinished / source.relative_to(SOURCES).with_suffix(".mo")
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as read, target.open("wb") as written:
            write_mo(written, read_po(read))
    try:
        unfinished.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
        if not folder.exists():
            raise
