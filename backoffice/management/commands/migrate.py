"""`manage.py migrate`: Django's, one at a time, and with words for what people can mend."""

import time
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import DatabaseError, OperationalError

from backoffice.migrating import LOCK_TIMEOUT, StillMigrating, only_one, short_waits
from connections.operator_command import OperatorCommand

WAIT, TRIES, PAUSE = 600.0, 20, 1.0
# SQLSTATEs: postgresql.org/docs/current/errcodes-appendix.html
IN_THE_WAY = ("55P03", "40P01")  # the lock of somebody else, a deadlock with them
NOT_USABLE = "The database cannot be used: {}\nCheck DATABASE_URL, and that the server runs."
MAY_NOT, READ_ONLY = "42501", "25006"


class Command(OperatorCommand, migrate.Command):
    """Brings the database up to this code."""

    help = "Bring the tables of the database to what this release needs."
    requires_system_checks = "__all__"
    expected = (ImproperlyConfigured,)  # a fault of a migration needs its traceback
    examples = """
migrate
migrate --plan    # only show what would be done
migrate --wait 60    # seconds, while another process migrates
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds how long to wait for another migrate."""
        super().add_arguments(parser)
        parser.add_argument(
            "--wait",
            type=float,
            default=WAIT,
            help="seconds to wait while another process migrates (%(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Waits for its turn, then migrates. Raises CommandError."""
        try:
            if options["plan"] or options["check_unapplied"]:
                super().handle(*args, **options)
                return
            with only_one(options["wait"], self._tell_waiting), short_waits():
                self._migrate(*args, **options)
        except StillMigrating:
            raise CommandError(
                f"Another process has been migrating for {options['wait']:.0f} s. Run this again "
                "when it has ended, or with a longer --wait."
            ) from None
        except psycopg.OperationalError as error:  # of the lock, which has its own connection
            raise CommandError(NOT_USABLE.format(str(error).strip())) from error
        except DatabaseError as error:
            text = _words(error)
            if not text:
                raise
            raise CommandError(text) from error

    def _migrate(self, *args: Any, **options: Any) -> None:
        """Migrates, again while somebody else uses a table: what was applied stays applied."""
        for left in reversed(range(TRIES)):
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if _sqlstate(error) not in IN_THE_WAY or not left:
                    raise
            self.stdout.write("A table is in use by others. Trying again ...")
            time.sleep(PAUSE)

    def _tell_waiting(self) -> None:
        self.stdout.write("Another process migrates this database. Waiting for it ...")
        self.stdout.flush()


def _sqlstate(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


def _words(error: DatabaseError) -> str:
    """What happened and what helps; empty for a fault of a migration."""
    said, state = str(error).strip(), _sqlstate(error)
    if state in IN_THE_WAY:
        return (
            f"Others use a table that has to change: {TRIES} times it was not free within "
            f"{LOCK_TIMEOUT}. Nothing is half done. pg_stat_activity shows the statement or the "
            "open transaction that holds it; then run this again."
        )
    if state == MAY_NOT:
        return (
            f"The database user may not change the schema: {said}\nRun this as the owner of the "
            "tables, or give the user CREATE on the schema."
        )
    if state == READ_ONLY or "readonly database" in said:
        return f"The database can only be read: {said}\nRun this on the primary, with write access."
    if isinstance(error, OperationalError):
        return NOT_USABLE.format(said)
    return ""
