"""`manage.py token create|list|renew|revoke`: keys to the API."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.models import ApiToken
from connections.operator_command import Exit, OperatorCommand
from connections.texts import nearest

from ..named import person_named, row_named, service_account_named, team_named, token_named
from ..output import add_output, moment, print_rows

EXPIRES = (
    "days until it ends, CONNECTIONS_TOKEN_DAYS if not given; 0 for never, where that is allowed"
)
WHICH = "its prefix, name or id, as `token list` shows them"
COLUMNS = (
    *("prefix", "state", "user", "name", "scopes", "profiles", "team", "tags", "networks"),
    *("requests_per_minute", "tokens_per_day", "last_used", "ends"),
)


class Command(OperatorCommand):
    """Makes, lists and ends tokens.

    The text of a token is printed once, alone on stdout, so that a script can take it.
    """

    help = "Make, list, renew and revoke tokens of the API."
    examples = """
token create laptop --user admin --scope gateway:use
token create deploy --user admin --scope connections:write --expires 30 --network 10.0.0.0/8
token list
token list --output json    # for programs
token renew sb_Ab12Cd3 --overlap 48    # the old one works for two more days
token revoke sb_Ab12Cd3
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        create = actions.add_parser("create", help="make a token and print it, once")
        self._add_create(create)
        self._add_narrowing(create)
        add_output(actions.add_parser("list", help="list all tokens"))
        renew = actions.add_parser("renew", help="make another with the same rights, printed once")
        renew.add_argument("token", help=WHICH)
        renew.add_argument(
            "--overlap",
            type=int,
            metavar="HOURS",
            default=24,
            help="hours for which the old one still works, 24 if not given",
        )
        renew.add_argument("--expires", type=int, metavar="DAYS", help=EXPIRES)
        revoke = actions.add_parser("revoke", help="end a token now")
        revoke.add_argument("token", help=WHICH)

    @staticmethod
    def _add_narrowing(create: CommandParser) -> None:
        create.add_argument("--team", default="", help="name of a team whose rows it is for")
        create.add_argument(
            "--tag",
            action="append",
            default=[],
            dest="tags",
            help="a tag of what it is for; can be repeated",
        )
        create.add_argument(
            "--requests-per-minute",
            type=int,
            metavar="N",
            help="limit of requests through the gateway",
        )
        create.add_argument(
            "--tokens-per-day",
            type=int,
            metavar="N",
            help="limit of models' tokens, in and out, by days of UTC",
        )

    @staticmethod
    def _add_create(create: CommandParser) -> None:
        create.add_argument("name", help="what it is for, to tell tokens apart")
        whose = create.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", help="the user whose rights it has")
        whose.add_argument(
            "--service-account", metavar="NAME", help="the service account whose rights it has"
        )
        create.add_argument(
            "--scope",
            action="append",
            default=[],
            dest="scopes",
            help=f"one of {', '.join(services.Scope)}; can be repeated",
        )
        create.add_argument(
            "--profile",
            action="append",
            default=[],
            dest="profiles",
            help="id or alias of a profile it is limited to; can be repeated",
        )
        create.add_argument(
            "--network",
            action="append",
            default=[],
            dest="networks",
            help="a network in CIDR form that it may be used from; can be repeated",
        )
        create.add_argument("--expires", type=int, metavar="DAYS", help=EXPIRES)

    def handle(self, *_args: Any, **options: Any) -> None:
        act = {"create": self._create, "list": self._list, "renew": self._renew}
        act.get(options["action"], self._revoke)(options)

    def _create(self, options: dict[str, Any]) -> None:
        _refuse_unknown(options["scopes"], options["profiles"])
        account = options["service_account"]
        user = service_account_named(account).user if account else person_named(options["user"])
        names = ("scopes", "profiles", "networks", "tags", "requests_per_minute", "tokens_per_day")
        row, text = services.create_token(
            options["name"],
            user=user,
            actor=None,
            expires_in_days=options["expires"],
            team=team_named(options["team"]) if options["team"] else None,
            **{name: options[name] for name in names},
        )
        self.stdout.write(text)
        self.stderr.write(f"{row} of {user}: {', '.join(row.scopes)}. It is shown this once.")

    def _list(self, options: dict[str, Any]) -> None:
        found = ApiToken.every.select_related("user", "team").prefetch_related("profiles")
        rows = [_described(row) for row in found]
        if options["output"] == "text":
            for row in rows:
                none = "no profile any more" if row["is_limited"] else "all"
                row["profiles"] = row["profiles"] or none
        print_rows(self, rows, options, COLUMNS)

    def _renew(self, options: dict[str, Any]) -> None:
        old = self._named(options)
        row, text = services.renew_token(
            old,
            actor=None,
            overlap_hours=options["overlap"],
            expires_in_days=options["expires"],
        )
        old.refresh_from_db()
        self.stdout.write(text)
        self.stderr.write(f"{row} takes the place of {old}, which ends {old.expires_at:%F %R} UTC.")

    def _revoke(self, options: dict[str, Any]) -> None:
        token = self._named(options)
        services.revoke_token(token, actor=None)
        self.stdout.write(f"{token} is revoked.")

    def _named(self, options: dict[str, Any]) -> ApiToken:
        rows = ApiToken.objects.select_related("user")
        found: ApiToken = token_named(options["token"], rows, "token list")
        return found


def _refuse_unknown(scopes: list[str], profiles: list[str]) -> None:
    for one in scopes:
        if one not in list(services.Scope):
            near = nearest(one, services.Scope)
            there_are = f"There are {', '.join(services.Scope)}."
            raise CommandError(
                f"There is no scope {one!r}.{near} {there_are}", returncode=Exit.ARGUMENTS
            )
    for one in profiles:
        row_named("profile", one)


def _described(row: ApiToken) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "prefix": row.prefix,
        "state": row.state,
        "user": row.user.get_username(),
        "name": row.name,
        "scopes": row.scopes,
        "is_limited": row.is_limited,
        "profiles": [one.alias for one in row.profiles.all()],
        "team": row.team and row.team.name,
        "tags": row.tags,
        "networks": row.networks,
        "requests_per_minute": row.requests_per_minute,
        "tokens_per_day": row.tokens_per_day,
        "last_used": moment(row.last_used_at),
        "ends": moment(row.expires_at),
    }
