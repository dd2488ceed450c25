"""The settings that come from the environment or from .env, read by name and judged when they are
read: one that makes no sense stops the start with a sentence that repeats nothing of it.
"""

import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

from providers.core import env_file

BASE_DIR = Path(__file__).resolve().parent.parent
TRUE, FALSE = ("true", "yes", "on", "1", "y", "ok"), ("false", "no", "off", "0", "n")
DATABASES = ("sqlite", "postgres", "postgresql")
CACHES = ("locmemcache", "redis", "rediss")
RATE = re.compile(r"[1-9]\d*/(?:s|sec|second|m|min|minute|h|hour|d|day)")
MASK = "***"
# In an address. A password may hold any sign that was not encoded, and stand in the query too.
PASSWORD, QUERY = re.compile(r"(://[^:/@]*:).*@", re.DOTALL), re.compile(r"\?.*", re.DOTALL)


@dataclass(frozen=True)
class Variable:
    """A setting as it was read. `source`: environment, .env or default.

    `text`: what may be shown of it, secrets masked.
    """

    name: str
    source: str
    text: str


@dataclass
class Environment:
    """Reads settings. What is empty counts as not set. Every method raises ImproperlyConfigured."""

    values: MutableMapping[str, str] = field(repr=False)
    of_file: frozenset[str] = frozenset()  # the names that came from .env
    variables: dict[str, Variable] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        found = self._given(name)
        self._note(name, found or default)
        return found or default

    def secret(self, name: str) -> str:
        """A text that is never shown."""
        found = self._given(name)
        self._note(name, MASK if found else "")
        return found

    def boolean(self, name: str, default: bool) -> bool:
        """True or false; a word that is neither is refused."""
        given = self._given(name).lower()
        if given and given not in TRUE + FALSE:
            raise ImproperlyConfigured(f"{name} is neither true nor false. Write true or false.")
        found = given in TRUE if given else default
        self._note(name, str(found).lower())
        return found

    def whole(self, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number."""
        return int(self._number(name, default, least, most, "a whole number", r"-?\d{1,20}"))

    def number(self, name: str, default: float, *, least: float = 0, most: float = 1e9) -> float:
        """A number."""
        return self._number(name, default, least, most, "a number", r"-?\d{1,20}(?:\.\d{1,20})?")

    def names(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """Texts with commas between them."""
        given = self._given(name)
        found = [one.strip() for one in given.split(",") if one.strip()] if given else [*default]
        self._note(name, ",".join(found))
        return found

    def secrets(self, name: str, least: int) -> list[str]:
        """Secrets with commas between them, each of at least so many characters."""
        found = [one.strip() for one in self._given(name).split(",") if one.strip()]
        if any(len(one) < least for one in found):
            raise ImproperlyConfigured(
                f"{name} has a key of less than {least} characters, which can be guessed. Make a "
                "longer one."
            )
        self._note(name, ",".join([MASK] * len(found)))
        return found

    def folder(self, name: str) -> str:
        """The path of a folder that is there, empty for none."""
        found = self.text(name)
        if found and not Path(found).is_dir():
            raise ImproperlyConfigured(f"{name} names a folder that is not there. Make it.")
        return found

    def file(self, name: str) -> str:
        """The path of a file that is there, empty for none."""
        found = self.text(name)
        if found and not Path(found).is_file():
            raise ImproperlyConfigured(f"{name} names a file that is not there. Make it.")
        return found

    def zone(self, name: str, default: str) -> str:
        """A time zone of the IANA database."""
        found = self.text(name, default)
        try:
            ZoneInfo(found)
        except (ValueError, OSError, KeyError):
            message = f"{name} is not a time zone. Write one such as UTC or Europe/Berlin."
            raise ImproperlyConfigured(message) from None
        return found

    def level(self, name: str, default: str) -> str:
        """A level of the log."""
        found = self.text(name, default).upper()
        if found not in logging.getLevelNamesMapping():
            levels = "DEBUG, INFO, WARNING, ERROR or CRITICAL"
            raise ImproperlyConfigured(f"{name} is not a level of the log. Write {levels}.")
        return found

    def rate(self, name: str, default: str) -> str:
        """Requests in a time, such as 100/min."""
        found = self.text(name, default)
        if not RATE.fullmatch(found):
            raise ImproperlyConfigured(f"{name} is not a rate. Write one such as 6000/min.")
        return found

    def database(self, name: str, default: str) -> dict[str, Any]:
        """The settings of Django's for a database by its address."""
        example = "postgres://user:password@host/name"
        return self._address(name, default, DATABASES, example, environ.Env.db_url_config)

    def cache(self, name: str, default: str) -> dict[str, Any]:
        """The settings of Django's for a cache by its address."""
        example = "redis://127.0.0.1:6379/1"
        return self._address(name, default, CACHES, example, environ.Env.cache_url_config)

    def _given(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def _note(self, name: str, text: str) -> None:
        is_set = bool(self._given(name))
        source = "default" if not is_set else ".env" if name in self.of_file else "environment"
        self.variables[name] = Variable(name, source, text)

    def _number(
        self, name: str, default: float, least: float, most: float, kind: str, form: str
    ) -> float:
        given = self._given(name)
        found = float(given) if re.fullmatch(form, given) else None
        if given and (found is None or not least <= found <= most):
            raise ImproperlyConfigured(f"{name} is not {kind} from {least:g} to {most:g}.")
        self._note(name, given or f"{default:g}")
        return default if found is None else found

    def _address(
        self,
        name: str,
        default: str,
        schemes: Sequence[str],
        example: str,
        read: Callable[[str], dict[str, Any]],
    ) -> dict[str, Any]:
        """What an address says, as Django's settings."""
        given = self._given(name) or default
        try:
            parts = urlsplit(given)
            if parts.scheme.startswith("postgres"):
                parts.port  # noqa: B018 raises ValueError for one that is not a number
            found = read(given) if parts.scheme in schemes else None
        except (ValueError, LookupError, ImproperlyConfigured):
            found = None  # their messages may repeat the password
        if found is None:
            kinds = ", ".join(f"{one}://" for one in schemes)
            message = f"{name} is not an address of {kinds}. Write one such as {example}"
            raise ImproperlyConfigured(message)
        self._note(name, QUERY.sub(f"?{MASK}", PASSWORD.sub(rf"\1{MASK}@", given)))
        return found


def read_environment(path: Path = BASE_DIR / ".env") -> Environment:
    """The environment, with what the file adds to it. Raises ImproperlyConfigured."""
    before = set(os.environ)
    try:
        env_file.load_env_file(path, os.environ)
    except env_file.EnvFileError as error:
        raise ImproperlyConfigured(f"{path.name}: {error}") from None
    return Environment(os.environ, frozenset(os.environ.keys() - before))


@contextmanager
def stopping() -> Iterator[None]:
    """Ends the program with a sentence where the block finds that a setting makes no sense."""
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"A setting cannot be used. {error}")
