"""The language that declares a type of connection: one line per field gives its name, the server's
name, secrecy, default and environment.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import MISSING, dataclass
from typing import Any, TypeVar, dataclass_transform

from .text import camel, scrubbed

MODULE = "promptflow.connections"
T = TypeVar("T")


@dataclass(frozen=True)
class Declared:
    """One field of a type.

    `setting`: the server's name, empty for what the server does not keep; `environment`: what
    `from_env` reads; `when`: it counts only while another field has this value, and is required
    then.
    """

    name: str
    setting: str
    secret: bool
    default: Any
    environment: str
    when: tuple[str, str] | None

    @property
    def key(self) -> str:
        """The setting's name in the API."""
        return camel(self.setting)

    def counts(self, values: Mapping[str, Any]) -> bool:
        """True if the field means anything beside these values."""
        return self.when is None or values.get(self.when[0]) == self.when[1]

    def is_required(self, values: Mapping[str, Any]) -> bool:
        """True if the field must have a value beside these."""
        return self.default is MISSING or (self.when is not None and self.counts(values))


def setting(name: str, *, default: Any = MISSING, environment: str = "") -> Any:
    """A field that is shown in clear. `name`: the server's name for it."""
    return dataclasses.field(
        default=default, metadata={"setting": name, "environment": environment}
    )


def constant(*, default: str) -> Any:
    """A field of promptflow's that no request carries: it is not sent to the server."""
    return setting("", default=default)


def secret(
    name: str, *, default: Any = MISSING, environment: str = "", when: tuple[str, str] | None = None
) -> Any:
    """A field that is never shown."""
    marks = {"setting": name, "environment": environment, "secret": True, "when": when}
    return dataclasses.field(default=default, repr=False, metadata=marks)


@dataclass_transform(eq_default=False, field_specifiers=(setting, secret, constant))
def connection_type(
    type: str, provider_id: str, module: str = MODULE
) -> Callable[[type[T]], type[T]]:
    """Makes a class a type of connection: `type` is promptflow's name in YAML, `provider_id` the
    server's.
    """

    def made(cls: Any) -> Any:
        cls.yaml_type, cls.provider_id, cls.module = type, provider_id, module
        # no eq: the tools that explain a failed comparison would print the fields
        typed: Any = dataclass(repr=False, eq=False)(cls)
        typed.declared = tuple(
            _declared(field) for field in dataclasses.fields(typed) if "setting" in field.metadata
        )
        return typed

    return made


def _declared(field: "dataclasses.Field[Any]") -> Declared:
    marks = field.metadata
    return Declared(
        field.name,
        marks["setting"],
        marks.get("secret", False),
        field.default,
        marks["environment"],
        marks.get("when"),
    )


class SecretMap(dict[str, str]):
    """Secrets by key. Its text shows none of them."""

    def __repr__(self) -> str:
        return repr({key: scrubbed(value) for key, value in self.items()})

    __str__ = __repr__


class FieldsView(MutableMapping[str, Any]):
    """Some fields of an object as a mapping, as promptflow has `configs` and `secrets`.

    Setting an entry sets the field.
    """

    def __init__(self, owner: Any, names: list[str], *, secret: bool) -> None:
        self._owner, self._names, self._secret = owner, names, secret

    def __getitem__(self, key: str) -> Any:
        self._refuse_unknown(key)
        return getattr(self._owner, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._refuse_unknown(key)
        setattr(self._owner, key, value)

    def __delitem__(self, key: str) -> None:
        self[key] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(
            {key: scrubbed(value) if self._secret else value for key, value in self.items()}
        )

    def _refuse_unknown(self, key: str) -> None:
        if key not in self._names:
            raise KeyError(
                f"{key!r} is none of {', '.join(self._names) or 'nothing'} of connection "
                f"{self._owner.name!r}."
            )
