"""YAML as promptflow reads it: version 1.2 (`yes` and `10:30` are texts), and nothing but texts may
be values.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .errors import Path, Refused

LARGEST = 1024 * 1024  # characters of one file
MOST_FIELDS = 10_000
DEEPEST = 2  # fields, and the entries of `configs` and `secrets`
STANDARD = "tag:yaml.org,2002:"
# https://yaml.org/spec/1.2.2/#1032-tag-resolution; dates and underscores as ruamel.yaml, which
# promptflow uses, takes them
SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+", "-+0123456789"),
    "float": (
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    "null": (r"~|null|Null|NULL|", ("~", "n", "N", "")),
    "timestamp": (
        r"\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ "
        r"\t]*(?:Z|[-+]\d\d?(?::\d\d)?))?",
        "0123456789",
    ),
    "merge": (r"<<", "<"),
}
WORDS = {
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "timestamp": "a date",
    "null": "null",
}


@dataclass(frozen=True)
class NotText:
    """A value that is no text.

    `kind`: what it is, in words; `raw`: as it was written, empty for a list or a map.
    """

    kind: str
    raw: str = ""


class Loader(yaml.SafeLoader):
    """Reads plain scalars by the rules above.

    It only composes nodes: no tag ever makes an object.
    """

    yaml_implicit_resolvers = {}


class Dumper(yaml.SafeDumper):
    """Quotes whatever a reader of YAML 1.1 or 1.2 would not take for a text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _name, (_pattern, _first) in SCALARS.items():
    for _class in (Loader, Dumper):
        _class.add_implicit_resolver(
            f"{STANDARD}{_name}", re.compile(rf"(?:{_pattern})$"), list(_first)
        )


def parse(text: str) -> dict[str, Any]:
    """The fields of a file: name -> text, NotText, or a dict of these.

    Empty for an empty file. Raises Refused with line and column.
    """
    if len(text) > LARGEST:
        raise Refused(
            [((), "The file has more than a million characters, which is no connection.")]
        )
    try:
        node = yaml.compose(text, Loader)
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise Refused(
                [
                    (
                        (),
                        f"The file holds {_kind(node).kind}. A connection is a map of fields such "
                        "as `type: open_ai`.",
                    )
                ]
            )
        return _mapping(node, ())
    except yaml.MarkedYAMLError as error:
        raise Refused(
            [
                (
                    (),
                    _broken(
                        error.problem or error.context or "",
                        error.problem_mark or error.context_mark,
                    ),
                )
            ]
        ) from None
    except yaml.reader.ReaderError as error:
        raise Refused(
            [((), _broken(f"the character #x{error.character:04x} may not stand in YAML", None))]
        ) from None
    except RecursionError:
        raise Refused([((), "The file is nested too deeply to be a connection.")]) from None


def _broken(problem: str, mark: Any) -> str:
    """Only the problem and where it is: the whole message of the parser quotes the line, secret or
    not.
    """
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"This is not valid YAML{where}: {problem}."


def _mapping(node: yaml.MappingNode, path: Path) -> dict[str, Any]:
    own: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key, value in node.value:
        if key.tag == f"{STANDARD}merge":
            merged = {**_merge(value, path), **merged}
            continue
        name = _key(key, path)
        if name in own:
            raise Refused(
                [((*path, name), _broken("the key is there twice. Remove one", key.start_mark))]
            )
        own[name] = _value(value, (*path, name))
    if len(own) + len(merged) > MOST_FIELDS:
        raise Refused([(path, f"There are more than {MOST_FIELDS} fields.")])
    return {**merged, **own}


def _merge(node: yaml.Node, path: Path) -> dict[str, Any]:
    """What `<<` brings in: a map, or a list of maps.

    Merges inside of these are not followed: they could double for ever.
    """
    maps = node.value if isinstance(node, yaml.SequenceNode) else [node]
    found: dict[str, Any] = {}
    for one in reversed(maps):
        if not isinstance(one, yaml.MappingNode) or any(
            key.tag == f"{STANDARD}merge" for key, _ in one.value
        ):
            raise Refused(
                [(path, _broken("<< takes a map without << of its own", node.start_mark))]
            )
        found |= _mapping(one, path)
    return found


def _key(node: yaml.Node, path: Path) -> str:
    if isinstance(node, yaml.ScalarNode) and node.tag == f"{STANDARD}str":
        return str(node.value)
    found = _kind(node)
    raise Refused(
        [
            (
                (*path, found.raw or "?"),
                f'The key is {found.kind}, not a valid string. Quote it, as in "5": ...',
            )
        ]
    )


def _value(node: yaml.Node, path: Path) -> Any:
    if isinstance(node, yaml.ScalarNode) and node.tag == f"{STANDARD}str":
        return str(node.value)
    if isinstance(node, yaml.MappingNode) and node.tag == f"{STANDARD}map" and len(path) < DEEPEST:
        return _mapping(node, path)
    if not node.tag.startswith(STANDARD):
        raise Refused(
            [(path, _broken(f"the tag {node.tag} means nothing here. Remove it", node.start_mark))]
        )
    return _kind(node)


def _kind(node: yaml.Node) -> NotText:
    if isinstance(node, yaml.ScalarNode):
        return NotText(WORDS.get(node.tag.removeprefix(STANDARD), "one text"), node.value)
    return NotText("a map" if isinstance(node, yaml.MappingNode) else "a list")


def write(fields: Mapping[str, Any]) -> str:
    """YAML of these fields in their order. The values are texts and maps of texts."""
    return str(
        yaml.dump(
            dict(fields),
            Dumper=Dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=100_000,
        )
    )
