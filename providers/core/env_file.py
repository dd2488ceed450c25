"""`.env` files by the grammar of python-dotenv: `export`, quotes, escapes, comments, values over
several lines. A `$` is only a `$`.
"""

import codecs
import re
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

NOT_A_PAIR = (
    "Line {} is not NAME=value. Correct it, or begin it with # to make it a comment. Quotes keep "
    "blanks, # and several lines in a value."
)
NOT_UTF_8 = "The file is not UTF-8 text. Save it as UTF-8."
# The names that a process and those it starts have from such a file, in a variable of that name.
FROM_FILE = "SWITCHBOARD_FROM_ENV_FILE"
NO_NAME = re.compile(r"[\s=$'\"`]")
UNQUOTED = re.compile(r"[^=]*=[^\S\r\n]*(?!['\"])\S.*\s#")  # and a comment behind the value


class EnvFileError(ValueError):
    """A file cannot be read, or a line of it is broken. The message repeats nothing of it."""


@dataclass(frozen=True)
class EnvLine:
    """A pair of a file. `value`: None for a name without `=`; `line`: its number, from 1.

    `is_cut`: a comment behind the value was left out of it, and quotes would have kept it in.
    """

    name: str
    value: str | None = field(repr=False)
    line: int
    is_cut: bool


def read_env_lines(text: str) -> list[EnvLine]:
    """The pairs of a file in their order.

    python-dotenv leaves broken lines out; here they raise EnvFileError.
    """
    found = []
    for one in parse_stream(StringIO(text)):
        own = one.original.string.lstrip()
        gap = one.original.string[: len(one.original.string) - len(own)]
        line = one.original.line + len(re.findall(r"\r\n|\n|\r", gap))
        if one.error:
            raise EnvFileError(NOT_A_PAIR.format(line))
        if one.key is not None:
            is_cut = one.value is not None and UNQUOTED.match(own) is not None
            found.append(EnvLine(one.key, one.value, line, is_cut))
    return found


def read_env(text: str) -> list[tuple[str, str | None]]:
    """The pairs of a file in their order, None for a name without `=`. Raises EnvFileError."""
    return [(one.name, one.value) for one in read_env_lines(text)]


def decode_text(data: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark, as PowerShell writes it.

    Raises EnvFileError for any other.
    """
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise EnvFileError(NOT_UTF_8) from None
    if "\0" in text:  # UTF-16 without its mark, which is UTF-8 too
        raise EnvFileError(NOT_UTF_8)
    return text


def load_env_file(path: Path, environ: MutableMapping[str, str]) -> None:
    """Adds the pairs of a file to an environment; what is there already wins, and the later of
    two lines with one name.

    A file that is not there is passed over. Raises EnvFileError for one that cannot be read, for a
    name that no program can read (`$env:NAME`, as PowerShell writes it), and for one without `=`
    that is set nowhere else: it is the rest of a value that broke in two.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise EnvFileError(
            f"The file cannot be read ({error.strerror}). Check what it is, and its rights."
        ) from None
    lines = read_env_lines(decode_text(data))
    values = {one.name: one.value for one in lines if one.value is not None}
    for one in lines:
        is_rest = one.value is None and one.name not in {*values, *environ}
        if is_rest or NO_NAME.search(one.name):
            raise EnvFileError(NOT_A_PAIR.format(one.line))
    for name, value in values.items():
        environ.setdefault(name, value)
