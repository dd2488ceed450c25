"""Connections with free keys: custom, custom strong types of your own, and the providers that
promptflow does not know.
"""

import inspect
import warnings
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from .connection import Connection, kept
from .declarations import MODULE, SecretMap
from .errors import FieldProblem, InvalidError
from .text import SCRUBBED, is_scrubbed, scrubbed

StrongType = TypeVar("StrongType", bound="CustomStrongTypeConnection")
CLASS_SETTINGS = {
    "custom_type": "customType",
    "module": "module",
    "package": "package",
    "package_version": "packageVersion",
}


class Secret(str):
    """Marks a field of a custom strong type as secret: `api_key: Secret`."""


class CustomConnection(Connection):
    """Free configs and secrets.

    `custom_type` and what follows name a class of yours; it is kept, never imported.
    """

    provider_id, yaml_type = "custom", "custom"

    def __init__(
        self,
        secrets: Mapping[str, str] | None = None,
        configs: Mapping[str, str] | None = None,
        *,
        custom_type: str | None = None,
        module: str | None = None,
        package: str | None = None,
        package_version: str | None = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self._secrets, self._configs = SecretMap(secrets or {}), dict(configs or {})
        self.custom_type, self.module = custom_type, module or MODULE
        self.package, self.package_version = package, package_version

    @property
    def configs(self) -> MutableMapping[str, Any]:
        return self._configs

    @configs.setter
    def configs(self, values: Mapping[str, str]) -> None:
        self._configs = dict(values)

    @property
    def secrets(self) -> MutableMapping[str, Any]:
        return self._secrets

    @secrets.setter
    def secrets(self, values: Mapping[str, str]) -> None:
        self._secrets = SecretMap(values)

    def is_secret(self, key: str) -> bool:
        """True if this key is one of the secrets."""
        return key in self._secrets

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """promptflow's old way to read an entry."""
            if name.startswith("_") or name not in self.keys():
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
            place = "secrets" if self.is_secret(name) else "configs"
            warnings.warn(
                f"Write connection.{place}[{name!r}] instead of connection.{name}.",
                DeprecationWarning,
                stacklevel=2,
            )
            return self[name]

    def convert_to(self, strong_type: type[StrongType]) -> StrongType:
        """The same connection as an object of your class.

        Raises InvalidError for keys that the class does not declare.
        """
        common = {
            "name": self.name,
            "alias": self.alias,
            "is_active": self.is_active,
            "tags": self.tags,
            "expires_at": self.expires_at,
            "is_checked": self.is_checked,
        }
        made = strong_type(
            self._secrets,
            self._configs,
            package=self.package,
            package_version=self.package_version,
            **common,
        )
        made._stored = self._stored
        return made

    def _shown(self) -> dict[str, Any]:
        shown = {
            "configs": dict(self._configs),
            "secrets": {key: scrubbed(value) for key, value in self._secrets.items()},
        }
        described = {name: getattr(self, name) for name in CLASS_SETTINGS if name != "module"}
        return shown | {name: value for name, value in described.items() if value}

    def changed_settings(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        new = {key: value for key, value in self._secrets.items() if not is_scrubbed(value)}
        settings: dict[str, Any] = {
            "configs": _gone(shown.get("configs"), self._configs) | self._configs,
            "secrets": _gone(shown.get("secrets"), self._secrets) | new,
        }
        for name, key in CLASS_SETTINGS.items():
            settings[key] = getattr(self, name) if self.custom_type else None
        return settings

    @classmethod
    def from_settings(cls, _provider_id: str, settings: Mapping[str, Any]) -> Self:
        described = {name: settings.get(key) for name, key in CLASS_SETTINGS.items()}
        secrets = {key: kept(value) for key, value in (settings.get("secrets") or {}).items()}
        return cls(secrets, settings.get("configs") or {}, **described)

    def pointer_to(self, secret: str) -> str:
        escaped = secret.replace("~", "~0").replace("/", "~1")  # RFC 6901, section 3
        return f"/settings/secrets/{escaped}"


def _gone(stored: Mapping[str, Any] | None, now: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that a merge patch takes away."""
    return dict.fromkeys(key for key in stored or {} if key not in now)


class _Entry:
    """A declared field of a custom strong type: reads and writes the entry of configs or
    secrets.
    """

    def __init__(self, key: str, place: str) -> None:
        self.key, self.place = key, place

    def __get__(self, owner: Any, owner_type: Any = None) -> Any:
        return self if owner is None else owner[self.key]

    def __set__(self, owner: Any, value: str) -> None:
        getattr(owner, self.place)[self.key] = value


class CustomStrongTypeConnection(CustomConnection):
    """Base for classes of your own: `api_key: Secret` declares a secret, any other annotation a
    config, a value its default.

    Stored as a custom connection that names the class. Raises InvalidError for keys that the class
    does not declare.
    """

    _entries: ClassVar[dict[str, _Entry]] = {}
    _defaults: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        named = {
            name: kind
            for name, kind in inspect.get_annotations(cls).items()
            if not name.startswith("_")
        }
        cls._defaults = {
            **cls._defaults,
            **{name: cls.__dict__[name] for name in named if name in cls.__dict__},
        }
        cls._entries = {
            **cls._entries,
            **{
                name: _Entry(name, "secrets" if _is_secret(kind) else "configs")
                for name, kind in named.items()
            },
        }
        for name in named:
            setattr(cls, name, cls._entries[name])

    def __init__(
        self,
        secrets: Mapping[str, str] | None = None,
        configs: Mapping[str, str] | None = None,
        **given: Any,
    ) -> None:
        described = {"custom_type": type(self).__name__, "module": type(self).__module__}
        super().__init__(secrets, configs, **{**described, **given})
        self._refuse_unknown()
        for key, value in self._defaults.items():
            if key not in self.keys():
                setattr(self, key, value)

    def _refuse_unknown(self) -> None:
        declared = {
            place: [key for key, one in self._entries.items() if one.place == place]
            for place in ("configs", "secrets")
        }
        given = [
            (place, key)
            for place in declared
            for key in getattr(self, place)
            if key not in declared[place]
        ]
        problems = [
            FieldProblem(
                f"/settings/{place}/{key}", "unknown_key", f"There is no {place[:-1]} {key!r}."
            )
            for place, key in given
        ]
        if problems and self._entries:
            there_are = "; ".join(
                f"{place}: {', '.join(keys) or 'none'}" for place, keys in declared.items()
            )
            said = " ".join(one.detail for one in problems)
            raise InvalidError(
                f"{said} {type(self).__name__} declares {there_are}.", errors=problems
            )


def _is_secret(annotation: Any) -> bool:
    return annotation is Secret or (
        isinstance(annotation, str) and annotation.rpartition(".")[2] == "Secret"
    )


class ProviderConnection(Connection):
    """A connection of any provider, `anthropic` for example.

    `settings`: by the names of the API, secrets as masks once stored.
    """

    def __init__(
        self, provider_id: str, settings: Mapping[str, Any] | None = None, **common: Any
    ) -> None:
        super().__init__(**common)
        self.provider_id: str = provider_id  # type: ignore[misc]  # of the class for all others
        self.yaml_type: str = provider_id  # type: ignore[misc]
        self.settings = dict(settings or {})

    @property
    def configs(self) -> MutableMapping[str, Any]:
        return self.settings

    @property
    def secrets(self) -> MutableMapping[str, Any]:
        return {}

    def _shown(self) -> dict[str, Any]:
        """The values as they may be shown.

        The server masks what it shows; of the other values nobody knows here which are secret.
        """
        public = self._stored.settings if self._stored else {}
        return {
            name: value if value is None or public.get(name) == value else SCRUBBED
            for name, value in self.settings.items()
        }

    def changed_settings(self, _shown: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.settings)

    @classmethod
    def from_settings(cls, provider_id: str, settings: Mapping[str, Any]) -> Self:
        return cls(provider_id, settings)

    def pointer_to(self, secret: str) -> str:
        return f"/settings/{secret}"
