"""`manage.py purge_secrets`: an end for secrets that nothing uses any more."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.lookup import parse_id
from connections.models import Connection
from connections.operator_command import Exit, OperatorCommand, not_there


class Command(OperatorCommand):
    """Purges cleared, replaced and deleted secrets; the rows that held them stay.

    Can be run again at any time. Backups made before still hold them.
    """

    help = (
        "Purge secrets that nothing uses any more once CONNECTIONS_SECRETS_KEPT_HOURS are over. "
        "--check only counts."
    )

    examples = """
purge_secrets
purge_secrets openai-production --now    # also what was replaced a moment ago
purge_secrets --check    # ends with 3 where something is overdue
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "names", nargs="*", help="aliases or ids of connections, deleted ones too; else all"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--now", action="store_true", help="at once, so that nothing that needs them is undone"
        )
        what.add_argument("--check", action="store_true", help="only count what is left")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["check"]:
            self._check()
            return
        wanted: list[UUID | None] = [_found(name) for name in options["names"]]
        purged: dict[str, int] = {}
        for pk in wanted or [None]:
            for name, number in services.purge_secrets(pk, at_once=options["now"]).items():
                purged[name] = purged.get(name, 0) + number
        for name, number in purged.items():
            self.stdout.write(f"{name}: {number} purged")

    def _check(self) -> None:
        left = services.secrets_left()
        for one in left:
            self.stdout.write(f"{one.name}: {one.number} unused, {one.overdue} overdue")
        if any(one.overdue for one in left):
            raise CommandError(
                "Some are overdue. Run purge_secrets, or see that the schedule runs.",
                returncode=Exit.FOUND,
            )


def _found(name: str) -> UUID:
    """The id of a connection, also of one that is deleted. Raises CommandError."""
    pk, history = parse_id(name), Connection.history
    records = history.filter(id=pk) if pk else history.filter(alias=name)
    ids: set[UUID] = set(records.order_by().values_list("id", flat=True))
    if len(ids) > 1:
        raise CommandError(f"Several connections were called {name!r}: name one by its id.")
    if not ids:
        known = set(history.order_by().values_list("alias", flat=True))
        raise not_there("connection", name, known, "connection list")
    return ids.pop()
