"""`manage.py team list|add|rename|limit|delete|member|remove|move|share|unshare|section`: teams."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.models import Level, Role, Team
from connections.operator_command import OperatorCommand

from ..named import KINDS, person_named, row_named, team_named
from ..output import add_output, print_rows

WHICH = "the name or id of a team"


class Command(OperatorCommand):
    """Makes teams, and says who and what belongs to them. It may everything."""

    help = "List, make and delete teams, and say who and what belongs to them."
    examples = """
team list
team list --output json    # for programs
team add Support
team rename Support Service
team limit Support --tokens-per-day 2000000
team limit Support    # no limit any more
team delete Support --to Sales    # which gets what it has
team member Support anna operator
team remove Support anna
team move connection openai-production Support --with-profiles
team share connection openai-production Sales use
team unshare connection openai-production Sales
team section    # every section that belongs to teams
team section OpenAI Support Sales    # only these may name $OpenAI:...
team section OpenAI --to-all
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add_output(actions.add_parser("list", help="list all teams, with their members"))
        add = actions.add_parser("add", help="make a team")
        add.add_argument("team", help="its name")
        rename = actions.add_parser("rename", help="give a team another name")
        rename.add_argument("team", help=WHICH)
        rename.add_argument("name", help="the name that it gets")
        limit = actions.add_parser("limit", help="limit all tokens of a team together")
        limit.add_argument("team", help=WHICH)
        limit.add_argument("--requests-per-minute", type=int, help="left out: no limit")
        limit.add_argument("--tokens-per-day", type=int, help="left out: no limit")
        delete = actions.add_parser("delete", help="delete a team")
        delete.add_argument("team", help=WHICH)
        heirs = delete.add_mutually_exclusive_group()
        heirs.add_argument("--to", metavar="TEAM", help="the team that gets what it has")
        heirs.add_argument(
            "--to-all", action="store_true", help="what it has belongs to no team any more"
        )
        member = actions.add_parser("member", help="take somebody in, or change their role")
        for one in (member, actions.add_parser("remove", help="take somebody out")):
            one.add_argument("team", help=WHICH)
            one.add_argument("user", help="the name of a user")
        member.add_argument("role", choices=Role.values, help="what the user may do in the team")
        section = actions.add_parser("section", help="say which teams may name a section")
        section.add_argument("name", nargs="?", help="OpenAI, Env:NAME; left out: list them")
        section.add_argument("teams", nargs="*", metavar="team", help="none: show its teams")
        section.add_argument("--to-all", action="store_true", help="any connection may name it")
        self._add_rows(actions)

    @staticmethod
    def _add_rows(actions: Any) -> None:
        move = actions.add_parser("move", help="move a connection or a profile to a team")
        share = actions.add_parser("share", help="let another team see or use one")
        unshare = actions.add_parser("unshare", help="end a share")
        for one in (move, share, unshare):
            one.add_argument("kind", choices=KINDS, help="what kind of row it is")
            one.add_argument("row", help="its id or alias")
            one.add_argument("team", help=WHICH + (", or `all`" * (one is move)))
        move.add_argument("--with-profiles", action="store_true", help="its profiles go along")
        share.add_argument("level", choices=Level.values, help="how far the share goes")

    def handle(self, *_args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = [
            {
                "team": team.name,
                "members": [f"{one.user} ({one.role})" for one in services.members_of(team)],
                "requests_per_minute": team.requests_per_minute,
                "tokens_per_day": team.tokens_per_day,
            }
            for team in Team.objects.all()
        ]
        print_rows(
            self, rows, options, ("team", "members", "requests_per_minute", "tokens_per_day")
        )

    def _add(self, options: dict[str, Any]) -> None:
        team = services.create_team(options["team"], actor=None)
        self.stdout.write(f"{team} is made.")

    def _rename(self, options: dict[str, Any]) -> None:
        team = services.rename_team(self._team(options), options["name"], actor=None)
        self.stdout.write(f"It is called {team} now.")

    def _limit(self, options: dict[str, Any]) -> None:
        limits = {name: options[name] for name in ("requests_per_minute", "tokens_per_day")}
        team = services.limit_team(self._team(options), **limits, actor=None)
        told = [f"{value} {name.replace('_', ' ')}" for name, value in limits.items() if value]
        self.stdout.write(f"{team}: {', '.join(told) or 'no limit'}.")

    def _delete(self, options: dict[str, Any]) -> None:
        heir = team_named(options["to"]) if options["to"] else None
        team = self._team(options)
        services.delete_team(team, actor=None, heir=heir, is_for_all=options["to_all"])
        self.stdout.write(f"{team} is deleted.")

    def _member(self, options: dict[str, Any]) -> None:
        made = services.set_member(
            self._team(options), self._user(options), options["role"], actor=None
        )
        self.stdout.write(f"{made.user} is {made.get_role_display()} of {made.team} now.")

    def _remove(self, options: dict[str, Any]) -> None:
        team, user = self._team(options), self._user(options)
        if not services.remove_member(team, user, actor=None):
            raise CommandError(f"{user} is not in {team}.")
        self.stdout.write(f"{user} is not in {team} any more.")

    def _move(self, options: dict[str, Any]) -> None:
        team = None if options["team"] == "all" else self._team(options)
        along = options["with_profiles"]
        number = services.move_to_team([self._row(options)], team, actor=None, with_profiles=along)
        self.stdout.write(f"{number} moved.")

    def _share(self, options: dict[str, Any]) -> None:
        row, team = self._row(options), self._team(options)
        services.share(row, team, options["level"], actor=None)
        self.stdout.write(f"{row.alias} is shared with {team}.")

    def _unshare(self, options: dict[str, Any]) -> None:
        row, team = self._row(options), self._team(options)
        if not services.unshare(row, team, actor=None):
            raise CommandError(f"{row.alias} is not shared with {team}.")
        self.stdout.write(f"{row.alias} is not shared with {team} any more.")

    def _section(self, options: dict[str, Any]) -> None:
        name, named = options["name"], options["teams"]
        if options["to_all"]:
            if not (name and services.open_section(name, actor=None)):
                raise CommandError("Name a section that belongs to teams.")
            self.stdout.write(f"{name} is for all now.")
        elif named:
            teams = [team_named(one) for one in named]
            self._tell(services.limit_section(name, teams, actor=None))
        else:
            for one in services.limited_section_list(None):
                if name in (None, one.name):
                    self._tell(one)

    def _tell(self, one: Any) -> None:
        self.stdout.write(f"{one.name}  {one}")
        for row in one.denied:
            self.stderr.write(f"{row.alias} names it and may not use it.")

    @staticmethod
    def _team(options: dict[str, Any]) -> Team:
        return team_named(options["team"])

    @staticmethod
    def _user(options: dict[str, Any]) -> Any:
        return person_named(options["user"])

    @staticmethod
    def _row(options: dict[str, Any]) -> Any:
        return row_named(options["kind"], options["row"])
