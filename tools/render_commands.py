"""Writes docs/commands.md from the parsers of our commands, with their examples.

`python -m tools.render_commands` in the root. `--check` writes nothing, and fails when the page is
out of date.
"""

import os
import sys
from argparse import SUPPRESS, Action, ArgumentParser, _SubParsersAction
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "commands.md"
BEGIN = "<!-- from here on: by `make docs`, from the parsers of the commands -->\n"
NEXT = """
## Where to go on

- [tutorial.md](tutorial.md): the first commands, in their order.
- [settings.md](settings.md): what commands read from the environment.
- [sdk.md](sdk.md): the same from Python, from another machine.
"""


def main(arguments: list[str]) -> None:
    """Write the page, or with --check exit with a sentence if it is not what it should be."""
    django.setup()
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    text = before + BEGIN + rendered(our_commands()) + NEXT
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/commands.md: out of date. Run: make docs")


def our_commands() -> dict[str, Any]:
    """The commands of this code by their names, in alphabetical order."""
    from django.core.management import load_command_class

    from connections.operator_command import own_commands

    return {name: load_command_class(app, name) for name, app in own_commands().items()}


def rendered(commands: dict[str, Any]) -> str:
    """The exit codes, and each command with its actions."""
    from connections.operator_command import Exit

    codes = [f"| {one.value} | {one.text} |\n" for one in Exit]
    parts = ["\n## Exit codes\n\n| code | meaning |\n|---|---|\n", *codes]
    parts += ["\n## All commands\n\n| command | what it does |\n|---|---|\n"]
    parts += [f"| [`{name}`](#{name}) | {one.help} |\n" for name, one in commands.items()]
    for name, one in commands.items():
        parts += described(name, one)
    return "".join(parts)


def described(name: str, command: Any) -> list[str]:
    """One command: what it does, its actions and arguments, its examples."""
    from connections.operator_command import actions_of

    parser = command.create_parser("manage.py", name)
    parts = [f"\n## {name}\n\n{command.help}\n"]
    actions = actions_of(parser)
    if not actions:
        return [*parts, *listed(parser), *examples(command, "")]
    for action, one in actions.items():
        parts += [f"\n### {name} {action}\n\n{one.description}\n"]
        parts += [*listed(one), *examples(command, action)]
    return parts


def listed(parser: ArgumentParser) -> list[str]:
    """The arguments, each with its text; what is not shown in the help is left out."""
    shown = [one for one in parser._actions if _is_shown(one)]  # noqa: SLF001 argparse shows them nowhere else
    lines = [f"| {_title(one)} | {_text(one)} |\n" for one in shown]
    return ["\n| argument | meaning |\n|---|---|\n", *lines] if lines else []


def examples(command: Any, action: str) -> list[str]:
    """The examples as they are typed."""
    from connections.operator_command import PROGRAM, examples_of

    lines = [f"{PROGRAM} {one}\n" for one in examples_of(command.examples, action)]
    return ["\n```sh\n", *lines, "```\n"]


def _is_shown(one: Action) -> bool:
    hidden = one.help == SUPPRESS or "--help" in one.option_strings
    return not hidden and not isinstance(one, _SubParsersAction)


def _title(one: Action) -> str:
    names = one.metavar if isinstance(one.metavar, str) else one.dest.upper()
    if one.choices and one.metavar is None:
        names = "\\|".join(map(str, one.choices))
    if not one.option_strings:
        return f"`{names.replace(f'{chr(92)}|', ' | ')}`".replace(" | ", "`, `")
    value = f" `{names}`" if one.nargs != 0 else ""
    return ", ".join(f"`{each}`" for each in one.option_strings) + value.replace("\\|", "`, `")


def _text(one: Action) -> str:
    text = (one.help or "").replace("%(default)s", str(one.default)).replace("|", "\\|")
    is_needed = one.required and bool(one.option_strings)
    return f"{text}; required" if is_needed else text


if __name__ == "__main__":
    main(sys.argv[1:])
