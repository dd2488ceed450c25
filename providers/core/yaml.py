"""YAML, read and written.

Nothing in a text that is read can grow or act: its size, depth and number of values are bounded,
and no tag makes an object. Whatever is written is read back the same, also by readers of YAML 1.1.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

DEEPEST = 20
TAG = "tag:yaml.org,2002:"
FASTER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ODD = re.compile(r"[\x00\ud800-\udfff]")  # neither a database nor a page can hold them
ODD_CHARACTERS = "it has characters that no text has"

# yaml.org/spec/1.2.2, 10.2: in YAML 1.1, which PyYAML reads, `no` is false and 010 is 8. Here both
# are texts.
WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,3})?")

# What ruamel.yaml, which promptflow uses, takes for something else than a text, in its order: YAML
# 1.2 with dates and underscores. A pattern, the characters it may begin with, and the kind in words
SCALARS = (
    ("true|True|TRUE|false|False|FALSE", "tTfF", "true or false"),
    (
        r"[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+",
        "-+0123456789",
        "a number",
    ),
    (
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
        "a number",
    ),
    ("~|null|Null|NULL|", "~nN", "null"),
    (
        r"\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?"
        r"(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?",
        "0123456789",
        "a date",
    ),
    ("<<", "<", "a merge key"),
)


class YamlError(Exception):
    """A text that is not YAML, or YAML that is not taken here. It repeats no value.

    `problem`: a sentence that begins in lower case. `line` and `column` count from 1, 0 is unknown;
    `path`: the keys that lead to the place, as far as they are known.
    """

    def __init__(
        self,
        problem: str,
        mark: Any = None,
        path: tuple[str, ...] = (),
        is_syntax: bool = False,
    ) -> None:
        super().__init__(problem)
        self.problem, self.path = problem, path
        self.line = mark.line + 1 if mark else 0
        self.column = mark.column + 1 if mark else 0
        self.sentence = (
            f"This is not YAML: {problem}" if is_syntax else problem[:1].upper() + problem[1:]
        )


def core_scalar(text: str) -> Any:
    """The value of a plain scalar by the core schema of YAML 1.2: null, a boolean, a number, or a
    text. Integers of 19 digits and more are texts, and so are 0o17 and 0x1F.
    """
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text


def scalar_kind(text: str) -> str:
    """The kind of value, in words, that ruamel.yaml takes a plain scalar for; empty for a text."""
    for pattern, first, kind in SCALARS:
        if text[:1] in first and re.fullmatch(pattern, text):
            return kind
    return ""


@dataclass(frozen=True)
class Rules:
    """Bounds and meanings of a text.

    `largest`: its bytes, and also the number of its values, which only aliases can make greater.
    `plain`: from a scalar without quotes to its value. `keys`: the types that a key may have.
    `aliases`: anchors, aliases, merges (`<<`) and the tags !!str, !!map and !!seq are read too;
    aliased values are shared, so who walks the result bounds the walk. `loader`: libyaml's is
    faster; PyYAML's own refuses tabs between a key and its value, as ruamel.yaml does.
    """

    largest: int
    plain: Callable[[str], Any] = core_scalar
    keys: tuple[type, ...] = (str, int)
    aliases: bool = False
    loader: Any = FASTER


def read(text: str, rules: Rules) -> Any:
    """The mappings, lists and scalars of the one document in a text. Raises YamlError."""
    found = read_all(text, rules)
    if len(found) != 1:
        raise YamlError(
            f"one document is expected, not {len(found)}. Put each into a file of its own."
        )
    return found[0]


def read_all(text: str, rules: Rules) -> list[Any]:
    """Every document in a text, none in an empty one. Raises YamlError."""
    text = bounded(text, rules.largest)
    try:
        return _Reader(text, rules).documents()
    except yaml.MarkedYAMLError as error:
        raise YamlError(
            f"{error.problem or error.context or 'it cannot be read'}.",
            error.problem_mark or error.context_mark,
            is_syntax=True,
        ) from None
    except yaml.reader.ReaderError as error:
        raise YamlError(
            f"{ODD_CHARACTERS}: #x{error.character:04x} may not stand in YAML.", is_syntax=True
        ) from None
    except (yaml.YAMLError, UnicodeError):
        raise YamlError(f"{ODD_CHARACTERS}.", is_syntax=True) from None


def bounded(text: str, largest: int) -> str:
    """The text without its byte order mark. Raises YamlError for more than `largest` bytes."""
    if len(text) > largest or len(text.encode(errors="replace")) > largest:
        raise YamlError(f"it is longer than {largest // 1024} KB.")
    return text.removeprefix("\ufeff")


def check_scalar(value: Any, mark: Any = None, path: tuple[str, ...] = ()) -> None:
    """Raises YamlError for infinity and for characters that no database stores."""
    if isinstance(value, float) and not math.isfinite(value):
        raise YamlError("a number in it is too large.", mark, path)
    if isinstance(value, str) and ODD.search(value):
        raise YamlError(f"{ODD_CHARACTERS}.", mark, path)


class _Reader:
    """One pass over the events of a text."""

    def __init__(self, text: str, rules: Rules) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=rules.loader)
        self._rules = rules
        self._anchors: dict[str, Any] = {}
        self._merging: set[int] = set()  # ids of the mappings that have `<<`
        self._count = 0

    def documents(self) -> list[Any]:
        found = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                found.append(self._value(next(self._events), ()))
        return found

    def _value(self, event: Any, path: tuple[str, ...]) -> Any:
        self._add(1, event, path)
        if len(path) >= DEEPEST:
            raise YamlError(
                f"it is nested more than {DEEPEST} levels deep.", event.start_mark, path
            )
        if event.anchor is not None and not self._rules.aliases:
            raise YamlError(
                "anchors (&) and aliases (*) are not used here. Write the value out, or put it "
                "into quotes.",
                event.start_mark,
                path,
            )
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise YamlError("found undefined alias.", event.start_mark, path, is_syntax=True)
            return self._anchors[event.anchor]
        self._check_tag(event, path)
        if isinstance(event, yaml.ScalarEvent):
            is_plain = event.implicit[0]
            value = self._rules.plain(event.value) if is_plain else event.value
            check_scalar(value, event.start_mark, path)
            return self._anchored(event, path, value)
        if isinstance(event, yaml.SequenceStartEvent):
            items = self._anchored(event, path, [])
            for one in self._until(yaml.SequenceEndEvent):
                items.append(self._value(one, (*path, str(len(items)))))
            return items
        return self._mapping(self._anchored(event, path, {}), path)

    def _mapping(self, found: dict[Any, Any], path: tuple[str, ...]) -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            mark = event.start_mark
            if self._rules.aliases and getattr(event, "value", "") == "<<" and event.implicit[0]:
                self._merging.add(id(found))
                merged = {**self._merge(next(self._events), path), **merged}
                continue
            key = self._value(event, (*path, str(getattr(event, "value", "?"))))
            if not isinstance(key, self._rules.keys) or isinstance(key, bool):
                raise YamlError("a key is a text. Put it into quotes.", mark, path)
            inner = (*path, str(getattr(event, "value", key)))
            if key in found:
                raise YamlError(f"the key {str(key)[:100]} is there twice. Keep one.", mark, inner)
            found[key] = self._value(next(self._events), inner)
        if merged:  # they stand before the mapping's own; the object stays, it may have an anchor
            own = dict(found)
            found.clear()
            found |= merged | own
        return found

    def _merge(self, event: Any, path: tuple[str, ...]) -> dict[Any, Any]:
        """The entries that `<<` brings in, from a mapping or a list of them; the first wins.

        Mappings that merge themselves are refused: one may hold itself.
        """
        value = self._value(event, (*path, "<<"))
        found: dict[Any, Any] = {}
        for one in reversed(value if isinstance(value, list) else [value]):
            if not isinstance(one, dict) or id(one) in self._merging:
                raise YamlError("<< takes a map without << of its own.", event.start_mark, path)
            self._add(len(one), event, path)
            found |= one
        return found

    def _until(self, end: type[Any]) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _anchored(self, event: Any, path: tuple[str, ...], value: Any) -> Any:
        if event.anchor is not None:
            if event.anchor in self._anchors:
                raise YamlError("found duplicate anchor.", event.start_mark, path, is_syntax=True)
            self._anchors[event.anchor] = value
        return value

    def _add(self, more: int, event: Any, path: tuple[str, ...]) -> None:
        self._count += more
        if self._count > self._rules.largest:
            raise YamlError("it has too many values.", event.start_mark, path)

    def _check_tag(self, event: Any, path: tuple[str, ...]) -> None:
        if event.tag is None:
            return
        if not self._rules.aliases:
            raise YamlError(
                "tags (!) are not used here. Leave it out, or put the text into quotes.",
                event.start_mark,
                path,
            )
        own = {yaml.ScalarEvent: "str", yaml.MappingStartEvent: "map"}.get(type(event), "seq")
        if event.tag not in ("!", f"{TAG}{own}"):
            raise YamlError(
                f"the tag {event.tag} means nothing here. Remove it.", event.start_mark, path
            )


class _Dumper(yaml.SafeDumper):
    """Quotes whatever a reader of YAML 1.1 or 1.2 would not take for a text."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """In double quotes, where everything odd is escaped, if there is anything odd: in single ones
    PyYAML reads #x85 back as a blank.
    """
    style = None if text.replace("\n", "").isprintable() else '"'
    return dumper.represent_scalar(f"{TAG}str", text, style=style)


_Dumper.add_representer(str, _represent_text)
for _pattern, _first in (*((one[0], one[1]) for one in SCALARS), (NUMBER.pattern, "-+.0123456789")):
    _Dumper.add_implicit_resolver(f"{TAG}other", re.compile(rf"(?:{_pattern})$"), list(_first))


def write(data: Any, width: int = 100_000) -> str:
    """YAML of mappings, lists and scalars, in their order, in lines of about this width."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width))
