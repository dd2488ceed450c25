"""A file of sections as a source of references: in the style of appsettings.json, or YAML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from .base import SourceError
from .documents import BrokenDocument, read_document
from .settings import MappingSource

YAML = (".yaml", ".yml")


class FileSource(MappingSource):
    """A file, read again when it changes: YAML by its suffix, else JSON, which may have comments
    and trailing commas.

    `setting`: what named the file, for messages.
    """

    def __init__(
        self, path: str, name: str = "the JSON file", setting: str = "CONNECTIONS_CONFIG_FILE"
    ) -> None:
        self._path, self.name, self._setting = Path(path), name, setting
        self._seen: tuple[int, int, int] | None = None
        self._config: Mapping[str, Any] = {}

    def _mapping(self) -> Mapping[str, Any]:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                self._config, self._seen = self._read(), seen
        except OSError as error:
            text = gettext_noop(
                "%(setting)s cannot be read (%(reason)s). Check the path and its rights."
            )
            raise SourceError(text, setting=self._setting, reason=error.strerror) from error
        return self._config

    def _read(self) -> Mapping[str, Any]:
        try:
            is_yaml = self._path.suffix.lower() in YAML
            return read_document(self._path.read_bytes(), is_yaml=is_yaml)
        except BrokenDocument as error:
            text = gettext_noop("%(setting)s %(error)s. Correct the file.")
            raise SourceError(text, setting=self._setting, error=error) from None
