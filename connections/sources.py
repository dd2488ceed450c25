"""Sources in which references are looked up: one small class each.

Vault or a cloud secret manager is one more class.

A source says `None` for "I do not have it" and raises SourceError for "I could not look". Keys are
tuples of segments, compared without regard to case. Imports no models.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

LARGEST_VALUE = 64 * 1024  # bytes of one value in a file


class SourceError(Exception):
    """A source that is set up cannot be read. `str()` names it and the cure, never a value."""


class Source(Protocol):
    """A source, as the resolver needs it."""

    name: str  # for people: "environment"

    def lookup(self, key: tuple[str, ...]) -> str | None:
        """The value, or None when this source does not have the key. Raises SourceError."""
        ...

    def sections(self) -> frozenset[str]:
        """The sections, lower case, that this source sets aside for references just by holding
        them. Raises SourceError.
        """
        ...


class EnvironmentSource:
    """`OpenAI__ApiKey` for `$OpenAI:ApiKey`; `OpenAI__ApiKey_FILE` names a file that holds the
    value.

    The name may be in any case, have `:` for `__`, and `_` for the `-` and `.` that no shell sets.
    """

    name = "environment"

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._spellings: dict[str, list[str]] = {}
        self._size = -1  # of the environment, when its names were read

    def lookup(self, key: tuple[str, ...]) -> str | None:
        name = "__".join(key)
        value = self._one_of(name)
        return value if value else self._of_file(name, self._one_of(f"{name}_FILE"), value)

    def variable(self, name: str) -> str | None:
        """The variable of this name in any case, or the content of the file that `<name>_FILE`
        names.
        """
        value = self._get(name)
        return value if value else self._of_file(name, self._get(f"{name}_FILE"), value)

    def _of_file(self, name: str, path: str | None, empty: str | None) -> str | None:
        """The content of the file, `empty` without one: an empty name of a file names none."""
        if path is None or not path.strip():
            return empty
        return read_value(Path(path.strip()), f"the file that {name}_FILE names")

    def _get(self, name: str) -> str | None:
        value = self._environ.get(name)
        if value is not None:
            return value
        wanted = name.upper()
        return next((self._environ[one] for one in self._environ if one.upper() == wanted), None)

    def _one_of(self, name: str) -> str | None:
        """The value of the variables that spell this name, an empty text when all are empty.

        Raises SourceError when they have several.
        """
        plain = _spelling(name)
        names = self._spellings.get(plain, [])
        is_known = len(self._environ) == self._size and names
        if not is_known or any(one not in self._environ for one in names):
            self._read_names()
            names = self._spellings.get(plain, [])
        values = {one: self._environ[one] for one in names}
        given = {one: value for one, value in values.items() if value.strip()}
        if len(set(given.values())) > 1:
            both = " and ".join(sorted(given))
            raise SourceError(f"The environment sets {both}, with different values. Take one out.")
        return next(iter((given or values).values()), None)

    def _read_names(self) -> None:
        self._spellings, self._size = {}, len(self._environ)
        for one in self._environ:
            self._spellings.setdefault(_spelling(one), []).append(one)

    def sections(self) -> frozenset[str]:
        return frozenset()  # a variable proves nothing: DATABASE__URL may be anybody's


class DirectorySource:
    """One file per key, as Docker and Kubernetes mount secrets: `OpenAI__ApiKey`, or with `:` for
    `__`.
    """

    name = "the secrets directory"

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)

    def _files(self) -> dict[str, list[Path]]:
        """The files by their keys: one key may be spelled in several ways."""
        try:
            found: dict[str, list[Path]] = {}
            for path in sorted(self._directory.iterdir()):
                if path.is_file():
                    found.setdefault(path.name.replace(":", "__").lower(), []).append(path)
            return found
        except OSError as error:
            raise SourceError(
                f"CONNECTIONS_SECRETS_DIR cannot be read ({error.strerror}). Check the folder and "
                "its rights."
            ) from error

    def lookup(self, key: tuple[str, ...]) -> str | None:
        paths = self._files().get("__".join(key).lower(), [])
        values = {
            read_value(path, f"the file {path.name} in CONNECTIONS_SECRETS_DIR") for path in paths
        }
        if len(values) > 1:
            both = " and ".join(path.name for path in paths)
            raise SourceError(
                f"CONNECTIONS_SECRETS_DIR has the files {both}, with different contents. Take one "
                "out."
            )
        return next(iter(values), None)

    def sections(self) -> frozenset[str]:
        return frozenset(name.split("__")[0] for name in self._files() if "__" in name)


class MappingSource:
    """The Django setting CONNECTIONS_CONFIG: a nested dict."""

    name = "CONNECTIONS_CONFIG"

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def _mapping(self) -> Mapping[str, Any]:
        return self._config

    def lookup(self, key: tuple[str, ...]) -> str | None:
        return _text(_descend(self._mapping(), tuple(segment.lower() for segment in key)))

    def sections(self) -> frozenset[str]:
        return frozenset(str(name).split(":")[0].lower() for name in self._mapping())


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
            # .NET tools write a byte order mark
            text = self._path.read_bytes().decode("utf-8-sig")
            config = json.loads(text, object_pairs_hook=_without_doubles)
        except ValueError:
            raise SourceError(
                "CONNECTIONS_CONFIG_FILE holds no valid JSON. Correct the file."
            ) from None
        if not isinstance(config, dict):
            raise SourceError(
                "CONNECTIONS_CONFIG_FILE must hold one JSON object of sections. Correct the file."
            )
        return config


def read_value(path: Path, what: str) -> str:
    """The content of a small text file without surrounding blanks.

    Raises SourceError that calls the file `what`.
    """
    try:
        data = path.read_bytes()[: LARGEST_VALUE + 1]
        if len(data) > LARGEST_VALUE:
            raise SourceError(f"Of {what} is more than 64 KB, which is no setting.")
        return data.decode("utf-8-sig").strip()
    except OSError as error:
        raise SourceError(
            f"Cannot read {what} ({error.strerror}). Check that it exists and may be read."
        ) from error
    except UnicodeDecodeError:
        raise SourceError(f"Cannot read {what}: it is not UTF-8 text.") from None


def _spelling(name: str) -> str:
    """A name of a variable, by which others that mean the same are found."""
    return name.replace(":", "__").replace("-", "_").replace(".", "_").lower()


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises SourceError for one with a key twice: case does not matter here, and
    one of the two would be lost.
    """
    seen: set[str] = set()
    for name, _ in pairs:
        if name.lower() in seen:
            raise SourceError(
                f"CONNECTIONS_CONFIG_FILE has the key {name[:100]} twice in one object; upper and "
                "lower case are the same. Join them."
            )
        seen.add(name.lower())
    return dict(pairs)


def _descend(config: Any, key: tuple[str, ...]) -> Any:
    """Walks nested mappings and lists, `Keys:0`; also finds keys that were written joined,
    `"OpenAI:ApiKey": ...`, as appsettings.json allows.
    """
    if not key:
        return config
    if isinstance(config, list | tuple):
        place = int(key[0]) if key[0].isdecimal() and len(key[0]) < 10 else len(config)
        return _descend(config[place], key[1:]) if place < len(config) else None
    if not isinstance(config, Mapping):
        return None
    for length in range(1, len(key) + 1):
        name = ":".join(key[:length])
        for one, value in config.items():
            if str(one).lower() == name and (found := _descend(value, key[length:])) is not None:
                return found
    return None


def _text(value: Any) -> str | None:
    """Values stay text until the provider's schema converts them; a section or a list is no
    value.
    """
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    return json.dumps(value) if isinstance(value, bool) else str(value)
