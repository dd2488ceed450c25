"""What a service does not take of OpenAI's protocol, and how a chat does without.

A connection says it, a provider knows it, or a refusal taught it (`refusals`). Bodies are JSON
objects; none is changed in place.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from providers.core.chat import ChatRequest, idle_choice
from providers.core.messages import FunctionCall
from providers.core.settings import setting

from ..tool_names import PLAIN, ToolRules, with_names

Word = Literal[
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "developer",
    "content_parts",
    "parallel_tool_calls",
    "user",
    "name",
    "echoes",
    "cache_control",
    "tool_names",
]
WORDS: tuple[str, ...] = get_args(Word)
# Fields of answers that come back in the messages of clients that repeat them whole. Those of
# OpenAI's own that hold something (refusal, audio, function_call) are not among them.
ECHOES = (
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "reasoning_text",
    "thinking_blocks",
    "annotations",
    "provider_specific_fields",
)
# Fields that may ask for nothing.
IDLE = frozenset({"tools", "tool_choice", "parallel_tool_calls", "stream_options"})
OF_CALLS = ("id", "type", "function", "custom")  # of a call; all else in one is an echo too


def _in_order(given: str) -> str:
    words = [word.strip().lower() for word in given.split(",") if word.strip()]
    if any(word not in WORDS for word in words):
        raise PydanticCustomError(
            "not_taken",
            "Write words of these, with commas between them: {words}.",
            {"words": ", ".join(WORDS)},
        )
    return ", ".join(word for word in WORDS if word in words)


def _joined(given: Any) -> Any:
    """A list of words, as programs write one, as the text that is stored."""
    is_list = isinstance(given, list) and all(isinstance(one, str) for one in given)
    return ", ".join(given) if is_list else given


NotTaken = Annotated[str, BeforeValidator(_joined), AfterValidator(_in_order)]


def not_taken_setting() -> Any:
    """The setting of a connection that names what its service does not take."""
    return setting(
        None,
        title="Not taken",
        description=(
            "What the service refuses of OpenAI's protocol, as words with commas between them. "
            "Fields: stream_options, max_tokens or max_completion_tokens (the other one is sent), "
            "parallel_tool_calls, user, cache_control. In messages: developer (sent as system), "
            "content_parts (texts in parts become one text), name (of the author), echoes "
            "(reasoning_content and the like). In tools: tool_names (other than letters, digits, "
            "_ and -). Most refusals are also learned when they come."
        ),
        group="Advanced",
        placeholder="stream_options, developer",
        max_length=300,
    )


def prepared(body: dict[str, Any], not_taken: Iterable[str], rules: ToolRules) -> dict[str, Any]:
    """The chat as a service takes it that does not take `not_taken`, with names by `rules`."""
    body = without_idle(body) | {"messages": [_tidy(one) for one in body["messages"]]}
    for word in not_taken:
        if word in LEAVE_OUT:
            body = LEAVE_OUT[word](body)
    return with_names(body, rules_of(not_taken, rules))


def rules_of(not_taken: Iterable[str], rules: ToolRules) -> ToolRules:
    """The rules for names of tools, where the connection may say that there are some."""
    if rules.names is None and "tool_names" in not_taken:
        return ToolRules(PLAIN, rules.ids, rules.are_unique)
    return rules


def without_idle(body: dict[str, Any]) -> dict[str, Any]:
    """The body without what changes nothing and is refused by many: a choice among no tools, an
    empty list of tools, the options of a stream where there is none.
    """
    if IDLE.isdisjoint(body):
        return body
    tools = len(body.get("tools") or ())
    idle = {name for name, value in body.items() if idle_choice(name, value, tools)}
    if tools > 0:
        idle.discard("parallel_tool_calls")
    idle |= {"tools"} if tools == 0 else set()
    idle |= set() if body.get("stream") else {"stream_options"}
    return {name: value for name, value in body.items() if name not in idle}


def _tidy(message: dict[str, Any]) -> dict[str, Any]:
    """A message without empty fields, and with arguments that are JSON.

    An answer that was cut off would else be refused in every request that follows.
    """
    if "tool_calls" not in message and None not in message.values():
        return message
    found = {name: value for name, value in message.items() if value is not None}
    if "content" in message:
        found["content"] = message["content"]
    if not message.get("tool_calls"):
        found.pop("tool_calls", None)
        return found
    found["tool_calls"] = [_with_whole_arguments(call) for call in message["tool_calls"]]
    return found


def _with_whole_arguments(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(given := function.get("arguments"), str):
        return call
    parsed = FunctionCall(name="", arguments=given).parsed()
    with suppress(ValueError, RecursionError):
        if parsed == json.loads(given):
            return call
    whole = json.dumps(parsed, ensure_ascii=False)
    return {**call, "function": {**function, "arguments": whole}}


def _without_field(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda body: {name: value for name, value in body.items() if name not in names}


def _renamed(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def rename(body: dict[str, Any]) -> dict[str, Any]:
        if body.get(old) is None:
            return body
        value = body[new] if body.get(new) is not None else body[old]
        return {name: one for name, one in body.items() if name != old} | {new: value}

    return rename


def _each_message(
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda body: {**body, "messages": [change(message) for message in body["messages"]]}


def _as_system(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "role": "system"} if message["role"] == "developer" else message


def _as_text(message: dict[str, Any]) -> dict[str, Any]:
    if not has_text_parts(message):
        return message
    return {**message, "content": "\n".join(part["text"] for part in message["content"])}


def has_text_parts(message: dict[str, Any]) -> bool:
    """True for a message whose content is a list of texts only."""
    content = message.get("content")
    return (
        isinstance(content, list)
        and bool(content)
        and all(part.get("type") == "text" for part in content)
    )


def _without_name(message: dict[str, Any]) -> dict[str, Any]:
    """A tool's message keeps it: it names the function."""
    if message["role"] == "tool" or "name" not in message:
        return message
    return {name: value for name, value in message.items() if name != "name"}


def _without_echoes(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] != "assistant":
        return message
    found = {name: value for name, value in message.items() if name not in ECHOES}
    if calls := found.get("tool_calls"):
        found["tool_calls"] = [
            {name: value for name, value in call.items() if name in OF_CALLS} for call in calls
        ]
    return found


def _without_marks(body: dict[str, Any]) -> dict[str, Any]:
    """Without `cache_control`, wherever clients write it."""
    found = _bare(body)
    found["messages"] = [_bare(message) for message in body["messages"]]
    for message in found["messages"]:
        if isinstance(message.get("content"), list):
            message["content"] = [_bare(part) for part in message["content"]]
    if body.get("tools"):
        found["tools"] = [_bare(tool) for tool in body["tools"]]
        for tool in found["tools"]:
            if isinstance(tool.get("function"), dict):
                tool["function"] = _bare(tool["function"])
    return found


def _bare(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != "cache_control"}


# What is done about each word; `tool_names` is a rule for names, see `rules_of`.
LEAVE_OUT: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "stream_options": _without_field("stream_options"),
    "max_tokens": _renamed("max_tokens", "max_completion_tokens"),
    "max_completion_tokens": _renamed("max_completion_tokens", "max_tokens"),
    "developer": _each_message(_as_system),
    "content_parts": _each_message(_as_text),
    "parallel_tool_calls": _without_field("parallel_tool_calls"),
    "user": _without_field(*(ChatRequest.HINTS - {"cache_control"})),
    "name": _each_message(_without_name),
    "echoes": _each_message(_without_echoes),
    "cache_control": _without_marks,
}
