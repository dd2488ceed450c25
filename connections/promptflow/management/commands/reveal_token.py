"""`manage.py reveal_token`: a key with which promptflow's flows read connections, secrets
included.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from connections import services as core
from connections.operator_command import OperatorCommand
from connections.promptflow import services


class Command(OperatorCommand):
    """Makes a token. Its text is printed once, alone on stdout, so that a script can take it."""

    help = (
        "Make a token for flows and print it, once. The endpoint of a flow is https://<this "
        "host>/promptflow/<the token>."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--user", required=True, help="the administrator who answers for it")
        what = "id or alias of one it may read; can be repeated"
        parser.add_argument(
            "--connection", action="append", required=True, dest="connections", help=what
        )
        parser.add_argument(
            "--network",
            action="append",
            default=[],
            dest="networks",
            help="where it may be used from; can be repeated",
        )
        parser.add_argument(
            "--expires",
            type=int,
            metavar="DAYS",
            default=90,
            help="days until it ends, 90 if not given",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        chosen = {name: options[name] for name in ("connections", "networks")}
        try:
            row, text = services.create_reveal_token(
                options["name"], user=user, actor=None, expires_in_days=options["expires"], **chosen
            )
        except core.Invalid as refused:
            raise CommandError(" ".join(error.message for error in refused.errors)) from None
        self.stdout.write(text)
        self.stderr.write(
            f"{row} of {user} reads {', '.join(options['connections'])} until "
            f"{row.expires_at:%Y-%m-%d}. It is shown this once."
        )
