"""The base of all connections: a name, configs, secrets, the version on the server, and texts that
show no secret.
"""

import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import MISSING, dataclass, field
from typing import Any, ClassVar, Self

from .declarations import MODULE, Declared, FieldsView
from .errors import RequiredEnvironmentVariablesNotSetError
from .text import SCRUBBED, as_yaml, is_reference, is_scrubbed, scrubbed

DESCRIBED = ("custom_type", "package", "package_version")  # a class of yours, if it names one


@dataclass(frozen=True)
class Stored:
    """The row on the server when the object was read or saved: its id and its version.

    `settings` are masked.
    """

    id: str
    alias: str
    name: str
    version: int
    provider_id: str
    settings: Mapping[str, Any] = field(repr=False)
    date_created: str = ""
    date_modified: str = ""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From a connection as the API shows it."""
        dates = (row["dateCreated"], row["dateModified"])
        return cls(
            row["id"],
            row["alias"],
            row["name"],
            row["version"],
            row["providerId"],
            row.get("settings") or {},
            *dates,
        )


@dataclass(repr=False, eq=False, kw_only=True)
class Connection:
    """Base of every connection.

    `is_active`, `tags`, `expires_at` and `is_checked`: None leaves them as they are. `alias`: made
    from the name unless given. `expires_at`: the last day of its key, as in 2026-12-31; an empty
    text for none. `is_checked`: the server tests it by itself.

    Secrets of an object that came from the server read `******`: saving it keeps what is stored.
    """

    provider_id: ClassVar[str] = ""
    yaml_type: ClassVar[str] = ""
    module: str = field(default=MODULE, init=False)

    name: str | None = None
    alias: str | None = None
    is_active: bool | None = None
    tags: list[str] | None = None
    expires_at: str | None = None
    is_checked: bool | None = None
    _stored: Stored | None = field(default=None, init=False)

    @property
    def configs(self) -> MutableMapping[str, Any]:
        """The values that are not secret, by promptflow's names."""
        raise NotImplementedError

    @property
    def secrets(self) -> MutableMapping[str, Any]:
        """The secrets by promptflow's names: what was set here, `******` for what the server
        has.
        """
        raise NotImplementedError

    # What it is

    @property
    def class_name(self) -> str:
        """`OpenAIConnection`."""
        return type(self).__name__

    @property
    def type(self) -> str:
        """`OpenAI`."""
        return self.class_name.removesuffix("Connection")

    @property
    def id(self) -> str | None:
        """The server's id, None before it was saved."""
        return self._stored.id if self._stored else None

    @property
    def version(self) -> int | None:
        """Counts saves, so that a change by somebody else is noticed. None before it was saved."""
        return self._stored.version if self._stored else None

    @property
    def created_date(self) -> str | None:
        """The time of its creation, None before that."""
        return self._stored.date_created if self._stored else None

    @property
    def last_modified_date(self) -> str | None:
        """The time of its last change, None before it was saved."""
        return self._stored.date_modified if self._stored else None

    # As a mapping: dict(connection), **connection

    def keys(self) -> list[str]:
        """The names of configs and secrets."""
        return list(dict.fromkeys([*self.configs, *self.secrets]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __getitem__(self, key: str) -> Any:
        for values in (self.secrets, self.configs):
            if key in values:
                return values[key]
        raise KeyError(f"Key {key!r} not found in connection {self.name!r}.")

    # Compared

    def __eq__(self, other: object) -> bool:
        """True for an object of the same class with the same values and secrets, of the same
        version on the server if it is from there.
        """
        if not isinstance(other, Connection) or type(self) is not type(other):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def _compared(self) -> tuple[Any, ...]:
        kind = (self.provider_id, self.module, *(getattr(self, one, None) for one in DESCRIBED))
        columns = (
            self.name,
            self.alias,
            self.is_active,
            self.tags,
            self.expires_at,
            self.is_checked,
        )
        return (*kind, *columns, self._stored, dict(self.configs), dict(self.secrets))

    # As text

    def to_dict(self) -> dict[str, Any]:
        """promptflow's shape without what is None; secrets are `******`, references as they are."""
        shown = self._shown()
        values: dict[str, Any] = {
            "auth_mode": shown.pop("auth_mode", None),
            "name": self.name,
            "module": self.module,
        }
        values |= {
            "created_date": self.created_date,
            "last_modified_date": self.last_modified_date,
            "type": self.yaml_type,
        }
        values |= shown
        return {name: value for name, value in values.items() if value is not None}

    _to_dict = to_dict  # promptflow's name for it

    def _shown(self) -> dict[str, Any]:
        return {**{name: scrubbed(value) for name, value in self.secrets.items()}, **self.configs}

    def __str__(self) -> str:
        return as_yaml(self.to_dict())

    def __repr__(self) -> str:
        shown = {"name": self.name} | self._shown()
        return (
            f"{self.class_name}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"
        )

    # To the server and back

    def new_settings(self) -> dict[str, Any]:
        """The settings that create it, by the API's names."""
        return {
            name: value for name, value in self.changed_settings({}).items() if value is not None
        }

    def changed_settings(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that make the server's row like it, as a merge patch; kept secrets are left
        out. `shown`: the server's.
        """
        raise NotImplementedError

    @classmethod
    def from_settings(cls, provider_id: str, settings: Mapping[str, Any]) -> Self:
        """An object from the settings that the server shows."""
        raise NotImplementedError

    def pointer_to(self, secret: str) -> str:
        """The JSON pointer to this secret in the API: `/settings/apiKey`."""
        raise NotImplementedError


def kept(value: Any) -> Any:
    """A secret as the server shows it, as an object has it: a mask is `******`, a reference stays,
    null is None.
    """
    return value if value is None or is_reference(value) else SCRUBBED


class TypedConnection(Connection):
    """Base of the types whose fields are declared."""

    declared: ClassVar[tuple[Declared, ...]] = ()

    @property
    def configs(self) -> FieldsView:
        return FieldsView(self, [one.name for one in self.declared if not one.secret], secret=False)

    @property
    def secrets(self) -> FieldsView:
        return FieldsView(
            self,
            [one.name for one in self.declared if one.secret and one.counts(self._plain)],
            secret=True,
        )

    @property
    def _plain(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in self.declared if not one.secret}

    @classmethod
    def from_env(cls, name: str | None = None, **given: Any) -> Self:
        """Made from environment variables; `given` wins over them. Not saved yet.

        Raises RequiredEnvironmentVariablesNotSetError, which names what is missing or empty.
        """
        defaults = {one.name: one.default for one in cls.declared if one.default is not MISSING}
        named = [
            one
            for one in cls.declared
            if one.environment and one.name not in given and one.counts(defaults | given)
        ]
        found = {one.name: os.environ.get(one.environment) or None for one in named}
        required = [one for one in named if one.is_required(defaults | given)]
        if missing := [one.environment for one in required if found[one.name] is None]:
            raise RequiredEnvironmentVariablesNotSetError(
                cls.__name__, missing, [one.environment for one in required]
            )
        values: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
        return cls(name=name, **values, **given)

    def changed_settings(self, _shown: Mapping[str, Any]) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for one in [one for one in self.declared if one.setting]:
            value = getattr(self, one.name)
            if not one.secret or not one.counts(self._plain):
                settings[one.key] = None if one.secret or value == "" else value
            elif not is_scrubbed(value):
                settings[one.key] = value
        return settings

    @classmethod
    def from_settings(cls, _provider_id: str, settings: Mapping[str, Any]) -> Self:
        values = {
            one.name: kept(settings.get(one.key)) if one.secret else settings.get(one.key)
            for one in cls.declared
        }
        for one in cls.declared:  # null: nothing is stored, and the server takes its default
            if values[one.name] is None and one.default is not MISSING:
                values[one.name] = one.default
        return cls(**values)

    def pointer_to(self, secret: str) -> str:
        return "/settings/" + next(one.key for one in self.declared if one.name == secret)
