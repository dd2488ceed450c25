"""Asking a person at a terminal, without showing what is typed."""

import sys
from collections.abc import Callable, Sequence
from getpass import getpass

from ..format.documents import Document
from ..format.errors import Path, Refused

NO_TERMINAL = (
    "This must be typed, and there is no terminal. Give --set {}=..., or put a reference such as "
    "${{env:NAME}} into the file."
)
OR_SKIP = " With --skip-empty, what is empty in the file is left out."


def has_terminal() -> bool:
    """True if a person can be asked."""
    return sys.stdin.isatty()


def answered(
    document: Document, paths: Sequence[Path], say: Callable[[str], None], leading: str = ""
) -> Document:
    """Asks for the value at each path, again after an empty answer, and returns the document with
    the answers. `leading`: what stands before each in --set.

    Raises Refused without a terminal.
    """
    if not paths:
        return document
    if not has_terminal():
        more = "" if leading else OR_SKIP
        raise Refused(
            [
                (path, NO_TERMINAL.format(leading + ".".join(path)) + more * (len(path) > 1))
                for path in paths
            ]
        )
    say(
        f"Please input what {document.name or 'the connection'} needs; secrets are not shown while "
        "you type."
    )
    return document.filled(
        {path: _ask(".".join(path), document.is_secret(path), say) for path in paths}
    )


def _ask(label: str, secret: bool, say: Callable[[str], None]) -> str:
    while True:
        answer = getpass(f"{label}: ") if secret else input(f"{label}: ")
        if answer.strip():
            return answer
        say(f"{label} can't be empty.")


def confirmed(question: str) -> bool:
    """Asks a question; True for yes. Raises Refused without a terminal."""
    if not has_terminal():
        raise Refused([((), "There is no terminal to ask at. Give --yes.")])
    return input(f"{question} (y/n): ").strip().lower() in ("y", "yes")
