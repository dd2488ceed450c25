"""The base of every command of ours: whose eyes it has, its errors, exit codes and examples."""

import getpass
import re
import shlex
import sys
from argparse import SUPPRESS, ArgumentParser, _SubParsersAction
from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum
from typing import Any

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.management import get_commands
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
    SystemCheckError,
)
from django.db import DatabaseError

from providers.core.version import version

from .audit.services import Origin, coming_from
from .errors import InUse, Invalid, NotUndone, Stale, Throttled, Unusable
from .texts import nearest
from .viewing import viewing

EXPECTED = (
    *(Invalid, Stale, InUse, Unusable, Throttled, NotUndone),
    *(PermissionDenied, ImproperlyConfigured, DatabaseError),
)
ROOMS = ("backoffice", "connections", "gateway")
PROGRAM = ".venv/bin/python manage.py"
NO_DATABASE = (
    "The database does not answer as it should ({}). See that DATABASE_URL is right and that "
    "`manage.py migrate` was run."
)


class Exit(IntEnum):
    """The exit codes of our commands. docs/commands.md is written from it."""

    DONE = 0, "It is done."
    REFUSED = 1, "It was refused, or it failed. The error says why."
    ARGUMENTS = 2, "The arguments are wrong. Nothing was done."
    FOUND = 3, "A check found what it looks for. The help of the command says what that is."
    MISSING = 4, "Something that was named does not exist. Nothing was done."

    text: str

    def __new__(cls, value: int, text: str) -> "Exit":
        """A number with its meaning."""
        one = int.__new__(cls, value)
        one._value_, one.text = value, text
        return one


class HelpFormatter(DjangoHelpFormatter):
    """Wraps what is prose, and leaves the lines of examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("examples:") else super()._fill_text(text, width, indent)


class OperatorCommand(BaseCommand):
    """A command acts as the operator of the machine, who sees all rows: whoever calls it.

    `examples`: a line each, without `manage.py`; a comment may follow behind `#`. What is expected
    to go wrong ends it with one sentence, and with one of the codes of `Exit`.
    """

    examples = ""
    expected: tuple[type[Exception], ...] = EXPECTED
    requires_system_checks: Any = ()  # their warnings are about something else
    suppressed_base_arguments = {
        *("--version", "-v", "--verbosity", "--settings", "--pythonpath", "--traceback"),
        *("--no-color", "--force-color", "--skip-checks"),
    }

    def get_version(self) -> str:
        """Ours, where Django would tell its own."""
        return f"Switchboard {version()}, Django {super().get_version()}"

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser with the examples in its help, and in that of each action.

        Wrong arguments raise CommandError, also at a terminal.
        """
        called = getattr(self, "_called_from_command_line", False)
        self._called_from_command_line = False
        parser = super().create_parser(
            prog_name, subcommand, formatter_class=HelpFormatter, **kwargs
        )
        self._called_from_command_line = called
        if not self.requires_system_checks:  # scripts may give it to any command
            parser.add_argument("--skip-checks", action="store_true", help=SUPPRESS)
        for one in _subparsers(parser):
            helps = {each.dest: each.help for each in one._choices_actions}  # noqa: SLF001 as below
            for name, action in one.choices.items():
                action.formatter_class = HelpFormatter
                action.description = _sentence(helps[name])
                action.epilog = _epilog(examples_of(self.examples, name))
        firsts = [
            one for name in actions_of(parser) for one in examples_of(self.examples, name)[:1]
        ]
        parser.epilog = _epilog(firsts or examples_of(self.examples))
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Tells every expected error as `Error: cause. Cure.`, without a traceback."""
        try:
            super().run_from_argv(argv)
        except CommandError as error:  # of the arguments: the others are told by execute
            if "--traceback" in argv:
                raise
            parser = self.create_parser(argv[0], argv[1])
            actions = actions_of(parser)
            action = next((one for one in argv[2:3] if one in actions), "")
            text = _argument_error(str(error), actions.get(action, parser))
            command = " ".join(filter(None, ["manage.py", argv[1], action]))
            self._end(f"{text} `{command} --help` shows how.", Exit.ARGUMENTS)

    def execute(self, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        try:
            with viewing(None), coming_from(Origin("command", program=f"{_login()}: {name}")):
                try:
                    return super().execute(*args, **options)
                except self.expected as error:
                    raise refusal(error) from error
                except (KeyboardInterrupt, EOFError):
                    raise CommandError("It was cancelled.") from None
        except CommandError as error:
            is_ours = not isinstance(error, SystemCheckError)
            if not self._called_from_command_line or options.get("traceback") or not is_ours:
                raise
            self._end(str(error), error.returncode)
        return None

    def _end(self, text: str, code: int) -> None:
        self.stderr.write(f"Error: {' '.join(text.split())}")
        sys.exit(code)


def own_commands() -> dict[str, str]:
    """The commands of this code by their names, in alphabetical order, with the app of each."""
    found = sorted((name, str(app)) for name, app in get_commands().items())
    return {name: app for name, app in found if app.partition(".")[0] in ROOMS}


def refuse_unknown(name: str) -> None:
    """Ends the program as a command ends it, if this is the name of none."""
    if name in get_commands():
        return
    parts = set(name.split("_"))
    alike = [one for one in own_commands() if parts & set(one.split("_"))]
    alike = alike or get_close_matches(name, get_commands(), 1)
    hint = f" Did you mean {' or '.join(alike)}?" if alike else ""
    sys.stderr.write(f"Error: There is no command {name!r}.{hint} `{PROGRAM} help` lists all.\n")
    sys.exit(Exit.ARGUMENTS)


def _subparsers(parser: ArgumentParser) -> list[Any]:
    return [one for one in parser._actions if isinstance(one, _SubParsersAction)]  # noqa: SLF001 argparse shows them nowhere else


def actions_of(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    """The parsers of a command's actions by their names, none where it does one thing only."""
    return {name: each for one in _subparsers(parser) for name, each in one.choices.items()}


def examples_of(examples: str, action: str = "") -> list[str]:
    """The lines of a command's examples, or those of one action."""
    lines = examples.strip().splitlines()
    return [one for one in lines if not action or one.split()[1:2] == [action]]


def words_of(example: str) -> list[str]:
    """The arguments of an example, after the command's name."""
    return shlex.split(example, comments=True)[1:]


def refusal(error: Exception) -> CommandError:
    """What went wrong, in words for the terminal, with its exit code."""
    if isinstance(error, Invalid):
        is_missing = all(one.code == "not_found" for one in error.errors)
        text = " ".join(one.message for one in error.errors)
        return CommandError(text, returncode=Exit.MISSING if is_missing else Exit.REFUSED)
    if isinstance(error, DatabaseError):
        return CommandError(NO_DATABASE.format(type(error).__name__))
    return CommandError(str(error))


def not_there(what: str, name: str, known: Iterable[str] = (), see: str = "") -> CommandError:
    """The error for a name that finds nothing. `known`: the names that would; `see`: the command
    that shows them.
    """
    shown = f" `{see}` shows them." if see else ""
    text = f"There is no {what} {name!r}.{nearest(name, known)}{shown}"
    return CommandError(text, returncode=Exit.MISSING)


def _argument_error(text: str, parser: ArgumentParser) -> str:
    """What argparse says, as a sentence, with what was probably meant."""
    text = text.removeprefix("Error: ")
    if text.endswith("required: ACTION"):
        return f"Say what to do: {', '.join(actions_of(parser))}."
    known, typed = list(parser._option_string_actions), ""  # noqa: SLF001 as above
    if chosen := re.search("invalid choice: '([^']*)' .choose from (.*).$", text):
        typed, known = chosen[1], re.findall(r"[^', ]+", chosen[2])
    elif unknown := re.search("unrecognized arguments: ([^ =]*)", text):
        typed = unknown[1]
    return f"{_sentence(text)}{nearest(typed, known)}"


def _epilog(lines: Iterable[str]) -> str:
    """Examples as they are typed; empty without one, which fails in tests/test_command_help.py."""
    return "\n".join(["examples:", *(f"  {PROGRAM} {line}" for line in lines)])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _login() -> str:
    """The name of whoever is signed in on the machine, empty where it does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
