"""The arguments of `manage.py connection`: those of `pf connection`, and ours."""

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from typing import Any

from connections.management.output import add_output

from ..format.files import pairs

FILE = (
    "YAML file of promptflow, or a .env file, whose pairs become the secrets of a custom "
    "connection; - reads YAML from stdin"
)
SET = (
    "a field of the file to set, as KEY=VALUE; "
    "configs.KEY=VALUE and secrets.KEY=VALUE reach into maps. Beats the file"
)
SKIP = "leave out secrets that are empty in the file, such as NAME= in a .env file; asks for none"
NAME = "name of the connection, its alias or its id"
EXAMPLES = """
connection create -f azure.yaml --set api_base=https://contoso.openai.azure.com
connection create -f .env -n my-tools
connection create -f azure.yaml --set api_key='${env:AZURE_OPENAI_API_KEY}'    # a reference
connection update -n my-azure --set api_version=2024-10-21
connection update -n my-azure --set api_key='<user-input>'    # asks, so that the shell keeps no key
connection update -n my-azure -f azure.yaml    # the file's fields; hidden secrets stay
connection show my-azure
connection list -r 10
connection list --all-results
connection delete my-azure --yes
connection test my-azure
connection from-env open_ai    # shows what would be made of OPENAI_API_KEY and its like
connection from-env azure_open_ai -n my-azure
connection from-env open_ai -n my-openai --reference    # stores references, not the values
connection apply -f my-connections/ --dry-run
connection apply -f my-connections/ --dry-run --exit-code    # 3: something would change
connection apply -f my-connections/ --dry-run --output json    # for programs
connection apply -f my-connections/ --set my-azure.api_key='${env:AZURE_OPENAI_API_KEY}'
connection apply -f my-connections/ --prune
connection dump    # one after the other, on stdout
connection dump -n my-azure -n my-openai -o my-connections/
connection completion bash    # source <(.venv/bin/python manage.py connection completion bash)
"""
HELP = {
    "create": "Create a connection from a file.",
    "update": "Change a connection.",
    "show": "Show a connection as JSON.",
    "list": "List connections as JSON, with alias and id behind what pf prints.",
    "delete": "Delete a connection.",
    "test": "Ask the service whether a connection works.",
    "from-env": "Make a connection of the environment variables that the vendor's SDK reads.",
    "apply": "Bring the connections to what a folder of files says, all or nothing.",
    "dump": "Write connections as promptflow's YAML, with placeholders and references "
    "in the place of secrets.",
    "completion": "Print a completion script for a shell.",
}


def add_actions(parser: ArgumentParser) -> None:
    """Adds every action to the command's parser."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    parsers = {name: _parser(actions, name) for name in HELP}
    _add_saving(parsers)
    for name in ("show", "list", "test"):
        parsers[name].add_argument(
            "--output", choices=("json",), default="json", help="json, which it always is"
        )
    for name in ("show", "delete", "test"):
        named = parsers[name].add_mutually_exclusive_group(required=True)
        named.add_argument("name", nargs="?", default=SUPPRESS, help=NAME)
        named.add_argument("-n", "--name", default=SUPPRESS, help="the same, as pf has it")
    parsers["list"].add_argument(
        "-r", "--max-results", type=int, default=50, metavar="N", help="at most so many (50)"
    )
    parsers["list"].add_argument("--all-results", action="store_true", help="all of them")
    parsers["delete"].add_argument(
        "-y", "--yes", "--assume-yes", action="store_true", help="do not ask"
    )
    _add_folders(parsers)
    parsers["completion"].add_argument(
        "shell", choices=["bash", "zsh", "names"], help="names prints the names of all connections"
    )


def _parser(actions: Any, name: str) -> ArgumentParser:
    parser: ArgumentParser = actions.add_parser(name, help=HELP[name])
    for flags in (["--debug", "-d"], ["--verbose"]):  # pf's; there is nothing to switch on
        parser.add_argument(*flags, action="store_true", help=SUPPRESS, dest="unused")
    parser.add_argument("--user-agent", help=SUPPRESS, dest="unused")
    return parser


def _add_saving(parsers: dict[str, ArgumentParser]) -> None:
    create, update, from_env = parsers["create"], parsers["update"], parsers["from-env"]
    create.add_argument("-f", "--file", required=True, help=FILE)
    create.add_argument("-n", "--name", help="name of the connection; beats the one in the file")
    create.add_argument(
        "--force",
        action="store_true",
        help="overwrite a connection that has this name, as pf does without being told",
    )
    update.add_argument("-n", "--name", required=True, help=NAME)
    update.add_argument("-f", "--file", help=FILE)
    for parser in (create, update):
        parser.add_argument("--skip-empty", action="store_true", help=SKIP)
    from_env.add_argument("type", help="open_ai, azure_open_ai, or any other type")
    from_env.add_argument(
        "-n", "--name", help="create a connection of this name; without, it is only shown"
    )
    from_env.add_argument(
        "--reference",
        action="store_true",
        help="store references to the variables, not their values",
    )
    for parser in (create, update, from_env):
        parser.add_argument(
            "--set",
            nargs="+",
            action="extend",
            type=_pair,
            default=[],
            metavar="KEY=VALUE",
            dest="overrides",
            help=SET,
        )


def _pair(item: str) -> tuple[list[str], str]:
    try:
        return pairs([item])[0]
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _add_folders(parsers: dict[str, ArgumentParser]) -> None:
    apply, dump = parsers["apply"], parsers["dump"]
    apply.add_argument(
        "-f",
        "--file",
        required=True,
        metavar="DIR",
        help="folder of .yaml, .yml and .env files, or one file",
    )
    apply.add_argument(
        "--set",
        nargs="+",
        action="extend",
        type=_pair,
        default=[],
        metavar="NAME.KEY=VALUE",
        dest="overrides",
        help="a field of the connection NAME to set, as NAME.api_key=... or "
        "NAME.secrets.KEY=...; beats its file",
    )
    _add_plan(apply)
    apply.add_argument(
        "--prune",
        action="store_true",
        help="delete what an earlier apply with the same label made and no file names",
    )
    apply.add_argument(
        "--label",
        help="what this set of files is called, in the tag applied:LABEL; "
        "the folder's name, if left out",
    )
    dump.add_argument(
        "-n",
        "--name",
        action="append",
        default=[],
        dest="names",
        help=f"{NAME}; can be repeated. All, if left out",
    )
    dump.add_argument("-o", "--output", metavar="DIR", help="folder to write one file each into")


def _add_plan(apply: ArgumentParser) -> None:
    apply.add_argument("--dry-run", action="store_true", help="only show the plan")
    apply.add_argument(
        "--exit-code",
        action="store_true",
        help="with --dry-run: end with 3 where something would change, with 0 where nothing would",
    )
    add_output(apply)
