"""A document's text as plain data: YAML as of version 1.2, or JSON, with nothing in it that could
grow or act.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from .errors import ManifestError

LARGEST = 256 * 1024  # bytes
DEEPEST = 20
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# yaml.org/spec/1.2.2, 10.2: in YAML 1.1, which PyYAML reads, `no` is false and 010 is 8. Here both
# are texts.
WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,3})?")


def plain_data(text: str, most: int = LARGEST) -> Any:
    """The mappings, lists and scalars of a YAML or JSON text of at most so many bytes.

    Raises ManifestError with the line.
    """
    if len(text) > most or len(text.encode(errors="replace")) > most:
        raise ManifestError(
            [
                (
                    "",
                    f"This is longer than {most // 1024} KB, which no description of a connection "
                    "type is.",
                )
            ]
        )
    text = text.removeprefix("\ufeff")
    data = _json(text) if text.lstrip()[:1] in ("{", "[") else _yaml(text)
    _refuse_odd(data)
    return data


def _json(text: str) -> Any:
    """JSON; or, because that looks alike, YAML's own way to write mappings in braces."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        try:
            return _yaml(text)
        except ManifestError:
            raise ManifestError(
                [(f"line {error.lineno}", f"This is no JSON: {error.msg}.")]
            ) from None
    except ValueError:
        raise ManifestError([("", "A number in it has too many digits.")]) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ManifestError([(key[:100], "This key is there twice. Keep one.")])
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ManifestError([("", f"{name} is no number.")])


def _yaml(text: str) -> Any:
    try:
        events = yaml.parse(text, Loader=Loader)
        found = [_value(event, events, 1) for event in events if not isinstance(event, STREAM)]
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ManifestError(
            [(line, f"This is no YAML: {error.problem or error.context or 'it cannot be read'}.")]
        ) from None
    except (yaml.YAMLError, UnicodeError):
        raise ManifestError(
            [("", "This is no YAML: it has characters that no text has.")]
        ) from None
    if len(found) != 1:
        raise ManifestError(
            [("", f"One document is expected, not {len(found)}. Put each into a file of its own.")]
        )
    return found[0]


STREAM = (
    yaml.StreamStartEvent,
    yaml.StreamEndEvent,
    yaml.DocumentStartEvent,
    yaml.DocumentEndEvent,
)


def _value(event: Any, events: Iterator[Any], depth: int) -> Any:
    if depth > DEEPEST:
        raise _too_deep()
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise _at(
            event,
            "Anchors (&) and aliases (*) are not used here. Write the value out, or put it into "
            "quotes.",
        )
    if event.tag is not None:
        raise _at(event, "Tags (!) are not used here. Leave it out, or put the text into quotes.")
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, depth)
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(one, events, depth + 1) for one in _until(yaml.SequenceEndEvent, events)]
    return _scalar(event.value) if event.implicit[0] else event.value


def _mapping(events: Iterator[Any], depth: int) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for event in _until(yaml.MappingEndEvent, events):
        key = _value(event, events, depth + 1)
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise _at(event, "A key is a text. Put it into quotes.")
        if key in found:
            raise _at(event, f"The key {str(key)[:100]} is there twice. Keep one.")
        found[key] = _value(next(events), events, depth + 1)
    return found


def _until(end: type[Any], events: Iterator[Any]) -> Iterator[Any]:
    while not isinstance(event := next(events), end):
        yield event


def _scalar(text: str) -> Any:
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text


def _refuse_odd(data: Any, depth: int = 1) -> None:
    """What neither a database nor a page can hold, and what is nested beyond reason."""
    if depth > DEEPEST:
        raise _too_deep()
    if isinstance(data, float) and not math.isfinite(data):
        raise ManifestError([("", "A number in it is too large.")])
    if isinstance(data, str) and re.search(r"[\x00\ud800-\udfff]", data):
        raise ManifestError([("", "It has characters that no text has.")])
    for one in (
        [*data, *data.values()]
        if isinstance(data, dict)
        else data
        if isinstance(data, list)
        else ()
    ):
        _refuse_odd(one, depth + 1)


def _too_deep() -> ManifestError:
    return ManifestError([("", f"It is nested more than {DEEPEST} levels deep.")])


def _at(event: Any, message: str) -> ManifestError:
    return ManifestError([(f"line {event.start_mark.line + 1}", message)])
