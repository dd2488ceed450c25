"""Types of settings that pydantic does not bring: addresses, keys, headers, free maps, text without
line breaks.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Secret, SecretStr
from pydantic_core import PydanticCustomError

from ..http.policy import EgressPolicy
from ..http.proxies import NO_SOCKS, is_socks, read_proxy
from .errors import BlockedAddress

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110, section 5.6.2
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MOST_ENTRIES, LONGEST_ENTRY_KEY = 200, 200
ENTRY_KEY = r"[^\s\x00-\x1f\x7f\x85]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f\x85])?"
# Headers that say where one request ends and to whom it goes: set by the HTTP client alone (RFC
# 9112, section 6).
FRAMING = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "accept-encoding",
    }
)


def is_empty(value: Any) -> bool:
    """True for None, an empty text, or a secret that holds one of them."""
    return (
        value is None
        or value == ""
        or (isinstance(value, Secret | SecretStr) and not value.get_secret_value())
    )


def _one_line(value: str) -> str:
    if CONTROL.search(value):
        raise PydanticCustomError(
            "line_break", "Contains a line break or another control character. Paste it again."
        )
    return value


def _secret_text(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()  # a file that holds a key ends with a line break
    _one_line(text)
    if not text.isascii():
        raise PydanticCustomError(
            "not_ascii", "Contains a character that no key has. Paste it again."
        )
    return SecretStr(text)


def lower_case(value: Any) -> Any:
    """Lower case of a text, for a choice whose letter case does not matter: `Annotated[Literal["a",
    "b"], BeforeValidator(lower_case)]`.
    """
    return value.lower() if isinstance(value, str) else value


@lru_cache(maxsize=1024)  # an address is not a secret, and is judged again at each use
def _http_url(value: str) -> str:
    _one_line(value)
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 raises ValueError for a port that is none
    except ValueError:
        raise PydanticCustomError(
            "url", "This is not a web address. Write it like https://api.example.com/v1."
        ) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in value:
        raise PydanticCustomError(
            "url", "This is not a web address. Write it like https://api.example.com/v1."
        )
    if parts.username or parts.password:
        raise PydanticCustomError(
            "url_credentials",
            "A name or password does not belong into an address. Use the field for the key.",
        )
    if parts.query or parts.fragment:
        raise PydanticCustomError(
            "url_query", "Leave out what follows ? or #: paths are appended to this address."
        )
    try:
        EgressPolicy().refuse_name(parts.hostname)
    except BlockedAddress as error:
        raise PydanticCustomError("blocked_address", "{reason}", {"reason": str(error)}) from None
    return value


def _proxy_url(value: str) -> str:
    if is_socks(value):
        raise PydanticCustomError("proxy", f"This {NO_SOCKS}")
    try:
        proxy = read_proxy(value, "")
    except ValueError:
        proxy = None
    if proxy is None or "://" not in value:
        raise PydanticCustomError(
            "proxy", "This is not a proxy. Write it like http://proxy.example.com:3128."
        )
    if "@" in value:
        raise PydanticCustomError(
            "url_credentials",
            "The user and password of a proxy would be shown in clear here. Take them out, and "
            "enter them under Proxy user and Proxy password.",
        )
    try:
        EgressPolicy().refuse_name(proxy.host)
    except BlockedAddress as error:
        raise PydanticCustomError("blocked_address", "{reason}", {"reason": str(error)}) from None
    return value


def _no_colon(value: str) -> str:
    if ":" in value:
        raise PydanticCustomError(
            "colon",
            "A user name has no colon: it would end there. Enter the password in its own field.",
        )
    return value


def _one_line_secret(value: SecretStr) -> SecretStr:
    _one_line(value.get_secret_value())
    return value


def _header_mapping(value: Any) -> Any:
    """Turns `Name: value` lines into a mapping; a mapping stays as it is."""
    if isinstance(value, str):
        lines = [line.partition(":") for line in value.splitlines() if line.strip()]
        if any(not colon for _, colon, _ in lines):
            raise PydanticCustomError("header", "Write one header a line: Name: value.")
        return {name.strip(): text.strip() for name, _, text in lines}
    return value


def _header_names(value: Secret[dict[str, str]] | None) -> Secret[dict[str, str]] | None:
    for name, text in value.get_secret_value().items() if value else ():
        if not HEADER_NAME.fullmatch(name) or CONTROL.search(text) or not text.isascii():
            raise PydanticCustomError(
                "header",
                "A header's name is letters, digits and hyphens, its value one line of plain text.",
            )
        _refuse_framing(name)
    return value


def _refuse_framing(name: str) -> None:
    if name.lower() in FRAMING:
        raise PydanticCustomError(
            "header", "{name} is set by the HTTP client itself. Leave it out.", {"name": name}
        )


def is_entry_key(value: Any) -> bool:
    """True if this can be a key of a map: 1 to 200 characters, no control characters, no blanks
    around it.
    """
    return (
        isinstance(value, str)
        and len(value) <= LONGEST_ENTRY_KEY
        and re.fullmatch(ENTRY_KEY, value) is not None
    )


def _entry_key(value: str) -> str:
    if not is_entry_key(value):
        text = (
            "A key has 1 to {most} characters, no line breaks or other control characters, and no "
            "blanks around it."
        )
        raise PydanticCustomError("entry_key", text, {"most": LONGEST_ENTRY_KEY})
    return value


def _entry_value(value: str) -> str:
    if "\x00" in value:  # PostgreSQL cannot store one
        raise PydanticCustomError("null_character", "Contains a null character. Paste it again.")
    return value


def _free_secret(value: SecretStr) -> SecretStr:
    _entry_value(value.get_secret_value())
    return value


def _not_too_many(value: Any) -> Any:
    if isinstance(value, dict) and len(value) > MOST_ENTRIES:
        raise PydanticCustomError(
            "too_many_entries", "There are at most {most} entries.", {"most": MOST_ENTRIES}
        )
    return value


def _header_name(value: str) -> str:
    if value and not HEADER_NAME.fullmatch(value):
        raise PydanticCustomError("header", "A header's name is letters, digits and hyphens.")
    _refuse_framing(value)
    return value


Text = Annotated[str, AfterValidator(_one_line)]
FREE = "any characters"  # marks a text that may have several lines
LongText = Annotated[str, AfterValidator(_entry_value), FREE]
ApiKey = Annotated[SecretStr, AfterValidator(_secret_text)]
SecretText = Annotated[SecretStr, AfterValidator(_free_secret), FREE]


@dataclass(frozen=True)
class Spelled:
    """The regular expression of what a validator lets through, for schemas."""

    pattern: str


# as RFC 7617, section 2, has them
UserName = Annotated[Text, AfterValidator(_no_colon), Spelled("^[^:]*$")]
Password = Annotated[SecretText, AfterValidator(_one_line_secret), Spelled(r"^[^\x00-\x1f\x7f]*$")]
FOR_PROXY = "to the proxy alone"  # marks a secret that goes nowhere else
ProxyPassword = Annotated[Password, FOR_PROXY]
HttpUrl = Annotated[
    str, AfterValidator(_http_url)
]  # kept as typed; pydantic's own type rewrites it
ProxyUrl = Annotated[str, AfterValidator(_proxy_url)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Headers = Annotated[
    Secret[dict[str, str]], BeforeValidator(_header_mapping), AfterValidator(_header_names)
]
Entries = dict[
    Annotated[str, AfterValidator(_entry_key)], Annotated[str, AfterValidator(_entry_value)]
]
TextMap = Annotated[Entries, BeforeValidator(_not_too_many)]


class SecretEntries(Secret[Entries]):
    """A map of keys to secret texts.

    `get_secret_value()` gives the map; a repr shows neither keys nor values.
    """


SecretMap = Annotated[SecretEntries, BeforeValidator(_not_too_many)]
