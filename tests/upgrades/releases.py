"""The code of another release, beside this one."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.connections.api.serving import Server, running
from tools.release import last_migrations

ROOT = Path(__file__).resolve().parents[2]
RECORD = tomllib.loads((Path(__file__).parent / "previous_release.toml").read_text())
KEPT = ROOT / ".venv-previous"
PINNED = r"^([\w.-]+)==[^;\n]+$"  # without a marker: what has one is for other systems


@dataclass(frozen=True)
class Release:
    """Code in a folder, and the Python that runs it."""

    folder: Path
    python: str = sys.executable

    def manage(self, variables: dict[str, str], *arguments: str) -> str:
        """What `manage.py` says; an assertion that it succeeds."""
        done = subprocess.run(
            [self.python, "manage.py", *arguments],
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def serving(self, variables: dict[str, str], log: Path) -> Iterator[Server]:
        """A server with two workers, whose log is free of tracebacks in the end."""
        options = ("--graceful-timeout=5",)
        if self.folder != ROOT:  # to compress its static files anew would be most of its start
            variables = variables | {"STATIC_ROOT": "/dev/null"}
        with running(variables, log, *options, code=self.folder, python=self.python) as server:
            yield server
        text = log.read_text(errors="replace")
        assert "Traceback" not in text, text[text.index("Traceback") - 500 :][:5000]

    def last_migrations(self) -> dict[str, str]:
        """The last migration of each app of ours."""
        return last_migrations(self.folder)


@contextmanager
def previous_release() -> Iterator[Release]:
    """The recorded release, or the commit that UPGRADE_FROM names."""
    commit = os.environ.get("UPGRADE_FROM") or RECORD["commit"]
    _fetch(commit)
    with TemporaryDirectory(prefix="switchboard-previous-") as folder:
        archive = subprocess.run(
            ["git", "archive", commit], cwd=ROOT, check=True, capture_output=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Release(Path(folder), _python(Path(folder), commit))


def _fetch(commit: str) -> None:
    """Asks the origin for a commit that a shallow clone lacks."""
    for command in (["cat-file", "-e", f"{commit}^{{commit}}"], ["fetch", "--depth=1", "origin"]):
        arguments: Any = command if command[0] == "cat-file" else [*command, commit]
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
        if done.returncode == 0:
            return
    raise AssertionError(
        f"The commit {commit} of the previous release is not here, and origin does not give it: "
        "git fetch --unshallow"
    )


def _python(folder: Path, commit: str) -> str:
    """Ours where it has the packages of that release, in any version; else one of its own, kept in
    .venv-previous.
    """
    wanted = re.findall(PINNED, (folder / "requirements.txt").read_text(), re.MULTILINE)
    found = {_plain(one.metadata["Name"]) for one in distributions()}
    if {_plain(one) for one in wanted} <= found:
        return sys.executable
    venv = KEPT / commit
    if not (venv / "ready").exists():
        uv, python = [sys.executable, "-m", "uv"], str(venv / "bin/python")
        subprocess.run([*uv, "venv", "--quiet", "--clear", str(venv)], check=True)
        sync = ["pip", "sync", "--quiet", "--require-hashes", "--python", python]
        subprocess.run([*uv, *sync, "requirements.txt"], cwd=folder, check=True)
        (venv / "ready").touch()
    return str(venv / "bin/python")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
