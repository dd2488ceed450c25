"""Files and `--set` as the fields of a connection."""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from providers.core.env_file import EnvFileError, decode_text, read_env_lines

from . import yaml_text
from .errors import Refused

YAML = (".yaml", ".yml")
VARIABLE = re.compile(r"\$\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}")
HARD = (
    "Cannot use '--set' on properties defined by reference strings: {} is one text, so nothing can "
    "be set inside of it."
)
CUT = "{}: the text behind # in line {} was taken as a comment. Quotes around the value keep it."
NOT_A_FILE = "No such file or directory: {}"


def is_env(name: str) -> bool:
    """True if a file of this name holds NAME=value lines: `.env`, `prod.env`, and `.env.prod` too,
    which promptflow takes for YAML.
    """
    return name.endswith(".env") or (name.startswith(".env.") and not name.endswith(YAML))


def read_file(path: str) -> tuple[dict[str, Any], list[str]]:
    """The fields in a file, `-` for stdin, and warnings.

    Raises Refused; its sentences do not name the file.
    """
    text = _file_text(path)
    if path == "-" or not is_env(FilePath(path).name):
        return yaml_text.parse(text), []
    secrets, warnings = env_pairs(text, os.environ)
    if not secrets:
        raise Refused([((), "Nothing is in this .env file. Write one NAME=value a line.")])
    return {"type": "custom", "configs": {}, "secrets": dict(secrets)}, warnings


def env_pairs(text: str, environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The pairs of a `.env` file, a name without `=` as an empty text, and warnings.

    `${NAME}` and `${NAME:-default}` stand for what is set further up or in `environ`, as they do to
    promptflow. Raises Refused with the line.
    """
    try:
        found = read_env_lines(text)
    except EnvFileError as error:
        raise Refused([((), str(error))]) from None
    pairs: dict[str, str] = {}
    warnings: list[str] = []

    def value(variable: re.Match[str]) -> str:
        known = {**environ, **pairs}
        if variable["name"] not in known and variable["default"] is None:
            warnings.append(
                f"{name}: ${{{variable['name']}}} is set neither in the file nor in the "
                "environment, so it is empty."
            )
        return known.get(variable["name"], variable["default"] or "")

    for one in found:
        name = one.name  # of the pair that `value` is asked for
        pairs[name] = VARIABLE.sub(value, one.value or "")
        if one.is_cut:
            warnings.append(CUT.format(name, one.line))
    return pairs, warnings


def without_empty(content: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a file without the secrets of a map that are empty, as `.env` files have
    them.
    """
    secrets = content.get("secrets")
    if not isinstance(secrets, dict):
        return dict(content)
    return {**content, "secrets": {name: one for name, one in secrets.items() if one != ""}}


def _file_text(path: str) -> str:
    try:
        data = sys.stdin.buffer.read() if path == "-" else FilePath(path).read_bytes()
    except FileNotFoundError:
        raise Refused([((), NOT_A_FILE.format(path))]) from None
    except IsADirectoryError:
        raise Refused(
            [
                (
                    (),
                    f"{path} is a folder. Name a file in it, or use `connection apply -f` for all "
                    "of them.",
                )
            ]
        ) from None
    except (OSError, ValueError) as error:
        raise Refused(
            [((), f"{path} cannot be read ({getattr(error, 'strerror', None) or 'no such name'}).")]
        ) from None
    try:
        return decode_text(data)
    except EnvFileError as error:
        raise Refused([((), str(error))]) from None


def connection_files(folder: str) -> Iterator[FilePath]:
    """The files of a folder that describe connections, by name.

    Raises Refused when there is no such folder.
    """
    path = FilePath(folder)
    if not path.exists():
        raise Refused([((), NOT_A_FILE.format(folder))])
    if not path.is_dir():
        yield path
        return
    yield from sorted(
        one for one in path.iterdir() if one.is_file() and (one.suffix in YAML or is_env(one.name))
    )


def env_name(path: FilePath) -> str:
    """The name of the connection in a `.env` file of a folder: `prod.env` and `.env.prod` ->
    `prod`. Empty for `.env`.
    """
    return path.name.removesuffix(".env").removeprefix(".env.").strip(".")


def pairs(items: Sequence[str]) -> list[tuple[list[str], str]]:
    """`["configs.a=1"]` -> `[(["configs", "a"], "1")]`.

    Raises ValueError, which shows nothing of a value.
    """
    found = []
    for item in items:
        key, equals, value = _unquoted(item).partition("=")
        path = key.strip().split(".")
        if not equals or not all(path):
            raise ValueError(
                "--set takes KEY=VALUE, for example --set "
                f"api_version=2024-02-01{'' if equals else '; an = is missing'}."
            )
        found.append((path, _unquoted(value)))
    return found


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def with_overrides(
    content: Mapping[str, Any], overrides: Sequence[tuple[list[str], str]]
) -> dict[str, Any]:
    """The fields with `--set` over them, in order, the last wins.

    Parents that are missing are made. Raises Refused.
    """
    found: dict[str, Any] = {
        name: dict(value) if isinstance(value, dict) else value for name, value in content.items()
    }
    for path, value in overrides:
        home = found
        for depth, name in enumerate(path[:-1], start=1):
            home = home.setdefault(name, {})
            if not isinstance(home, dict):
                raise Refused([(tuple(path), HARD.format(".".join(path[:depth])))])
        home[path[-1]] = value
    return found
