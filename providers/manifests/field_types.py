"""The kinds of fields as annotations of pydantic, each with its checks."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationError
from pydantic_core import PydanticCustomError, SchemaError, SchemaValidator, core_schema

from ..core.errors import BlockedAddress
from ..core.types import ApiKey, HttpUrl, LongText, SecretText, Text
from ..http.policy import EgressPolicy
from .document import TypeField
from .templates import CONTROL, LABEL


@dataclass(frozen=True)
class Written:
    """The pattern of a value, for the OpenAPI document only. No value is checked by it."""

    pattern: str


HOST = re.compile(
    r"(?=.{1,253}(:|$))[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?"
)
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,253}")
LONGEST_MATCHED = (
    4096  # characters: the engine is linear, but some patterns cost a hundred microseconds for each
)


def kind_of(field: TypeField, places: frozenset[str]) -> Any:
    """The annotation of a field.

    `places`: where its value stands, of "host", "path" and "header".
    """
    values = tuple(option.value for option in field.choices)
    kind = Literal[values] if field.shape == "choice" else KINDS[field.shape]
    if field.shape == "secret" and "header" in places:
        kind = ApiKey
    checks: list[Callable[[str], None]] = [
        check for place, check in PLACES.items() if place in places and field.shape != "integer"
    ]
    if field.pattern:
        checks.append(lambda text: _match(field.pattern, text))
    for check in checks:
        kind = Annotated[kind, AfterValidator(_checked(check))]
    written = (
        rf"^\s*(?:{field.pattern})\s*$"
        if field.pattern and _is_common(field.pattern)
        else WRITTEN.get(field.shape)
    )
    return Annotated[kind, Written(written)] if written else kind


def _is_common(pattern: str) -> bool:
    """True if other engines read the pattern as Rust's does."""
    try:
        re.compile(pattern, re.ASCII)
    except re.error:
        return False
    return not re.search(r"\(\?(?!:)|\\[pPAzZQE]|&&|--|\[\[:", pattern)


def pattern_problem(pattern: str) -> str:
    """The sentence that refuses a pattern; empty for a good one.

    Only Rust's engine reads it, which is linear in time.
    """
    try:
        _matcher(pattern)
    except SchemaError as error:
        return f"This pattern cannot be used: {_reason(str(error))}."
    return ""


def _reason(said: str) -> str:
    if "look-around" in said:
        return (
            "look-around (?=, ?!, ?<=, ?<!) does not exist in it, so that no pattern can take for "
            "ever"
        )
    if "backreference" in said:
        return (
            "references back to a group (\\1) do not exist in it, so that no pattern can take for "
            "ever"
        )
    if "size limit" in said:
        return "its repetitions multiply to too many. Count less"
    found = re.search(r"error: (.+)", said)
    return found[1].rstrip(".") if found else "it is not a regular expression"


@lru_cache(maxsize=512)
def _matcher(pattern: str) -> SchemaValidator:
    config = core_schema.CoreConfig(regex_engine="rust-regex")
    # twice: wrapped alone, `a)(b` would be one
    SchemaValidator(core_schema.str_schema(pattern=pattern), config)
    return SchemaValidator(core_schema.str_schema(pattern=f"^(?:{pattern})$"), config)


def _match(pattern: str, text: str) -> None:
    if len(text) > LONGEST_MATCHED:
        raise PydanticCustomError(
            "too_long", "This is longer than {most} characters.", {"most": LONGEST_MATCHED}
        )
    try:
        _matcher(pattern).validate_python(text)
    except ValidationError:
        raise PydanticCustomError(
            "string_pattern_mismatch", "This is not how it is written."
        ) from None


def _checked(check: Callable[[str], None]) -> Callable[[Any], Any]:
    """The check as a validator of texts and of secret texts.

    None and the empty text pass: whether they may be is decided by `required`.
    """

    def validate(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text:
            check(str(text))
        return value

    return validate


def _slug(value: str) -> str:
    if value and not LABEL.fullmatch(value):
        raise PydanticCustomError(
            "slug", "Letters, digits and hyphens only, at most 63, without a hyphen at either end."
        )
    return value


def _host(value: str) -> str:
    if not value:
        return value
    try:
        port = urlsplit(f"//{value}").port if HOST.fullmatch(value) else None
    except ValueError:
        raise PydanticCustomError("host", "A port is at most 65535.") from None
    if not HOST.fullmatch(value) or port == 0:
        raise PydanticCustomError(
            "host",
            "This is not a host. Write it like example.com or example.com:8443, without https://.",
        )
    _refuse_blocked(value.partition(":")[0])
    return value


def _refuse_blocked(host: str) -> None:
    try:
        EgressPolicy().refuse_name(host)
    except BlockedAddress as error:
        raise PydanticCustomError("blocked_address", "{reason}", {"reason": str(error)}) from None


def _email(value: str) -> str:
    if value and not EMAIL.fullmatch(value):
        raise PydanticCustomError(
            "email", "This is not an email address. Write it like name@example.com."
        )
    return value


def _json(value: Any) -> Any:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    try:
        json.loads(text or "null")
    except (ValueError, RecursionError):
        raise PydanticCustomError("json", "This is not JSON. Paste the whole document.") from None
    return value


def _secret_url(value: SecretStr) -> SecretStr:
    """A web address that is a secret as a whole, so that it may have a query."""
    text = value.get_secret_value().strip()
    problem = PydanticCustomError(
        "url", "This is not a web address. Write it like https://hooks.example.com/abc."
    )
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 raises ValueError for a bad port
    except ValueError:
        raise problem from None
    if text and (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not HOST.fullmatch(parts.hostname)
        or re.search(r"[\s\\]", text)
    ):
        raise problem
    if parts.username or parts.password or parts.fragment:
        raise PydanticCustomError(
            "url", "Leave out a name or password before the host, and what follows #."
        )
    _refuse_blocked(parts.hostname or "")
    return SecretStr(text)


def _path_safe(text: str) -> None:
    if text in (".", ".."):
        raise PydanticCustomError(
            "path", "This is part of an address, where . and .. have another meaning."
        )


def _header_safe(text: str) -> None:
    if not text.isascii() or CONTROL.search(text):
        raise PydanticCustomError(
            "not_ascii", "This is sent in a header, which takes one line of plain characters only."
        )


PLACES = {"path": _path_safe, "header": _header_safe}
WRITTEN = {
    "slug": rf"^\s*{LABEL.pattern}\s*$",
    "host": rf"^\s*{LABEL.pattern}(\.{LABEL.pattern})*(:[1-9][0-9]{{0,4}})?\s*$",
    "email": r"^\s*[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,253}\s*$",
    "secret_url": r"^\s*[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9][^\s#@\\\x00-\x1f\x7f]*\s*$",
}
KINDS: dict[str, Any] = {
    "string": Text,
    "text": LongText,
    "secret": SecretText,
    "secret_text": SecretText,
    "url": HttpUrl,
    "secret_url": Annotated[SecretStr, AfterValidator(_secret_url)],
    "host": Annotated[Text, AfterValidator(_host)],
    "slug": Annotated[Text, AfterValidator(_slug)],
    "email": Annotated[Text, AfterValidator(_email)],
    "integer": int,
    "number": float,
    "boolean": bool,
    "json": Annotated[LongText, AfterValidator(_json)],
    "secret_json": Annotated[SecretText, AfterValidator(_json)],
}
