"""The documents in a package, as classes.

Unknown fields and other types are refused. No message repeats a value.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, LiteralString, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from connections.references import InvalidReference, is_reference, parse
from providers.core.types import LONGEST_ENTRY_KEY, MOST_ENTRIES, is_entry_key

from .errors import PackageError

FORMAT, FORMAT_VERSION = "switchboard-package", 1
ALIAS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PROVIDER_ID = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MOST_SETTINGS = 500
IN_CLEAR = (
    "A secret stands here in clear. Write a reference such as $OpenAI:ApiKey, or {placeholder: "
    "a-name}, or seal it when exporting."
)


@dataclass(frozen=True)
class Missing:
    """The mark in place of a secret, which is sealed or asked for under this name."""

    placeholder: str


Secret = str | Missing  # a reference, or what stands for a literal
Secrets = dict[str, Secret | dict[str, Secret]]
Plain = bool | int | float | str
Named = TypeVar("Named", bound=BaseModel)


def _canonical(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        found = UUID(value)
        if str(found) == value:
            return found
    except (ValueError, TypeError, AttributeError):
        pass
    raise PydanticCustomError("id", "An id looks like 1b4e28ba-2fa1-11d2-883f-0016d3cca427.")


def _text_like(
    code: str, message: LiteralString, is_good: Callable[[str], object]
) -> AfterValidator:
    """Refuses a text for which `is_good` is false, with this error."""

    def check(value: str) -> str:
        if not is_good(value):
            raise PydanticCustomError(code, message)
        return value

    return AfterValidator(check)


def _secrets(value: Any) -> Any:
    """Every secret as a reference or as Missing; of a map, every entry."""
    if not isinstance(value, Mapping):
        return value
    return {name: _secret(one) for name, one in value.items()}


def _secret(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return _entry(value)
    if _is_mark(value):
        return Missing(value["placeholder"])
    if len(value) > MOST_ENTRIES or not all(is_entry_key(key) for key in value):
        raise PydanticCustomError(
            "entries",
            "The entries of a map have short names on one line, and there are at most 200.",
        )
    return {key: _entry(one) for key, one in value.items()}


def _entry(value: Any) -> Secret:
    if isinstance(value, Missing):
        return value
    if isinstance(value, Mapping) and _is_mark(value):
        return Missing(value["placeholder"])
    if isinstance(value, str) and is_reference(value):
        try:
            parse(value)
            return value
        except InvalidReference:
            pass  # a password may begin with a dollar sign
    raise PydanticCustomError("clear_secret", IN_CLEAR)


def _is_mark(value: Mapping[Any, Any]) -> bool:
    """True for `{placeholder: a-name}`.

    An entry of a map may be called placeholder: what stands there is a reference or a mark.
    """
    name = value.get("placeholder")
    is_name = (
        isinstance(name, str)
        and 0 < len(name) <= 600
        and not name.startswith("$")
        and not CONTROL.search(name)
    )
    return len(value) == 1 and is_name


def _marked(secrets: Secrets) -> dict[str, Any]:
    return {
        name: {key: _mark(one) for key, one in value.items()}
        if isinstance(value, dict)
        else _mark(value)
        for name, value in secrets.items()
    }


def _mark(secret: Secret) -> Any:
    return {"placeholder": secret.placeholder} if isinstance(secret, Missing) else secret


def _day(value: Any) -> Any:
    """A day as YAML 1.2 has it, a text."""
    if isinstance(value, str) and DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


Day = Annotated[date, BeforeValidator(_day), PlainSerializer(lambda day: day.isoformat())]
Id = Annotated[UUID, BeforeValidator(_canonical), PlainSerializer(str), Field(strict=False)]
Alias = Annotated[
    str,
    _text_like(
        "alias",
        "An alias is lower case letters, digits and single hyphens between them, 100 at most.",
        lambda text: len(text) <= 100 and ALIAS.fullmatch(text),
    ),
]
ProviderId = Annotated[
    str,
    _text_like(
        "provider",
        "This is not the id of a provider.",
        lambda text: len(text) <= 100 and PROVIDER_ID.fullmatch(text),
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Line = Annotated[
    str,
    _text_like(
        "control",
        "It has a line break or another control character.",
        lambda text: not CONTROL.search(text),
    ),
    Field(max_length=500),
]
SettingName = Annotated[
    str,
    _text_like(
        "setting",
        "This is not the name of a setting.",
        lambda text: (
            text and len(text) <= LONGEST_ENTRY_KEY and "." not in text and not CONTROL.search(text)
        ),
    ),
]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Document(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )


class RowName(_Document):
    """The name of a row: its id, and its alias for an installation that does not know the id."""

    id: Id
    alias: Alias


class ConnectionDocument(_Document):
    """A connection.

    `type_version`: of its settings, if that is not the one the package names for its provider.
    """

    id: Id
    alias: Alias
    name: Name
    provider: ProviderId
    type_version: int | None = Field(None, ge=1, le=1_000_000)
    is_active: bool
    is_checked: bool = True
    expires_at: Day | None = None
    tags: list[Line] = Field(max_length=50)
    settings: dict[SettingName, Plain | dict[str, str]] = Field(max_length=MOST_SETTINGS)
    secrets: Annotated[Secrets, BeforeValidator(_secrets), PlainSerializer(_marked)] = Field(
        max_length=MOST_SETTINGS
    )


class ProfileDocument(_Document):
    """A profile. `connection` and `fallbacks` are in the package, or where it is imported."""

    id: Id
    alias: Alias
    name: Name
    capability: Line
    connection: RowName
    model: Name
    is_active: bool
    tags: list[Line] = Field(max_length=50)
    settings: dict[SettingName, Any] = Field(max_length=MOST_SETTINGS)
    fallbacks: list[RowName] = Field(max_length=50)


class Content(_Document):
    """One file of the package and the sum of its bytes."""

    path: Line
    sha256: Digest


class SealDocument(_Document):
    """The parameters that make a key of the passphrase (RFC 7914)."""

    kdf: Literal["scrypt"]
    n: int
    r: int
    p: int
    salt: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class ManifestDocument(_Document):
    """`package.yaml`, the list of contents. `types`: provider -> the version of its settings."""

    format: Literal["switchboard-package"]
    format_version: int = Field(ge=FORMAT_VERSION, le=FORMAT_VERSION)
    created: Line
    made_by: Line
    notes: list[Line] = Field(default=[], max_length=2_000)
    types: dict[ProviderId, Annotated[int, Field(ge=1, le=1_000_000)]]
    sealed: SealDocument | None = None
    contents: list[Content]


def document_of(model: type[Named], data: Mapping[str, Any], path: str) -> Named:
    """The document that the data are.

    Raises PackageError with the file and the first field that is wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    clear = next((one for one in found if one["type"] == "clear_secret"), None)
    one = clear or found[0]
    place = ".".join(re.sub(r"[^ -~]", "?", str(part))[:50] for part in one["loc"][:2])
    said = (
        "There is no such field."
        if one["type"] == "extra_forbidden"
        else one["msg"].rstrip(".") + "."
    )
    raise PackageError(
        "clear_secret" if clear else "bad_document", f"{path}{place and f', {place}'}: {said}"
    )


def data_of(document: BaseModel) -> dict[str, Any]:
    """A document as plain data, without empty fields."""
    return document.model_dump(exclude_none=True)
