"""Manifests from the text of a document: parsed and checked, every problem with its place."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from ..core.wording import plain_sentence
from .auth import STEPS
from .document import Deprecation, Manifest, Migration, Option, TypeField, Variant
from .errors import ManifestError, nearest
from .parsing import plain_data
from .requests import Expect, Expires, RequestTemplate, StatusMeaning, Test
from .validation import problems

PARTS: dict[str, type[BaseModel]] = {
    "choices": Option,
    "deprecated": Deprecation,
    "expect": Expect,
    "expires": Expires,
    "fields": TypeField,
    "map": StatusMeaning,
    "meanings": StatusMeaning,
    "migrations": Migration,
    "request": RequestTemplate,
    "test": Test,
    "tests": Test,
    "variants": Variant,
}
SENTENCES = {
    "missing": "This is required.",
    "string_type": "This is a text. Put numbers, true and false in quotes.",
    "bool_type": "This is true or false, without quotes.",
    "int_type": "This is a whole number, without quotes.",
    "list_type": "This is a list.",
    "dict_type": "This is a mapping, of names to values.",
    "model_type": "This is a mapping, of names to values.",
    "model_attributes_type": "This is a mapping, of names to values.",
    "union_tag_not_found": (
        "This is a mapping that begins with `use`, such as {use: bearer, token: ...}."
    ),
    "string_pattern_mismatch": "This has characters or a form that is not used here.",
}


def read_manifest(text: str, *, source: str = "") -> Manifest:
    """The one connection type that a YAML or JSON text describes, in any language that is read.

    Raises ManifestError.

    `source`: the name of the text, for the error.
    """
    try:
        found = read_documents(text)
    except ManifestError as error:
        raise ManifestError(error.problems, source) from None
    if len(found) != 1:
        keys = ", ".join(one.key for one in found)
        raise ManifestError(
            [
                (
                    "",
                    f"This describes {len(found)} connection types: {keys}. Put each into a "
                    "document of its own.",
                )
            ],
            source,
        )
    return found[0]


# Reads the types of a text in another language than ours; None for a text that is not in it.
Reader = Callable[[str], list[Manifest] | None]
_readers: list[Reader] = []


def register_reader(reader: Reader) -> None:
    """Lets `read_documents` take another language, which is asked before ours."""
    if reader not in _readers:
        _readers.append(reader)


def read_documents(text: str) -> list[Manifest]:
    """Every connection type that the text describes; other languages may describe several.

    Raises ManifestError.
    """
    for reader in _readers:
        if (found := reader(text)) is not None:
            return found
    return [manifest_of(plain_data(text))]


def manifest_of(data: Any) -> Manifest:
    """The manifest that a document's plain data is. Raises ManifestError with every problem."""
    if not isinstance(data, dict):
        raise ManifestError(
            [("", "A manifest is a mapping that begins with key, version and label.")]
        )
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)[:100]
        places = [_without_tags(one["loc"]) for one in errors]
        raise ManifestError(
            (_place(loc), _sentence(one, loc)) for one, loc in zip(errors, places, strict=True)
        ) from None
    if found := problems(manifest):
        raise ManifestError(found)
    return manifest.noted(warnings=tuple(_remarks(manifest)))


def _remarks(manifest: Manifest) -> list[str]:
    found = []
    if any(variant.base_url.startswith("http://") for variant in manifest.auth_variants()):
        found.append(
            "base_url begins with http://, so the credentials can be read on their way. Write "
            "https:// if the service speaks it."
        )
    if any(variant.base_url and not variant.tests for variant in manifest.auth_variants()):
        found.append("There is no test, so a check only looks whether the service answers.")
    if any(
        variant.tests and all(one.cost == "billed" for one in variant.tests)
        for variant in manifest.auth_variants()
    ):
        found.append("Every test is billed, so a check asks nothing.")
    return found


def _without_tags(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """A place as the document has it. Pydantic's also names the word of `use` and the branch of a
    union, for which the document has no level.
    """
    kept: list[Any] = []
    for index, one in enumerate(loc):
        is_tag = one in STEPS and index > 1 and loc[index - 2] == "auth"
        is_branch = index == len(loc) - 1 and one in (
            "str",
            "int",
            "float",
            "bool",
            "dict[str,any]",
            "list[any]",
            "[key]",
        )
        if not (is_tag or is_branch):
            kept.append(one)
    return tuple(kept)


def _place(loc: tuple[Any, ...]) -> str:
    """A place as text, such as `fields[2].kind`."""
    text = ""
    for one in loc:
        text += f"[{one}]" if isinstance(one, int) else f"{'.' if text else ''}{str(one)[:100]}"
    return text


def _sentence(error: Any, loc: tuple[Any, ...]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return (
            f"There is no {str(loc[-1])[:100]} here.{nearest(str(loc[-1]), _known(error['loc']))}"
        )
    if kind == "union_tag_invalid":
        return f"Choose one of: {', '.join(STEPS)}.{nearest(str(context.get('tag', '')), STEPS)}"
    if kind in SENTENCES:
        return SENTENCES[kind]
    return plain_sentence(error, "This")


def _known(loc: tuple[Any, ...]) -> list[str]:
    """The keys that may stand beside this place in the document."""
    for index in range(len(loc) - 2, -1, -1):
        if loc[index] in STEPS and index > 1 and loc[index - 2] == "auth":
            return _names(STEPS[loc[index]])
        if loc[index] in PARTS:
            return _names(PARTS[loc[index]])
    return _names(Manifest)


def _names(part: type[BaseModel]) -> list[str]:
    found = []
    for name, info in part.model_fields.items():
        choices = getattr(info.validation_alias, "choices", None)
        found += [str(one) for one in choices] if choices else [name]
    return found
