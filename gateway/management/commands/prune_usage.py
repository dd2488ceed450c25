"""`manage.py prune_usage`: delete usage records that are older than GATEWAY_USAGE_DAYS, and totals
that are older than GATEWAY_TOTALS_DAYS.

It is meant for cron, once a day.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from connections.operator_command import OperatorCommand
from connections.texts import counted
from gateway.usage.retention import prune

MOST_DAYS = 36_500


class Command(OperatorCommand):
    """Deletes in batches, so that it can run while the gateway works."""

    help = (
        "Delete usage records that are older than GATEWAY_USAGE_DAYS, totals of usage older than "
        "GATEWAY_TOTALS_DAYS, windows of limits older than two days, and ended cool-downs."
    )

    examples = """
prune_usage
prune_usage --days 90 --dry-run
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, help="how many days of usage to keep, instead of GATEWAY_USAGE_DAYS"
        )
        parser.add_argument("--dry-run", action="store_true", help="delete nothing, only count")

    def handle(self, *_args: Any, **options: Any) -> None:
        days = settings.GATEWAY_USAGE_DAYS if options["days"] is None else options["days"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(
                f"{counted(days, 'day')} cannot be kept. Give --days, or GATEWAY_USAGE_DAYS, "
                f"a number from 1 to {MOST_DAYS}."
            )
        pruned = prune(days, settings.GATEWAY_TOTALS_DAYS, options["dry_run"])
        verb = "would be deleted" if options["dry_run"] else "deleted"
        self.stdout.write(
            f"{counted(pruned.records, 'usage record')} older than {counted(days, 'day')} {verb}."
        )
        self.stdout.write(
            f"{pruned.totals} totals of usage, {pruned.counts} windows of limits and "
            f"{pruned.cooldowns} ended cool-downs {verb}."
        )
