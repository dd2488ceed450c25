"""`manage.py package export|import|show`: connections and profiles as one file."""

import os
import sys
from dataclasses import asdict
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from connections import listing
from connections import services as core
from connections.management.named import row_named, team_named
from connections.management.output import add_output, print_json
from connections.management.progress import ProgressLine
from connections.models import Connection, Profile, Team
from connections.operator_command import Exit, OperatorCommand
from connections.packages import services
from connections.packages.management.arguments import add_export_arguments, add_import_arguments
from connections.texts import nearest

LOOK = services.Decisions(on_conflict="keep")
MOST_BYTES = 1 << 26  # of a file that is read to be judged; the services' limit is far below
TELL_EVERY = 100  # rows
NO_TERMINAL = (
    "A passphrase is needed, and there is no terminal to ask at. Give --passphrase-file{}."
)
OR_WITHOUT = ", or --without-secrets to leave the sealed keys out"


class Command(OperatorCommand):
    """Writes the plan to stdout, also before an import is refused."""

    help = "Export connections and profiles as one file, look into such a file, import it."
    examples = """
package export all.zip --profiles    # everything
package export openai.zip openai-production --profiles
package export sealed.zip --tag production --seal --passphrase-file passphrase.txt
package show all.zip
package show all.zip --output json    # for programs
package import all.zip --dry-run
package import all.zip --on-conflict replace
package import desired/ --on-conflict replace    # a folder, as an export unpacks to
package import desired/ --on-conflict replace --dry-run --exit-code    # 3: something would change
package import all.zip --decide connection:echo=replace --decide profile:content-writer=keep
package import all.zip --secret openai-production.api_key='$OpenAI:ApiKey'
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        export = actions.add_parser(
            "export", help="write a package; without secrets, unless they are sealed"
        )
        add_export_arguments(export)
        add_import_arguments(
            actions.add_parser(
                "import",
                help="import a package; nothing is written if there is a conflict nobody decided",
            )
        )
        show = actions.add_parser(
            "show", help="show what a package holds, and what this installation has of it"
        )
        show.add_argument("file", metavar="FILE", help="- for stdin")
        add_output(show)
        for one in (export, show):
            one.add_argument(
                "--passphrase-file", metavar="F", help="a file that holds the passphrase"
            )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except services.PackageConflict as refused:
            self._tell(refused.plan, options)
            raise CommandError(
                f"{refused} Decide with --decide or --on-conflict. Nothing was written."
            ) from None
        except services.PackageError as refused:
            raise CommandError(str(refused)) from None
        except core.Invalid as refused:
            raise CommandError(
                " ".join(f"{one.field}: {one.message}" for one in refused.errors)
            ) from None

    @sensitive_variables("passphrase")
    def _export(self, options: dict[str, Any]) -> None:
        rows = _chosen(options["names"], options["tag"])
        passphrase = (
            _passphrase(options, twice=True)
            if options["seal"] or options["passphrase_file"]
            else ""
        )
        if not options["split"]:
            self._export_one(list(rows), options["file"], passphrase, options)
            return
        path = Path(options["file"])
        for number, part in enumerate(services.parts_of(rows), 1):
            file = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
            self._export_one(part, file, passphrase, options)

    @sensitive_variables("passphrase")
    def _export_one(
        self, rows: list[Connection], file: str, passphrase: str, options: dict[str, Any]
    ) -> None:
        profiles = (
            list(Profile.objects.filter(connection__in=rows).order_by("alias"))
            if options["profiles"]
            else []
        )
        line = ProgressLine(self.stderr, "rows are written")
        try:
            content = services.export_package(
                rows, profiles, actor=None, passphrase=passphrase, told=line
            )
        finally:
            line.end()
        self._write(file, content)
        sealed = "with their keys, sealed" if passphrase else "without secrets"
        counts = f"{_count(len(rows), 'connection')} and {_count(len(profiles), 'profile')}"
        where = f"{file}: " if options["split"] else ""
        self.stderr.write(f"{where}{counts}, {sealed}.", style_func=str)

    def _write(self, file: str, content: bytes) -> None:
        if file == "-":
            getattr(self.stdout, "buffer", sys.stdout.buffer).write(content)
            return
        try:
            with os.fdopen(
                os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as opened:
                opened.write(content)
        except OSError as error:
            raise CommandError(f"{file} cannot be written ({error.strerror}).") from None

    @sensitive_variables("content", "passphrase")
    def _import(self, options: dict[str, Any]) -> None:
        content, team = _content(options["file"]), _team(options["team"])
        plan = services.plan_import(content, actor=None, decisions=LOOK, team=team)
        passphrase = (
            _passphrase(options) if plan.is_sealed and not options["without_secrets"] else ""
        )
        decisions = _decisions(plan, options)
        if options["dry_run"]:
            plan = services.plan_import(
                content, actor=None, passphrase=passphrase, decisions=decisions, team=team
            )
        else:
            plan = self._import_with_progress(content, passphrase, decisions, team)
        self._tell(plan, options)
        self.stderr.write(
            "Nothing was written: this is a dry run." if options["dry_run"] else "Done.",
            style_func=str,
        )
        if options["exit_code"] and options["dry_run"] and not plan.is_noop:
            sys.exit(Exit.FOUND)

    @sensitive_variables("content", "passphrase")
    def _import_with_progress(
        self,
        content: bytes,
        passphrase: str,
        decisions: services.Decisions,
        team: Team | None,
    ) -> services.Plan:
        """Ctrl-C ends it after the part that is being saved."""
        done = total = 0
        line = ProgressLine(self.stderr, "rows are imported")

        def told(saved: int, of: int) -> None:
            nonlocal done, total
            done, total = saved, of
            line(saved, of)
            is_told = not saved % TELL_EVERY or saved >= of
            if is_told and not self.stderr.isatty():  # for a log
                self.stderr.write(f"{saved} of {of} rows are imported.", style_func=str)

        try:
            about: Any = {"passphrase": passphrase, "decisions": decisions, "team": team}
            plan = services.import_package(content, actor=None, told=told, **about)
            line.end()
            return plan
        except KeyboardInterrupt:
            line.end()
            if not done:
                raise CommandError("Stopped. Nothing was written.") from None
            raise CommandError(
                f"Stopped. {done} of {total} rows are imported. Import it again for the rest: what "
                "is there will be identical."
            ) from None

    @sensitive_variables("content", "passphrase")
    def _show(self, options: dict[str, Any]) -> None:
        content = _content(options["file"])
        passphrase = _passphrase(options) if options["passphrase_file"] else ""
        self._tell(
            services.plan_import(content, actor=None, passphrase=passphrase, decisions=LOOK),
            options,
        )

    def _tell(self, plan: services.Plan, options: dict[str, Any]) -> None:
        if options["output"] == "json":
            print_json(self, asdict(plan))
            return
        for note in plan.notes:
            self.stdout.write(note)
        for item in plan.items:
            self.stdout.write(_line(item))
            for note in item.notes:
                self.stdout.write(f"           {note}")


def _decisions(plan: services.Plan, options: dict[str, Any]) -> services.Decisions:
    ids = {f"{one.kind}:{one.alias}": one.id for one in plan.items} | {
        one.id: one.id for one in plan.items
    }
    if unknown := [item for item, _ in options["decide"] if item not in ids]:
        raise CommandError(
            f"This package does not hold {', '.join(unknown)}.{nearest(unknown[0], ids)} `package "
            "show` lists its items.",
            returncode=Exit.MISSING,
        )
    items = {ids[item]: action for item, action in options["decide"]}
    told = {"items": items, "secrets": dict(options["secret"])}
    return services.Decisions(
        on_conflict=options["on_conflict"], install_types=options["install_types"], **told
    )


def _team(name: str | None) -> Team | None:
    """The team with this name or id, None without one. Raises CommandError."""
    return team_named(name) if name else None


def _chosen(names: list[str], tag: str) -> QuerySet[Connection]:
    """The connections with these ids or aliases, all without any, that have the tag if one is
    given. Raises CommandError.
    """
    rows = listing.connections({"tag": tag}, "alias")
    return (
        rows.filter(pk__in=[row_named("connection", name).pk for name in names]) if names else rows
    )


def _content(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(MOST_BYTES)
        if Path(file).is_dir():
            return services.package_of_folder(Path(file))
        with Path(file).open("rb") as opened:
            return opened.read(MOST_BYTES)
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{file} cannot be read ({getattr(error, 'strerror', None) or 'no such name'})."
        ) from None


@sensitive_variables("found")
def _passphrase(options: dict[str, Any], twice: bool = False) -> str:
    """The passphrase from the file, or typed; `twice` for a new one. Raises CommandError."""
    if file := options["passphrase_file"]:
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise CommandError(
                f"{file} cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8 text'})."
            ) from None
    if not sys.stdin.isatty():
        raise CommandError(NO_TERMINAL.format(OR_WITHOUT if "without_secrets" in options else ""))
    found = getpass("Passphrase: ")
    if twice and found != getpass("Again: "):
        raise CommandError("The two are not the same. Nothing was written.")
    return found


def _line(item: services.PlanItem) -> str:
    """`replace    connection openai-production (differs): API key, Endpoint; needs
    openai-production.api_key`.
    """
    differences = f": {', '.join(item.differences)}" if item.differences else ""
    needs = f"; needs {', '.join(item.missing_secrets)}" if item.missing_secrets else ""
    return (
        f"{item.action:<10} {item.kind} {item.alias} "
        f"({item.state.replace('_', ' ')}){differences}{needs}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
