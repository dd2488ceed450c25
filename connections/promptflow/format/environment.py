"""A connection out of the variables that the vendor's SDK reads."""

from collections.abc import Mapping
from typing import Any

from .errors import Refused
from .shapes import Shape


def from_environment(
    shape: Shape,
    environ: Mapping[str, str],
    *,
    reference: bool = False,
    given: Mapping[str, Any] = {},
) -> dict[str, Any]:
    """The fields that the environment sets, by the names of a file; with `reference`, where each is
    to be read.

    `given` are fields that need not be found. Raises Refused that names the variables that are
    missing, and only these.
    """
    declared = {
        name: shape.setting(name).environment
        for name in shape.theirs or shape.fields
        if shape.setting(name).environment
    }
    if not declared:
        text = f"No environment variables are known for {shape.type}."
        raise Refused([((), f"{text} Use `connection create` with a file.")])
    found = {
        name: f"${{env:{variable}}}" if reference else environ[variable]
        for name, variable in declared.items()
        if environ.get(variable)
    }
    missing = [
        variable
        for name, variable in declared.items()
        if name not in {**found, **given} and _is_required(shape, name, given)
    ]
    if missing:
        text = f"variable{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
        raise Refused([((), f"Set the environment {text}, which {shape.type} needs.")])
    return {"type": shape.type, **found}


def _is_required(shape: Shape, name: str, given: Mapping[str, Any]) -> bool:
    setting = shape.setting(name)
    if setting.required_when_shown and setting.shown_when:
        other, wanted = setting.shown_when
        return given.get(shape.names.get(other, other), wanted[0]) in wanted
    return setting.required
