"""Environment variables as a source of references."""

import os
from collections.abc import Mapping
from pathlib import Path

from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from .base import SourceError, read_value


class EnvironmentSource:
    """`OpenAI__ApiKey` for `$OpenAI:ApiKey`; `OpenAI__ApiKey_FILE` names a file that holds the
    value.

    The name may be in any case, have `:` for `__`, and `_` for the `-` and `.` that no shell sets.
    """

    name = "environment"

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._spellings: dict[str, list[str]] = {}
        self._size = -1  # of the environment, when its names were read

    def lookup(self, key: tuple[str, ...]) -> str | None:
        name = "__".join(key)
        value = self._one_of(name)
        return value if value else self._of_file(name, self._one_of(f"{name}_FILE"), value)

    def variable(self, name: str) -> str | None:
        """The variable of this name in any case, or the content of the file that `<name>_FILE`
        names.
        """
        value = self._get(name)
        return value if value else self._of_file(name, self._get(f"{name}_FILE"), value)

    def _of_file(self, name: str, path: str | None, empty: str | None) -> str | None:
        """The content of the file, `empty` without one: an empty name of a file names none."""
        if path is None or not path.strip():
            return empty
        return read_value(
            Path(path.strip()),
            format_lazy(gettext_lazy("the file that {name} names"), name=f"{name}_FILE"),
        )

    def _get(self, name: str) -> str | None:
        value = self._environ.get(name)
        if value is not None:
            return value
        wanted = name.upper()
        return next((self._environ[one] for one in self._environ if one.upper() == wanted), None)

    def _one_of(self, name: str) -> str | None:
        """The value of the variables that spell this name, an empty text when all are empty.

        Raises SourceError when they have several.
        """
        plain = spelling(name)
        names = self._spellings.get(plain, [])
        is_known = len(self._environ) == self._size and names
        if not is_known or any(one not in self._environ for one in names):
            self._read_names()
            names = self._spellings.get(plain, [])
        if len(names) == 1:
            return self._environ[names[0]]
        values = {one: self._environ[one] for one in names}
        given = {one: value for one, value in values.items() if value.strip()}
        if len(set(given.values())) > 1:
            text = gettext_noop(
                "The environment sets %(names)s, with different values. Take one out."
            )
            raise SourceError(text, names=gettext(" and ").join(sorted(given)))
        return next(iter((given or values).values()), None)

    def _read_names(self) -> None:
        self._spellings, self._size = {}, len(self._environ)
        for one in self._environ:
            self._spellings.setdefault(spelling(one), []).append(one)

    def names(self) -> list[tuple[str, ...]]:
        """The variables that have a section."""
        plain = (one.removesuffix("_FILE").replace(":", "__") for one in self._environ)
        return [tuple(one.split("__")) for one in plain if "__" in one.strip("_")]

    def holds(self, section: str) -> bool:  # noqa: ARG002
        """False: a variable proves nothing, DATABASE__URL may be anybody's."""
        return False


def spelling(name: str) -> str:
    """A name of a variable, by which others that mean the same are found."""
    return name.replace(":", "__").replace("-", "_").replace(".", "_").lower()
