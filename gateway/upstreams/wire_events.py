"""Events of a stream in OpenAI's format: which are sound, and what one of them tells."""

from typing import Any

from pydantic_core import SchemaValidator, ValidationError, core_schema

from providers.core.openai_usage import usage_in
from providers.core.results import ChatChunk, FinishReason, Usage
from providers.core.texts import mended_tree
from providers.core.tool_calls import CallNumbers
from providers.vendors.openai.response import text_of

from ..core import sse

# A chunk as most services write it. It is read through and nothing is kept of it, which takes half
# as long as parsing it.
CHUNK = SchemaValidator(
    core_schema.typed_dict_schema(
        {"model": core_schema.typed_dict_field(core_schema.str_schema(min_length=1))}
    )
)
DONE = sse.DONE.rstrip()


def is_plain(block: bytes) -> bool:
    """True for a block of chunks that can be passed on as they are: JSON in UTF-8, in one line,
    with the name of a model. Any other has to be looked at more closely.
    """
    try:
        for one in block.split(b"\n\n"):
            if one.startswith(b"data:"):
                if one != DONE:
                    CHUNK.validate_json(one[5:])
            elif one:
                return False
    except ValidationError:
        return False
    return True


def until_broken(block: bytes) -> tuple[bytes, bool]:
    """The events of a block before the first whose data is not JSON, and whether there is one.

    JSON that is not an object is left out, as no client knows what to do with it; bytes in JSON
    that are not UTF-8 become U+FFFD.
    """
    kept = list[bytes]()
    for one in sse.events(block):
        try:
            found = sse.json_of(one)
        except ValueError:
            return b"".join(kept), True
        if found is not None:
            kept.append(one if _is_text(one) else sse.event(mended_tree(found)))
        elif sse.is_done(one) or not sse.data_of(one):
            kept.append(one)
    return b"".join(kept), False


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def until_failure(block: bytes) -> tuple[bytes, Any]:
    """The events of a block before the first one that tells of an error, and that error; None where
    there is no such event.
    """
    if not sse.may_fail(block):
        return block, None
    before = list[bytes]()
    for one in sse.events(block):
        if (error := sse.failure(one)) is not None:
            return b"".join(before), error
        before.append(one)
    return block, None


def usage_of_first(events: bytes) -> Usage | None:
    """The usage that the first of these events tells, None where it tells none."""
    if not sse.USAGE.search(events):
        return None
    try:
        return usage_in(sse.json_of(sse.events(events)[0]))
    except ValueError:
        return None


def says_something(one: bytes) -> bool:
    """True for a chunk that has more than the role of who answers: services send that before the
    model has begun. Raises ValueError for data that is not JSON.
    """
    found = sse.json_of(one)
    if found is None or not isinstance(choices := found.get("choices"), list):
        return False
    return not all(map(_is_silent, choices))


def _is_silent(choice: Any) -> bool:
    if not isinstance(choice, dict) or choice.get("finish_reason"):
        return False
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return False
    return not any(value for name, value in delta.items() if name != "role")


def chunk_of(found: dict[str, Any] | None, numbers: CallNumbers) -> ChatChunk | None:
    """The first choice of a chunk in OpenAI's format, None without one. `numbers`: of the calls of
    its stream.

    Raises ValueError, LookupError, TypeError or AttributeError for a malformed chunk.
    """
    choice = (found.get("choices") or [None])[0] if found else None
    if not choice:
        return None
    delta, reason = choice.get("delta") or {}, choice.get("finish_reason")
    calls = tuple(numbers.delta(one) for one in delta.get("tool_calls") or ())
    finish = finish_of(reason) if reason else None
    return ChatChunk(text_of(delta.get("content")) or "", calls, finish)


def text_in(one: bytes) -> str:
    """The text of a chunk's first choice, empty for an event of any other shape."""
    try:
        chunk = chunk_of(sse.json_of(one), CallNumbers())
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return chunk.content if chunk else ""


def finish_of(word: Any) -> FinishReason:
    """A finish reason by the protocol's word; an unknown one is a stop.

    `function_call` is the older word for `tool_calls`.
    """
    if word == "function_call":
        return FinishReason.TOOL_CALLS
    return FinishReason(word) if word in set(FinishReason) else FinishReason.STOP
