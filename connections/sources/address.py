"""The address of a source, one entry of CONNECTIONS_SOURCES, taken apart."""

import importlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop

from .base import Fault, SourceError, read_value

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Address:
    """The parts of an address. `path`: without the slashes around it; `text`: without its query."""

    scheme: str
    host: str
    port: int | None
    path: str
    options: Mapping[str, str]
    text: str


def read_address(given: str) -> Address:
    """The parts of an address. Raises ValueError with a sentence that repeats no password."""
    scheme, colon, _ = given.partition(":")
    if not colon:
        raise ValueError("an entry is not an address such as directory:///run/secrets")
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        raise ValueError(f"the address of {scheme}: cannot be read") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{scheme}: has credentials in its address. Give them as variables")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    path = unquote(parts.path)
    return Address(
        scheme.lower(), parts.hostname or "", port, path, options, given.partition("?")[0]
    )


def library(module: str, package: str) -> Any:
    """A client library, imported when it is needed. Raises SourceError if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        text = gettext_noop(
            "The Python package %(package)s is not installed. Install it: .venv/bin/python -m pip "
            "install %(package)s"
        )
        raise SourceError(text, package=package) from None


def variable(*names: str) -> str:
    """The first of these variables that is set, or what is in the file that `<name>_FILE` names;
    empty if none is. Raises SourceError.
    """
    for name in names:
        if value := os.environ.get(name, "").strip():
            return value
        if path := os.environ.get(f"{name}_FILE", "").strip():
            return read_value(
                Path(path),
                format_lazy(gettext_lazy("the file that {name} names"), name=f"{name}_FILE"),
            )
    return ""


def knock(host: str, port: int, name: str) -> None:
    """Opens a connection and closes it. Raises SourceError if nobody answers."""
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise away(name, error.strerror or gettext_lazy("no answer in time")) from None


def away(name: str, reason: str | Promise) -> SourceError:
    """The error for a store that does not answer."""
    text = gettext_noop(
        "%(name)s does not answer (%(reason)s). See that it runs and can be reached from here."
    )
    return SourceError(text, Fault.AWAY, name=name, reason=reason)


def not_signed_in(name: str, cure: str | Promise) -> SourceError:
    """The error for a store that does not accept our sign-in."""
    text = gettext_noop("%(name)s does not accept the sign-in. %(cure)s")
    return SourceError(text, Fault.SIGN_IN_FAILED, name=name, cure=cure)


def denied(name: str, what: str | Promise, cure: str | Promise) -> SourceError:
    """The error for a store that refuses what it was asked for."""
    text = gettext_noop("%(name)s does not allow to read %(what)s. %(cure)s")
    return SourceError(text, Fault.DENIED, name=name, what=what, cure=cure)
