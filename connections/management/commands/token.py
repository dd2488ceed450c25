"""`manage.py token create|list|renew|revoke`: keys to the API."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.models import SUFFIX, ApiToken
from connections.operator_command import OperatorCommand

EXPIRES = (
    "days until it ends, CONNECTIONS_TOKEN_DAYS if not given; 0 for never, where that is allowed"
)
WHICH = "its prefix, as `token list` shows it, or its id"


class Command(OperatorCommand):
    """Makes, lists and ends tokens.

    The text of a token is printed once, alone on stdout, so that a script can take it.
    """

    help = "Make, list, renew and revoke tokens of the API."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a token and print it, once")
        self._add_create(create)
        self._add_narrowing(create)
        actions.add_parser("list", help="list all tokens")
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

    @staticmethod
    def _add_create(create: CommandParser) -> None:
        create.add_argument("name")
        whose = create.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", help="whose rights it has")
        whose.add_argument("--service-account", metavar="NAME", help="the same, if it is one")
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
            help="where it may be used from; can be repeated",
        )
        create.add_argument("--expires", type=int, metavar="DAYS", help=EXPIRES)
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

    def handle(self, *_args: Any, **options: Any) -> None:
        act = {"create": self._create, "list": self._list, "renew": self._renew}
        act.get(options["action"], self._revoke)(options)

    def _create(self, options: dict[str, Any]) -> None:
        account = options["service_account"]
        name = f"{account}{SUFFIX}" if account else options["user"]
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r}.")
        limits = {
            name: options[name]
            for name in (
                *("scopes", "profiles", "networks", "tags"),
                *("requests_per_minute", "tokens_per_day"),
            )
        }
        try:
            named = options["team"]
            team = services.team_named(named, actor=None) if named else None
            row, text = services.create_token(
                options["name"],
                user=user,
                actor=None,
                expires_in_days=options["expires"],
                team=team,
                **limits,
            )
        except services.Invalid as refused:
            raise CommandError(" ".join(error.message for error in refused.errors)) from None
        self.stdout.write(text)
        self.stderr.write(f"{row} of {user}: {', '.join(row.scopes)}. It is shown this once.")

    def _list(self, _options: dict[str, Any]) -> None:
        for row in ApiToken.every.select_related("user", "team").prefetch_related("profiles"):
            profiles = ",".join(profile.alias for profile in row.profiles.all()) or (
                "no profile any more" if row.is_limited else "all profiles"
            )
            limits = (
                [f"{row.requests_per_minute} requests a minute"] if row.requests_per_minute else []
            )
            limits += [f"{row.tokens_per_day} tokens a day"] if row.tokens_per_day else []
            used = f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never used"
            limits += [f"from {','.join(row.networks)}"] if row.networks else []
            limits += [f"team {row.team}"] if row.team else []
            limits += [f"tags {','.join(row.tags)}"] if row.tags else []
            ends = f"ends {row.expires_at:%Y-%m-%d}" if row.expires_at else "no end"
            self.stdout.write(
                "  ".join(
                    [
                        row.prefix,
                        row.state,
                        row.user.get_username(),
                        row.name,
                        ",".join(row.scopes),
                        profiles,
                        *limits,
                        used,
                        ends,
                    ]
                )
            )

    def _renew(self, options: dict[str, Any]) -> None:
        old = self._named(options)
        try:
            row, text = services.renew_token(
                old,
                actor=None,
                overlap_hours=options["overlap"],
                expires_in_days=options["expires"],
            )
        except services.Invalid as refused:
            raise CommandError(" ".join(error.message for error in refused.errors)) from None
        old.refresh_from_db()
        self.stdout.write(text)
        self.stderr.write(f"{row} takes the place of {old}, which ends {old.expires_at:%F %R} UTC.")

    def _revoke(self, options: dict[str, Any]) -> None:
        token = self._named(options)
        services.revoke_token(token, actor=None)
        self.stdout.write(f"{token} is revoked.")

    def _named(self, options: dict[str, Any]) -> ApiToken:
        wanted = options["token"].strip()
        rows = [
            row
            for row in ApiToken.objects.select_related("user")
            if wanted in (row.prefix, str(row.pk))
        ]
        if len(rows) != 1:
            raise CommandError(f"There is no token {wanted!r}. `token list` shows them.")
        return rows[0]
