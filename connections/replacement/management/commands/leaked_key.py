"""`manage.py leaked_key find|report`: whose a leaked key is, and what is done about it."""

import sys
from getpass import getpass
from typing import Any

from django.core.management.base import CommandParser
from django.views.decorators.debug import sensitive_variables

from connections.management.named import row_named
from connections.operator_command import Exit, OperatorCommand
from connections.replacement import services

NOT_OURS = "It is not ours."


class Command(OperatorCommand):
    """Finds where a key is, and switches a connection off."""

    help = (
        "Find out whether a leaked key is one of ours. It is read from standard input or asked for,"
        " and neither stored nor logged. Switch the connection off whose key has leaked."
    )
    examples = """
leaked_key find < key.txt    # ends with 3 where the key is ours
leaked_key report my-openai
leaked_key report my-openai --revoke    # where the service can end keys
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("find", help="show every place where the key is")
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
        found = services.find_key(key, actor=None)
        for one in found:
            self.stdout.write(f"{one.row.alias}: {one.what}" if one.row else one.what)
        if found:
            sys.exit(Exit.FOUND)
        self.stdout.write(NOT_OURS)

    def _report(self, name: str, revoke: bool) -> None:
        row = row_named("connection", name)
        leak = services.report_leak(row, actor=None, revoke=revoke)
        self.stdout.write(f"{row.name} is switched off. {leak.revoked}".strip())
        if leak.failed:
            self.stderr.write(f"The key was not revoked: {leak.failed}")
        if leak.by_hand:
            self.stdout.write(f"End the key by hand: {leak.by_hand}")
        for one in leak.others:
            self.stdout.write(f"The same key is in {one.alias}. Replace it there too.")
