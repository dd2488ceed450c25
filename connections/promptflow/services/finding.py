"""Connections as promptflow names them: by id, alias or name."""

import re
from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from connections.former_aliases import COMMAND_LINE, former_aliases_among, note_asked, note_use
from connections.lookup import get_by_id_or_alias, parse_id
from connections.models import ALIAS_PATTERN, Connection
from connections.services import FieldError, Invalid

IS_ALIAS = re.compile(ALIAS_PATTERN)
LOOKS_ALIKE = (
    "{name!r} is only the alias of the connection {theirs!r}, which has another name, so it is "
    "left as it is. Choose another name, or call it {theirs!r} or by its id, {id}."
)
MEANS_TWO = (
    "{name!r} is the alias of the connection {theirs!r} ({id}) and the name of another ({named}). "
    "Use the id."
)


def find_promptflow(name: str) -> Connection | None:
    """The connection with this id, alias or former alias, else with exactly this name, None when
    there is none. At a terminal: a use of a former alias is noted for the command line.

    promptflow's names are its keys and know no rule but their letter case; ours need not be unique.
    Raises Invalid at `name` when several connections have it.
    """
    if "\x00" in name:  # PostgreSQL refuses to look for one
        return None
    if IS_ALIAS.match(name) or parse_id(name):
        found: Connection | None = get_by_id_or_alias(Connection.objects.order_by(), name)
        if found:
            note_asked(found, name, COMMAND_LINE)
            return found
    return _only_one(name, list(Connection.objects.filter(name=name).order_by("alias")[:6]))


def find_to_write(name: str) -> Connection | None:
    """The connection that a write under this name may change or delete: with this id, or with
    exactly this name; None when there is none.

    Raises Invalid at `name` when several have it, and when it is the alias of one that is called
    otherwise: nobody stored that one under this name.
    """
    return not_alike(name, find_promptflow(name))


def find_to_change(name: str) -> Connection | None:
    """The connection that somebody means who asks to change or delete it by id, alias or name.

    Raises Invalid at `name` when it is the alias of one and the name of another.
    """
    row = find_promptflow(name)
    if row and row.name != name and not parse_id(name):
        named = Connection.objects.filter(name=name).order_by("alias").first()
        if named:
            text = MEANS_TWO.format(name=name, theirs=row.name, id=row.pk, named=named.pk)
            raise Invalid([FieldError("name", "ambiguous", text)])
    return row


def not_alike(name: str, row: Connection | None) -> Connection | None:
    """The row that a name has found, unless only its alias is the same. Raises Invalid then."""
    if row is None or row.name == name or parse_id(name):
        return row
    text = LOOKS_ALIKE.format(name=name, theirs=row.name, id=row.pk)
    raise Invalid([FieldError("name", "unique", text)])


def is_alias(name: str) -> bool:
    """True if a name has the form of an alias, so that it finds the connection with that one."""
    return bool(IS_ALIAS.match(name))


def _only_one(name: str, rows: Sequence[Connection]) -> Connection | None:
    """The one row, None without any. Raises Invalid when there are several."""
    if len(rows) > 1:
        aliases = ", ".join(row.alias for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
        raise Invalid(
            [
                FieldError(
                    "name",
                    "ambiguous",
                    f"Several connections are called {name!r}. Use one of "
                    f"their aliases: {aliases}.",
                )
            ]
        )
    return rows[0] if rows else None


class Found:
    """The connections that many names mean, read in one query, and two more for names that are
    neither an alias nor an id; `find` is `find_promptflow`. `by`: who asks, to be noted with a
    former alias; empty notes nothing.
    """

    def __init__(self, names: Sequence[str], by: str = "") -> None:
        searched = {name for name in names if "\x00" not in name}
        ids = {pk for pk in map(parse_id, searched) if pk}
        rows = Connection.objects.order_by("alias").filter(
            Q(pk__in=ids) | Q(alias__in={one.lower() for one in searched}) | Q(name__in=searched)
        )
        self._keys: dict[Any, Connection] = {}
        self._names: dict[str, list[Connection]] = {}
        for row in rows:
            self._keys[row.pk] = self._keys[row.alias] = row
            self._names.setdefault(row.name, []).append(row)
        self._add_former([one.lower() for one in searched if IS_ALIAS.match(one)], by)

    def _add_former(self, aliases: Sequence[str], by: str) -> None:
        former = former_aliases_among(Connection, [one for one in aliases if one not in self._keys])
        rows = Connection.objects.in_bulk([one.row_id for one in former])
        for one in former:
            if one.row_id in rows:
                self._keys[one.alias] = rows[one.row_id]
                if by and rows[one.row_id].name != one.alias:
                    note_use(one, by)

    def find(self, name: str) -> Connection | None:
        """The connection that a name means, None without one. Raises Invalid for several."""
        is_key = parse_id(name) or IS_ALIAS.match(name)
        found = self._keys.get(parse_id(name) or name.lower()) if is_key else None
        return found or _only_one(name, self._names.get(name, ()))
