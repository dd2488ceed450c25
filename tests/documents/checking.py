"""Gives a block that is not run to what takes it: the server, a command, a file."""

import re
from collections.abc import Callable
from zipfile import ZipFile

import yaml

from tests.httpserver import Answer

from .blocks import ROOT, Block
from .place import Place
from .printed import difference, masked

CRON = re.compile(r"(?:\S+\s+){5}(.*)")
FOLDER = "/srv/switchboard"  # where cron's lines go


def check(block: Block, place: Place) -> str | None:
    """What is wrong with a block by its mark, in words; None where it has no such mark."""
    for mark, judge in CHECKS.items():
        if mark in block.marks:
            return judge(block, place, block.marks[mark])
    return None


def _log(block: Block, place: Place, after: str) -> str:
    """Is among what the server wrote, at its start or after somebody failed to sign in."""
    shown = block.text
    if after == "sign-in":
        place.fail_to_sign_in("admin", "Mozilla/5.0 (X11)")
        shown = shown.replace("192.0.2.7", "127.0.0.1").replace("olaf", "admin")
    lines = masked(place.log()).splitlines()
    lacking = [one for one in masked(place.told(shown)).splitlines() if not _is_among(one, lines)]
    return f"the log has nothing like {lacking[0]!r}" if lacking else ""


def _is_among(line: str, lines: list[str]) -> bool:
    expected = ".*".join(map(re.escape, line.split("...")))
    return any(re.search(expected, one) for one in lines)


def _cron(block: Block, place: Place, _: str) -> str:
    """Runs the commands of a crontab, where a % is written as \\%."""
    for line in block.text.splitlines():
        found = CRON.fullmatch(line)
        if not found:
            return f"this is not a line of cron: {line}"
        command = found[1].replace(r"\%", "%").replace(FOLDER, str(place.copy))
        done = place.shell(place.told(command))
        if done.returncode:
            return f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return ""


def _answer(block: Block, place: Place, path: str) -> str:
    """Is answered at this address."""
    answer = place.ask("GET", place.told(path))
    return difference(place.told(block.text), answer.text, "json")


def _package(block: Block, place: Place, path: str) -> str:
    """Is this file of a package, whose import is planned."""
    folder = place.folder / f"package-{block.line}"
    (folder / path).parent.mkdir(parents=True)
    (folder / path).write_text(block.text, encoding="utf-8")
    command = f"manage.py package import {folder} --dry-run --on-conflict replace"
    done = place.shell(f".venv/bin/python {command}")
    return done.stderr if done.returncode else ""


def _steps(block: Block, place: Place, _: str) -> str:
    """Does the steps of a pipeline, with a token of ours in the place of its platform's."""
    document = yaml.safe_load(block.text)
    place.shop.answers["/token"] = Answer(body={"value": place.token()})
    variables = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t", "SWITCHBOARD_TOKEN": place.token()}
    variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{place.shop.url}/token?a=b"
    set_up = "".join(f"export {name}='{text}'\n" for name, text in variables.items())
    for command in _commands(document):
        done = place.shell(f"{set_up}{place.told(command)}")
        if done.returncode or '"error"' in done.stdout:
            return f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return ""


def _commands(document: object) -> list[str]:
    """What stands under `run` and `script`, at any depth."""
    if isinstance(document, list):
        return [command for one in document for command in _commands(one)]
    if not isinstance(document, dict):
        return []
    found = [one for name, one in document.items() if name in ("run", "script")]
    direct = [text for one in found for text in (one if isinstance(one, list) else [one])]
    return direct or [command for one in document.values() for command in _commands(one)]


def _lines(block: Block, _place: Place, path: str) -> str:
    """Stands in this file, line by line; `...` is what differs."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    lacking = [one for one in block.text.splitlines() if one and not _is_among(one, lines)]
    return f"{path} has nothing like {lacking[0]!r}" if lacking else ""


def _paths(block: Block, place: Place, of: str) -> str:
    """Names files at the beginning of its lines: of the repository, or of a sealed package."""
    named = [one.split()[0] for one in block.text.splitlines() if one.strip()]
    if not of:
        lacking = [one for one in named if not (ROOT / one).exists()]
        return f"there is no {lacking[0]}" if lacking else ""
    file, phrase = place.folder / "all.zip", place.folder / "passphrase"
    phrase.write_text("a passphrase of many words")
    command = f"manage.py package export {file} --profiles --seal --passphrase-file {phrase}"
    place.shell(f".venv/bin/python {command}").check_returncode()
    with ZipFile(file) as package:
        kinds = {re.sub(r"/[^/]+\.yaml", "/*.yaml", one) for one in package.namelist()}
    # of the tutorial's rows no connection is of a type that was installed
    shown = {re.sub(r"<\w+>", "*", one) for one in named} - {"types/*.yaml"}
    return "" if kinds == shown else f"a package has {sorted(kinds)}"


CHECKS: dict[str, Callable[[Block, Place, str], str]] = {
    "log": _log,
    "cron": _cron,
    "answer": _answer,
    "package": _package,
    "steps": _steps,
    "lines": _lines,
    "paths": _paths,
}
