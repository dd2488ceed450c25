"""Tool calls as services that resemble OpenAI's write them: without a number or an id, or with
arguments as an object.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from .messages import FunctionCall, ToolCall
from .results import ToolCallDelta


def arguments_text(told: Any) -> str:
    """Arguments as JSON text, which some services give as an object. Raises TypeError."""
    if told is None:
        return ""
    if isinstance(told, dict | list):
        return json.dumps(told, ensure_ascii=False)
    if not isinstance(told, str):
        raise TypeError
    return told


def tool_call(told: Mapping[str, Any]) -> ToolCall:
    """A whole call. One without an id gets one, because its answer has to name it. One of a kind
    that is OpenAI's own keeps its fields; its `function` tells the name and the input.

    Raises ValueError, KeyError, TypeError or AttributeError for one that is malformed.
    """
    function = _function(told)
    call = FunctionCall(name=function["name"], arguments=arguments_text(function.get("arguments")))
    known = {*ToolCall.model_fields, "index"}
    extra = {name: one for name, one in told.items() if name not in known}
    call_id = told.get("id") or new_call_id()
    if told.get("type") not in (None, "function"):
        return ToolCall.model_construct(id=call_id, type=told["type"], function=call, **extra)
    return ToolCall(id=call_id, function=call, **extra)


def _function(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The name and the arguments of a call. A custom tool is called with a text as its input."""
    custom = told.get("custom")
    if isinstance(custom, Mapping) and not told.get("function"):
        return {"name": custom.get("name"), "arguments": custom.get("input")}
    return told.get("function") or {}


def new_call_id() -> str:
    """An id for a call that came without."""
    return f"call_{uuid4().hex[:24]}"


class CallNumbers:
    """Numbers the calls of one stream, where the service leaves their numbers out. `called`: there
    was a call.

    A piece that has an id or a name that is new begins a call; any other goes on with the last one.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # by the id of the call
        self._last = -1
        self.called = False

    def delta(self, told: Mapping[str, Any]) -> ToolCallDelta:
        """A piece of a call. Raises TypeError or AttributeError for a malformed one."""
        self.called = True
        function = _function(told)
        call_id, name = _word(told.get("id")), _word(function.get("name"))
        number = self._number(told.get("index"), call_id, name)
        is_new = number not in self._numbers.values()
        if name and is_new:
            call_id = call_id or new_call_id()
        if call_id and is_new:
            self._numbers[call_id] = number
        self._last = number
        return ToolCallDelta(number, call_id, name, arguments_text(function.get("arguments")))

    def _number(self, told: Any, call_id: str | None, name: str | None) -> int:
        if isinstance(told, int) and not isinstance(told, bool):
            return told
        if call_id in self._numbers:
            return self._numbers[str(call_id)]
        return max(0, self._last) if not (call_id or name) else self._highest + 1

    @property
    def _highest(self) -> int:
        return max(self._numbers.values(), default=-1)


def _word(told: Any) -> str | None:
    if not isinstance(told, str | None):
        raise TypeError
    return told or None
