"""`.env` files by the grammar of python-dotenv: `export`, quotes, escapes, comments, values over
several lines. A `$` is only a `$`.
"""

import re
from collections.abc import MutableMapping
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream


class EnvFileError(ValueError):
    """A line is broken. The message names the line and repeats nothing of it."""


def read_env(text: str) -> list[tuple[str, str | None]]:
    """The pairs of a file in their order, None for a name without `=`.

    python-dotenv leaves broken lines out; here they raise EnvFileError.
    """
    pairs = []
    for one in parse_stream(StringIO(text)):
        if one.error:
            gap = one.original.string[: -len(one.original.string.lstrip())]
            line = one.original.line + len(re.findall(r"\r\n|\n|\r", gap))
            raise EnvFileError(
                f"Line {line} is not NAME=value. Correct it, or begin it with # to make it a "
                "comment."
            )
        if one.key is not None:
            pairs.append((one.key, one.value))
    return pairs


def load_env_file(path: Path, environ: MutableMapping[str, str]) -> None:
    """Adds the pairs of a file to an environment; what is there already wins, and the later of
    two lines with one name.

    A file that is not there, or may not be opened, is passed over. Raises EnvFileError.
    """
    try:
        text = path.read_text("utf-8")
    except OSError:
        return
    for name, value in dict(read_env(text)).items():
        if value is not None:
            environ.setdefault(name, value)
