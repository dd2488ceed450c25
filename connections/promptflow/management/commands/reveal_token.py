"""`manage.py reveal_token create|list|revoke`: keys with which promptflow's flows read connections,
secrets included.
"""

from typing import Any

from django.core.management.base import CommandParser

from connections import services as core
from connections.management.named import person_named, row_named, token_named
from connections.management.output import add_output, moment, print_rows
from connections.models import RevealToken
from connections.operator_command import OperatorCommand
from connections.promptflow import services

COLUMNS = (
    *("prefix", "state", "user", "name", "connections", "team", "networks"),
    *("last_used", "ends"),
)


class Command(OperatorCommand):
    """Makes, lists and ends tokens for flows.

    The text of a token is printed once, alone on stdout, so that a script can take it.
    """

    help = (
        "Make, list and revoke tokens for flows. The endpoint of a flow is "
        "https://HOST/promptflow/TOKEN."
    )
    examples = """
reveal_token create shop-flow --user admin --connection my-openai --connection my-search
reveal_token create shop-flow --user admin --connection my-openai --expires 30
reveal_token list
reveal_token list --output json    # for programs
reveal_token revoke sbr_Ab12Cd3
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._add_create(actions.add_parser("create", help="make a token and print it, once"))
        add_output(actions.add_parser("list", help="list all tokens for flows"))
        revoke = actions.add_parser("revoke", help="end a token now")
        revoke.add_argument(
            "token", help="its prefix, name or id, as `reveal_token list` shows them"
        )

    @staticmethod
    def _add_create(create: CommandParser) -> None:
        create.add_argument("name", help="the flow that it is for, to tell tokens apart")
        create.add_argument("--user", required=True, help="the administrator who answers for it")
        create.add_argument(
            "--connection",
            action="append",
            required=True,
            dest="connections",
            metavar="CONNECTION",
            help="id, alias or promptflow's name of one it may read; can be repeated",
        )
        create.add_argument(
            "--network",
            action="append",
            default=[],
            dest="networks",
            metavar="NETWORK",
            help="a network in CIDR form that it may be used from; can be repeated",
        )
        create.add_argument(
            "--expires",
            type=int,
            metavar="DAYS",
            default=90,
            help="days until it ends (90)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        user = person_named(options["user"])
        rows = [
            services.find_promptflow(one) or row_named("connection", one)
            for one in options["connections"]
        ]
        row, text = services.create_reveal_token(
            options["name"],
            user=user,
            actor=None,
            expires_in_days=options["expires"],
            connections=[str(one.pk) for one in rows],
            networks=options["networks"],
        )
        self.stdout.write(text)
        names = ", ".join(one.alias for one in rows)
        self.stderr.write(
            f"{row} of {user} reads {names} until {row.expires_at:%Y-%m-%d}. It is shown this once."
        )

    def _list(self, options: dict[str, Any]) -> None:
        found = services.reveal_tokens(None).prefetch_related("connections")
        print_rows(self, [_described(row) for row in found], options, COLUMNS)

    def _revoke(self, options: dict[str, Any]) -> None:
        found = services.reveal_tokens(None)
        token: RevealToken = token_named(options["token"], found, "reveal_token list")
        core.revoke_token(token, actor=None)
        self.stdout.write(f"{token} is revoked.")


def _described(row: RevealToken) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "prefix": row.prefix,
        "state": row.state,
        "user": row.user.get_username(),
        "name": row.name,
        "connections": [one.alias for one in row.connections.all()],
        "team": row.team and row.team.name,
        "networks": row.networks,
        "last_used": moment(row.last_used_at),
        "ends": moment(row.expires_at),
    }
