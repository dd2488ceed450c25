"""The settings of a provider's pydantic class as plain data: for form, API, command line, docs."""

import re
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Secret, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from .base import Provider
from .settings import NetworkSettings, ProviderSettings
from .types import FOR_PROXY, FREE, SecretEntries, is_entry_key
from .wording import (
    CHOICE,
    NO_MAP,
    NO_TEXT,
    REQUIRED,
    THIS,
    UNKNOWN,
    UNLIKE,
    Sentence,
    plain_sentence,
)

MAPS = ("map", "secret_map")


@dataclass(frozen=True)
class SettingsField:
    """One setting as a surface sees it.

    `kind`: text, integer, number, boolean, choice, headers, map or secret_map.

    A map has entries, keys and texts of any name; those of a secret map are secrets, each by
    itself. `shown_when`: the field it depends on, and the values of that. `host_part`, `trust`,
    `proxy`: as in `setting`; `for_proxy`: a secret for that proxy alone. `free`: a text of any
    characters, line breaks included; `multiline`: they are expected.
    """

    name: str
    label: str
    help: str
    kind: str
    group: str
    required: bool
    default: Any
    secret: bool
    address: bool
    choices: tuple[tuple[str, str], ...]
    environment: str
    placeholder: str
    shown_when: tuple[str, tuple[Any, ...]] | None
    required_when_shown: bool
    example: str
    bounds: tuple[tuple[str, Any], ...] = ()
    multiline: bool = False
    free: bool = False
    host_part: bool = False
    trust: bool = False
    proxy: bool = False
    for_proxy: bool = False

    @property
    def is_map(self) -> bool:
        """True for a map, plain or secret."""
        return self.kind in MAPS

    @property
    def guards_secrets(self) -> bool:
        """True for a setting that decides where secrets go, or who can read them there: they are
        entered again when it changes.
        """
        return self.address or self.trust or self.proxy

    def from_text(self, value: Any) -> Any:
        """A typed text as the JSON value that it means; a text that does not fit stays as it is,
        and pydantic refuses it.
        """
        if not isinstance(value, str):
            return value
        if self.kind == "boolean":
            return {"true": True, "false": False}.get(value.lower(), value)
        try:
            return {"integer": int, "number": float}.get(self.kind, str)(value)
        except ValueError:
            return value


@dataclass(frozen=True)
class SettingsError:
    """The refusal of one setting: its name, a stable code, a sentence for people.

    Never the value.
    """

    field: str
    code: str
    message: str


def settings_fields(provider: type[Provider[Any]]) -> dict[str, SettingsField]:
    """The provider's settings by name, in the order they are declared."""
    key: Any = provider  # mypy does not take a class for something hashable
    return _settings_fields(key)


@cache
def _settings_fields(provider: type[Provider[Any]]) -> dict[str, SettingsField]:
    fields = {}
    for name, info in provider.Settings.model_fields.items():
        fields[name] = _settings_field(name, info, provider.section)
    # pydantic lists inherited fields first; what every provider has belongs last
    return dict(
        sorted(
            fields.items(),
            key=lambda item: (item[1].group == "Advanced", item[0] in NetworkSettings.model_fields),
        )
    )


def secret_names(provider: type[Provider[Any]]) -> frozenset[str]:
    """The names of the provider's secret settings."""
    return frozenset(name for name, field in settings_fields(provider).items() if field.secret)


def validate(
    provider: type[Provider[Any]], values: dict[str, Any], ignore: frozenset[str] = frozenset()
) -> tuple[ProviderSettings | None, list[SettingsError]]:
    """Validates resolved values. Returns the settings and no errors, or None and the errors.

    Fields in `ignore` (unresolved) are not validated. The error of one entry of a map is named
    `field.key`.
    """
    known = {
        name: value
        for name, value in values.items()
        if value is not None and value != "" and name not in ignore
    }
    try:
        return provider.Settings.model_validate(known), []
    except ValidationError as error:
        fields = settings_fields(provider)
        found = [
            _settings_error(fields, one)
            for one in error.errors(include_input=False, include_context=True, include_url=False)
        ]
        wrong = {
            one.field: one for one in reversed(found) if one.field.partition(".")[0] not in ignore
        }
        return None, list(wrong.values())[::-1]


def canonical(provider: type[Provider[Any]], name: str, value: Any) -> Any:
    """A choice as the provider itself writes it, where it understands other spellings too; anything
    else as it is.
    """
    field = settings_fields(provider).get(name)
    if field is None or not isinstance(value, str) or value in dict(field.choices or [(value, "")]):
        return value
    try:
        return TypeAdapter(
            provider.Settings.model_fields[name].rebuild_annotation()
        ).validate_python(value)
    except ValidationError:
        return value


def _settings_error(fields: dict[str, SettingsField], error: Any) -> SettingsError:
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "missing":
        return SettingsError(name, "required", Sentence(REQUIRED, example=fields[name].example))
    if error["type"] == "extra_forbidden":
        said = Sentence(UNKNOWN, name=repr(name[:100]), names=", ".join(fields))
        return SettingsError(name, "unknown_field", said)
    return SettingsError(
        _entry_path(error, fields.get(name)) or name,
        error["type"],
        _error_sentence(error, fields.get(name)),
    )


def _entry_path(error: Any, field: SettingsField | None) -> str:
    """The path of the failing entry in a map (`configs.region`), else empty: a wrong key is not
    repeated.
    """
    names = error["loc"]
    return (
        f"{names[0]}.{names[1]}"
        if field and field.is_map and len(names) == 2 and is_entry_key(names[1])
        else ""
    )


def _error_sentence(error: Any, field: SettingsField | None) -> str:
    if field and field.is_map and error["type"] in ("dict_type", "string_type"):
        return Sentence(NO_TEXT if len(error["loc"]) == 2 else NO_MAP)
    if error["type"] == "literal_error" and field:
        return Sentence(CHOICE, choices=", ".join(str(choice) for choice, _ in field.choices))
    if error["type"] == "string_pattern_mismatch" and field:
        return Sentence(UNLIKE, label=field.label, help=field.help)
    return plain_sentence(error, field.label if field else THIS)


def _settings_field(name: str, info: FieldInfo, section: str) -> SettingsField:
    marks: dict[str, Any] = (
        info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    )
    kind, choices = _kind(_without_none(info.annotation))
    labels = marks.get("labels") or {}
    metadata = (*info.metadata, *_metadata(info.annotation))
    default = None if info.default is PydanticUndefined or kind in MAPS else info.default
    return SettingsField(
        name=name,
        label=info.title or name.replace("_", " ").capitalize(),
        help=info.description or "",
        kind=kind,
        group=marks.get("group", "General"),
        required=info.is_required(),
        default=default,
        secret=_is_secret(_without_none(info.annotation)),
        address=bool(marks.get("address")),
        choices=tuple((choice, labels.get(choice) or _label(choice)) for choice in choices),
        environment=marks.get("environment", ""),
        placeholder=marks.get("placeholder", ""),
        shown_when=(marks["shownWhen"][0], tuple(marks["shownWhen"][1]))
        if marks.get("shownWhen")
        else None,
        required_when_shown=bool(marks.get("requiredWhenShown")),
        example=f"${section}:{pascal(name)}",
        bounds=_bounds(info),
        multiline=bool(marks.get("multiline")),
        free=FREE in metadata,
        host_part=bool(marks.get("hostPart")),
        trust=bool(marks.get("trust")),
        proxy=bool(marks.get("proxy")),
        for_proxy=FOR_PROXY in metadata,
    )


def _label(choice: str) -> str:
    """The label of a choice that has none of its own: `meid_token` -> `Meid token`."""
    text = choice.replace("_", " ").strip()
    return f"{text[:1].upper()}{text[1:]}" or choice


def pascal(name: str) -> str:
    """`api_key` -> `ApiKey`, the spelling appsettings.json files use."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]", name))


def _bounds(info: FieldInfo) -> tuple[tuple[str, Any], ...]:
    names = ("gt", "ge", "lt", "le", "min_length", "max_length")
    return tuple(
        (name, getattr(one, name))
        for one in info.metadata
        for name in names
        if getattr(one, name, None) is not None
    )


def _metadata(annotation: Any) -> tuple[Any, ...]:
    """The metadata in the `Annotated` of an annotation, also inside of an optional one."""
    found = tuple(getattr(annotation, "__metadata__", ()))
    return found + tuple(one for part in get_args(annotation) for one in _metadata(part))


def _without_none(annotation: Any) -> Any:
    """The bare type: `Annotated[X, ...] | None` is an X."""
    if get_origin(annotation) in (Union, UnionType):
        return _without_none(next(one for one in get_args(annotation) if one is not type(None)))
    return (
        _without_none(annotation.__origin__) if get_origin(annotation) is Annotated else annotation
    )


def _is_secret(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, SecretStr | Secret)


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    if get_origin(annotation) is dict:
        return "map", ()
    if isinstance(annotation, type) and issubclass(annotation, SecretEntries):
        return "secret_map", ()
    if get_origin(annotation) is Secret or (
        isinstance(annotation, type)
        and issubclass(annotation, Secret)
        and annotation is not SecretStr
    ):
        return "headers", ()
    kinds = {bool: "boolean", int: "integer", float: "number"}
    return kinds.get(annotation, "text"), ()
