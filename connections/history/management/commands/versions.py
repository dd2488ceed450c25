"""`manage.py versions list|show|compare|restore|name|deleted|revive`: the history, and what to do
with it.
"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections.history import services
from connections.lookup import parse_id
from connections.management.named import KINDS, row_named
from connections.management.output import add_output, print_json
from connections.operator_command import Exit, OperatorCommand, not_there
from connections.services import Difference, Notice

NOT_DELETED = "Nothing deleted has the id {!r}. `versions deleted` shows what has."
NO_CHANGE = "It was like this already."


class Command(OperatorCommand):
    """Lists, compares, names and restores versions."""

    help = "List, compare and restore versions; bring back what was deleted."
    examples = """
versions list connection openai-production
versions list connection openai-production --output json    # for programs
versions show connection openai-production 3
versions compare connection openai-production 2 3
versions restore connection openai-production 2 --with-secrets
versions name connection openai-production 3 --name "before the move" --pin
versions deleted
versions revive 6b1f0c5e-8d0e-4a53-9c53-0f6f2f3c9d11 --with-profiles
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="the versions of something, the newest first")
        show = actions.add_parser("show", help="what a version has")
        compare = actions.add_parser("compare", help="what tells two versions apart")
        restore = actions.add_parser("restore", help="put a version back, as the next one")
        name = actions.add_parser("name", help="name a version, or pin it")
        for one in (listing, show, compare, restore, name):
            one.add_argument("kind", choices=services.kinds(), help="what kind of row it is")
            one.add_argument("id", help="its id or alias; `all` for the defaults")
        for one in (show, compare, restore, name):
            one.add_argument("number", type=int, help="the number of the version")
        compare.add_argument("other", type=int, help="the number of the other one")
        name.add_argument("--name", help="what to call it; empty takes the name away")
        name.add_argument("--pin", action="store_true", help="keep it whatever its age")
        name.add_argument("--unpin", action="store_true", help="delete it when it is old enough")
        deleted = actions.add_parser("deleted", help="what was deleted and can come back")
        revive = actions.add_parser("revive", help="bring something deleted back")
        revive.add_argument("id", help="its id")
        revive.add_argument("--with-profiles", action="store_true", help="its profiles too")
        revive.add_argument("--alias", default="", help="another one, if its own was taken")
        for one in (restore, revive):
            one.add_argument(
                "--with-secrets", action="store_true", help="the secrets that it had then, too"
            )
        for one in (listing, show, compare, deleted):
            add_output(one)

    def handle(self, *_args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _subject(self, options: dict[str, Any]) -> services.Subject:
        found = services.find_subject(options["kind"], options["id"], actor=None)
        if found is None:
            if options["kind"] in KINDS:
                row_named(options["kind"], options["id"])  # which refuses it, with the nearest
            raise not_there(options["kind"], options["id"])
        return found

    def _list(self, options: dict[str, Any]) -> None:
        _total, found = services.list_versions(self._subject(options), 1000)
        rows: list[dict[str, Any]] = [
            {
                "number": one.number,
                "date": one.date.isoformat(timespec="seconds"),
                "user": str(one.user) if one.user else None,
                "changes": list(one.changes),
                "name": one.name,
                "pinned": one.is_pinned,
            }
            for one in found
        ]
        lines = [
            f"{row['number']:>4} {row['date']} {row['user'] or 'command line'}: "
            f"{', '.join(row['changes']) or 'saved'}"
            + (f" [{row['name']}]" if row["name"] else "")
            + (" (pinned)" if row["pinned"] else "")
            for row in rows
        ]
        self._say(rows, lines, options)

    def _show(self, options: dict[str, Any]) -> None:
        _entry, content = services.show_version(self._subject(options), options["number"])
        rows = {one.field: one.after for one in content}
        self._say(rows, [f"{name}: {value}" for name, value in rows.items()], options)

    def _compare(self, options: dict[str, Any]) -> None:
        found = services.compare(self._subject(options), options["number"], options["other"])
        self._say([_described(one) for one in found], [_line(one) for one in found], options)

    def _restore(self, options: dict[str, Any]) -> None:
        subject, number = self._subject(options), options["number"]
        made = services.restore(subject, number, actor=None, with_secrets=options["with_secrets"])
        done = f"{made.subject.name} is as in version {number}; it is at version "
        self.stdout.write(f"{done}{made.subject.version} now." if made.changed else NO_CHANGE)
        self._warn(made.notices)

    def _name(self, options: dict[str, Any]) -> None:
        pinned = True if options["pin"] else False if options["unpin"] else None
        subject, number = self._subject(options), options["number"]
        services.mark_version(subject, number, actor=None, name=options["name"], is_pinned=pinned)
        entry, _content = services.show_version(subject, number)
        said = f"Version {number} is called {entry.name!r}" if entry.name else f"Version {number}"
        self.stdout.write(f"{said}, {'pinned' if entry.is_pinned else 'not pinned'}.")

    def _deleted(self, options: dict[str, Any]) -> None:
        rows = [
            {
                "id": str(one.id),
                "type": one.kind,
                "alias": one.alias,
                "date_deleted": one.date.isoformat(timespec="seconds"),
                "deleted_by": str(one.user) if one.user else None,
                "profiles": [each.alias for each in one.profiles],
            }
            for one in services.deleted_rows(None)
        ]
        lines = [
            f"{row['id']} {row['type']} {row['alias']}, deleted {row['date_deleted']} by "
            f"{row['deleted_by'] or 'command line'}"
            + (f", with {', '.join(row['profiles'])}" if row["profiles"] else "")
            for row in rows
        ]
        self._say(rows, lines, options)

    def _revive(self, options: dict[str, Any]) -> None:
        pk = parse_id(options["id"])
        found = services.find_deleted(pk, actor=None) if pk else None
        if found is None:
            raise CommandError(NOT_DELETED.format(options["id"]), returncode=Exit.MISSING)
        how = {name: options[name] for name in ("with_profiles", "with_secrets", "alias")}
        made = services.restore_deleted(found, actor=None, **how)
        self.stdout.write(services.said_back(made))
        self._warn(made.notices)

    def _say(self, rows: Any, lines: list[str], options: dict[str, Any]) -> None:
        if options["output"] == "json":
            print_json(self, rows)
        elif lines:
            self.stdout.write("\n".join(lines))
        else:
            self.stderr.write("There are none.", style_func=str)

    def _warn(self, notices: Any) -> None:
        found: list[Notice] = list(notices)
        for one in found:
            self.stderr.write(one.message)


def _described(one: Difference) -> dict[str, Any]:
    values = {"before": one.before, "after": one.after, "secret": one.is_secret}
    return {"field": one.field, **values}


def _line(one: Difference) -> str:
    return f"{one.field}: {one.before or 'nothing'} -> {one.after or 'nothing'}"
