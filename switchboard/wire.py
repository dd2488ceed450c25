"""The API's JSON and back: requests, answers, their errors; connections as bodies, rows as
objects.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .connection import Connection, Stored
from .custom import CustomConnection, ProviderConnection
from .errors import (
    ConflictError,
    FieldProblem,
    InvalidError,
    NotFoundError,
    PermissionDenied,
    RateLimited,
    ServerError,
    StaleError,
    SwitchboardError,
    Unauthorized,
)
from .text import camel, is_placeholder, is_scrubbed
from .types import TYPES

ERRORS: dict[int, type[SwitchboardError]] = {
    400: InvalidError,
    401: Unauthorized,
    403: PermissionDenied,
    404: NotFoundError,
    409: ConflictError,
    412: StaleError,
}
ALL_TYPES: tuple[type[Connection], ...] = (*TYPES, CustomConnection)
CLASSES = {one.provider_id: one for one in ALL_TYPES}
MOST_ALIASES = 50
T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One request: what to ask of the API. The body may hold secrets."""

    method: str
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    if_match: int | None = None

    def headers(self) -> dict[str, str]:
        """The headers it needs beside the token."""
        kind = "application/merge-patch+json" if self.method == "PATCH" else "application/json"
        headers = {"Content-Type": kind} if self.body is not None else {}
        return headers if self.if_match is None else {**headers, "If-Match": f'"{self.if_match}"'}

    def content(self) -> bytes | None:
        """The body as it is sent."""
        return None if self.body is None else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Answer:
    """The answer to a call."""

    status: int
    content_type: str
    content: bytes
    headers: Mapping[str, str]

    def read(self) -> Any:
        """The JSON, None for no content.

        Raises SwitchboardError for every status that is not a success.
        """
        if self.status == 204:
            return None
        try:
            body = json.loads(self.content) if "json" in self.content_type else None
        except ValueError:
            body = None
        if 200 <= self.status < 300 and body is not None:
            return body
        raise self._error(body)

    def _error(self, body: Any) -> SwitchboardError:
        if 300 <= self.status < 400:
            place = self.headers.get("location", "another address")
            return ServerError(
                f"The server sends on to {place}. Use that address: a token is not sent after a "
                "redirect.",
                status=self.status,
            )
        if not isinstance(body, dict) or "detail" not in body:
            return not_ours(f"the status {self.status}", self.status)
        if self.status == 429:
            said = self.headers.get("retry-after", "")
            seconds = int(said) if said.isascii() and said.isdigit() else 1
            return RateLimited(str(body["detail"]), body, seconds)
        kind = ERRORS.get(self.status, ServerError)
        return kind(str(body["detail"]), body, status=self.status)


def not_ours(what: str, status: int) -> ServerError:
    """The error for an answer that Switchboard never gives."""
    return ServerError(
        f"The answer with {what} is not one of Switchboard's. Check the address, and any proxy "
        "before it.",
        status=status,
    )


def shaped(read: Callable[[Any], T], body: Any) -> T:
    """The object that `read` makes of a body. Raises ServerError for a body of another shape."""
    try:
        return read(body)
    except (KeyError, TypeError, AttributeError):
        failure = not_ours("JSON of this shape", 200)
    raise failure


def to_object(row: Mapping[str, Any]) -> Connection:
    """A connection as the API shows it, as an object of its class.

    Raises ServerError for anything else.
    """
    return shaped(_to_object, row)


def _to_object(row: Mapping[str, Any]) -> Connection:
    stored = Stored.from_row(row)
    made = CLASSES.get(stored.provider_id, ProviderConnection).from_settings(
        stored.provider_id, stored.settings
    )
    made.name, made.alias, made.is_active, made.tags = (
        stored.name,
        stored.alias,
        row["isActive"],
        list(row["tags"]),
    )
    # a server of the version before knows neither
    made.expires_at, made.is_checked = row.get("expiresAt"), row.get("isChecked")
    made._stored = stored
    return made


def new_body(connection: Connection, alias: str) -> dict[str, Any]:
    """The body that creates it. Raises InvalidError for secrets that are masks or placeholders."""
    refuse_unfilled(connection, is_new=True)
    body = {
        "alias": alias,
        "name": connection.name,
        "providerId": connection.provider_id,
        "settings": connection.new_settings(),
    }
    return body | _common(connection)


def changed_body(connection: Connection, stored: Stored) -> dict[str, Any]:
    """The body that changes the stored row into it.

    Raises InvalidError for placeholders, ConflictError for another type.
    """
    if stored.provider_id != connection.provider_id:
        there = (
            f"Connection {stored.name!r} is of the type {stored.provider_id}, which cannot change "
            f"to {connection.provider_id}."
        )
        raise ConflictError(f"{there} Delete it first, or choose another name.")
    refuse_unfilled(connection, is_new=False)
    return {"settings": connection.changed_settings(stored.settings)} | _common(connection)


def _common(connection: Connection) -> dict[str, Any]:
    columns = ("is_active", "tags", "is_checked")
    values = {camel(name): getattr(connection, name) for name in columns}
    found: dict[str, Any] = {name: one for name, one in values.items() if one is not None}
    if connection.expires_at is not None:
        found["expiresAt"] = connection.expires_at or None
    return found


def refuse_unfilled(connection: Connection, *, is_new: bool) -> None:
    """Raises InvalidError when a value is a template's placeholder, or, of a new connection, a
    secret is a mask.
    """
    secrets = {key: value for key, value in connection.secrets.items() if value is not None}
    wrong = [
        key
        for key, value in secrets.items()
        if is_placeholder(value) or (is_new and is_scrubbed(value))
    ]
    if wrong:
        errors = [
            FieldProblem(
                connection.pointer_to(key), "not_filled", "A mask or a placeholder is not a secret."
            )
            for key in wrong
        ]
        raise InvalidError(
            f"Connection {connection.name!r} secrets {wrong} value invalid, please fill them.",
            errors=errors,
        )
    if unfilled := [key for key, value in connection.configs.items() if is_placeholder(value)]:
        raise InvalidError(
            f"Connection {connection.name!r}: {', '.join(unfilled)} still has a template's "
            "placeholder. Fill it in."
        )


def aliases(connection: Connection) -> Iterator[str]:
    """The aliases to try for a new connection: its own, else made from its name, with a number
    while they are taken.
    """
    if connection.alias:
        yield connection.alias
        return
    stem = alias_of(connection.name or "")
    yield stem
    for number in range(2, MOST_ALIASES):
        yield f"{stem}-{number}"


def alias_of(name: str) -> str:
    """A valid alias made from a name, as the server makes it."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    text = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text)).strip("-_")
    return re.sub(r"-+", "-", text[:90].replace("_", "-").strip("-")) or "connection"
