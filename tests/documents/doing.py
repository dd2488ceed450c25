"""Does one block: runs it, reads it, or judges it as settings."""

import configparser
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from io import StringIO

import yaml
from dotenv import dotenv_values

from . import by_command, by_error, by_provider
from .blocks import COMMANDS, GENERATED, Block
from .checking import check
from .place import KEPT, Place
from .printed import difference

# Python that does the blocks above: what they print is not this one's.
QUIETLY = """
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    exec({})
"""
# The rows of the tutorial, which it makes in three ways.
MADE = ("profiles/content-writer", "connections/echo")


PARTS = "  of these, lines"  # what a count begins with that is not one of blocks


class Failed(Exception):
    """A block that did not do what its page says, in words."""


def do(block: Block, place: Place, before: list[Block]) -> Counter[str]:
    """What was done with a block: ran, given to the product, read, or its reason not to be. Raises
    Failed.

    `before`: the blocks above it on its page.
    """
    if block.language in GENERATED:
        return Counter(["made from the code, compared by make lint"])
    if (reason := block.marks.get("skip")) is not None:
        _read(block, place)
        return Counter([f"not run: {reason}"])
    if block.page == COMMANDS:
        return _follow(block, place)
    wrong, how = _give(block, place)
    if wrong:
        raise Failed(wrong)
    if not how:
        how = _run(block, place, before)
    return Counter([how])


def _follow(block: Block, place: Place) -> Counter[str]:
    wrong, left_out = by_command.follow(block, place)
    if wrong:
        raise Failed(wrong)
    whole = "ran, but for lines" if left_out else "ran"
    lines = {f"{PARTS} not run: {why}": count for why, count in left_out.items()}
    only = len(block.text.splitlines()) == left_out.total()
    return Counter({f"not run: {next(iter(left_out))}": 1} if only else {whole: 1, **lines})


def _give(block: Block, place: Place) -> tuple[str, str]:
    """What is wrong with a block that the product takes or answers, and how that was seen."""
    if block.page == by_error.PAGE:
        wrong, asked = by_error.compare(block, place)
        return wrong, "answered as the page shows" if asked else "judged by the API's document"
    if block.page.startswith(by_provider.FOLDER):
        return by_provider.give(block, place), "given to the server, and as a file to a command"
    found = check(block, place)
    if found is not None:
        return found, "given to the product, or compared with it"
    return "", ""


def _run(block: Block, place: Place, before: list[Block]) -> str:
    if name := block.marks.get("file"):
        place.write(name, block.text)
        return "a file, which commands below it read"
    if act := RUNNERS.get(block.language):
        printed = act(block, place, before)
        shown = block.output
        if shown and (wrong := difference(shown.text, printed, shown.language)):
            raise Failed(wrong)
        return "ran, and printed what the page shows" if shown else "ran"
    if block.language not in READERS:
        raise Failed(f"nothing is known of {block.language!r}: say sh, python, text or so")
    _read(block, place)
    return "settings, loaded as at a start" if block.language == "dotenv" else "read only"


def _read(block: Block, place: Place) -> None:
    """Parses what has a grammar. Raises Failed."""
    try:
        READERS[block.language](block.text)
    except KeyError:
        if block.language == "sh":
            _succeed(place, block.text, "bash", "-n")
    except (ValueError, yaml.YAMLError, configparser.Error, SyntaxError) as error:
        raise Failed(f"cannot be read: {error}") from None
    if block.language == "dotenv" and "skip" not in block.marks:
        _judge(block, place)


def _succeed(place: Place, text: str, *command: str) -> str:
    done = place.run(*command, text=text)
    if done.returncode:
        raise Failed(f"ended with {done.returncode}\n{done.stdout}{done.stderr}".strip())
    return done.stdout


def _run_shell(block: Block, place: Place, _before: list[Block]) -> str:
    """A block of a shell; `make run` in it starts the server anew. What it sets, the next has."""
    printed = ""
    if "anew" in block.marks:
        for row in MADE:
            place.forget(row)
    parts = re.split(r"^make run\b.*\n", place.told(block.text), flags=re.MULTILINE)
    if "postgresql" in block.marks and not place.postgresql:
        raise Failed("PostgreSQL does not answer at CI_DATABASE_URL")
    for number, part in enumerate(parts):
        if "postgresql" in block.marks:
            part = f"(DATABASE_URL={place.postgresql}\n{part})"
        if number:
            place.start()
        kept = place.folder / KEPT
        begin = f"set -euo pipefail\n{place.warm.prelude()}\n[ -e {kept} ] && . {kept}\nset -a\n"
        script = f"{begin}{part}\nexport -p > {kept}"
        printed += _succeed(place, script, "bash", "-s")
    return printed


def _run_python(block: Block, place: Place, before: list[Block]) -> str:
    above = [one for one in before if one.language == "python" and "skip" not in one.marks]
    start = len(above)
    if "continues" in block.marks:
        start = max(i for i, one in enumerate(above) if "continues" not in one.marks)
    text = "".join(place.told(one.text) for one in above[start:])
    if "shell" in block.marks:
        shell = ("python", "manage.py", "shell", "-v", "0", "-c")
        return _succeed(place, "", *shell, place.told(block.text))
    if not text:
        return _succeed(place, place.told(block.text), "python", "-")
    quiet = QUIETLY.format(repr(text))
    return _succeed(place, quiet + place.told(block.text), "python", "-")


def _run_javascript(block: Block, place: Place, _before: list[Block]) -> str:
    (place.copy / "block.mjs").write_text(place.told(block.text))
    return _succeed(place, "", "node", "block.mjs")


def _judge(block: Block, place: Place) -> None:
    """Raises Failed if the settings of a block would stop a start."""
    values = dotenv_values(stream=StringIO(block.text))
    named = [f"{name}={value or ''}" for name, value in values.items()]
    done = place.run("env", *named, "python", "-c", "import backoffice.settings")
    if done.returncode:
        raise Failed(done.stderr.strip().splitlines()[-1])


def _read_systemd(text: str) -> None:
    configparser.ConfigParser(strict=False, interpolation=None).read_string(text)


def _read_settings(text: str) -> None:
    for line in text.splitlines():
        if not re.match(r"(#.*|[A-Z][A-Z0-9_a-z]*=.*|)$", line):
            raise ValueError(line)


def _read_yaml(text: str) -> None:
    list(yaml.safe_load_all(text))


def _read_python(text: str) -> None:
    compile(text, "block", "exec")


def _nothing(_text: str) -> None:
    """Has no grammar."""


RUNNERS: dict[str, Callable[[Block, Place, list[Block]], str]] = {
    "sh": _run_shell,
    "python": _run_python,
    "js": _run_javascript,
}
READERS: dict[str, Callable[[str], object]] = {
    "yaml": _read_yaml,
    "json": json.loads,
    "toml": tomllib.loads,
    "ini": _read_systemd,
    "dotenv": _read_settings,
    "python": _read_python,
    "text": _nothing,
    "hcl": _nothing,
}
