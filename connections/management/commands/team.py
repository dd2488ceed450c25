"""`manage.py team list|add|rename|limit|delete|member|remove|move|share|unshare|section`: teams."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.former_aliases import COMMAND_LINE
from connections.lookup import get_by_id_or_alias
from connections.models import Connection, Level, Profile, Role, Team
from connections.operator_command import OperatorCommand

KINDS: dict[str, Any] = {"connection": Connection, "profile": Profile}


class Command(OperatorCommand):
    """Makes teams, and says who and what belongs to them. It may everything."""

    help = "List, make and delete teams, and say who and what belongs to them."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="list all teams, with their members")
        add = actions.add_parser("add", help="make a team")
        add.add_argument("team")
        rename = actions.add_parser("rename", help="give a team another name")
        rename.add_argument("team")
        rename.add_argument("name")
        limit = actions.add_parser("limit", help="limit all tokens of a team together")
        limit.add_argument("team")
        limit.add_argument("--requests-per-minute", type=int, help="left out: no limit")
        limit.add_argument("--tokens-per-day", type=int, help="left out: no limit")
        delete = actions.add_parser("delete", help="delete a team")
        delete.add_argument("team")
        heirs = delete.add_mutually_exclusive_group()
        heirs.add_argument("--to", metavar="TEAM", help="the team that gets what it has")
        heirs.add_argument("--to-all", action="store_true", help="all get what it has")
        member = actions.add_parser("member", help="take somebody in, or change their role")
        for one in (member, actions.add_parser("remove", help="take somebody out")):
            one.add_argument("team")
            one.add_argument("user")
        member.add_argument("role", choices=Role.values)
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
            one.add_argument("kind", choices=KINDS)
            one.add_argument("row", help="id or alias")
            one.add_argument("team", help="name or id" + (", `all` for all" * (one is move)))
        move.add_argument("--with-profiles", action="store_true", help="its profiles go along")
        share.add_argument("level", choices=Level.values)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except services.Invalid as refused:
            raise CommandError(" ".join(one.message for one in refused.errors)) from None

    def _list(self, _options: dict[str, Any]) -> None:
        for team in Team.objects.all():
            members = [f"{one.user} ({one.role})" for one in services.members_of(team)]
            self.stdout.write(f"{team}  {', '.join(members) or 'nobody'}")

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
        heir = services.team_named(options["to"], actor=None) if options["to"] else None
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
            teams = [services.team_named(one, actor=None) for one in named]
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
        return services.team_named(options["team"], actor=None)

    @staticmethod
    def _user(options: dict[str, Any]) -> Any:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        return user

    @staticmethod
    def _row(options: dict[str, Any]) -> Any:
        rows = KINDS[options["kind"]].every.all()
        row = get_by_id_or_alias(rows, options["row"], COMMAND_LINE)
        if row is None:
            raise CommandError(f"There is no {options['kind']} {options['row']!r}.")
        return row
