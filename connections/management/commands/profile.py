"""`manage.py profile create|list|delete`: what programs ask for."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.models import Profile
from connections.operator_command import OperatorCommand
from connections.profile_settings import profile_fields
from providers.core.base import Capability

from ..named import row_named
from ..output import add_output, print_json

CAPABILITIES = {one.lower(): str(one) for one in Capability}


class Command(OperatorCommand):
    """Makes, lists and deletes profiles."""

    help = "Make a profile of a connection and a model; list profiles; delete one."
    examples = """
profile create content-writer openai-production gpt-4o-mini
profile create rehearsal echo echo-1 --set temperature=0.2 --fallback content-writer
profile create search openai-production text-embedding-3-small --capability embedding
profile list --output json    # for programs
profile delete content-writer
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._add_create(actions.add_parser("create", help="make a profile"))
        add_output(actions.add_parser("list", help="every profile, with its connection"))
        delete = actions.add_parser("delete", help="delete a profile that nothing needs")
        delete.add_argument("alias", help="its alias or id")

    @staticmethod
    def _add_create(create: CommandParser) -> None:
        create.add_argument("alias", help="by which programs ask for it")
        create.add_argument("connection", help="alias or id of the connection that answers")
        create.add_argument("model", help="a model of its service")
        create.add_argument("--name", default="", help="made from the alias if not given")
        create.add_argument(
            "--capability",
            choices=CAPABILITIES,
            default="chat",
            help="what it does, chat if not given",
        )
        create.add_argument(
            "--set",
            action="append",
            default=[],
            dest="values",
            metavar="KEY=VALUE",
            help="one of its settings, such as temperature=0.2; can be repeated",
        )
        create.add_argument(
            "--fallback",
            action="append",
            default=[],
            dest="fallbacks",
            metavar="ALIAS",
            help="a profile that answers when this one cannot; can be repeated",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        capability = CAPABILITIES[options["capability"]]
        connection = row_named("connection", options["connection"])
        saved = services.create_profile(
            connection,
            actor=None,
            team=connection.team,
            capability=capability,
            alias=options["alias"],
            name=options["name"] or options["alias"].replace("-", " ").capitalize(),
            model=options["model"],
            settings=_settings(capability, options["values"]),
            fallbacks=[row_named("profile", one) for one in options["fallbacks"]],
        )
        row = saved.row
        self.stdout.write(f"{row.name} is made. Programs ask for {row.alias}, with a token.")
        for one in services.profile_notices(row):
            self.stderr.write(f"warning: {one.message}")

    def _list(self, options: dict[str, Any]) -> None:
        rows = Profile.objects.select_related("connection").order_by("alias")
        if options["output"] == "json":
            print_json(self, [_described(one) for one in rows])
            return
        for one in rows:
            state = "" if one.is_active else "  (switched off)"
            self.stdout.write(f"{one.alias}  {one.connection.alias}  {one.model}{state}")

    def _delete(self, options: dict[str, Any]) -> None:
        row = row_named("profile", options["alias"])
        services.delete_profile(row, actor=None)
        self.stdout.write(f"{row.name} is deleted.")


def _described(row: Profile) -> dict[str, Any]:
    return {
        "alias": row.alias,
        "name": row.name,
        "capability": row.capability,
        "connection": row.connection.alias,
        "model": row.model,
        "is_active": row.is_active,
    }


def _settings(capability: str, pairs: list[str]) -> dict[str, Any]:
    """KEY=VALUE as settings: a value is JSON where it can be read so, else a text."""
    fields = profile_fields(capability)
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in fields:
            raise CommandError(f"{pair!r} is not KEY=VALUE with one of: {', '.join(fields)}.")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found
