"""System prompt templates: `{name}` is a place that a variable of the request fills."""

import string
from collections.abc import Mapping
from typing import Any

from .errors import invalid

LONGEST_VALUE = 100_000  # characters


def fill(template: str, variables: Mapping[str, Any]) -> str:
    """The template with each `{name}` replaced by its variable; `{{` and `}}` are braces.

    Raises GatewayError 400 for a variable that is missing, not a text or a number, or too long.
    """
    filled = []
    # Not str.format: it would also let a template index, call and pad.
    for text, name, _, _ in string.Formatter().parse(template):
        filled.append(text)
        if name is None:
            continue
        if name not in variables:
            raise invalid(
                "missing_variable",
                f"The system prompt of this profile needs the variable {name}. Send it in "
                "variables.",
                name,
            )
        value = variables[name]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid("invalid_variable", f"The variable {name} is a text or a number.", name)
        if len(str(value)) > LONGEST_VALUE:
            message = f"The variable {name} has at most {LONGEST_VALUE} characters."
            raise invalid("invalid_variable", message, name)
        filled.append(str(value))
    return "".join(filled)


def places(template: str) -> list[str]:
    """The names of a template's places, each once, in their order.

    Raises ValueError for a brace that is not closed.
    """
    names = (name for _, name, _, _ in string.Formatter().parse(template))
    return list(dict.fromkeys(name for name in names if name is not None))


def pop_variables(body: dict[str, Any]) -> dict[str, Any]:
    """Takes `variables` out of a request's body, because no service knows the field.

    Raises GatewayError 400 when they are not an object.
    """
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
