"""Environment variables as a source of references."""

import os
from collections.abc import Mapping
from pathlib import Path

from .base import read_value


class EnvironmentSource:
    """`OpenAI__ApiKey` for `$OpenAI:ApiKey`; `OpenAI__ApiKey_FILE` names a file that holds the
    value.
    """

    name = "environment"

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def lookup(self, key: tuple[str, ...]) -> str | None:
        return self.variable("__".join(key))

    def variable(self, name: str) -> str | None:
        """The variable of this name in any case, or the content of the file that `<name>_FILE`
        names.
        """
        value = self._get(name)
        if value is not None:
            return value
        path = self._get(f"{name}_FILE")
        return None if path is None else read_value(Path(path), f"the file that {name}_FILE names")

    def _get(self, name: str) -> str | None:
        value = self._environ.get(name)
        if value is not None:
            return value
        wanted = name.upper()
        return next((self._environ[one] for one in self._environ if one.upper() == wanted), None)

    def holds(self, section: str) -> bool:  # noqa: ARG002
        """False: a variable proves nothing, DATABASE__URL may be anybody's."""
        return False
