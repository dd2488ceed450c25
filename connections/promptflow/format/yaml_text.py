"""The fields of promptflow's YAML: version 1.2 (`yes` and `10:30` are texts), and only texts may be
values.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from providers.core.yaml import Rules, YamlError, read_all, scalar_kind

from .errors import Path, Refused

MOST_FIELDS = 10_000
DEEPEST = 2  # fields, and the entries of `configs` and `secrets`


@dataclass(frozen=True)
class NotText:
    """A value that is not a text.

    `kind`: what it is, in words; `raw`: as it was written, empty for a list or a map.
    """

    kind: str
    raw: str = ""


RULES = Rules(
    largest=1024 * 1024,
    plain=lambda text: NotText(kind, text) if (kind := scalar_kind(text)) else text,
    keys=(str, NotText),
    aliases=True,
    loader=yaml.SafeLoader,
)


def parse(text: str) -> dict[str, Any]:
    """The fields of a file: name -> text, NotText, or a dict of these.

    Empty for an empty file. Raises Refused with line and column.
    """
    try:
        found = read_all(text, RULES)
    except YamlError as error:
        where = f"line {error.line}, column {error.column}"
        said = f"This is not valid YAML, {where}: {error.problem}" if error.line else error.sentence
        raise Refused([(error.path[:DEEPEST], said)]) from None
    if len(found) > 1:
        raise Refused([((), "This is not valid YAML: the file holds more than one document.")])
    if not found:
        return {}
    content = found[0]
    if not isinstance(content, dict):
        kind = "one text" if isinstance(content, str) else _field_value(content, ()).kind
        raise Refused(
            [
                (
                    (),
                    f"The file holds {kind}. A connection is a map of fields such as "
                    "`type: open_ai`.",
                )
            ]
        )
    if sum(len(one) if isinstance(one, dict) else 1 for one in content.values()) > MOST_FIELDS:
        raise Refused([((), f"There are more than {MOST_FIELDS} fields.")])
    return _fields(content, ())


def _fields(mapping: dict[Any, Any], path: Path) -> dict[str, Any]:
    for key in mapping:
        if isinstance(key, NotText):
            raise Refused(
                [
                    (
                        (*path, key.raw or "?"),
                        f'The key is {key.kind}, not a valid string. Quote it, as in "5": ...',
                    )
                ]
            )
    return {key: _field_value(value, (*path, key)) for key, value in mapping.items()}


def _field_value(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        return _fields(value, path) if len(path) < DEEPEST else NotText("a map")
    return NotText("a list") if isinstance(value, list) else value
