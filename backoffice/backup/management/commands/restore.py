"""`manage.py restore`: a backup in place of what is here."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.views.decorators.debug import sensitive_variables

from backoffice.backup import services
from connections.texts import counted

from ..asking import BackupCommand, RowCount, made_at, passphrase

MOST_NAMES = 20


class Command(BackupCommand):
    """Restores a backup, or writes the keys that it holds. See docs/backup.md."""

    help = (
        "Restore a backup: all of it, or nothing. docs/backup.md says it step by step. It ends "
        "with 3 where the keys here do not open the backup. Then nothing was changed."
    )
    examples = """
restore monday.zip --keys-to keys.env    # first, if the keys are gone: write those it holds
restore monday.zip    # into an empty database, of SQLite or PostgreSQL
restore monday.zip --replace    # in place of a running installation: it asks first
"""
    unchanged = "Nothing was changed."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--replace", action="store_true", help="also in place of an installation that is in use"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask before that")
        parser.add_argument(
            "--safety-copy",
            metavar="F",
            type=Path,
            help="where a backup of what is replaced goes; without it, beside FILE",
        )
        parser.add_argument(
            "--no-safety-copy", action="store_true", help="make no backup of what is replaced"
        )
        parser.add_argument(
            "--other-keys",
            action="store_true",
            help="also where the keys here do not open it: those secrets stay closed",
        )
        parser.add_argument(
            "--keys-to",
            metavar="F",
            type=Path,
            help="restore nothing: write the keys that FILE holds into a new file",
        )

    def act(self, options: dict[str, Any]) -> None:
        """Restores FILE, or with --keys-to writes its keys."""
        if options["keys_to"]:
            self._write_keys(options)
        else:
            self._restore(options)

    @sensitive_variables()
    def _write_keys(self, options: dict[str, Any]) -> None:
        to = options["keys_to"]
        names = services.unseal_keys(options["file"], passphrase(options), to)
        self.stdout.write(
            f"{to} has {', '.join(names)}. Put these lines into .env, restore the backup, and "
            "delete the file."
        )

    def _restore(self, options: dict[str, Any]) -> None:
        file = options["file"]
        is_used = services.is_in_use()
        copy = options["safety_copy"] or services.suggested_safety_copy(file)
        safety = copy if is_used and not options["no_safety_copy"] else None
        if is_used and options["replace"] and not options["yes"]:
            self._ask(file)
        line = RowCount(self.stderr, 2 * services.rows_in(file))
        found = services.restore_backup(
            file,
            replaces=options["replace"],
            with_other_keys=options["other_keys"],
            safety_copy=safety,
            told=line,
        )
        line.end()
        self._tell(found, file)
        if safety:
            self.stdout.write(f"{safety} is a backup of what was here before.")

    def _ask(self, file: Path) -> None:
        if not sys.stdin.isatty():
            raise CommandError("There is no terminal to ask at. Give --yes.")
        self.stderr.write(f"Everything here is replaced by {file}: what came after it is gone.")
        if input("Type restore to go on: ").strip() != "restore":
            raise CommandError("Nothing was changed.")

    def _tell(self, found: services.Restored, file: Path) -> None:
        manifest = found.manifest
        self.stdout.write(
            f"Restored {file} of {made_at(manifest)}: {counted(found.rows, 'row')}. "
            "All are signed out."
        )
        if found.keeps_audit:
            self.stdout.write("The audit stayed: it has all of the backup's, and what came after.")
        if found.changed:
            self.stdout.write(
                f"In {counted(found.changed, 'row')} a character that PostgreSQL cannot store is "
                "now U+FFFD."
            )
        for kind, names in found.again.items():
            more = ", ..." if len(names) > MOST_NAMES else ""
            listed = ", ".join(names[:MOST_NAMES])
            self.stdout.write(
                f"In force again, and ended or deleted since the backup: {len(names)} {kind}: "
                f"{listed}{more}"
            )
        if found.again:
            self.stdout.write("Look through them: end again what must not be.")
