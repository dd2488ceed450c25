"""`manage.py connectiontype ...`: install, look at and remove kinds of connection that are
described by documents.
"""

import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.management.base import CommandError, CommandParser

from connections import catalog
from connections import services as core
from connections.management.named import row_named, team_named
from connections.management.output import add_output, print_json
from connections.operator_command import OperatorCommand, not_there
from connections.types import services
from providers.core.errors import ProviderError

KEY = "its key, as `connectiontype list` shows it"
EXPECTED = (
    core.Invalid,
    core.InUse,
    core.Unusable,
    ProviderError,
    ObjectDoesNotExist,
    PermissionDenied,
    OSError,
    ValueError,
)


def _add_give(give: CommandParser) -> None:
    give.add_argument("key", help=KEY)
    to = give.add_mutually_exclusive_group(required=True)
    to.add_argument("--team", help="the name or id of the team")
    to.add_argument("--to-all", action="store_true", help="offer it to everybody")


class Command(OperatorCommand):
    """Results are printed on stdout, everything else is said on stderr."""

    help = (
        "Install, list, show, remove and check connection types; bring connections up to new "
        "versions of those that are files; have connections allowed in a browser."
    )
    examples = """
connectiontype check acme.yaml
connectiontype install acme.yaml --dry-run
connectiontype install acme.yaml
connectiontype install acme.yaml --team Support    # offered to this team only
connectiontype give acme --to-all
connectiontype list
connectiontype list --output json    # for programs
connectiontype show acme
connectiontype remove acme
connectiontype sync
connectiontype authorize my-mail    # prints an address to open in a browser
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        install = actions.add_parser(
            "install", help="install every type of a document, or their next versions"
        )
        install.add_argument("file", help="YAML or JSON, or Cognigy's schema; - reads stdin")
        install.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and write nothing"
        )
        install.add_argument("--team", help="offer new ones to this team alone; its name or id")
        _add_give(actions.add_parser("give", help="offer an installed type to one team, or to all"))
        where = "are installed, in CONNECTIONS_TYPES_DIR, or come with Switchboard"
        listing = actions.add_parser("list", help=f"list the types that {where}")
        add_output(listing)
        show = actions.add_parser("show", help="print a type's document")
        show.add_argument("key", help=KEY)
        remove = actions.add_parser(
            "remove", help="remove an installed type that no connection uses"
        )
        remove.add_argument("key", help=KEY)
        actions.add_parser(
            "sync", help="bring connections up to the versions of types that are files"
        )
        authorize = actions.add_parser(
            "authorize", help="have a connection allowed in a browser (OAuth2 authorization code)"
        )
        authorize.add_argument("connection", help="alias or id")
        authorize.add_argument(
            "--redirect-uri",
            default="http://localhost",
            help="where the browser ends, as it is registered with the service; nobody need answer",
        )
        check = actions.add_parser(
            "check", help="read documents and say what is wrong with them; installs nothing"
        )
        check.add_argument("files", nargs="+", metavar="file", help="YAML or JSON; - reads stdin")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except EXPECTED as error:
            raise CommandError(" ".join(_sentences(error))) from error

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=str)

    def _install(self, options: dict[str, Any]) -> None:
        text = _document_in(options["file"])
        for one in services.preview_types(text, actor=None):
            self._describe(one)
        if options["dry_run"]:
            self._say("Nothing was written: this is a dry run.")
            return
        team = team_named(options["team"]) if options["team"] else None
        for done in services.install_types(text, actor=None, team=team):
            act = (
                "installed"
                if done.previous is None
                else f"updated from version {done.previous}"
                if done.changed
                else "unchanged"
            )
            self.stdout.write(f"{done.manifest.key}  version {done.manifest.version}  {act}")
            self._tell(done.move)

    def _give(self, options: dict[str, Any]) -> None:
        team = team_named(options["team"]) if options["team"] else None
        self._known(options["key"])
        row = services.give_type(options["key"], team, actor=None)
        self.stdout.write(f"{row.key}  {f'for {team.name}' if team else 'for all'}")

    @staticmethod
    def _known(key: str) -> None:
        keys = [one.key for one in services.connection_types()]
        if key not in keys:
            raise not_there("connection type", key, keys, "connectiontype list")

    def _describe(self, one: services.TypePreview) -> None:
        """Prints guesses, warnings and hosts of a type. Raises Invalid for a refused one."""
        for text in one.manifest.guesses:
            self._say(f"assumed: {one.manifest.key}: {text}")
        for text in one.manifest.warnings:
            self._say(f"warning: {one.manifest.key}: {text}")
        for variant, names in services.hosts_of(one.manifest):
            self._say(
                f"credentials of {one.manifest.key}{f' ({variant})' if variant else ''} go to: "
                f"{', '.join(names) or 'nowhere'}"
            )
        if one.redirected:
            self._say(
                f"warning: {one.manifest.key}: stored credentials will go to "
                f"{', '.join(one.redirected)}"
            )
        if one.refusals:
            raise core.Invalid(one.refusals)

    def _tell(self, move: services.Move) -> None:
        if move.moved:
            self._say(f"brought up: {', '.join(move.moved)}")
        for notice in move.notices:
            self._say(f"warning: {notice.message}")

    def _list(self, options: dict[str, Any]) -> None:
        found = services.connection_types()
        if options["output"] == "json":
            names = ("key", "version", "label", "source", "file", "used_by")
            print_json(self, [{name: getattr(one, name) for name in names} for one in found])
            return
        width = max((len(one.key) for one in found), default=0)
        for one in found:
            source = f"{one.source} ({one.file})" if one.file else one.source
            state = "" if one.manifest else "  cannot be read"
            used = f"used by {one.used_by}" if one.used_by else "not used"
            self.stdout.write(
                f"{one.key:<{width}}  {one.version:>3}  {source:<10}  {used:<10}  "
                f"{one.label}{state}"
            )

    def _show(self, options: dict[str, Any]) -> None:
        self._known(options["key"])
        self.stdout.write(services.connection_type(options["key"]).document)

    def _remove(self, options: dict[str, Any]) -> None:
        self._known(options["key"])
        services.remove_type(options["key"], actor=None)
        self._say(f"{options['key']} is removed.")

    def _sync(self, _options: dict[str, Any]) -> None:
        found = services.sync_types(actor=None)
        for one in found:
            self.stdout.write(f"{one.key}  version {one.version}")
            self._tell(one.move)
        if not found:
            self._say("Every connection is at the version of its type.")

    def _authorize(self, options: dict[str, Any]) -> None:
        connection = row_named("connection", options["connection"])
        asked = services.ask_authorization(connection, options["redirect_uri"], actor=None)
        self._say("Open this address, and allow it:")
        self.stdout.write(asked.address)
        self._say("Paste the address at which the browser ended:")
        services.finish_authorization(connection, asked.attempt, sys.stdin.readline(), actor=None)
        self._say(f"{connection.alias} is allowed. Its refresh token is stored.")

    def _check(self, options: dict[str, Any]) -> None:
        wrong = [name for name in options["files"] if not self._checked(name)]
        if wrong:
            raise CommandError(f"{len(wrong)} of {len(options['files'])} cannot be installed.")

    def _checked(self, name: str) -> bool:
        try:
            found = services.read_types(_document_in(name))
        except EXPECTED as error:
            for text in _sentences(error):
                self.stdout.write(f"{name}: {text}")
            return False
        for one in found:
            self.stdout.write(f"{name}: {one.key} version {one.version} can be read.")
            for text in (*one.guesses, *one.warnings):
                self._say(f"{name}: {text}")
        return True


def _document_in(name: str) -> str:
    if name == "-":
        return catalog.decoded(sys.stdin.buffer.read(catalog.LARGEST + 1))
    return catalog.read_document(Path(name))


def _sentences(error: Exception) -> list[str]:
    if isinstance(error, core.Invalid):
        return [
            one.message if one.field == "document" else f"{one.field}: {one.message}"
            for one in error.errors
        ]
    if isinstance(error, OSError):
        return [f"{error.filename} cannot be read ({error.strerror})."]
    return [str(error)]
