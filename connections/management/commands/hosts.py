"""`manage.py hosts list|approve|refuse|forget`: where the secrets of references may go."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.destinations import host_approvals
from connections.models import HostApproval, Team
from connections.operator_command import Exit, OperatorCommand
from connections.texts import nearest

from ..named import team_named
from ..output import add_output, print_json

STATES = {"approve": HostApproval.State.APPROVED, "refuse": HostApproval.State.REFUSED}
UNKNOWN = "Nobody asked for {} to go to {}.{} `hosts list` shows who asked for what."


class Command(OperatorCommand):
    """Lists hosts and decides about them."""

    help = "List the hosts that the secrets of references may go to; approve, refuse or forget one."
    examples = """
hosts list --state requested
hosts list --output json    # for programs
hosts approve OpenAI https://eu.api.openai.com
hosts approve OpenAI https://eu.api.openai.com --team Support    # for its connections only
hosts refuse OpenAI https://proxy.example.com
hosts forget OpenAI https://proxy.example.com
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="every host that was asked for")
        listing.add_argument("--state", choices=HostApproval.State.values, help="only these")
        add_output(listing)
        for name, text in (
            ("approve", "let the secrets of a section go to a host"),
            ("refuse", "keep them from it"),
            ("forget", "take the answer away: the next save or test asks again"),
        ):
            one = actions.add_parser(name, help=text)
            one.add_argument("section", help="as `hosts list` shows it")
            one.add_argument("host", help="as `hosts list` shows it")
            one.add_argument("--team", help="only for the connections of this team")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["action"] == "list":
            self._list(options)
            return
        section, host = options["section"].removeprefix("$").lower(), options["host"]
        team = team_named(options["team"]) if options["team"] else None
        row = self._row(section, host, team, options["action"] == "forget")
        try:
            if options["action"] == "forget":
                services.forget_host(row, actor=None)
            else:
                services.decide_host(row, STATES[options["action"]], actor=None, team=team)
        except HostApproval.DoesNotExist:  # somebody forgot it meanwhile
            raise _unknown(section, host) from None
        self.stdout.write(f"{section} to {host}: {options['action']} done.")

    @staticmethod
    def _row(section: str, host: str, team: Team | None, is_own: bool) -> HostApproval:
        """The answer for a team, None for all; else any for this host that can become it, unless
        it must be `is_own`.
        """
        rows = HostApproval.objects.filter(section=section, host=host)
        found = rows.filter(team=team).first() or (None if is_own else rows.first())
        if found is None:
            raise _unknown(section, host)
        return found

    def _list(self, options: dict[str, Any]) -> None:
        rows = [
            {
                "section": row.section,
                "host": row.host,
                "state": row.state,
                "team": row.team and row.team.name,
                "connection": row.connection and row.connection.alias,
                "requested_by": row.requested_by and str(row.requested_by),
                "date_requested": row.date_requested.isoformat(timespec="seconds"),
                "decided_by": row.decided_by and str(row.decided_by),
                "date_decided": row.date_decided and row.date_decided.isoformat(timespec="seconds"),
            }
            for row in host_approvals(options["state"] or "")
        ]
        if options["output"] == "json":
            print_json(self, rows)
            return
        if not rows:
            self.stderr.write("There are none.", style_func=str)
        for row in rows:
            asked = f"asked for by {row['requested_by'] or 'this machine'}"
            team = f" for the team {row['team']}" if row["team"] else ""
            of = f" for {row['connection']}" if row["connection"] else ""
            self.stdout.write(
                f"{row['state']:<10} {row['section']} to {row['host']}{team}, {asked}{of} at "
                f"{row['date_requested']}{_decision(row)}"
            )


def _unknown(section: str, host: str) -> CommandError:
    known = HostApproval.objects.filter(section=section).values_list("host", flat=True)
    text = UNKNOWN.format(section, host, nearest(host, known))
    return CommandError(text, returncode=Exit.MISSING)


def _decision(row: dict[str, Any]) -> str:
    """Who decided and when, empty where nobody did. A terminal has no name."""
    if not row["date_decided"]:
        return ""
    by = row["decided_by"] or "the command line"
    return f"; {row['state']} by {by} at {row['date_decided']}"
