"""`manage.py partition_usage`: daily partitions of usage records and their attempts, on PostgreSQL.

docs/scaling.md says from how many requests a day on, and what it costs.
"""

from typing import Any

from django.core.management.base import CommandError

from connections.operator_command import OperatorCommand
from gateway.usage.partitionable import PartitioningError
from gateway.usage.partitioning import partition


class Command(OperatorCommand):
    """Runs while the gateway works, and can be run again after it was interrupted."""

    help = (
        "Turn the tables of usage records and attempts into tables with a partition for each day, "
        "so that old days are dropped instead of deleted row by row. For PostgreSQL only; once."
    )

    examples = "partition_usage    # with PostgreSQL's defaults GATEWAY_USAGE_DAYS is at most 143"

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            partition(self._tell)
        except PartitioningError as error:
            raise CommandError(str(error)) from None

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
