"""The Django setting CONNECTIONS_CONFIG as a source of references; how nested keys are found."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


class MappingSource:
    """The Django setting CONNECTIONS_CONFIG: a nested dict."""

    name = "CONNECTIONS_CONFIG"

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def _mapping(self) -> Mapping[str, Any]:
        return self._config

    def lookup(self, key: tuple[str, ...]) -> str | None:
        return text(descend(self._mapping(), tuple(segment.lower() for segment in key)))

    def names(self) -> list[tuple[str, ...]]:
        """The keys of the values, at any depth."""
        return [*_keys(self._mapping())]

    def holds(self, section: str) -> bool:
        return any(str(name).split(":")[0].lower() == section for name in self._mapping())


def descend(config: Any, key: tuple[str, ...]) -> Any:
    """Walks nested mappings and lists, `Keys:0`; also finds keys that were written joined,
    `"OpenAI:ApiKey": ...`, as appsettings.json allows.
    """
    if not key:
        return config
    if isinstance(config, list | tuple):
        place = int(key[0]) if key[0].isdecimal() and len(key[0]) < 10 else len(config)
        return descend(config[place], key[1:]) if place < len(config) else None
    if not isinstance(config, Mapping):
        return None
    for length in range(1, len(key) + 1):
        name = ":".join(key[:length])
        for one, value in config.items():
            if str(one).lower() == name and (found := descend(value, key[length:])) is not None:
                return found
    return None


def _keys(config: Any) -> Iterator[tuple[str, ...]]:
    for name, value in config.items():
        place = tuple(str(name).split(":"))
        if isinstance(value, Mapping):
            yield from ((*place, *rest) for rest in _keys(value))
        else:
            yield place


def text(value: Any) -> str | None:
    """Values stay text until the provider's schema converts them; a section or a list is no
    value.
    """
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    return json.dumps(value) if isinstance(value, bool) else str(value)
