"""Does one block: runs it, reads it, or judges it as settings."""

import configparser
import json
import re
import tomllib
from collections.abc import Callable
from io import StringIO

import yaml
from dotenv import dotenv_values

from .blocks import GENERATED, Block
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


class Failed(Exception):
    """A block that did not do what its page says, in words."""


def do(block: Block, place: Place, before: list[Block]) -> str:
    """What was done with a block: ran, read, or its reason not to. Raises Failed.

    `before`: the blocks above it on its page.
    """
    if block.language in GENERATED:
        return "generated"
    if (reason := block.marks.get("skip")) is not None:
        _read(block, place)
        return f"not run: {reason}"
    if name := block.marks.get("file"):
        (place.copy / name).parent.mkdir(parents=True, exist_ok=True)
        (place.copy / name).write_text(place.told(block.text), encoding="utf-8")
    elif act := RUNNERS.get(block.language):
        printed = act(block, place, before)
        if block.output and (
            wrong := difference(block.output.text, printed, block.output.language)
        ):
            raise Failed(wrong)
        return "ran, and printed what the page shows" if block.output else "ran"
    if block.language not in READERS:
        raise Failed(f"nothing is known of {block.language!r}: say sh, python, text or so")
    _read(block, place)
    return "read"


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
    for number, part in enumerate(parts):
        if number:
            place.start()
        kept = place.folder / KEPT
        script = f"set -euo pipefail\n[ -e {kept} ] && . {kept}\nset -a\n{part}\nexport -p > {kept}"
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
