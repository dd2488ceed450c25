"""`python -m tests.connections.api.fuzz`: schemathesis over the served document.

What stands behind `make fuzz`.

FUZZ_DATABASE_URL names an empty database to use instead of SQLite; whatever is given as arguments
goes to schemathesis.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .serving import ROOT, Served, serving

CONFIG = ROOT / "tests" / "connections" / "api" / "schemathesis.toml"
FULL = ("--max-examples=200", "--checks=all", "--phases=examples,coverage,fuzzing,stateful")


def run(served: Served, *arguments: str, config: Path = CONFIG) -> subprocess.CompletedProcess[str]:
    """One run over the document that the server serves, with every check."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    command += [f"{served.url}/api/v1/schema?format=json", "--checks=all", "--no-color", *arguments]
    environment = os.environ | {
        "FUZZ_URL": served.url,
        "FUZZ_TOKEN": served.token,
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def main() -> int:
    """Everything, once."""
    with (
        tempfile.TemporaryDirectory() as place,
        serving(Path(place), os.environ.get("FUZZ_DATABASE_URL", "")) as served,
    ):
        done = run(served, *(sys.argv[1:] or FULL))
        sys.stdout.write(done.stdout)
        if keep := os.environ.get("FUZZ_LOG"):
            Path(keep).write_bytes(served.log.read_bytes())
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
