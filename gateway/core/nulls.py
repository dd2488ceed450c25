"""Fields that are null in a request count as left out: many clients write every field, and services
that know no null for one of them would refuse the request.
"""

from typing import Any


def without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """A request in OpenAI's format without its null fields, also in messages and in functions.

    `content` of a message stays: beside tool calls null is what it means. So does whatever is in a
    function's parameters and in a schema, where null is a value. `body` is not changed.
    """
    found: dict[str, Any] = {**_kept(body)}
    if isinstance(found.get("messages"), list):
        found["messages"] = [_kept(one, "content") for one in found["messages"]]
    if isinstance(found.get("tools"), list):
        found["tools"] = [_with_function(one) for one in found["tools"]]
    if "stream_options" in found:
        found["stream_options"] = _kept(found["stream_options"])
    return found


def _kept(given: Any, *names: str) -> Any:
    """An object without the fields that are null, except those of `names`; all else as it is."""
    if not isinstance(given, dict) or None not in given.values():
        return given
    return {name: value for name, value in given.items() if value is not None or name in names}


def _with_function(tool: Any) -> Any:
    found = _kept(tool)
    if not isinstance(found, dict) or "function" not in found:
        return found
    return {**found, "function": _kept(found["function"])}
