"""One connection as a file says it, judged field by field, before anything is asked or saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connections.references import is_reference

from .errors import Path, Refused
from .shapes import COMMON, LONGEST_CONSTANT, Shape, nearest_type, shape_of_type, type_names
from .values import ValueKind, is_odd, read_value, stored
from .yaml_text import NotText

LONGEST_NAME = 255
NOT_CONSTANT = (
    f"This takes at most {LONGEST_CONSTANT} characters on one line, and no reference: no request "
    "carries it."
)
NAME_REQUIRED = (
    "Name is required to create or update connection. Add `name: ...` to the file, or give --name."
)
TYPE_REQUIRED = "type is required for connection. Add a line such as `type: open_ai`."


@dataclass(frozen=True)
class Document:
    """One connection as a file, or `--set`, describes it.

    `values`: promptflow's field -> text as it is stored, or a map of such texts. `kept`: secrets
    that were hidden or left empty when the file was written. `asked`: what somebody must type.
    `dropped`: secrets that do not go with the rest of the file.
    """

    shape: Shape
    name: str
    values: Mapping[str, Any] = field(repr=False)
    kept: tuple[Path, ...] = ()
    asked: tuple[Path, ...] = ()
    dropped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def is_secret(self, path: Path) -> bool:
        """True if the value at the path is a secret."""
        return self.shape.setting(path[0]).secret

    def filled(self, answers: Mapping[Path, str]) -> "Document":
        """The document with the answers that somebody typed."""
        values: dict[str, Any] = {
            name: dict(value) if isinstance(value, dict) else value
            for name, value in self.values.items()
        }
        for path, text in answers.items():
            home = values.setdefault(path[0], {}) if len(path) == 2 else values
            home[path[-1]] = stored(text)
        kept = tuple(path for path in self.kept if path not in answers)
        return replace(
            self,
            values=values,
            kept=kept,
            asked=tuple(path for path in self.asked if path not in answers),
        )


def read_document(content: Mapping[str, Any], *, name: str = "") -> Document:
    """The document in the fields of a file.

    `name` beats the one in the file. Raises Refused with everything that is wrong.
    """
    shape = read_shape(content)
    problems: list[tuple[Path, str]] = []
    given = name or _name(content, problems)
    return _document(shape, given, content, problems, whole=True)


def read_changes(shape: Shape, content: Mapping[str, Any]) -> Document:
    """The document of a `--set` for a connection that exists: only what is named changes. Raises
    Refused.
    """
    problems: list[tuple[Path, str]] = []
    said = content.get("type")
    other = shape_of_type(said) if isinstance(said, str) else None
    if said is not None and (other is None or other.provider is not shape.provider):
        problems.append(
            (
                ("type",),
                f"The type of a connection cannot change; this one is {shape.type}. Create another "
                "one instead.",
            )
        )
    return _document(shape, "", content, problems, whole=False)


def read_shape(content: Mapping[str, Any]) -> Shape:
    """The shape that `type` names, in any spelling. Raises Refused."""
    said = content.get("type")
    if said is None or said == "" or (isinstance(said, NotText) and said.kind == "null"):
        raise Refused([((), TYPE_REQUIRED + _slip(content, "type"))])
    if isinstance(said, NotText) or not isinstance(said, str):
        raise Refused(
            [
                (
                    ("type",),
                    f"Not a valid string: this is {_kind_in_words(said)}. Write a type such as "
                    "open_ai.",
                )
            ]
        )
    if found := shape_of_type(said):
        return found
    names = type_names()
    near = nearest_type(said, names)
    hint = f" Did you mean {near}?" if near else ""
    raise Refused(
        [
            (
                (),
                f"Connection type {said[:100]!r} is not supported.{hint} Supported types are: "
                f"{', '.join(names)}.",
            )
        ]
    )


def _slip(content: Mapping[str, Any], wanted: str) -> str:
    """A hint at a key that looks like the wanted one; empty when none does."""
    key = nearest_type(wanted, [name for name in content if name not in COMMON])
    return f" There is {key!r}: did you mean {wanted}?" if key else ""


def _name(content: Mapping[str, Any], problems: list[tuple[Path, str]]) -> str:
    said = content.get("name")
    if isinstance(said, str) and said.strip():
        if len(said.strip()) > LONGEST_NAME:
            problems.append(
                (
                    ("name",),
                    f"At most {LONGEST_NAME} characters; this one has {len(said.strip())}. Give "
                    "--name.",
                )
            )
        return said.strip()
    if isinstance(said, str | None) or said.kind == "null":
        problems.append(((), NAME_REQUIRED + _slip(content, "name")))
    else:
        problems.append(
            (
                ("name",),
                _not_text(
                    said, f'name: "{said.raw}"' if isinstance(said, NotText) and said.raw else ""
                ),
            )
        )
    return ""


def _document(
    shape: Shape,
    name: str,
    content: Mapping[str, Any],
    problems: list[tuple[Path, str]],
    whole: bool,
) -> Document:
    reader = _FieldReader(shape, content, problems, whole)
    for key, value in content.items():
        reader.take(key, value)
    reader.settle_authentication()
    if problems:
        raise Refused(problems)
    return Document(
        shape,
        name,
        reader.values,
        tuple(reader.kept),
        tuple(reader.asked),
        tuple(reader.dropped),
        tuple(reader.warnings),
    )


@dataclass
class _FieldReader:
    """One pass over the fields of a file."""

    shape: Shape
    content: Mapping[str, Any]
    problems: list[tuple[Path, str]]
    whole: bool
    values: dict[str, Any] = field(default_factory=dict)
    kept: list[Path] = field(default_factory=list)
    asked: list[Path] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def take(self, key: str, value: Any) -> None:
        """Takes one field."""
        if key in self.shape.fields:
            self._take_field(key, value)
        elif key not in COMMON:
            self._unknown(key)
        elif key == "module" and isinstance(value, NotText):
            self.problems.append(((key,), _not_text(value)))

    def _take_field(self, key: str, value: Any) -> None:
        if self.shape.is_map(key):
            self._take_map(key, value)
        elif isinstance(value, dict):
            self.problems.append(((key,), _not_text(NotText("a map"))))
        elif key == "auth_mode" and isinstance(value, NotText) and value.kind == "null":
            # promptflow takes it for meid_token and drops the key; here nothing said is the
            # default, key
            return
        elif (text := self._text_to_store((key,), value, free=False)) is not None:
            if key in self.shape.constants and not _is_constant(text):
                self.problems.append(((key,), NOT_CONSTANT))
            # Azure writes `_` for an address that is not set
            is_unset = text == "_" and self.shape.setting(key).address
            self.values[key] = "" if is_unset else text

    def _take_map(self, key: str, value: Any) -> None:
        if not isinstance(value, dict):
            null = isinstance(value, NotText) and value.kind == "null"
            text = "Field may not be null. " if null else "Not a valid mapping type. "
            self.problems.append(
                ((key,), f"{text}Write one `name: value` a line under it, indented.")
            )
            return
        found = {
            name: self._text_to_store((key, name), one, free=True) for name, one in value.items()
        }
        self.values[key] = {name: text for name, text in found.items() if text is not None}

    def _text_to_store(self, path: Path, value: Any, free: bool) -> str | None:
        """The text to store; None when there is none: refused, kept or asked for."""
        secret = self.shape.setting(path[0]).secret
        if not isinstance(value, str):
            found = value if isinstance(value, NotText) else NotText("a map")
            raw = f'{path[-1]}: "{"..." if secret else found.raw}"'
            self.problems.append((path, _not_text(found, raw if found.raw else "")))
            return None
        kind, text = read_value(value, secret=secret, free=free)
        if kind is ValueKind.REFUSED:
            self.problems.append((path, text))
        elif kind in (ValueKind.KEEP, ValueKind.ASK):
            (self.kept if kind is ValueKind.KEEP else self.asked).append(path)
        elif is_odd(value):
            self.warnings.append(
                f"{'.'.join(path)} begins with $ and is taken as it is. For an environment "
                "variable write ${env:NAME}."
            )
        return text if kind is ValueKind.TEXT else None

    def _unknown(self, key: str) -> None:
        near = self.shape.nearest(key)
        shown = key[:100]
        if near and near not in COMMON and near not in self.content and self.shape.is_needed(near):
            self.problems.append(
                ((shown,), f"{self.shape.type} has no such field. Did you mean {near}?")
            )
            return
        hint = f" Did you mean {near}?" if near and near not in self.content else ""
        known = ", ".join(self.shape.theirs or self.shape.fields)
        self.warnings.append(
            f"{shown!r} is not a field of {self.shape.type} and is left out.{hint} Its fields are: "
            f"{known}."
        )

    def settle_authentication(self) -> None:
        """Drops the keys of a connection with Microsoft Entra ID, and says so in a warning.

        promptflow drops them too, without a word.
        """
        if not self.shape.by_token or str(self.values.get("auth_mode", "")).lower() != "meid_token":
            return
        secrets = self.shape.promptflow.secrets if self.shape.promptflow else frozenset()
        for name in sorted(secrets):
            if self.values.pop(name, None) is not None:
                self.warnings.append(
                    f"{name} is left out: with auth_mode meid_token nothing reads it."
                )
            self.kept = [path for path in self.kept if path[0] != name]
            self.asked = [path for path in self.asked if path[0] != name]
            self.dropped.append(name)


def _is_constant(text: str) -> bool:
    return len(text) <= LONGEST_CONSTANT and text.isprintable() and not is_reference(text)


def _kind_in_words(value: Any) -> str:
    return value.kind if isinstance(value, NotText) else "a map"


def _not_text(value: Any, example: str = "") -> str:
    """The sentence that refuses a value that is not a text. Nothing of a secret is repeated."""
    if _kind_in_words(value) == "null":
        return "Field may not be null. Give it a value, or remove the line."
    cure = f"Quote it, as in {example}." if example else "Write one text."
    return f"Not a valid string: this is {_kind_in_words(value)}. {cure}"
