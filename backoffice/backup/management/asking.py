"""Passphrases and progress of the commands of backups."""

import argparse
import sys
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.views.decorators.debug import sensitive_variables

from connections.management.progress import ProgressLine

EXIT = {"other_keys": 3}  # of the command, by the code of an error; 1 for all else


class Examples(argparse.RawDescriptionHelpFormatter):
    """A help text whose lines stay as they are."""


@sensitive_variables()
def passphrase(options: dict[str, Any], *, twice: bool = False) -> str:
    """The passphrase from the file, or typed; `twice` for a new one. Raises CommandError."""
    if file := options["passphrase_file"]:
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise CommandError(f"{file} cannot be read: {reason}.") from None
    if not sys.stdin.isatty():
        raise CommandError(
            "A passphrase is needed, and there is no terminal to ask at. Give --passphrase-file."
        )
    found = getpass("Passphrase: ")
    if twice and found != getpass("Again: "):
        raise CommandError("The two are not the same. Nothing was written.")
    return found


class RowCount:
    """Counts rows on a line of a terminal. Called with how many further ones are through."""

    def __init__(self, stream: Any, total: int) -> None:
        self._line, self._total, self._done = ProgressLine(stream, "rows"), total, 0

    def __call__(self, number: int) -> None:
        self._done += number
        self._line(min(self._done, self._total), self._total)

    def end(self) -> None:
        """Ends the line."""
        self._line.end()
