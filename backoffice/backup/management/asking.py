"""What both commands of backups share: their help, refusals, passphrases and progress."""

import sys
from abc import abstractmethod
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django.views.decorators.debug import sensitive_variables

from backoffice.backup.services import BackupError, Manifest
from connections.management.progress import ProgressLine
from connections.operator_command import Exit, OperatorCommand

EXIT = {"other_keys": Exit.FOUND}  # by the code of an error


class BackupCommand(OperatorCommand):
    """A command on the file of a backup. `unchanged`: what is told besides where the database
    fails.
    """

    unchanged = ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="the file of the backup")
        parser.add_argument(
            "--passphrase-file", metavar="F", help="holds the passphrase; without it, it is asked"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self.act(options)
        except BackupError as error:
            raise CommandError(str(error), returncode=EXIT.get(error.code, Exit.REFUSED)) from None
        except DatabaseError as error:
            name = type(error).__name__
            raise CommandError(
                f"The database does not answer as it should ({name}). {self.unchanged}"
            ) from None

    @abstractmethod
    def act(self, options: dict[str, Any]) -> None:
        """Does what the options say. Raises BackupError and DatabaseError."""


def made_at(manifest: Manifest) -> str:
    """When a backup was made, for people."""
    return f"{manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"


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
