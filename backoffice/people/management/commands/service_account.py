"""`manage.py service_account add|list|change|delete`: users of programs, which own tokens."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import CommandParser

from backoffice.people.service_accounts import services
from connections.management.named import service_account_named
from connections.management.output import add_output, print_rows
from connections.operator_command import OperatorCommand, not_there


class Command(OperatorCommand):
    """Adds, lists, changes and deletes service accounts. `token create` makes their tokens."""

    help = "Add, list, change and delete service accounts."
    examples = """
service_account add ci-deploy --role Operators --contact platform@example.com
service_account list
service_account list --output json    # for programs
service_account change ci-deploy --deactivate    # this ends its tokens
service_account change ci-deploy --name ci-release    # its tokens go on
service_account delete ci-deploy
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add = actions.add_parser("add", help="add one")
        change = actions.add_parser("change", help="change what is given")
        for one, is_needed in ((add, True), (change, False)):
            one.add_argument("name", help="such as ci-deploy")
            one.add_argument(
                "--role", required=is_needed, help="the role: Viewers, Operators or Administrators"
            )
            one.add_argument("--contact", required=is_needed, help="whom to ask about it")
            one.add_argument(
                "--description", default="" if is_needed else None, help="what it does"
            )
        state = change.add_mutually_exclusive_group()
        state.add_argument("--activate", action="store_true", help="let it be used again")
        state.add_argument("--deactivate", action="store_true", help="this ends its tokens")
        change.add_argument("--name", dest="new_name", help="another name; its tokens go on")
        delete = actions.add_parser("delete", help="delete one with its tokens; usage stays")
        delete.add_argument("name", help="the account to delete")
        add_output(actions.add_parser("list", help="list all"))

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["action"] == "list":
            rows = [_described(one) for one in services.service_accounts()]
            print_rows(self, rows, options, ("name", "state", "roles", "tokens", "contact"))
            return
        if options["action"] == "delete":
            services.delete_service_account(service_account_named(options["name"]), actor=None)
            self.stdout.write(f"{options['name']} is deleted, and its tokens with it.")
            return
        values = {name: options[name] for name in ("contact", "description")}
        if options["role"]:
            values["role"] = Group.objects.filter(name=options["role"]).first()
            if values["role"] is None:
                known = Group.objects.values_list("name", flat=True)
                raise not_there("role", options["role"], known)
        self._save(options, values)

    def _save(self, options: dict[str, Any], values: dict[str, Any]) -> None:
        name = options["name"]
        if options["action"] == "add":
            self.stdout.write(
                f"{services.add_service_account(name, actor=None, **values)} is added."
            )
            return
        row = service_account_named(name)
        values["name"] = options["new_name"]
        if options["activate"] or options["deactivate"]:
            values["is_active"] = options["activate"]
        services.change_service_account(row, actor=None, **values)
        self.stdout.write(f"{row} is changed.")


def _described(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": "active" if row.user.is_active else "deactivated",
        "roles": [one.name for one in row.user.groups.all()],
        "tokens": row.tokens,
        "contact": row.contact,
        "description": row.description,
    }
