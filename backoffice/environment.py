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

from .addresses import CACHES, DATABASES, MAIL, MASK, is_whole, masked
from .keys import refuse_guessed
from .patterns import ASKED, DAYS, FALSE, KEY, LISTENING, NAME, ORIGIN, RATE, SERVED, TRUE, WHOLE
from .secret_files import entries, read_secret_file

BASE_DIR = Path(__file__).resolve().parent.parent
UNBOUNDED = 10**9  # a number that large is no bound


@dataclass(frozen=True)
class Variable:
    """A setting as it was read. `source`: environment, .env or default.

    `text`: what may be shown of it, secrets masked; `default`: the same of its default. `kind`:
    what may be written, as docs/settings.md says it.
    """

    name: str
    source: str
    text: str
    kind: str = ""
    default: str = ""


@dataclass
class Environment:
    """Reads settings. What is empty counts as not set. Every method raises ImproperlyConfigured.

    `file_name`: what .env is called here.
    """

    values: MutableMapping[str, str] = field(repr=False)
    of_file: frozenset[str] = frozenset()  # the names that came from .env
    file_name: str = ".env"
    variables: dict[str, Variable] = field(default_factory=dict)
    secret_files: set[str] = field(default_factory=set)  # names that may name one

    def text(self, name: str, default: str = "", kind: str = "a text") -> str:
        """A text. `kind`: what may be written."""
        found = self.given(name)
        self.note(name, found or default, kind, default)
        return found or default

    def secret(self, name: str) -> str:
        """A text that is never shown; a placeholder is refused."""
        found = self.given_secret(name)
        refuse_guessed(name, found, least=0)
        self.note(name, MASK if found else "", "a secret")
        return found

    def boolean(self, name: str, default: bool) -> bool:
        """True or false; a word that is neither is refused."""
        given = self.given(name).lower()
        if given and given not in TRUE + FALSE:
            raise ImproperlyConfigured(f"{name} is neither true nor false. Write true or false.")
        found = given in TRUE if given else default
        self.note(name, str(found).lower(), "`true` or `false`", str(default).lower())
        return found

    def whole(self, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number."""
        return int(self._number(name, default, (least, most), "a whole number", WHOLE))

    def number(self, name: str, default: float, *, least: float = 0, most: float = 10**9) -> float:
        """A number."""
        form = WHOLE + r"(\.[0-9]{1,20})?"
        return self._number(name, default, (least, most), "a number", form)

    def names(
        self, name: str, default: Sequence[str] = (), kind: str = "texts with commas between them"
    ) -> list[str]:
        """Texts with commas between them. `kind`: what may be written."""
        given = self.given(name)
        found = [one.strip() for one in given.split(",") if one.strip()] if given else [*default]
        self.note(name, ",".join(found), kind, ",".join(default))
        return found

    def days(self, name: str, default: Sequence[int]) -> list[int]:
        """Numbers of days with commas between them, the largest first."""
        text = "numbers of days from 1 to 999 with commas between them, such as 30,14,7,1"
        given = self._judged(name, [str(one) for one in default], DAYS, text)
        return sorted({int(one) for one in given}, reverse=True)

    def secrets(self, name: str, least: int) -> list[str]:
        """Secrets with commas between them, each of at least so many characters."""
        found = entries(self.given_secret(name))
        for one in found:
            refuse_guessed(name, one, least)
        kind = f"secrets of {least} characters or more with commas between them"
        self.note(name, ",".join([MASK] * len(found)), kind)
        return found

    def targets(self, name: str) -> list[str]:
        """Addresses with commas between them, which may hold secrets."""
        found = entries(self.given_secret(name))
        self.note(name, ",".join([MASK] * len(found)), "addresses with commas between them")
        return found

    def optional_secret(self, name: str, prefix: str) -> str:
        """A secret that begins so, or an empty text. Raises ImproperlyConfigured."""
        found = self.given_secret(name)
        if found and not found.startswith(prefix):
            raise ImproperlyConfigured(f"{name} does not begin with {prefix}.")
        self.note(name, MASK if found else "", f"a secret that begins with `{prefix}`")
        return found

    def served_hosts(self, name: str, default: Sequence[str]) -> list[str]:
        """Hosts that are served: names, `.example.com` for all below one, or `*`."""
        text = "host names without scheme, port and path, such as switchboard.example.com"
        return self._judged(name, default, SERVED, text)

    def host(self, name: str, default: str) -> str:
        """The name or address at which to listen."""
        found = self.text(name, default, "a host name or an address")
        if not LISTENING.fullmatch(found):
            raise ImproperlyConfigured(
                f"{name} is not an address to listen at. Write one such as 127.0.0.1, 0.0.0.0 or "
                "::, without scheme, brackets and port."
            )
        return found

    def asked_hosts(self, name: str) -> list[str]:
        """Hosts that may be asked: names, or `*.example.com` for all below one."""
        text = "host names without scheme, port and path, such as api.openai.com or *.example.com"
        return self._judged(name, (), ASKED, text)

    def origins(self, name: str) -> list[str]:
        """Addresses of a scheme, a host and perhaps a port."""
        text = "addresses without a path, such as https://switchboard.example.com"
        return self._judged(name, (), ORIGIN, text)

    def words(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """Names of sections, variables or keys."""
        text = "names of letters, digits, _, - and dots, with commas between them"
        return self._judged(name, default, NAME, text)

    def keys(self, name: str) -> list[str]:
        """Keys of sections, or `*` for all of one."""
        return self._judged(name, (), KEY, "keys such as Team:Region or Custom:*")

    def folder(self, name: str) -> str:
        """The path of a folder that can be read, empty for none."""
        return self._path(name, "folder", Path.is_dir, os.R_OK | os.X_OK)

    def file(self, name: str) -> str:
        """The path of a file that can be read, empty for none."""
        return self._path(name, "file", Path.is_file, os.R_OK)

    def zone(self, name: str, default: str) -> str:
        """A time zone of the IANA database."""
        found = self.text(name, default, "a time zone such as UTC or Europe/Berlin")
        try:
            ZoneInfo(found)
        except (ValueError, OSError, KeyError):
            message = f"{name} is not a time zone. Write one such as UTC or Europe/Berlin."
            raise ImproperlyConfigured(message) from None
        return found

    def level(self, name: str, default: str) -> str:
        """A level of the log."""
        levels = "DEBUG, INFO, WARNING, ERROR or CRITICAL"
        found = self.text(name, default, levels).upper()
        if found not in logging.getLevelNamesMapping():
            raise ImproperlyConfigured(f"{name} is not a level of the log. Write {levels}.")
        return found

    def rate(self, name: str, default: str) -> str:
        """Requests in a time, such as 100/min."""
        found = self.text(name, default, "requests in a second, minute, hour or day, as 6000/min")
        if not RATE.fullmatch(found):
            raise ImproperlyConfigured(f"{name} is not a rate. Write one such as 6000/min.")
        return found

    def database(self, name: str, default: str) -> dict[str, Any]:
        """The settings of Django's for a database by its address."""
        example = "postgres://user:password@host/name or sqlite:////folder/file"
        return self._address(name, default, DATABASES, example, environ.Env.db_url_config)

    def cache(self, name: str, default: str) -> dict[str, Any]:
        """The settings of Django's for a cache by its address."""
        example = "redis://127.0.0.1:6379/1"
        return self._address(name, default, CACHES, example, environ.Env.cache_url_config)

    def email(self, name: str) -> dict[str, Any]:
        """The settings of Django's for e-mail by the address of its server."""
        example = "smtp+tls://user:password@mail.example.com:587"
        return self._address(name, "", MAIL, example, environ.Env.email_url_config)

    def _judged(
        self, name: str, default: Sequence[str], form: re.Pattern[str], text: str
    ) -> list[str]:
        found = self.names(name, default, text)
        if not all(form.fullmatch(one) for one in found):
            raise ImproperlyConfigured(f"{name} holds something else than {text}. Correct it.")
        return found

    def _path(self, name: str, kind: str, is_one: Callable[[Path], bool], rights: int) -> str:
        """The path, of a relative one the one beside manage.py."""
        given = self.text(name, "", f"the path of a {kind}")
        path = BASE_DIR / given
        try:
            is_there = is_one(path)
        except OSError:  # the way to it may not be entered, or the name is too long
            is_there = False
        if given and not is_there:
            raise ImproperlyConfigured(f"{name} names a {kind} that is not there. Make it.")
        if given and not os.access(path, rights):
            raise ImproperlyConfigured(f"{name} names a {kind} that may not be read. Allow it.")
        return str(path) if given else ""

    def given(self, name: str) -> str:
        """The text as it is, without blanks around it; empty where it is not set."""
        return self.values.get(name, "").strip()

    def given_secret(self, name: str) -> str:
        """The text of a secret, or that of the file which NAME_FILE names; both are refused."""
        file = f"{name}_FILE"
        self.secret_files.add(file)
        if not self.given(file):
            return self.given(name)
        return read_secret_file(name, self.given(name), self.file(file))

    def note(self, name: str, text: str, kind: str = "a text", default: str = "") -> None:
        """Lists a setting that was read, with what may be shown of it and of its default."""
        given = f"{name}_FILE" if f"{name}_FILE" in self.variables else name
        source = self.file_name if given in self.of_file else "environment"
        source = source if self.given(given) else "default"
        self.variables[name] = Variable(name, source, text, kind, default)

    def _number(
        self, name: str, default: float, bounds: tuple[float, float], kind: str, form: str
    ) -> float:
        least, most = bounds
        given = self.given(name)
        found = float(given) if re.fullmatch(form, given) else None
        if given and (found is None or not least <= found <= most):
            raise ImproperlyConfigured(f"{name} is not {kind} from {least} to {most}.")
        self.note(name, given or f"{default:g}", f"{kind} {_shown(bounds)}", f"{default:g}")
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
        given = self.given_secret(name) or default
        kinds = ", ".join(f"{one}://" for one in schemes)
        try:
            parts = urlsplit(given)
            is_one = given.startswith(f"{parts.scheme}://") and parts.scheme in schemes
            found = read(given) if is_one and is_whole(parts) else None
        except (ValueError, LookupError, ImproperlyConfigured):
            found = None  # their messages may repeat the password
        if found is None:
            raise ImproperlyConfigured(
                f"{name} is not an address of {kinds}. Write one such as {example}, and # / @ : in "
                "its password as %23 %2F %40 %3A."
            )
        kind = f"an address of {kinds}, such as `{example}`"
        self.note(name, masked(given), kind, masked(default))
        return found


def _shown(bounds: tuple[float, float]) -> str:
    least, most = bounds
    return f"from {least:g} to {most:,.10g}" if most < UNBOUNDED else f"of {least:g} or more"


@contextmanager
def stopping() -> Iterator[None]:
    """Ends the program with a sentence where the block finds that a setting makes no sense."""
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"A setting cannot be used. {error}")
