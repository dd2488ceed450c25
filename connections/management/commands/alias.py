"""`manage.py alias list|change|remove`: other aliases, and the former ones that still answer."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections import services
from connections.former_aliases import former_alias
from connections.lookup import get_by_id_or_alias
from connections.models import Connection, FormerAlias, Profile
from connections.operator_command import OperatorCommand

KINDS: dict[str, Any] = {"connection": Connection, "profile": Profile}
NOTHING = "There is no {} {!r}."
NO_FORMER = "{!r} is not a former alias of a {}. `alias list` shows them."
KEPT = "{} has the alias {} now. {} goes on answering until it is removed."


class Command(OperatorCommand):
    """Exits with 0 when it is done, 1 when it is refused, 2 for wrong arguments."""

    help = (
        "Give a connection or a profile another alias; list the former aliases that still answer, "
        "with who uses them; remove one."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="every former alias, and who uses it")
        listing.add_argument("--json", action="store_true", help="for programs")
        change = actions.add_parser("change", help="give a row another alias")
        remove = actions.add_parser("remove", help="let a former alias find nothing any more")
        for one in (change, remove):
            one.add_argument("kind", choices=KINDS)
        change.add_argument("name", help="its alias or id")
        change.add_argument("new", help="the alias that it gets")
        remove.add_argument("alias", help="the former alias")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except services.Invalid as refused:
            raise CommandError(" ".join(one.message for one in refused.errors)) from None

    def _change(self, options: dict[str, Any]) -> None:
        kind, name = options["kind"], options["name"]
        row = get_by_id_or_alias(KINDS[kind]._default_manager.all(), name)
        if row is None:
            raise CommandError(NOTHING.format(kind, name))
        saved = services.change_alias(row, options["new"], actor=None)
        same = f"{row.name} has the alias {row.alias} already."
        done = KEPT.format(saved.row.name, saved.row.alias, row.alias)
        self.stdout.write(done if saved.changed else same)

    def _remove(self, options: dict[str, Any]) -> None:
        kind, alias = options["kind"], options["alias"]
        former = former_alias(KINDS[kind], alias)
        if former is None:
            raise CommandError(NO_FORMER.format(alias, kind))
        row = services.remove_former_alias(former, actor=None).row
        self.stdout.write(f"{former.alias} finds {row.name} no longer.")

    def _list(self, options: dict[str, Any]) -> None:
        found = FormerAlias.objects.there().select_related("connection", "profile", "changed_by")
        found = found.defer("connection__credentials").prefetch_related("uses")
        rows = [_described(one) for one in found]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            uses = [f"{one['used_by']} at {one['last_used_at']}" for one in row["uses"]]
            used = f"used by {', '.join(uses)}" if uses else "nobody has used it since"
            self.stdout.write(
                f"{row['kind']:<10} {row['alias']} is {row['of']} since {row['date_changed']}, "
                f"{used}"
            )


def _described(former: FormerAlias) -> dict[str, Any]:
    return {
        "kind": former.row._meta.model_name,
        "alias": former.alias,
        "of": former.row.alias,
        "date_changed": former.date_changed.isoformat(timespec="seconds"),
        "changed_by": former.changed_by and str(former.changed_by),
        "uses": [
            {
                "used_by": one.used_by,
                "last_used_at": one.last_used_at.isoformat(timespec="seconds"),
            }
            for one in former.uses.all()
        ],
    }
