"""The page of commands: each line of its examples is run, on the same rows."""

import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .asking import Warm
from .blocks import ROOT, Block, blocks_of, pages
from .place import Place

TOLD = ROOT / "tests" / "documents" / "commands.yaml"
POSTGRESQL = "POSTGRESQL"  # stands for the address of a database there
PROGRAM = ".venv/bin/python manage.py "
ENDS_WITH_3 = re.compile(r"#.*\b3\b")  # a check that finds something


@cache
def told() -> dict[str, Any]:
    """What the lines need."""
    found: dict[str, Any] = yaml.safe_load(TOLD.read_text(encoding="utf-8"))
    return found


def follow(block: Block, place: Place) -> tuple[str, Counter[str]]:
    """How a block's lines went wrong, in words; and how many were not run, by their reasons."""
    left_out: Counter[str] = Counter()
    for line in filter(None, block.text.splitlines()):
        if reason := _of(line, "skip"):
            left_out[reason] += 1
        elif POSTGRESQL in _of(line, "first") and not place.postgresql:
            left_out["postgresql"] += 1
        elif wrong := _run(line, place):
            return wrong, left_out
    return "", left_out


def _run(line: str, place: Place) -> str:
    rows = _rows(place)
    rows.reset()
    first = _of(line, "first")
    for shown, own in told()["own"].items():
        line = re.sub(rf"\b{shown}\b", lambda _, own=own: f"$({own})", line)
    if POSTGRESQL in first:
        first = first.replace(POSTGRESQL, place.postgresql)
    done = rows.run(place.told(f"{first}\n{line}"), _of(line, "answers"))
    allowed = (0, 3) if ENDS_WITH_3.search(line) else (0,)
    if done.returncode in allowed:
        return ""
    return f"{line}\nended with {done.returncode}\n{done.stdout[-500:]}{done.stderr[-1500:]}"


def _of(line: str, kind: str) -> str:
    command = line.removeprefix(PROGRAM)
    found = [one for one in told().get(kind, {}) if command.startswith(one)]
    return str(told()[kind][max(found, key=len)]) if found else ""


class Rows:
    """A database of its own, which is the same again before each line."""

    def __init__(self, place: Place) -> None:
        """`place`: its rows are those to begin with."""
        self.place = place
        self.file, self.kept = place.folder / "trial.sqlite3", place.folder / "given.sqlite3"
        self.warm = Warm(place, DATABASE_URL=f"sqlite:///{self.file}")
        for page in pages():
            for block in blocks_of(page):
                if name := block.marks.get("file"):
                    place.write(name, block.text)
        told_of = {"name": "on-call", "kind": "webhook", "address": f"{place.shop.url}/orders"}
        target = place.ask("POST", "/api/v1/notice-targets", told_of).json()
        _copy(place.copy / "switchboard.sqlite3", self.file)
        place.ask("DELETE", f"/api/v1/notice-targets/{target['id']}")
        done = self.run(place.told(told()["given"]))
        if done.returncode:
            raise ValueError(f"what commands.yaml gives: {done.stdout}{done.stderr}")
        _copy(self.file, self.kept)

    def reset(self) -> None:
        """The rows as they were at the beginning."""
        for one in ("-wal", "-shm"):
            Path(f"{self.file}{one}").unlink(missing_ok=True)
        shutil.copy(self.kept, self.file)

    def run(self, script: str, text: str = "") -> Any:
        """A script of bash on these rows."""
        set_up = f"set -euo pipefail\nexport DATABASE_URL=sqlite:///{self.file}\n"
        return self.place.run("bash", "-c", set_up + self.warm.prelude() + script, text=text)


@cache
def _rows(place: Place) -> Rows:
    return Rows(place)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
