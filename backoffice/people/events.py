"""Small parts of the events of people."""

from typing import Any

from connections.audit.services import Change


def differing(*changes: Change) -> list[Change]:
    """The changes that are some."""
    return [one for one in changes if one[1] != one[2]]


def roles_of(person: Any) -> str:
    """The roles of a person in a word each."""
    return ", ".join(sorted(one.name for one in person.groups.all()))


def yes_or_no(is_so: bool) -> str:
    """A column of the database that is true or false, as events have it."""
    return "yes" if is_so else "no"
