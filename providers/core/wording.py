"""The errors of pydantic in plain words: one place for pages, API, commands and types.

Providers speak English and know no other language. Each sentence remembers its pattern, so that
pages can say it in the language of a person: `SENTENCES` has every pattern.
"""

from collections.abc import Mapping
from typing import Any

BOUNDS = {
    "greater_than": ("gt", "{label} must be above {bound}."),
    "greater_than_equal": ("ge", "{label} must be at least {bound}."),
    "less_than": ("lt", "{label} must be below {bound}."),
    "less_than_equal": ("le", "{label} must be at most {bound}."),
    "multiple_of": ("multiple_of", "{label} must be a multiple of {bound}."),
    "string_too_short": ("min_length", "{label} must have at least {bound} characters."),
    "string_too_long": ("max_length", "{label} must have at most {bound} characters."),
    "too_short": ("min_length", "{label} must have at least {bound} entries."),
    "too_long": ("max_length", "{label} must have at most {bound} entries."),
}
OF_ONE = {  # where the bound is 1
    "string_too_short": "{label} must not be empty.",
    "too_short": "{label} must have at least one entry.",
    "too_long": "{label} must have at most one entry.",
}
KINDS = {
    "missing": "{label} is missing. Give a value.",
    "none_required": "{label} must be left empty.",
    "int_type": "{label} must be a whole number.",
    "int_parsing": "{label} must be a whole number.",
    "int_from_float": "{label} must be a whole number.",
    "int_parsing_size": "{label} has too many digits. Give a smaller number.",
    "float_type": "{label} must be a number.",
    "float_parsing": "{label} must be a number.",
    "finite_number": "{label} must be a number that is not infinite.",
    "bool_type": "{label} must be yes or no: true or false.",
    "bool_parsing": "{label} must be yes or no: true or false.",
    "string_type": "{label} must be a text.",
    "list_type": "{label} must be a list.",
    "tuple_type": "{label} must be a list.",
    "dict_type": "{label} must have keys with their values.",
    "string_unicode": "{label} has half of a character. Enter it again.",
}
CHOICE = "Choose one of: {choices}."
REQUIRED = "Required: enter a value or a reference such as {example}."
UNKNOWN = "There is no setting {name}. There are: {names}."
UNLIKE = "This is not how it is written: {label}. {help}"
NO_TEXT = "A value is text. Write numbers, true and false in quotes."
NO_MAP = (
    "Give keys with their values, all of them texts. A reference stands for one value, not for the "
    "whole."
)
THIS = "This"  # the label of what is no field
SENTENCES = (
    *(sentence for _, sentence in BOUNDS.values()),
    *OF_ONE.values(),
    *KINDS.values(),
    *(CHOICE, REQUIRED, UNKNOWN, UNLIKE, NO_TEXT, NO_MAP, THIS),
)


class Sentence(str):
    """An English sentence, with the pattern that it is made of and what stands in its places."""

    pattern: str
    places: Mapping[str, str]

    def __new__(cls, pattern: str, **places: str) -> "Sentence":
        made = super().__new__(cls, pattern.format(**places))
        made.pattern, made.places = pattern, places
        return made


def plain_sentence(error: Any, label: str) -> str:
    """One of the errors that a ValidationError lists, as a sentence about the field with this
    label: a `Sentence`. What a validator of our own says is taken as it is.

    `error`: with its context (`ctx`), which has the bound that was passed.
    """
    kind, context = error["type"], error.get("ctx") or {}
    if kind in BOUNDS:
        name, sentence = BOUNDS[kind]
        bound = _number(context.get(name, ""))
        if bound == "1" and kind in OF_ONE:
            return Sentence(OF_ONE[kind], label=label)
        return Sentence(sentence, label=label, bound=bound)
    if kind in KINDS:
        return Sentence(KINDS[kind], label=label)
    if kind == "literal_error":
        return Sentence(CHOICE, choices=str(context.get("expected", "")).replace(" or ", ", "))
    said = str(error["msg"]).removeprefix("Value error, ")
    return said if said.endswith(".") else f"{said}."


def _number(bound: Any) -> str:
    """A bound as people write it: 3600 for 3600.0, and 10,000,000."""
    if isinstance(bound, float) and bound.is_integer():
        bound = int(bound)
    return f"{bound:,}" if isinstance(bound, int) and abs(bound) >= 10_000 else str(bound)
