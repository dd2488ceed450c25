"""Base class and types of the classes of a manifest."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class ManifestPart(BaseModel):
    """A mapping in a manifest: names it does not have are refused, kinds are not guessed, and an
    instance does not change.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def listed(given: Any) -> Any:
    """One thing as a list of it; a list, and nothing, as they are."""
    return given if isinstance(given, list) or given is None else [given]


def _listed_values(given: Any) -> Any:
    return (
        {key: listed(value) for key, value in given.items()} if isinstance(given, dict) else given
    )


Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Templates = Annotated[dict[Line, Line], Field(max_length=50)]
Addresses = Annotated[
    dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=50)], Line],
    Field(max_length=10),
]
Condition = Annotated[
    dict[str, list[str | bool]], BeforeValidator(_listed_values), Field(max_length=1)
]
Listed = BeforeValidator(listed)


def _written(given: Any) -> Any:
    """Numbers, true and false of a mapping as the texts that JSON writes them as."""
    if not isinstance(given, dict):
        return given
    return {
        key: json.dumps(value) if isinstance(value, int | float) else value
        for key, value in given.items()
    }


Parameters = Annotated[Templates, BeforeValidator(_written)]
