"""Base class and types of the classes of a manifest."""

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
Condition = Annotated[
    dict[str, list[str | bool]], BeforeValidator(_listed_values), Field(max_length=1)
]
Listed = BeforeValidator(listed)
