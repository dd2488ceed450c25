"""`.env` files by the grammar of python-dotenv, which promptflow reads them with.

https://github.com/theskumar/python-dotenv, 1.2: `export`, quotes, escapes, comments, values over
several lines, `${NAME}` and `${NAME:-default}`, and the later of two lines with one name wins.
Where it leaves a broken line out, we refuse it.
"""

import re
from collections.abc import Mapping

from .errors import Refused

GAP = re.compile(r"(?:\s+|(?:export[^\S\r\n]+)?#[^\r\n]*)*")
LINE = re.compile(
    r"""(?:export[^\S\r\n]+)?+
    (?: '(?P<quoted>[^']+)' | (?P<name>[^'=\#\s][^=\#\s]*) ) [^\S\r\n]*
    (?: =
        (?: [^\S\r\n]* '(?P<single>(?:\\.|[^'\\])*)'
          | [^\S\r\n]* "(?P<double>(?:\\.|[^"\\])*)"
          | (?P<plain>(?![^\S\r\n]*['"])[^\r\n]*) )
    )?
    [^\S\r\n]* (?:\#[^\r\n]*)? (?:\r\n|\n|\r|\Z)""",
    re.VERBOSE | re.DOTALL,
)
VARIABLE = re.compile(r"\$\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}")
ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse(text: str, environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The pairs of a file, a name without `=` as an empty text, and warnings.

    Raises Refused with the line.
    """
    text = text.removeprefix("\ufeff")
    pairs: dict[str, str] = {}
    warnings: list[str] = []
    position = _gap(text, 0)
    while position < len(text):
        found = LINE.match(text, position)
        if found is None:
            line = text.count("\n", 0, position) + 1
            raise Refused(
                [
                    (
                        (),
                        f"Line {line} is not NAME=value. Correct it, or begin it with # to make it "
                        "a comment.",
                    )
                ]
            )
        name = found["quoted"] or found["name"]
        pairs[name] = _interpolated(_raw(found), {**environ, **pairs}, name, warnings)
        position = _gap(text, found.end())
    return pairs, warnings


def _gap(text: str, position: int) -> int:
    found = GAP.match(text, position)
    return found.end() if found else position


def _raw(found: re.Match[str]) -> str:
    if found["single"] is not None:
        return re.sub(r"\\([\\'])", r"\1", found["single"])
    if found["double"] is not None:
        return re.sub(
            r"\\([\\'\"abfnrtv])", lambda one: ESCAPES.get(one[1], one[1]), found["double"]
        )
    plain = found["plain"] or ""
    return re.sub(r"\s+#.*", "", plain).strip()


def _interpolated(raw: str, known: Mapping[str, str], name: str, warnings: list[str]) -> str:
    def value(one: re.Match[str]) -> str:
        if one["name"] not in known and one["default"] is None:
            warnings.append(
                f"{name}: ${{{one['name']}}} is set neither in the file nor in the environment, so "
                "it is empty."
            )
        return known.get(one["name"], one["default"] or "")

    return VARIABLE.sub(value, raw)
