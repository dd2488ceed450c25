"""`manage.py alias list|change|remove`: other aliases, and the former ones that still answer."""

from typing import Any

from django.core.management.base import CommandParser

from connections import services
from connections.former_aliases import former_alias
from connections.models import FormerAlias
from connections.operator_command import OperatorCommand, not_there

from ..named import KINDS, row_named
from ..output import add_output, print_json

KEPT = "{} has the alias {} now. {} goes on answering until it is removed."


class Command(OperatorCommand):
    """Changes, lists and removes aliases."""

    help = (
        "Give a connection or a profile another alias; list the former aliases that still answer, "
        "with who uses them; remove one."
    )
    examples = """
alias list
alias list --output json    # for programs
alias change connection openai-production openai-main
alias change profile content-writer writer
alias remove connection openai-production    # it finds nothing any more
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="every former alias, and who uses it")
        add_output(listing)
        change = actions.add_parser("change", help="give a row another alias")
        remove = actions.add_parser("remove", help="let a former alias find nothing any more")
        for one in (change, remove):
            one.add_argument("kind", choices=KINDS, help="what has the alias")
        change.add_argument("name", help="its alias or id")
        change.add_argument("new", help="the alias that it gets")
        remove.add_argument("alias", help="the former alias")

    def handle(self, *_args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _change(self, options: dict[str, Any]) -> None:
        row = row_named(options["kind"], options["name"])
        saved = services.change_alias(row, options["new"], actor=None)
        same = f"{row.name} has the alias {row.alias} already."
        done = KEPT.format(saved.row.name, saved.row.alias, row.alias)
        self.stdout.write(done if saved.changed else same)

    def _remove(self, options: dict[str, Any]) -> None:
        kind, alias = options["kind"], options["alias"]
        former = former_alias(KINDS[kind], alias)
        if former is None:
            known = FormerAlias.objects.of(KINDS[kind]).values_list("alias", flat=True)
            raise not_there(f"former alias of a {kind}", alias, known, "alias list")
        row = services.remove_former_alias(former, actor=None).row
        self.stdout.write(f"{former.alias} finds {row.name} no longer.")

    def _list(self, options: dict[str, Any]) -> None:
        found = FormerAlias.objects.there().select_related("connection", "profile", "changed_by")
        found = found.defer("connection__credentials").prefetch_related("uses")
        rows = [_described(one) for one in found]
        if options["output"] == "json":
            print_json(self, rows)
            return
        if not rows:
            self.stderr.write("There are none.", style_func=str)
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
