"""The version of Switchboard: pyproject.toml has it, and nothing else."""

import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "pyproject.toml"


@cache
def version() -> str:
    """The version, empty where the file is not there."""
    try:
        document = tomllib.loads(FILE.read_text())
    except (OSError, ValueError):
        return ""
    return str(document["project"]["version"])


def user_agent() -> str:
    """How a request of ours says who asks: `Switchboard/0.1.0`."""
    return f"Switchboard/{version()}".rstrip("/")
