"""The arguments of `manage.py package`."""

from argparse import ArgumentTypeError

from django.core.management.base import CommandParser

from connections.management.output import add_output
from connections.packages.format.plan import ACTIONS, ON_CONFLICT

DECIDE = "--decide takes ITEM=ACTION, for example --decide connection:openai-production=replace."
SECRET = (
    "--secret takes PLACEHOLDER='$Section:Key' or PLACEHOLDER=connection:ALIAS. A key itself is "  # noqa: S105 words for people
    "never given on a command line."
)


def add_import_arguments(parser: CommandParser) -> None:
    """Adds the file, what to do with each item, and what each secret is."""
    parser.add_argument(
        "file", metavar="FILE", help="a package, or a folder that it unpacks to; - for stdin"
    )
    _add_plan(parser)
    parser.add_argument(
        "--on-conflict",
        choices=ON_CONFLICT,
        default="abort",
        help="what to do with a row that this installation has with other content (abort)",
    )
    parser.add_argument(
        "--decide",
        action="append",
        default=[],
        type=_decision,
        metavar="ITEM=ACTION",
        help=f"what to do with one item: {', '.join(ACTIONS)}; can be repeated",
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        type=_secret,
        metavar="PLACEHOLDER=REF",
        help="where a secret that the package lacks comes from: '$Section:Key' or connection:ALIAS",
    )
    parser.add_argument(
        "--install-types", action="store_true", help="install the connection types that it brings"
    )
    parser.add_argument("--team", help="new rows belong to this team; its name or id")
    parser.add_argument(
        "--without-secrets", action="store_true", help="leave the sealed secrets out"
    )
    _add_passphrase(parser)


def _add_plan(parser: CommandParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be done, and write nothing"
    )
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help="with --dry-run: end with 3 where something would change, with 0 where nothing would",
    )
    add_output(parser)


def _add_passphrase(parser: CommandParser) -> None:
    parser.add_argument(
        "--passphrase-file",
        metavar="F",
        help="a file that holds the passphrase; without it, it is asked for",
    )


def _decision(text: str) -> tuple[str, str]:
    """Item and action of `connection:openai=replace`. Raises ArgumentTypeError."""
    item, equals, action = text.rpartition("=")
    if (
        not equals
        or not item.startswith(("connection:", "profile:", "type:"))
        or action not in ACTIONS
    ):
        raise ArgumentTypeError(DECIDE)
    return item, action


def _secret(text: str) -> tuple[str, str]:
    """Placeholder and source of `openai.api_key=$OpenAI:ApiKey`.

    Raises ArgumentTypeError, which repeats nothing: it may be a key.
    """
    name, equals, source = text.partition("=")
    if not equals or not name or not source.startswith(("$", "connection:")):
        raise ArgumentTypeError(SECRET)
    return name, source


def add_export_arguments(parser: CommandParser) -> None:
    """Adds the file, the connections, and what comes along."""
    parser.add_argument("file", metavar="FILE", help="- for stdout")
    parser.add_argument(
        "names",
        metavar="ALIAS",
        nargs="*",
        help="alias or id of a connection; none: all of them",
    )
    parser.add_argument("--tag", metavar="TAG", default="", help="of these, those with this tag")
    parser.add_argument(
        "--split",
        action="store_true",
        help="as many files as it takes, FILE with -1, -2 ... before its ending",
    )
    parser.add_argument("--profiles", action="store_true", help="with their profiles")
    parser.add_argument(
        "--seal",
        action="store_true",
        help="with the stored keys, sealed by a passphrase that is asked for",
    )
