"""Cognigy's schema of a connection, `{type, label, fields: [{fieldName}]}`, as manifests of this
language.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from providers.manifests.errors import ManifestError, Problem, nearest
from providers.manifests.labels import label, sentence, words
from providers.manifests.settings import RESERVED

from .guesses import is_secret, kind

KNOWN = ("type", "label", "fields", "extension", "description", "icon", "isDeprecated", "version")
FIELD_KNOWN = (
    "fieldName",
    "label",
    "description",
    "required",
    "params",
    "key",
    "type",
    "defaultValue",
)
LONGEST_LABEL = 60
MOST_TYPES = 50


@dataclass(frozen=True)
class Schema:
    """One translated schema: a document of this language, and what had to be guessed for it."""

    document: dict[str, Any]
    guesses: tuple[str, ...]


def is_schema(data: Any) -> bool:
    """True if this looks like Cognigy's schema rather than like a manifest."""
    if isinstance(data, list):
        return bool(data) and all(
            isinstance(one, dict) and ("type" in one or "fields" in one) for one in data
        )
    if not isinstance(data, dict) or "key" in data:
        return False
    return "type" in data or isinstance(data.get("connections"), list)


def translated(data: Any) -> list[Schema]:
    """Each schema of the data. Raises ManifestError."""
    extension = data.get("extension", "") if isinstance(data, dict) else ""
    rows = (
        data["connections"]
        if isinstance(data, dict) and "connections" in data
        else data
        if isinstance(data, list)
        else [data]
    )
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_TYPES:
        raise ManifestError(
            [("connections", _("1 to %(most)d schemas are expected.") % {"most": MOST_TYPES})]
        )
    nested = isinstance(data, list) or "connections" in data
    found = [
        _translated(row, f"[{index}]" if nested else "", extension)
        for index, row in enumerate(rows)
    ]
    keys = [one.document["key"] for one in found]
    if double := next((key for key in keys if keys.count(key) > 1), ""):
        text = _("Two of the schemas have the type %(key)s. Keep one, or give each its extension.")
        raise ManifestError([("", text % {"key": double})])
    return found


def _translated(row: Any, place: str, extension: str) -> Schema:
    problems = list(_problems(row, place))
    if problems:
        raise ManifestError(problems)
    guesses: list[str] = []
    said = row.get("extension", extension)
    key = ".".join(filter(None, (_slug(said) if isinstance(said, str) else "", _slug(row["type"]))))
    document: dict[str, Any] = {
        "key": key[:100].strip("._-"),
        "version": 1,
    } | _label_and_description(row, guesses)
    document["fields"] = _fields(row["fields"], guesses)
    if row.get("isDeprecated") is True:
        document["deprecated"] = "Cognigy marks it as deprecated."
    guesses.append(
        _("The schema says no address, so a check only looks whether every value is there.")
    )
    return Schema(document, tuple(guesses))


def _problems(row: Any, place: str) -> list[Problem]:
    if not isinstance(row, dict):
        return [(place, _("A schema is a mapping with type, label and fields."))]
    dot = f"{place}." if place else ""
    found = [
        (
            f"{dot}{str(name)[:100]}",
            _("Cognigy's schema has no %(name)s.") % {"name": str(name)[:100]}
            + nearest(str(name), KNOWN),
        )
        for name in row
        if name not in KNOWN
    ]
    if not isinstance(row.get("type"), str) or not _slug(row["type"]):
        found.append((f"{dot}type", _("This is required: a text with letters or digits.")))
    if not isinstance(row.get("label", ""), str) or not isinstance(row.get("extension", ""), str):
        found.append((f"{dot}label", _("This is a text.")))
    fields = row.get("fields")
    if not isinstance(fields, list) or not fields:
        return [
            *found,
            (
                f"{dot}fields",
                _("This is required: a list of fields, such as [{fieldName: apiKey}]."),
            ),
        ]
    return found + [
        problem
        for index, field in enumerate(fields)
        for problem in _field_problems(field, f"{dot}fields[{index}]")
    ]


def _field_problems(field: Any, place: str) -> list[Problem]:
    if not isinstance(field, dict):
        return [(place, _("A field is a mapping with fieldName."))]
    found = [
        (
            f"{place}.{str(name)[:100]}",
            _("A field has no %(name)s.") % {"name": str(name)[:100]}
            + nearest(str(name), FIELD_KNOWN),
        )
        for name in field
        if name not in FIELD_KNOWN
    ]
    name = field.get("fieldName")
    if not isinstance(name, str) or not words(name) or len(name) > 200:
        found.append((f"{place}.fieldName", _("This is required: a text with letters.")))
    for one in ("label", "description"):
        if not isinstance(field.get(one, ""), str):
            found.append((f"{place}.{one}", _("This is a text.")))
    if not isinstance(field.get("required", True), bool):
        found.append((f"{place}.required", _("This is true or false.")))
    return found


def _label_and_description(row: dict[str, Any], guesses: list[str]) -> dict[str, Any]:
    """The label; a whole sentence, which many schemas have there, becomes the description."""
    given = _cleaned_text(row.get("label", ""))
    if given and len(given) <= LONGEST_LABEL and not given.endswith("."):
        return {"label": given, "description": sentence(_cleaned_text(row.get("description", "")))}
    made = label(row["type"])[:100]
    text = _("The label is a sentence or missing, so the type is called %(label)s.")
    guesses.append(text % {"label": made})
    return {
        "label": made,
        "description": sentence(_cleaned_text(row.get("description", "")) or given)[:500],
    }


def _fields(rows: list[dict[str, Any]], guesses: list[str]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = row["fieldName"]
        key = _key(name)
        if key in found:
            guesses.append(_("The field %(name)s is there twice; once is enough.") % {"name": name})
            continue
        if key == f"{'_'.join(words(name))}_value":
            text = _("%(name)s means something else here, so the field's key is %(key)s.")
            guesses.append(text % {"name": name, "key": key})
        found[key] = _field(row, key, guesses)
    return list(found.values())


def _field(row: dict[str, Any], key: str, guesses: list[str]) -> dict[str, Any]:
    secret, why = is_secret(row["fieldName"])
    shape = kind(row["fieldName"])
    called = _cleaned_text(row.get("label", ""))[:200] or label(row["fieldName"])
    text = (
        _("%(label)s is kept secret: %(why)s.")
        if secret
        else _("%(label)s is not secret: %(why)s.")
    )
    guesses.append(text % {"label": called, "why": why})
    made: dict[str, Any] = {
        "key": key,
        "kind": shape,
        "label": called,
        "help": sentence(_cleaned_text(row.get("description", "")))[:500],
    }
    if secret and shape == "json":
        made["secret"] = True
    if row.get("required") is False:
        made["required"] = False
    return made


def _key(name: str) -> str:
    key = "_".join(words(name))[:50].strip("_")
    key = key if key[:1].isalpha() else f"field_{key}"[:50]
    return f"{key}_value" if key in RESERVED else key


def _slug(text: str) -> str:
    return "-".join(words(text)).encode("ascii", "ignore").decode()


def _cleaned_text(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()[:500]
