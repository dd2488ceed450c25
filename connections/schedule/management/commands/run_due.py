"""`manage.py run_due --once`: run what is due, for cron."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error

from connections.jobs import Job
from connections.management.progress import ProgressLine
from connections.operator_command import OperatorCommand
from connections.schedule import services


class Command(OperatorCommand):
    """Checks connections and runs jobs that are due, with the lease that the workers use."""

    help = (
        "Run once what is due: checks of connections, deletion of what is too old, renewal of "
        "OAuth2 tokens. While another process does it, it does nothing."
    )

    examples = "run_due --once    # in a crontab: every five minutes"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once",
            action="store_true",
            required=True,
            help="run what is due and end (the server does the same all the time)",
        )

    def handle(self, *_args: Any, **_options: Any) -> None:
        failed: list[str] = []
        line = ProgressLine(self.stderr, "checks are made")

        def told(job: Job, is_ok: bool, said: str) -> None:
            line.end()
            self.stdout.write(f"{job.title}: {said}")
            if not is_ok:
                failed.append(job.name)

        try:
            checks = services.run_due_once(told, line)
        except Error as error:
            raise CommandError(
                f"The database does not answer ({type(error).__name__}). Nothing more was run."
            ) from None
        finally:
            line.end()
        if checks is None:
            self.stdout.write("Another process runs what is due.")
            return
        self.stdout.write(
            f"Checks of connections: {checks.made} made, {checks.failed} of them failed."
        )
        if failed:
            raise CommandError(f"Failed: {', '.join(failed)}. The log says more.")
