"""Programs that start in a fork of a process which has loaded the packages that they import.

Loading those takes half a second of a core, forking some milliseconds. The modules that know
settings each program still imports by itself, in an environment of its own.

`python -m tests.forks` is that process: a program on stdin, one JSON a line, what came of it on
stdout.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# What manage.py and backoffice.settings import that knows no setting; providers/ is below them all.
PACKAGES = (
    *("django.core.management", "django.db.models", "django.contrib.auth.hashers", "environ"),
    *("httpx2", "httpcore2", "pydantic", "yaml", "jsonschema", "cryptography.fernet"),
    *("asyncio", "logging.config", "unittest.mock", "psycopg", "psycopg_pool", "redis", "jwt"),
    "providers",
)


@dataclass
class Forks:
    """The process that forks."""

    process: "subprocess.Popen[str]"

    def run(
        self, code: str, *arguments: str, environment: dict[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """What a program with this code writes, in this environment and no other."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([code, arguments, environment]) + "\n")
        self.process.stdin.flush()
        return subprocess.CompletedProcess(code, *json.loads(self.process.stdout.readline()))


@contextmanager
def forks() -> Iterator[Forks]:
    """The process, until the block ends."""
    command = [sys.executable, "-m", "tests.forks"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Forks(process)
        finally:
            process.stdin.close()  # type: ignore[union-attr]


# The other side


def _fork(code: str, arguments: list[str], environment: dict[str, str]) -> list[Any]:
    """Exit code, stdout and stderr of a program."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(said.fileno(), 2)
            os._exit(_run(code, arguments, environment))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, said):
            file.seek(0)
            texts.append(file.read().decode())
        return [status, *texts]


def _run(code: str, arguments: list[str], environment: dict[str, str]) -> int:
    """Runs a program in this process, as Python itself would. Gives the exit code."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    status: Any = 0
    try:
        exec(compile(code, "<program>", "exec"), {"__name__": "__main__"})
    except SystemExit as stopped:
        status = stopped.code or 0
        if not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:  # noqa: BLE001 told on stderr, as Python does
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def main() -> None:
    """Loads the packages, then forks for each line of stdin until it ends."""
    for name in PACKAGES:
        __import__(name)
    for line in sys.stdin:
        print(json.dumps(_fork(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
