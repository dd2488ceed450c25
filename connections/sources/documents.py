"""Documents of nested keys: JSON with comments and trailing commas as .NET writes appsettings.json,
and YAML. Errors give the place and nothing of the text.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

# A string, a comment, or a comma before the end of a list or an object.
PIECES = re.compile(
    r'"(?:\\.|[^"\\])*"|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<comma>,)(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])',
    re.DOTALL,
)
OTHER_THAN_LINE_END = re.compile(r"[^\n]")


class BrokenDocument(ValueError):
    """The text cannot be read. `str()` says why and where, for the end of a sentence."""


def read_document(data: bytes, *, is_yaml: bool) -> Mapping[str, Any]:
    """The sections of a document. Raises BrokenDocument."""
    try:
        content = data.decode("utf-8-sig")  # .NET tools write a byte order mark
    except UnicodeDecodeError:
        raise BrokenDocument("is not UTF-8 text") from None
    found = _read_yaml(content) if is_yaml else _read_json(content)
    if not isinstance(found, dict):
        kind = "mapping" if is_yaml else "JSON object"
        raise BrokenDocument(f"must hold one {kind} of sections")
    return found


def _read_json(content: str) -> Any:
    try:
        return json.loads(PIECES.sub(_blank, content), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise BrokenDocument(f"holds no valid JSON: {place}") from None
    except RecursionError:
        raise BrokenDocument("is nested too deep") from None


def _blank(piece: re.Match[str]) -> str:
    """A string as it is; blanks of the same shape for what JSON does not know."""
    if piece["comment"] is None and piece["comma"] is None:
        return piece[0]
    return OTHER_THAN_LINE_END.sub(" ", piece[0])


def _object(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    seen: set[str] = set()
    for name, value in pairs:
        if str(name).lower() in seen:
            raise BrokenDocument(f"has the key {name} twice, as case does not matter")
        seen.add(str(name).lower())
        found[name] = value
    return found


class _Loader(yaml.SafeLoader):
    """Loads plain values, each key once."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    construct: Callable[..., Any] = loader.construct_object
    try:
        return _object(
            (construct(key, deep=True), construct(value, deep=True)) for key, value in node.value
        )
    except TypeError:
        raise BrokenDocument("has a key that is not a text") from None


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _read_yaml(content: str) -> Any:
    try:
        return yaml.load(content, Loader=_Loader)  # noqa: S506 made of SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BrokenDocument(f"holds no valid YAML{place}") from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, BrokenDocument):
            raise
        raise BrokenDocument("holds no valid YAML") from None
