"""The system prompt of a profile, with its places filled."""

import string
from collections.abc import Mapping
from typing import Any

from .errors import invalid

LONGEST_VALUE = 100_000  # characters


def fill(template: str, variables: Mapping[str, Any]) -> str:
    """The template with `{name}` replaced by the variable; `{{` and `}}` are braces.

    Raises GatewayError for one that is missing.

    A place is its name only: `str.format` would also let a template index, call and pad.
    """
    filled = []
    for text, name, _, _ in string.Formatter().parse(template):
        filled.append(text)
        if name is not None:
            filled.append(_value(name, variables))
    return "".join(filled)


def places(template: str) -> list[str]:
    """The names of a template's places, each once, in their order.

    Raises ValueError for a brace that is not closed.
    """
    return list(
        dict.fromkeys(
            name for _, name, _, _ in string.Formatter().parse(template) if name is not None
        )
    )


def _value(name: str, variables: Mapping[str, Any]) -> str:
    if name not in variables:
        raise invalid(
            "missing_variable",
            f"The system prompt of this profile needs the variable {name}. Send it in variables.",
            name,
        )
    value = variables[name]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise invalid("invalid_variable", f"The variable {name} is a text or a number.", name)
    if len(text := str(value)) > LONGEST_VALUE:
        raise invalid(
            "invalid_variable", f"The variable {name} has at most {LONGEST_VALUE} characters.", name
        )
    return text


def given(body: dict[str, Any]) -> dict[str, Any]:
    """Takes `variables` out of a request's body: no service knows the field."""
    variables = body.pop("variables", None)
    if variables is None:
        return {}
    if not isinstance(variables, dict):
        raise invalid(
            "invalid_variable",
            'variables is an object of texts: {"language": "Danish"}.',
            "variables",
        )
    return variables
