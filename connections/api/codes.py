"""The codes of the API's errors, each with its cause, an example and its cure: errors.yaml."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from providers.core.yaml import FASTER

FILE = Path(__file__).with_name("errors.yaml")


@cache
def error_groups() -> list[dict[str, Any]]:
    """The codes in the groups of errors.yaml, in their order. Not to be changed."""
    found: list[dict[str, Any]] = yaml.load(FILE.read_text(), Loader=FASTER)["groups"]  # noqa: S506 made of SafeLoader
    return found


@cache
def error_codes() -> frozenset[str]:
    """All codes."""
    return frozenset(code for group in error_groups() for code in group["codes"])


def listed(code: str) -> str:
    """The code, or `invalid` for one that a library or a provider of others made up."""
    return code if code in error_codes() else "invalid"
