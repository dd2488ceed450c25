"""`manage.py prune_reveals`: delete records of reads that are older than CONNECTIONS_REVEAL_DAYS.

For cron, once a day.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from connections.operator_command import OperatorCommand
from connections.promptflow import services
from connections.texts import counted

MOST_DAYS = 36_500


class Command(OperatorCommand):
    """Deletes the oldest records of who read secrets; the tokens stay."""

    help = (
        "Delete records of reads with tokens for flows that are older than CONNECTIONS_REVEAL_DAYS."
    )

    examples = """
prune_reveals
prune_reveals --days 30 --dry-run
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, help="how many days to keep, instead of CONNECTIONS_REVEAL_DAYS"
        )
        parser.add_argument("--dry-run", action="store_true", help="delete nothing, only count")

    def handle(self, *_args: Any, **options: Any) -> None:
        days = settings.CONNECTIONS_REVEAL_DAYS if options["days"] is None else options["days"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(
                f"{counted(days, 'day')} cannot be kept. Give --days, or CONNECTIONS_REVEAL_DAYS, "
                f"a number from 1 to {MOST_DAYS}."
            )
        verb = "would be deleted" if options["dry_run"] else "deleted"
        number = services.prune_reveals(days, options["dry_run"])
        old = counted(days, "day")
        self.stdout.write(f"{counted(number, 'record')} of reads older than {old} {verb}.")
