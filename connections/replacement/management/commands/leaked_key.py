"""`manage.py leaked_key find|report`: whose a leaked key is, and what is done about it."""

import sys
from getpass import getpass
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.views.decorators.debug import sensitive_variables

from connections.errors import Invalid
from connections.lookup import get_by_id_or_alias
from connections.models import Connection
from connections.operator_command import OperatorCommand
from connections.replacement import services

OURS = 3
NOT_OURS = "It is not ours."


class Command(OperatorCommand):
    """Exits with 0, with 3 when `find` finds the key, 1 when it is refused, 2 for wrong
    arguments.
    """

    help = (
        "Find out whether a leaked key is one of ours: it is read from standard input or asked for,"
        " and neither stored nor logged. Switch the connection off whose key has leaked."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("find", help="every place where the key is; ends with 3 if there is one")
        report = actions.add_parser("report", help="switch a connection off")
        report.add_argument("name", help="the connection's alias or id")
        report.add_argument(
            "--revoke", action="store_true", help="end the key at its service too, for good"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["action"] == "find":
            self._find()
        else:
            self._report(options["name"], options["revoke"])

    @sensitive_variables()
    def _find(self) -> None:
        key = getpass("Leaked key: ") if sys.stdin.isatty() else sys.stdin.read()
        try:
            found = services.find_key(key, actor=None)
        except Invalid as refused:
            raise CommandError(" ".join(one.message for one in refused.errors)) from None
        for one in found:
            self.stdout.write(f"{one.row.alias}: {one.what}" if one.row else one.what)
        if found:
            sys.exit(OURS)
        self.stdout.write(NOT_OURS)

    def _report(self, name: str, revoke: bool) -> None:
        row = get_by_id_or_alias(Connection.objects.all(), name)
        if row is None:
            raise CommandError(f"There is no connection {name!r}.")
        leak = services.report_leak(row, actor=None, revoke=revoke)
        self.stdout.write(f"{row.name} is switched off. {leak.revoked}".strip())
        if leak.failed:
            self.stderr.write(f"The key was not revoked: {leak.failed}")
        if leak.by_hand:
            self.stdout.write(f"End the key by hand: {leak.by_hand}")
        for one in leak.others:
            self.stdout.write(f"The same key is in {one.alias}. Replace it there too.")
