"""Tool calls without a number, without an id, with arguments as an object."""

from typing import Any

import pytest

from providers.core.tool_calls import CallNumbers, tool_call


def piece(call_id: str | None = None, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": call_id, "function": {"name": name, "arguments": "{}"}, **more}


PIECES: dict[str, tuple[list[dict[str, Any]], list[int]]] = {
    "numbers": ([piece("a", "f", index=0), piece(index=0), piece("b", "g", index=1)], [0, 0, 1]),
    "one call": ([piece("a", "f"), piece(), piece()], [0, 0, 0]),
    "ids": ([piece("a", "f"), piece("b", "f"), piece("a")], [0, 1, 0]),
    "the id in each piece": (
        [piece("a", "f"), piece("a"), piece("b", "g"), piece("b")],
        [0, 0, 1, 1],
    ),
    "names alone": ([piece("", "f"), piece("", "f")], [0, 1]),
    "goes on with the last": ([piece("a", "f"), piece("b", "g"), piece()], [0, 1, 1]),
}


@pytest.mark.parametrize(("pieces", "numbers"), PIECES.values(), ids=PIECES)
def test_calls_of_a_stream_are_numbered(pieces: list[dict[str, Any]], numbers: list[int]):
    calls = CallNumbers()
    assert [calls.delta(one).index for one in pieces] == numbers


def test_a_call_without_an_id_gets_one():
    first = CallNumbers().delta(piece(None, "f", index=0))
    whole = tool_call({"function": {"name": "f", "arguments": "{}"}})
    assert (first.id or "").startswith("call_") and whole.id.startswith("call_")


def test_arguments_that_are_an_object_become_json():
    told = {"id": "a", "function": {"name": "f", "arguments": {"city": "Århus"}}}
    assert tool_call(told).function.arguments == '{"city": "Århus"}'
    assert CallNumbers().delta(told).arguments == '{"city": "Århus"}'


def test_fields_of_the_service_stay_with_the_call():
    told = {"id": "a", "index": 0, "function": {"name": "f"}, "extra_content": {"google": 1}}
    assert tool_call(told).model_extra == {"extra_content": {"google": 1}}


def test_a_call_of_a_custom_tool_keeps_its_kind():
    told = {"id": "a", "type": "custom", "custom": {"name": "code", "input": "1 + 1"}}
    call = tool_call(told).model_dump(warnings=False)
    assert (call["type"], call["custom"]) == ("custom", told["custom"])
    delta = CallNumbers().delta({"index": 0, **told})
    assert (delta.name, delta.arguments) == ("code", "1 + 1")
