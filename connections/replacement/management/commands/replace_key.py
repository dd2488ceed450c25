"""`manage.py replace_key <alias> --from-stdin|--reference '$X:Y'`: a connection's next key."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.views.decorators.debug import sensitive_variables

from connections.management.named import row_named
from connections.models import Connection
from connections.operator_command import OperatorCommand
from connections.replacement import services

DONE = "{} has its new key, which is watched until {:%Y-%m-%d %H:%M} UTC."
NOT_WATCHED = "{} has its new key. The one before cannot be decrypted, so it is not kept."


class Command(OperatorCommand):
    """Replaces a key, goes back to the one before, or forgets it."""

    help = "Replace the key of a connection: test the next one, switch to it, watch it."
    examples = """
replace_key openai-production --from-stdin < next-key.txt
replace_key openai-production --reference '$OpenAI:NextKey'
replace_key openai-production --go-back
replace_key openai-production --forget
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the connection's alias or id")
        parser.add_argument(
            "--setting", default="", help="the setting to replace; by default its first secret"
        )
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--from-stdin", action="store_true", help="read the next key there")
        what.add_argument("--reference", default="", help="a reference to the next key: '$X:Y'")
        what.add_argument("--go-back", action="store_true", help="to the previous key")
        what.add_argument(
            "--forget", action="store_true", help="end the watch, and forget the unused key"
        )
        parser.add_argument(
            "--anyway", action="store_true", help="replace it also if the service cannot be reached"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        row = row_named("connection", options["name"])
        if options["go_back"] or options["forget"]:
            self._take_back(row, options)
        else:
            self._replace(row, options)

    @sensitive_variables("value")
    def _replace(self, row: Connection, options: dict[str, Any]) -> None:
        fields = services.key_fields(row.provider) if row.provider else {}
        value = options["reference"] or sys.stdin.read().strip()
        name = options["setting"] or next((one for one in fields if fields[one].secret), "")
        made = services.replace_key(row, {name: value}, actor=None, anyway=options["anyway"])
        text = DONE if made.is_watching else NOT_WATCHED
        self.stdout.write(text.format(row.name, made.until))

    def _take_back(self, row: Connection, options: dict[str, Any]) -> None:
        found = services.replacement_of(row)
        if found is None:
            raise CommandError(f"The key of {row.name} was never replaced.")
        if options["go_back"]:
            services.go_back(found, actor=None)
            self.stdout.write(f"{row.name} has its key from before again.")
        else:
            services.forget_other(found, actor=None)
            self.stdout.write(f"The unused key of {row.name} is forgotten.")
