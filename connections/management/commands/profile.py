"""`manage.py profile create|list|delete`: what programs ask for."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.lookup import get_by_id_or_alias
from connections.models import Connection, Profile
from connections.operator_command import OperatorCommand
from connections.profile_settings import profile_fields
from providers.core.base import Capability

NOTHING = "There is no {} {!r}. `{} list` shows them."
CAPABILITIES = {one.lower(): str(one) for one in Capability}


class Command(OperatorCommand):
    """Exits with 0 when it is done, 1 when it is refused, 2 for wrong arguments."""

    help = "Make a profile of a connection and a model; list profiles, delete one."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a profile")
        create.add_argument("alias", help="by which programs ask for it")
        create.add_argument("connection", help="alias or id of the connection that answers")
        create.add_argument("model", help="a model of its service")
        create.add_argument("--name", default="", help="made from the alias if not given")
        create.add_argument(
            "--capability", choices=CAPABILITIES, default="chat", help="chat if not given"
        )
        create.add_argument(
            "--set",
            action="append",
            default=[],
            dest="settings",
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
        actions.add_parser("list", help="list profiles as JSON")
        actions.add_parser("delete", help="delete a profile").add_argument(
            "alias", help="its alias or id"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except services.Invalid as refused:
            raise CommandError(" ".join(one.message for one in refused.errors)) from None
        except services.InUse as refused:
            raise CommandError(str(refused)) from None

    def _create(self, options: dict[str, Any]) -> None:
        capability = CAPABILITIES[options["capability"]]
        row = _found(Connection, options["connection"])
        saved = services.create_profile(
            row,
            actor=None,
            capability=capability,
            alias=options["alias"],
            name=options["name"] or options["alias"].replace("-", " ").capitalize(),
            model=options["model"],
            settings=_settings(capability, options["settings"]),
            fallbacks=[_found(Profile, one) for one in options["fallbacks"]],
        )
        said = f"{saved.row.name} is made. Ask for {saved.row.alias}, with a token."
        self.stdout.write(said)

    def _list(self, _options: dict[str, Any]) -> None:
        rows = Profile.objects.select_related("connection").order_by("alias")
        told = [
            {
                "alias": one.alias,
                "name": one.name,
                "capability": one.capability,
                "connection": one.connection.alias,
                "model": one.model,
                "is_active": one.is_active,
            }
            for one in rows
        ]
        self.stdout.write(json.dumps(told, indent=4, ensure_ascii=False))

    def _delete(self, options: dict[str, Any]) -> None:
        row = _found(Profile, options["alias"])
        services.delete_profile(row, actor=None)
        self.stdout.write(f"{row.name} is deleted.")


def _found(model: Any, name: str) -> Any:
    row = get_by_id_or_alias(model.objects.all(), name)
    if row is None:
        kind = model._meta.model_name
        raise CommandError(NOTHING.format(kind, name, kind))
    return row


def _settings(capability: str, pairs: list[str]) -> dict[str, Any]:
    """KEY=VALUE as settings: a value is JSON where the setting is no text."""
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
