"""`manage.py rotate_credentials`: encrypt everything with the newest key of FERNET_KEYS."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.credentials import key_ids
from connections.operator_command import Exit, OperatorCommand

from ..progress import ProgressLine


class Command(OperatorCommand):
    """Re-encrypts rows and history.

    Can be run again at any time; what no key opens is left as it is.
    """

    help = "Encrypt all stored credentials with the newest key of FERNET_KEYS. --check only counts."

    examples = """
rotate_credentials
rotate_credentials --check    # ends with 3 while an older key is needed, or a key is missing
rotate_credentials --bind    # after a restore of a backup that an older version made
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="only count what each key opens",
        )
        parser.add_argument(
            "--bind",
            action="store_true",
            help="accept secrets where a backup or an older version stored them; look first",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if not key_ids():
            raise CommandError("FERNET_KEYS is not set. See SECURITY.md.")
        if options["bind"]:
            self.stdout.write(f"{services.bind_credentials()} bound to where they are.")
        if not options["check"]:
            line = ProgressLine(self.stderr, "encrypted again")
            number = services.rotate_credentials(line)
            line.end()
            self.stdout.write(f"{number} encrypted again with the newest key.")
        report = services.key_report()
        for position, (key, count) in enumerate(report.counts.items()):
            self.stdout.write(
                f"key {position + 1} ({key}{', newest' if position == 0 else ''}): {count}"
            )
        self.stdout.write(f"no key: {report.unreadable}")
        if options["check"] and not report.is_rotated:
            raise CommandError(
                "An older key is still needed. Run rotate_credentials, then remove it.",
                returncode=Exit.FOUND,
            )
        if options["check"] and report.unreadable:
            raise CommandError(
                f"No key opens {report.unreadable}. Add the key with which they were stored to "
                "FERNET_KEYS, or enter these credentials again.",
                returncode=Exit.FOUND,
            )
