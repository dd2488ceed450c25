"""`manage.py notices list|test|retry`: where notices go, and what waits on its way there."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections.lookup import parse_id
from connections.management.output import add_output, print_rows
from connections.operator_command import OperatorCommand, not_there
from connections.texts import counted
from gateway.models import NoticeTarget
from gateway.notices import services


class Command(OperatorCommand):
    """Lists targets, tests one, and sends what waits."""

    help = "List the targets of notices and their state; send a test; try again what waits."
    examples = """
notices list
notices list --output json    # for programs
notices test on-call
notices retry on-call
notices retry    # of all targets
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="every target, and what waits for it")
        add_output(listing)
        test = actions.add_parser("test", help="send a test to a target, whatever its rules")
        test.add_argument("target", help="its name or id")
        retry = actions.add_parser("retry", help="try what waits now, not at its next time")
        retry.add_argument("target", nargs="?", default="", help="its name or id; without it, all")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["action"] == "list":
            self._list(options)
        elif options["action"] == "test":
            outcome = services.test_target(_target(options["target"]), actor=None)
            if not outcome.success:
                raise CommandError(outcome.message)
            self.stdout.write(outcome.message)
        else:
            self._retry(options["target"])

    def _list(self, options: dict[str, Any]) -> None:
        rows = [_described(one) for one in services.targets(actor=None)]
        print_rows(self, rows, options, ("name", "address", "state", "waiting"))

    def _retry(self, name: str) -> None:
        retried = services.retry_waiting(_target(name) if name else None, actor=None)
        text = f"{counted(retried.tried, 'message')} tried, {retried.left} still waiting."
        if retried.left:
            raise CommandError(f"{text} `notices list` says why.")
        self.stdout.write(text)


def _target(name: str) -> NoticeTarget:
    """The target with this id or name. Raises CommandError."""
    rows = services.targets(actor=None)
    pk = parse_id(name)
    found = list(rows.filter(pk=pk) if pk else rows.filter(name=name))
    if len(found) > 1:
        ids = ", ".join(str(one.pk) for one in found)
        raise CommandError(f"There are several targets {name!r}. Name one by its id: {ids}.")
    if not found:
        known = rows.values_list("name", flat=True)
        raise not_there("target", name, known, "notices list")
    return found[0]


def _described(row: NoticeTarget) -> dict[str, Any]:
    if not row.is_active:
        state = "switched off"
    elif row.failing_since:
        state = f"fails since {row.failing_since:%Y-%m-%d %H:%M} UTC: {row.last_error}"
    else:
        state = f"took its last message at {row.sent_at:%Y-%m-%d %H:%M} UTC" if row.sent_at else ""
    return {
        "id": str(row.pk),
        "name": row.name,
        "kind": row.kind,
        "address": row.shown,
        "state": state or "was never sent a message",
        "waiting": services.waiting(row),
    }
