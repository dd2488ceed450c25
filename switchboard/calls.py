"""The requests of each method, in their order, and the result that it makes of the answers.

It sends nothing: it yields calls and is sent answers.

So it is written once for the synchronous and the asynchronous client.
"""

import re
from collections.abc import Generator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from . import wire
from .connection import Connection, Stored
from .errors import (
    ConflictError,
    ConnectionNameNotSetError,
    ConnectionNotFoundError,
    InvalidError,
    NotFoundError,
    ProfileNotFoundError,
)
from .results import CheckResult, Profile
from .text import folded
from .wire import Answer, Call

T = TypeVar("T")
Steps = Generator[Call, Answer, T]
Row = Mapping[str, Any]

ALIAS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")  # ids look like that too
PAGE = 1000
NO_NAME = "Name is required to create or update connection."
ALIKE = (
    "{0!r} is only the alias of the connection {1!r}, which has another name, so that one is left "
    "as it is. Choose another name, or call it by its id, {2}."
)


def ask(call: Call) -> Steps[Any]:
    """Sends one call and returns the JSON of its answer. Raises SwitchboardError."""
    answer = yield call
    return answer.read()


def pages(path: str, most: int | None, **params: str | int) -> Steps[list[Row]]:
    """The rows of a list, page by page; `most`: None for all.

    The server says where the next page begins: what comes and goes meanwhile moves nothing.
    """
    rows: list[Row] = []
    place: dict[str, str | int] = {}
    while most is None or len(rows) < most:
        take = PAGE if most is None else min(PAGE, most - len(rows))
        page = yield from ask(Call("GET", path, {"take": take, **place, **params}))
        items = wire.shaped(lambda page: list(page["items"]), page)
        rows += items
        if len(items) < take:
            break
        # a server of the time before cursors names no place; one of today neither on its last page
        place = {"after": page["next"]} if "next" in page else {"skip": len(rows)}
    return rows


def limit(max_results: int | None, all_results: bool) -> int | None:
    """promptflow's two arguments as one: None and negative numbers mean all."""
    return None if all_results or max_results is None or max_results < 0 else max_results


# Connections


def located(name: str) -> Steps[Row | None]:
    """The connection with this alias or id, else with exactly this name.

    Raises ConflictError when several have it.
    """
    text = name.strip()
    if ALIAS.fullmatch(text):
        answer = yield Call("GET", f"/connections/{text}")
        # 405 and an answer without id: a word that is not an alias but an address of the API
        row = None if answer.status in (404, 405) else answer.read()
        if row and "id" in row:
            return dict(row)
    return (yield from _row_named(text)) if text else None


def _row_named(name: str) -> Steps[Row | None]:
    rows = [
        row
        for row in (yield from pages("/connections", None, name=name, settings="true"))
        if row["name"] == name
    ]
    if len(rows) > 1:
        found = ", ".join(row["alias"] for row in rows[:5])
        raise ConflictError(
            f"{len(rows)} connections are called {name!r}. Ask for one of their aliases: {found}."
        )
    return rows[0] if rows else None


def found(name: str) -> Steps[Row]:
    """The connection that is meant by who changes it. Raises ConnectionNotFoundError, and
    ConflictError for a name that is only the alias of one and the name of another.
    """
    return _found(name, (yield from _to_change(name)))


def _found(name: str, row: Row | None) -> Row:
    if row is None:
        raise ConnectionNotFoundError(
            f"Connection {name!r} is not found. Look at connections.list(): letter case counts."
        )
    return row


def _to_change(name: str, is_saved: bool = False) -> Steps[Row | None]:
    """The connection that is meant by who changes or deletes it by id, alias or name. `is_saved`:
    an object of this name is saved over it, for which its alias is not enough.

    Raises ConflictError for a name that is only its alias and the name of another, or `is_saved`.
    """
    row, text = (yield from located(name)), name.strip()
    if row is None or text in (row["name"], row["id"], row["id"].replace("-", "")):
        return row
    if is_saved or (yield from _row_named(text)):
        raise ConflictError(ALIKE.format(text, row["name"], row["id"]))
    return row


def get(name: str, raise_error: bool = True) -> Steps[Connection | None]:
    """One connection."""
    row = yield from located(name)
    return wire.to_object(_found(name, row)) if row or raise_error else None


def list_connections(most: int | None) -> Steps[list[Connection]]:
    """The oldest first, as promptflow has them."""
    rows = yield from pages("/connections", most, orderBy="dateCreated", settings="true")
    return [wire.to_object(row) for row in rows]


def create_or_update(connection: Connection) -> Steps[Connection]:
    """Saves a connection: by its id if the server knows it, else by its name."""
    name, stored = _name_of(connection), connection._stored
    if stored and stored.name == name:
        try:
            return (yield from _changed(connection, stored, stored.version))
        except NotFoundError:
            connection._stored = (
                None  # deleted meanwhile: it is a new one, or one that somebody made anew
            )
    row = yield from _to_change(name, is_saved=True)
    if row is None and (made := (yield from _made(connection))):
        return made
    row = row or _found(name, (yield from _to_change(name, is_saved=True)))
    return (yield from _changed(connection, Stored.from_row(row)))


def create(connection: Connection) -> Steps[Connection]:
    """Creates a connection. Raises ConflictError when there is one of this name."""
    name = _name_of(connection)
    taken = yield from _to_change(name, is_saved=True)
    made = None if taken else (yield from _made(connection))
    if made is None:
        raise ConflictError(
            f"There is a connection {name!r} already. Use create_or_update or update, or choose "
            "another name."
        )
    return made


def update(connection: Connection) -> Steps[Connection]:
    """Changes a connection that exists. An object that came from the server is found by its id, so
    another name renames it.
    """
    name, stored = _name_of(connection), connection._stored
    if stored is None:
        row = _found(name, (yield from _to_change(name, is_saved=True)))
        return (yield from _changed(connection, Stored.from_row(row)))
    try:
        return (yield from _changed(connection, stored, stored.version, name))
    except NotFoundError:
        raise ConnectionNotFoundError(
            f"Connection {name!r} was deleted meanwhile. Use create to make it anew."
        ) from None


def delete(name: str, raise_error: bool = False) -> Steps[None]:
    """Deletes it; a missing one is fine unless `raise_error`."""
    row = yield from _to_change(name)
    if row is None and not raise_error:
        return
    row = _found(name, row)
    try:
        yield from ask(Call("DELETE", f"/connections/{row['id']}"))
    except NotFoundError:
        return  # somebody was faster


def set_active(name: str, is_active: bool) -> Steps[Connection]:
    """Switches it on or off."""
    row = yield from found(name)
    return wire.to_object(
        (yield from ask(Call("PATCH", f"/connections/{row['id']}", body={"isActive": is_active})))
    )


def test(connection: str | Connection) -> Steps[CheckResult]:
    """Asks the service itself: with what is stored under a name, or with what an object holds."""
    if isinstance(connection, str):
        row = _found(connection, (yield from located(connection)))
        return wire.shaped(
            CheckResult.from_row, (yield from ask(Call("POST", f"/connections/{row['id']}/test")))
        )
    stored = connection._stored
    wire.refuse_unfilled(connection, is_new=stored is None)
    settings = connection.changed_settings(stored.settings if stored else {})
    body = {"providerId": connection.provider_id, "settings": settings} | (
        {"id": stored.id} if stored else {}
    )
    return wire.shaped(
        CheckResult.from_row, (yield from ask(Call("POST", "/connections/test", body=body)))
    )


def _name_of(connection: Connection) -> str:
    if not (connection.name or "").strip():
        raise ConnectionNameNotSetError(NO_NAME)
    return str(connection.name).strip()


def _made(connection: Connection) -> Steps[Connection | None]:
    """The new connection, None when somebody made one of this name meanwhile."""
    refused: Exception | None = None
    for alias in wire.aliases(connection):
        try:
            row = yield from ask(
                Call("POST", "/connections", body=wire.new_body(connection, alias))
            )
            return _marked(connection, row)
        except (ConflictError, InvalidError) as error:
            if connection.alias or not error.is_about("/alias", ("unique", "reserved")):
                raise
            refused = error
        if (yield from located(str(connection.name))):
            return None
    raise refused or ConflictError("No alias is free for this name. Give one: alias=...")


def _changed(
    connection: Connection, stored: Stored, version: int | None = None, name: str | None = None
) -> Steps[Connection]:
    """`version`: that the row must still have; `name`: a new one."""
    body = wire.changed_body(connection, stored) | ({"name": name} if name else {})
    row = yield from ask(Call("PATCH", f"/connections/{stored.id}", body=body, if_match=version))
    return _marked(connection, row)


def _marked(connection: Connection, row: Row) -> Connection:
    """The object with the server's current row in it.

    The object that was saved is up to date with it, so it can be changed and saved again.
    """
    saved = wire.to_object(row)
    connection._stored = saved._stored
    return saved


# Profiles


def list_profiles(most: int | None) -> Steps[list[Profile]]:
    """By name."""
    if most is not None and most <= PAGE:
        rows = yield from pages("/profiles", most)
    else:  # a name may change between two pages, the date of creation not
        rows = yield from pages("/profiles", None, orderBy="dateCreated")
        rows.sort(key=lambda row: (folded(row["name"]), row["alias"]))
    return [wire.shaped(Profile.from_row, row) for row in rows[:most]]


def get_profile(id_or_alias: str, raise_error: bool = True) -> Steps[Profile | None]:
    """One profile."""
    try:
        return wire.shaped(
            Profile.from_row,
            (yield from ask(Call("GET", f"/profiles/{quote(id_or_alias, safe='')}"))),
        )
    except NotFoundError:
        if raise_error:
            raise ProfileNotFoundError(
                f"Profile {id_or_alias!r} is not found. Profiles are named by alias or id."
            ) from None
        return None
