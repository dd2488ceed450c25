"""Static files under names that carry their hash, so that a browser may keep them for a year.

Each start of a server collects them into STATIC_ROOT, compressed, where they are not there as the
sources have them now. Until then, and where STATIC_ROOT cannot be written, pages use plain names,
which are served from the sources and kept for a minute: a stale file is never named.
"""

import fcntl
import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import brotli
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from .catalogues import load_catalogues
from .content_policy import POLICY

HASH = re.compile(r"\.[0-9a-f]{12}(?=\.\w+$)")  # as Django's ManifestFilesMixin writes it
LARGE = 100_000  # bytes: at Brotli's best the API's page alone would take 8 s, for 9 % less
STAMP = "sources.sha256"
FOR_READERS = {  # comments, indentation, blanks beside signs; by the folder of our own sources
    "css/": re.compile(r"/\*.*?\*/|^\s+|(?<=[:;,{])\s+|\s+(?=[{}])", re.DOTALL | re.MULTILINE),
    "js/": re.compile(r"^\s*//.*\n|^\s+", re.MULTILINE),
}
LOADED_BY_PAGES = ("text/css", "text/javascript")  # the policy of their page governs them
log = logging.getLogger(__name__)


def sources() -> dict[str, str]:
    """The paths of all that is to be collected, by name."""
    found: dict[str, str] = {}
    ignored = apps.get_app_config("staticfiles").ignore_patterns  # type: ignore[attr-defined]
    for finder in get_finders():
        for path, storage in finder.list(ignored):
            prefix = getattr(storage, "prefix", "")
            found.setdefault(f"{prefix}/{path}" if prefix else path, storage.path(path))
    return found


def fingerprint(files: Mapping[str, str]) -> str:
    """The hash of the names and contents of files, given as paths by name, and of this module,
    which decides what becomes of them.
    """
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name, path in sorted(files.items()):
        content = Path(path).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


class QuickCompressor(Compressor):  # type: ignore[misc]
    """gzip, and Brotli at its best where that does not take seconds. Source maps stay as they are:
    only a developer's tools ask for them.
    """

    SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        """`data` in Brotli's format."""
        return bytes(brotli.compress(data, quality=9 if len(data) > LARGE else 11))


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """The collected files. `is_current`: whether they are as the sources are now."""

    is_current = False
    keep_only_hashed_files = True  # the plain ones are served from the sources

    @property
    def _stamp(self) -> Path:
        return Path(self.path(STAMP))

    def load_manifest(self) -> tuple[dict[str, str], str]:
        """The hashed names by the plain ones, and their hash; none unless they are current."""
        try:
            collected = self._stamp.read_text()
        except OSError:  # nothing was collected, or for another user of this machine alone
            collected = ""
        self.is_current = collected == fingerprint(sources())
        return super().load_manifest() if self.is_current else ({}, "")

    def url(self, name: str, force: bool = False) -> str:
        """The address of a file: hashed if it was collected and is current, else plain."""
        if name in self.hashed_files:
            return str(super().url(name, force))
        return str(FileSystemStorage.url(self, name))

    def post_process(self, paths: Mapping[str, Any], **options: Any) -> Iterator[Any]:
        """Hashes and compresses what was collected, our own sources without what only their readers
        need. The stamp is written last: whoever is stopped before leaves files that nobody takes
        for current.
        """
        if options.get("dry_run"):
            return
        self._stamp.unlink(missing_ok=True)
        found = fingerprint({name: self.path(name) for name in paths})
        yield from super().post_process({**paths, **self._strip(paths)}, **options)
        self._stamp.write_text(found)
        self.is_current = True
        load_catalogues()

    def _strip(self, names: Iterable[str]) -> dict[str, tuple[FileSystemStorage, str]]:
        """Takes `FOR_READERS` out of the collected files, and says that they are to be hashed."""
        found: dict[str, tuple[FileSystemStorage, str]] = {}
        for name in names:
            for folder, unread in FOR_READERS.items():
                if name.startswith(folder):
                    file = Path(self.path(name))
                    file.write_text(unread.sub("", file.read_text()))
                    found[name] = (self, name)
        return found

    def create_compressor(self, **options: Any) -> Compressor:
        """whitenoise's hook."""
        return QuickCompressor(**options)


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves static files, before the middlewares that say of every answer what holds for pages
    alone: a first visit gets eight files, most of them small, and each header eight times.

    A hashed name that is not known here is that of another version, from a page that was loaded
    before an upgrade or from a server that has it already: the plain file answers, for a minute.
    """

    FOREVER = 365 * 24 * 60 * 60  # seconds; whitenoise's name, and ten years there

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path.startswith(self.static_prefix) and path not in self.files:
            plain = self.files.get(HASH.sub("", path))
            if plain is not None:
                return self.serve(plain, request)
        found: HttpResponseBase = super().__call__(request)
        return found

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Serves what is collected in `root`, if that is current: else it may not even be read."""
        if getattr(staticfiles_storage, "is_current", False):
            super().add_files(root, prefix)

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """The file in one piece: whitenoise streams it by a synchronous iterator, of which Django
        warns under ASGI, and reads all of it first.
        """
        found = static_file.get_response(request.method, request.META)
        headers = dict(found.headers)
        headers["X-Content-Type-Options"] = "nosniff"
        headers.pop("Last-Modified", None)  # as the ETag says, and no browser asks for what is kept
        if not headers.get("Content-Type", "").startswith(LOADED_BY_PAGES):
            headers["Content-Security-Policy"] = POLICY
        content = b""
        if found.file is not None:
            with found.file as file:
                content = file.read()
        return HttpResponse(content, status=int(found.status), headers=headers)


def collect_static_files() -> None:
    """Collects the static files unless that was done since they changed; one process at a time."""
    if settings.DEBUG or not isinstance(staticfiles_storage, HashedFiles):
        return
    root = Path(settings.STATIC_ROOT)
    try:
        root.mkdir(parents=True, exist_ok=True)
        if staticfiles_storage.is_current:
            return
        with (root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            staticfiles_storage.hashed_files, _ = staticfiles_storage.load_manifest()
            if not staticfiles_storage.is_current:
                call_command("collectstatic", interactive=False, verbosity=0)
    except OSError as error:
        log.warning(
            "Static files keep plain names and are sent as they are: they cannot be collected into "
            "STATIC_ROOT, %s (%s). Let it be written, or run manage.py collectstatic.",
            root,
            error.strerror,
        )
