"""A file in the style of appsettings.json as a source of references."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .base import SourceError
from .settings import MappingSource


class JsonFileSource(MappingSource):
    """A file in the style of appsettings.json, read again when it changes."""

    name = "the JSON file"

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self._config: Mapping[str, Any] = {}

    def _mapping(self) -> Mapping[str, Any]:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                self._config, self._seen = self._read(), seen
        except OSError as error:
            raise SourceError(
                f"CONNECTIONS_CONFIG_FILE cannot be read ({error.strerror}). Check the path and "
                "its rights."
            ) from error
        return self._config

    def _read(self) -> Mapping[str, Any]:
        try:
            config = json.loads(
                self._path.read_bytes().decode("utf-8-sig")
            )  # .NET tools write a byte order mark
        except ValueError:
            raise SourceError(
                "CONNECTIONS_CONFIG_FILE holds no valid JSON. Correct the file."
            ) from None
        if not isinstance(config, dict):
            raise SourceError(
                "CONNECTIONS_CONFIG_FILE must hold one JSON object of sections. Correct the file."
            )
        return config
