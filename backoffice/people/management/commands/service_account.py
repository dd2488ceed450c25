"""`manage.py service_account add|list|change|delete`: users of programs, which own tokens."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import CommandError, CommandParser

from backoffice.people.service_accounts import services
from connections.models import SUFFIX, ServiceAccount
from connections.operator_command import OperatorCommand
from connections.services import Invalid


class Command(OperatorCommand):
    """Adds, lists, changes and deletes service accounts. `token create` makes their tokens."""

    help = "Add, list, change and delete service accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="add one")
        change = actions.add_parser("change", help="change what is given")
        for one, is_needed in ((add, True), (change, False)):
            one.add_argument("name", help="such as ci-deploy")
            one.add_argument("--role", required=is_needed, help="Viewers, Operators, ...")
            one.add_argument("--contact", required=is_needed, help="whom to ask about it")
            one.add_argument("--description", default="" if is_needed else None)
        state = change.add_mutually_exclusive_group()
        state.add_argument("--activate", action="store_true")
        state.add_argument("--deactivate", action="store_true", help="this ends its tokens")
        change.add_argument("--name", dest="new_name", help="another name; its tokens go on")
        delete = actions.add_parser("delete", help="delete one with its tokens; usage stays")
        delete.add_argument("name")
        actions.add_parser("list", help="list all")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["action"] == "list":
            row: Any
            for row in services.service_accounts():
                roles = ",".join(one.name for one in row.user.groups.all())
                state = "active" if row.user.is_active else "deactivated"
                self.stdout.write(
                    f"{row.name}  {state}  {roles}  {row.tokens} tokens  {row.contact}"
                )
            return
        if options["action"] == "delete":
            services.delete_service_account(_found(options["name"]), actor=None)
            self.stdout.write(f"{options['name']} is deleted, and its tokens with it.")
            return
        values = {name: options[name] for name in ("contact", "description")}
        if options["role"]:
            values["role"] = Group.objects.filter(name=options["role"]).first()
            if values["role"] is None:
                raise CommandError(f"There is no role {options['role']!r}.")
        try:
            self._save(options, values)
        except Invalid as refused:
            raise CommandError(" ".join(error.message for error in refused.errors)) from None

    def _save(self, options: dict[str, Any], values: dict[str, Any]) -> None:
        name = options["name"]
        if options["action"] == "add":
            self.stdout.write(
                f"{services.add_service_account(name, actor=None, **values)} is added."
            )
            return
        row = _found(name)
        values["name"] = options["new_name"]
        if options["activate"] or options["deactivate"]:
            values["is_active"] = options["activate"]
        services.change_service_account(row, actor=None, **values)
        self.stdout.write(f"{row} is changed.")


def _found(name: str) -> ServiceAccount:
    row = services.service_accounts().filter(user__username=f"{name}{SUFFIX}").first()
    if row is None:
        raise CommandError(f"There is no service account {name!r}.")
    return row
